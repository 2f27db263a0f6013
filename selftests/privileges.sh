#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
#
# Who may see and who may change what: to change a tunnel takes CAP_NET_ADMIN
# over both of its namespaces.
#
#   overlay: xv0 10.8.0.1
#        :
#   underlay: v0 192.0.2.1
#
# Of six that ask, each is tried for each row of the table, which is also that of
# Documentation/security.rst; tools/tests/privileges.sh compares the two.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# user: a user of the host, without privilege, in the overlay
# userns: root of a user namespace, in the overlay, which is the host's
# overlay, underlay, both: root of a user namespace that owns these
# host: the host's root, in the overlay
readonly WHO="user userns overlay underlay both host"
read -rd '' TABLE <<'END'
see the device                  yes   yes   yes   no    yes   yes
see its counters                yes   yes   yes   no    yes   yes
see its events                  yes   yes   yes   no    yes   yes
explain what is inside          yes   yes   yes   no    yes   yes
explain what is outside         no    no    no    no    yes   yes
see its SAs                     no    no    no    no    yes   yes
export it                       yes   yes   yes   no    yes   yes
create a device                 no    no    yes   yes   yes   yes
create one of its underlay      no    no    no    yes   yes   yes
create one in its overlay       no    no    yes   no    yes   yes
delete it                       no    no    yes   no    yes   yes
rename it                       no    no    yes   no    yes   yes
move it to an own namespace     no    no    yes   no    yes   yes
move it to the host             no    no    no    no    no    yes
set it down and up              no    no    yes   no    yes   yes
set its MTU by ip               no    no    yes   no    yes   yes
set its MTU by xvti             no    no    no    no    yes   yes
set its endpoints               no    no    no    no    yes   yes
set its binding                 no    no    no    no    yes   yes
set its lower device            no    no    no    no    yes   yes
set its mode                    no    no    no    no    yes   yes
set its carrier                 no    no    no    no    yes   yes
set its queue                   no    no    no    no    yes   yes
change policies there           no    no    yes   yes   yes   yes
END
readonly TABLE
readonly REFUSAL='permi|EPERM|ENODEV|CAP_NET_ADMIN|no such device|cannot find device|does not exist|invalid "netns"'

# --- who asks ---------------------------------------------------------------

# A user namespace with two network namespaces, which have names, too.
user_namespace()
{
	background /dev/null unshare -Urn sleep 1000
	OWNER=$BG_PID
	await "user namespace" own "$OWNER" test -d /proc/sys/net/ipv4/conf/lo
	background /dev/null nsenter -t "$OWNER" -U -n unshare -n sleep 1000
	SECOND=$BG_PID
	await "its second namespace" second_namespace
	name_namespace "$OWNER"
	name_namespace "$SECOND"
}

second_namespace()
{
	[ "$(readlink "/proc/$SECOND/ns/net")" != "$(readlink "/proc/$OWNER/ns/net")" ] &&
		[ "$(readlink "/proc/$SECOND/ns/user")" = "$(readlink "/proc/$OWNER/ns/user")" ]
}

name_namespace() # pid
{
	must ip netns attach "own-$1" "$1"
	defer ip netns del "own-$1"
}

own() # pid command...
{
	nsenter -t "$1" -U -n "${@:2}"
}

# UNDER, OVER and SEAT are how the host acts in the underlay, in the overlay, and
# where the one is who asks, AS; OVERLAY is where the device lives, by name or
# PID, and ELSEWHERE and there another namespace, of AS's own if it has any.
seat() # who
{
	local -a in_underlay=("$SELFTESTS/inns" "$UA") in_overlay=("$SELFTESTS/inns" "$OA")

	UNDER=("${in_underlay[@]}") OVER=("${in_overlay[@]}") OVERLAY=$OA
	ELSEWHERE=$UA there=("${UNDER[@]}")
	case $1 in
	overlay) OVER=(nsenter -t "$OWNER" -n) OVERLAY=$OWNER ;;
	underlay) UNDER=(nsenter -t "$OWNER" -n) ;;
	both)
		UNDER=(nsenter -t "$SECOND" -n)
		OVER=(nsenter -t "$OWNER" -n) OVERLAY=$OWNER
		;;
	esac
	SEAT=("${OVER[@]}")
	case $1 in
	user) AS=("${SEAT[@]}" setpriv --reuid 65534 --regid 65534 --clear-groups) ;;
	userns) AS=("${SEAT[@]}" unshare -Ur) ;;
	host) AS=("${SEAT[@]}") ;;
	*)
		AS=(nsenter -t "$OWNER" -U -n)
		ELSEWHERE=$SECOND there=(nsenter -t "$SECOND" -n)
		;;
	esac
	[ "$1" != underlay ] || SEAT=("${UNDER[@]}")
}

device()
{
	must "${UNDER[@]}" xvti add xv0 local "$A4" remote "$B4" reqid 7 netns "$OVERLAY"
	"${OVER[@]}" ip -batch - <<-END || die "addresses of xv0"
		link set xv0 addrgenmode none
		link set xv0 up
		addr add $IA4/24 dev xv0
	END
}

underlay()
{
	cipher gcm
	outer 4
	hear pair_lines 7 0x1000
	"${UNDER[@]}" ip -batch - <<-END || die "the underlay"
		link add v0 type dummy
		addr add $A4/24 dev v0
		link set v0 up
		$HEARD
	END
}

# --- what is asked ----------------------------------------------------------

# A command of the one who asks; what it says is in SAID.
tries() # command...
{
	"${AS[@]}" "$@" >"$TMP/said" 2>&1
	local rc=$?

	SAID=$(<"$TMP/said")
	return "$rc"
}

as_it_was() { must "${OVER[@]}" "$@"; }

back_home()
{
	must "$@" ip link set xv0 netns "$OVERLAY"
	as_it_was ip link set xv0 up
}

try_see_the_device() { [[ $SHOWN = *'"ifname":"xv0"'* ]]; }
try_see_its_counters() { [[ $SHOWN = *'"tx_packets":'*'"tx_no_sa":'* ]]; }
try_see_its_SAs() { [[ $SHOWN = *'"sas":[{'* ]]; }
try_see_its_events() { grep -q '"xv0".*"queue":9' "$TMP/events"; }
try_explain_what_is_inside() { [[ $EXPLAINED = *"$IB4 leaves by xv0"* ]]; }
try_explain_what_is_outside()
{
	[[ $EXPLAINED = *"the peer $B4 is reached by v0"* ]]
}
try_export_it()
{
	tries xvti export xv0 && [[ $SAID = "-n "*" add xv0 local $A4 "* ]]
}
try_create_a_device()
{
	tries xvti add xv9 local 192.0.2.8 remote 192.0.2.9 reqid 99 || return
	must "${SEAT[@]}" ip link del xv9
}
# What is seen is a number for the underlay. Who sits there has no device to see.
try_create_one_of_its_underlay()
{
	local -a underlay=()

	[[ ! $SHOWN =~ '"underlay_netnsid":'([0-9]+) ]] ||
		underlay=(link-netnsid "${BASH_REMATCH[1]}")
	tries ip link add xv9 "${underlay[@]}" type xvti || return
	must "${SEAT[@]}" ip link del xv9
}
try_create_one_in_its_overlay()
{
	tries ip link add xv9 netns "$OVERLAY" type xvti || return
	must "${OVER[@]}" ip link del xv9
}
try_delete_it() { tries xvti del xv0 && device; }
try_rename_it()
{
	local rc

	as_it_was ip link set xv0 down
	tries ip link set xv0 name own0
	rc=$?
	[ "$rc" -ne 0 ] || as_it_was ip link set own0 name xv0
	as_it_was ip link set xv0 up
	return "$rc"
}
try_move_it_to_an_own_namespace()
{
	tries ip link set xv0 netns "$ELSEWHERE" && back_home "${there[@]}"
}
try_move_it_to_the_host() { tries ip link set xv0 netns 1 && back_home; }
try_set_it_down_and_up() { tries ip link set xv0 down && tries ip link set xv0 up; }
try_set_its_MTU_by_ip()
{
	tries ip link set xv0 mtu 1350 || return
	check_eq "MTU by ip" "$("${OVER[@]}" xvti -j show xv0 | jq '.[0].mtu')" 1350
	as_it_was xvti set xv0 mtu auto
}

# By xvti set, and back.
sets() # words words
{
	# shellcheck disable=SC2086 # words
	tries xvti set xv0 $1 || return
	# shellcheck disable=SC2086 # words
	as_it_was xvti set xv0 $2
}
try_set_its_MTU_by_xvti() { sets "mtu 1300" "mtu auto"; }
try_set_its_endpoints()
{
	sets "local 192.0.2.3 remote 192.0.2.9" "local $A4 remote $B4"
}
try_set_its_binding() { sets "reqid 8 mark 6" "reqid 7 mark none"; }
lower_index() { "${UNDER[@]}" ip -j link show v0 | jq '.[0].ifindex'; }

# The command would have to see it first.
try_set_its_lower_device()
{
	tries "$SELFTESTS/genl.py" set ifname=xv0 link="$LOWER" || return
	as_it_was xvti set xv0 dev none
}
try_set_its_mode() { sets "mode policy mark 6" "mode direct mark none"; }
try_set_its_carrier() { sets "carrier sa" "carrier always"; }
try_set_its_queue() { sets "queue 5" "queue 16"; }
try_change_policies_there()
{
	local policy="src 10.99.0.0/24 dst 10.99.0.0/24 dir out"

	# shellcheck disable=SC2086 # words
	tries ip xfrm policy add $policy action block || return
	# shellcheck disable=SC2086 # words
	must "${SEAT[@]}" ip xfrm policy del $policy
}

# --- the table --------------------------------------------------------------

# Events of the seat until its device of this name has come and gone.
hear_of() # name
{
	printf 'link add %s type xvti\nlink del %s\n' "$1" "$1" | "${SEAT[@]}" ip -batch -
	grep -q "$1" "$TMP/events"
}

# What is only to be looked at is asked for once.
look()
{
	background "$TMP/events" "${AS[@]}" xvti -j monitor
	tries xvti -j -s show xv0
	SHOWN=$SAID
	tries xvti explain xv0 to "$IB4"
	EXPLAINED=$SAID
	await "events" hear_of probe0
	must "${OVER[@]}" xvti set xv0 queue 9
	as_it_was xvti set xv0 queue 16
	await "events after that" hear_of probe1
	stop "$BG_PID"
}

state()
{
	"${OVER[@]}" xvti -j show xv0 | jq -cS '.[0] | del(.ifindex, .running, .mtu)'
}

# An empty SAID is that of what was only looked at.
cell() # who what yes|no
{
	SAID=
	if "try_${2// /_}"; then
		[ "$3" = yes ] || fail "$1: could $2"
	elif [ "$3" = yes ]; then
		fail "$1: could not $2: $SAID"
	elif [[ $SAID ]] && ! grep -qiE "$REFUSAL" <<<"$SAID"; then
		fail "$1: could not $2, but for another reason: $SAID"
	fi
}

column() # who
{
	local -a words names
	local column=0 line before

	read -ra names <<<"$WHO"
	while [ "${names[column]}" != "$1" ]; do
		column=$((column + 1))
	done
	before=$(state)
	LOWER=$(lower_index)
	look
	while read -r line; do
		read -ra words <<<"$line"
		cell "$1" "${words[*]:0:${#words[@]}-6}" "${words[-6 + column]}"
	done <<<"$TABLE"
	check_eq "$1: state in the end" "$(state)" "$before"
}

whole_column() # who
{
	setup_ns UA OA
	case $1 in
	overlay | underlay | both) user_namespace ;;
	esac
	seat "$1"
	underlay
	device
	column "$1"
}

case_user() { whole_column user; }
case_userns() { whole_column userns; }
case_overlay() { whole_column overlay; }
case_underlay() { whole_column underlay; }
case_both() { whole_column both; }
case_host() { whole_column host; }

# --- what is in an answer ---------------------------------------------------

# No address of the kernel's, and nothing of the underlay but what the device was
# told: neither its names nor other addresses, SAs and policies.
clean() # what command...
{
	local what=$1

	shift
	tries "$@" || fail "$what: '$*' failed: $SAID"
	# ip has found by itself what is called so in /run/netns
	SAID=${SAID//link-netns $UA}
	no_secrets "$what"
}

no_secrets() # what
{
	local found="ffff[89a-f][0-9a-f]{11}|[0-9a-f]{10}[89a-f][0-9a-f]ffff"

	found+="|$UA|secret|198\.51\.100\.77|0x0*bad|10\.77\."
	! grep -qiE "$found" <<<"$SAID" ||
		fail "$1: $(grep -oiE ".{0,20}($found).{0,20}" <<<"$SAID")"
}

answers()
{
	clean "show" xvti -s show xv0
	clean "JSON" xvti -j -s show xv0
	clean "explain" xvti explain xv0 to "$IB4"
	clean "ip" ip -d -s link show xv0
	clean "ethtool" ethtool -S xv0
	clean "the driver" ethtool -i xv0
	clean "dump" "$SELFTESTS/genl.py" dump
	clean "attributes" "$SELFTESTS/genl.py" look ifname=xv0
	[[ $SAID = *"lower-mtu "*"stats "* ]] || fail "attributes: $SAID"
	look
	SAID=$(<"$TMP/events")
	[[ $SAID = *'"queue":9'* ]] || fail "events: $SAID"
	no_secrets "events"
}

secrets()
{
	hear sa_line 198.51.100.77 198.51.100.78 0xbad 7
	ip_batch "$UA" <<-END
		link add secret0 type dummy
		addr add 198.51.100.77/24 dev secret0
		link set secret0 up
		$HEARD
		xfrm policy add src 10.77.0.0/16 dst 10.77.0.0/16 dir out tmpl src $A4 dst $B4 proto esp reqid 7 mode tunnel
	END
}

case_answers()
{
	local who

	setup_ns UA OA
	user_namespace
	seat user
	underlay
	secrets
	for who in user overlay; do
		seat "$who"
		device
		must "${OVER[@]}" "$SELFTESTS/genl.py" set ifname=xv0 link="$(lower_index)"
		answers
		as_it_was ip link del xv0
	done
}

# --- more of what the owners of one side can do -------------------------------

# Who has the overlay uses the tunnel, and names no peer for it.
case_traffic()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	user_namespace
	must ip -n "$OA" link set xv0 netns "$OWNER"
	must own "$OWNER" ip link set xv0 addrgenmode none up
	must own "$OWNER" ip addr add "$IA4"/24 dev xv0
	check "traffic" own "$OWNER" ping -n -q -i 0.01 -c 3 -w 20 "$IB4"
	refused "another peer" 'CAP_NET_ADMIN' own "$OWNER" xvti set xv0 remote 192.0.2.9
	check "traffic after that" own "$OWNER" ping -n -q -i 0.01 -c 3 -w 20 "$IB4"
	# nobody there has opened the underlay, or could
	refused "the underlay" 'permi' own "$OWNER" ip netns exec "$UA" true
}

# Root of a container may send to the sockets of who looks into it from outside,
# who must not take that for the kernel's.
case_forged()
{
	local index

	setup_ns UA OA
	user_namespace
	seat overlay
	device
	index=$("${OVER[@]}" xvti -j show xv0 | jq '.[0].ifindex')
	background "$TMP/events" xvti -n "$OWNER" -j monitor
	await "events" hear_of probe0
	check "forge" own "$OWNER" "$SELFTESTS/genl.py" forge ifindex="$index" \
		ifname=forged local="$A4" remote=192.0.2.66 queue=1
	must "${OVER[@]}" xvti set xv0 queue 9
	await "events after that" hear_of probe1
	grep -q '"queue":9' "$TMP/events" || fail "no event of the kernel's: $(cat "$TMP/events")"
	! grep -q 'forged\|192.0.2.66' "$TMP/events" ||
		fail "a container has forged an event: $(cat "$TMP/events")"
}

# Nor may it have another, who may more, send by a socket that it has opened.
case_lent()
{
	local before

	setup_ns UA OA
	user_namespace
	seat overlay
	device
	before=$(state)
	refused "a socket of the container's" "error EPERM CAP_NET_ADMIN" \
		"$SELFTESTS/genl.py" lent "$OWNER" ifname=xv0 queue=9
	check_eq "state" "$(state)" "$before"
	check "a socket of the host's" "${OVER[@]}" "$SELFTESTS/genl.py" set ifname=xv0 queue=9
}

need_module
run_cases user userns overlay underlay both host answers traffic forged lent
