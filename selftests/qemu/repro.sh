# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# repro.sh - show the kernel's bugs that patches/ fixes, then that they are
# fixed, then that our device survives them without. Sourced by run.sh.
# shellcheck disable=SC2153 # KERNEL_RELEASE comes from guest.sh
#
# A case of upstream-bugs.sh crashes a kernel that has its bug, so each has a
# guest of its own. That the guest dies is not enough: it has to die of a NULL
# dereference, and in the function that is to blame.

# shellcheck source=../../patches/lib.sh
. "$TOP/patches/lib.sh"

REPRO_RELEASE=bookworm
REPRO_LIMIT=${XVTI_REPRO_LIMIT:-600}

# The bugs: case, commit, the function that the fix is in (see patches/fixes),
# where the kernel dies, or - if it does not, or with ? if it may.
repro_bugs()
{
	cat <<-END
	forward_4 9e1437937807 __xfrm_route_forward xfrm_lookup
	forward_6 9e1437937807 __xfrm_route_forward xfrm_lookup
	forward_into_xvti 9e1437937807 __xfrm_route_forward xfrm_lookup
	output_4 9e1437937807 xfrm_output_one xfrm_output
	output_6 9e1437937807 xfrm_output_one xfrm_output
	input_vti 0152eee6fc3b xfrm_input vti_rcv_cb
	input_vti6 0152eee6fc3b xfrm_input vti6_rcv_cb
	input_xfrmi 0152eee6fc3b xfrm_input xfrmi_rcv_cb
	race_vti 0152eee6fc3b xfrm_input vti_rcv_cb?
	mtu_vti6 c6741fbed6dc vti6_dev_setup -
	mtu_vti6_kept 03080e5ec727 vti6_dev_setup -
	END
}

# Say it, and count what was seen and what is not as it should be.
repro_say() # verdict case commit what...
{
	case $1 in
	bug | ok) REPRO_SEEN=$((REPRO_SEEN + 1)) ;;
	'not ok') REPRO_FAILED=$((REPRO_FAILED + 1)) ;;
	esac
	printf '%-6s  %-22s %-18s %s  %s\n' "$1" "$REPRO_LABEL" "$2" "$3" "${*:4}"
}

# Run one shell command in a guest of its own. Sets ENDED to how that ended:
# the command's exit code, died, or hung. Console and output are kept as $1.
repro_guest() # name command
{
	local name=$1 run=$RUN/repro

	guest_directory "$run"
	echo "$2" >"$run/out/command"
	: >"$run/out/output"
	boot_background "$run" exec "$REPRO_RELEASE"
	if wait_answer "$run" exit "$REPRO_LIMIT"; then
		ENDED=$(answer "$run" exit)
	elif boot_alive; then
		ENDED=hung
	else
		ENDED=died
	fi
	boot_stop
	tr -d '\r' <"$run/console" >"$REPRO_OUT/$name.console"
	cp "$run/out/output" "$REPRO_OUT/$name.output"
	rm -rf "$run"
}

# The line by which the kernel says what it died of, and where.
repro_oops() # name
{
	grep -aoE '(BUG: .*NULL pointer.*|RIP: .*)' "$REPRO_OUT/$1.console" |
		head -n 2 | paste -sd';' | sed 's/;/; /'
}

# Whether the guest ended as a kernel with this bug has to.
repro_shown() # name blame
{
	local oops

	if [[ $2 == - ]]; then
		[[ $ENDED == 1 ]]
		return
	fi
	oops=$(repro_oops "$1")
	[[ $ENDED == died && $oops == *"NULL pointer"*"RIP: "*"${2%\?}"* ]]
}

# What the test itself says, for a case that did not end as it had to.
repro_details() # name
{
	grep -aE '^# (FAIL|SKIP)|# SKIP' "$REPRO_OUT/$1.output" | head -n 3 |
		sed 's/^# //' | paste -sd';'
}

repro_notes() # name
{
	grep -a '^# received' "$REPRO_OUT/$1.output" | sed 's/^# //'
}

# Run one case, with the bug or without. A tree of the user's may lack what a
# case needs; the kernels that are made for this do not.
repro_case() # lacks|has case commit blame
{
	local state=$1 case=$2 commit=$3 blame=$4

	repro_guest "$case" "XVTI_CASES=$case ./upstream-bugs.sh"
	if [[ $ENDED == 4 && $MAY_SKIP ]]; then
		repro_say skip "$case" "$commit" "$(repro_details "$case")"
	elif [[ $state == lacks ]] && repro_shown "$case" "$blame"; then
		repro_say bug "$case" "$commit" "as expected:" \
			"$(repro_oops "$case")$(repro_details "$case")"
	elif [[ $blame == *\? && $ENDED == 0 ]]; then
		repro_say ok "$case" "$commit" "not hit, or survived:" \
			"$(repro_notes "$case")"
	elif [[ $state == has && $ENDED == 0 ]]; then
		repro_say ok "$case" "$commit" "fixed: survived, and counted"
	else
		repro_say 'not ok' "$case" "$commit" "$state the fix, ended: $ENDED;" \
			"$(repro_oops "$case")$(repro_details "$case")"
	fi
}

# Our device, where the kernel has the bugs or has not: see deaddst.sh.
repro_xvti()
{
	repro_guest xvti './deaddst.sh'
	if [[ $ENDED == 0 ]]; then
		repro_say ok xvti - "survived the same packets"
	else
		repro_say 'not ok' xvti - "ended: $ENDED;" \
			"$(repro_oops xvti)$(repro_details xvti)"
	fi
}

# All cases on one kernel, that of tree KDIR or of the release, which is called so
# with suffix $1. The states of its fixes are read, as tree_fixes prints them.
repro_kernel()
{
	local fixes case commit name blame state

	fixes=$(cat)
	guest_gather "$REPRO_RELEASE"
	REPRO_LABEL=$KERNEL_RELEASE$1
	REPRO_OUT=$OUT/repro/$REPRO_LABEL
	REPRO_SEEN=0
	rm -rf "$REPRO_OUT"
	mkdir -p "$REPRO_OUT"
	# What is wrong must be seen, whoever it happens to.
	local XVTI_APPEND="${XVTI_APPEND-} oops=panic"
	while read -r case commit name blame <&3; do
		state=has
		! grep -q "^lacks"$'\t'"$commit"$'\t'"$name"$'\t' <<<"$fixes" ||
			state=lacks
		! chosen "$case" ||
			repro_case "$state" "$case" "$commit" "$blame"
	done 3< <(repro_bugs)
	! chosen xvti || repro_xvti
	((REPRO_SEEN > 0)) || repro_say 'not ok' all - "nothing ran"
}

# What no module can do anything about.
repro_explain()
{
	cat <<-END

	Of these, the device is safe from what happens to a packet from the
	moment it has it. Not before: a packet that is forwarded into it by a
	namespace with outbound policies goes through __xfrm_route_forward()
	first (forward_into_xvti). There, on a kernel without the fix, set
	net.ipv4.conf.NAME.disable_xfrm=1 for the device, or keep the policies
	in another namespace than the device's (move the device, its SAs stay
	where they are). IPv6 packets are not concerned before 5.3, and from
	4.19 on the fix is there.
	END
}

run_repro()
{
	local tree fixes name=

	REPRO_FAILED=0
	MAY_SKIP=${KDIR-}
	if [[ ${KDIR-} ]]; then
		tree=$(realpath -e "$KDIR")
	else
		tree=$("$QEMU_DIR/repro-kernel.sh" reopened \
			"$("$QEMU_DIR/root.sh" "$REPRO_RELEASE")")
		name=-reopened
	fi
	fixes=$(tree_fixes "$tree")
	KDIR=$tree repro_kernel "$name" <<<"$fixes"
	if [[ ! ${KDIR-} ]]; then
		grep -q '^lacks' <<<"$fixes" ||
			repro_say 'not ok' all - "has no bug to show"
		repro_kernel '' </dev/null
	elif grep -q '^lacks' <<<"$fixes"; then
		tree=$("$QEMU_DIR/repro-kernel.sh" fixed "$tree")
		KDIR=$tree repro_kernel -patched <<<"$(tree_fixes "$tree")"
	fi
	repro_explain
	echo
	if ((REPRO_FAILED > 0)); then
		echo "$REPRO_FAILED not as expected, see $OUT/repro"
		exit 1
	fi
	echo "all as expected"
}
