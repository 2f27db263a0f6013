#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=1200
# kernels=built,last
# warns=__dev_change_net_namespace|sysctl could not get directory
#
# The kernel runs out of memory: each allocation on the way of a request fails
# once, one after the other, in the process that asks and in the kernel's threads
# that work for it. Then the request has been done, or nothing has changed; and
# what it allocated is free again, which kmemleak sees.
#
# The core warns where it has no memory for the name of a device that it has moved,
# and for a directory of sysctl.
#
# XVTI_FAULTS is how many of a request's allocations are tried, spread over all;
# 0 is each, see faults-long.sh.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

: "${XVTI_FAULTS:=12}"
readonly FAULTS=/sys/kernel/debug
# More than any request needs.
readonly MANY=100000

need_faults()
{
	local kind

	[[ -d $FAULTS/failslab && -e /proc/self/fail-nth ]] ||
		skip_all "the kernel has no fault injection"
	for kind in failslab fail_page_alloc; do
		echo N >$FAULTS/$kind/ignore-gfp-wait
		# what is reported is not to look like a defect
		echo 0 >$FAULTS/$kind/verbose
	done
	echo 0 >$FAULTS/fail_page_alloc/min-order
	echo N >$FAULTS/fail_page_alloc/ignore-gfp-highmem
}

# Runs a command whose nth allocation fails. Sets RC, and LEFT, which is 0 if
# there were so many.
attempt() # nth command...
{
	local nth=$1

	shift
	: >"$TMP/left"
	export FAIL_NTH=$nth FAIL_REPORT=$TMP/left LD_PRELOAD=$SELFTESTS/failnth
	hear with_errors "$@"
	RC=$?
	unset FAIL_NTH FAIL_REPORT LD_PRELOAD
	[ -s "$TMP/left" ] || die "'$*' never came to its end: $RC, $HEARD"
	read -r LEFT <"$TMP/left"
}

# As attempt(), but the allocations are those of a kernel's thread that works for
# the command: of each thread, as nobody knows which it will be.
attempt_in_threads() # nth command...
{
	local nth=$1 task name left threads=()

	shift
	for task in /proc/[0-9]*; do
		read -r name <"$task/comm" && [[ $name = kworker/u* ]] &&
			threads+=("$task/fail-nth")
	done 2>/dev/null
	for task in "${threads[@]}"; do
		echo "$nth" >"$task"
	done 2>/dev/null
	hear with_errors "$@"
	RC=$?
	LEFT=$nth
	for task in "${threads[@]}"; do
		read -r left <"$task" || continue
		[ "$left" -ge "$LEFT" ] || LEFT=$left
		echo 0 >"$task"
	done 2>/dev/null
}

# What runs a command, and how many times in a row nothing has to fail until it is
# believed that the command has no more allocations: a thread may be a new one.
ATTEMPT=attempt MISSES=1
in_threads()
{
	ATTEMPT=attempt_in_threads MISSES=3
}

# Before each attempt the first function brings about what there is to be, and
# after it the second looks at what has become of it, by RC.
each_fault() # what least-allocations before after command...
{
	local what=$1 least=$2 before=$3 after=$4
	local nth total step=1 misses=0 faults=0 failed=0

	shift 4
	# the first time there may be more, for good
	for nth in 1 2; do
		$before
		$ATTEMPT "$MANY" "$@"
		$after "$what"
		check_eq "$what, without a fault: '$HEARD'" "$RC" 0
	done
	total=$((MANY - LEFT))
	check_ge "$what: allocations" "$total" "$least"
	[ "$total" -gt 0 ] || return
	((XVTI_FAULTS == 0)) || step=$(((total + XVTI_FAULTS - 1) / XVTI_FAULTS))
	for ((nth = 1; misses < MISSES; nth += step)); do
		$before
		$ATTEMPT "$nth" "$@"
		$after "$what, allocation $nth"
		[ "$LEFT" = 0 ] && faults=$((faults + 1)) misses=0 ||
			misses=$((misses + 1))
		[ "$RC" = 0 ] || failed=$((failed + 1))
	done
	# a slab may have had room, or not
	check_ge "$what: faults" "$faults" $((total < 2 * step ? 1 : total / step / 2))
	note "$what: $faults faults of $total allocations, $failed requests failed"
}

nothing() { :; }

settings() # netns device
{
	dev_value "$1" "$2" local remote reqid mark dev mode carrier queue
}

# --- create ------------------------------------------------------------------

made_or_not() # what
{
	local ns found=''

	for ns in "$UA" "$OA"; do
		no_dev "$ns" xv9 || found+="$ns "
	done
	if [ "$RC" != 0 ]; then
		echo "$HEARD" >>"$TMP/refusals"
		check_eq "$1, refused with '$HEARD': the device is in" "$found" ""
		return
	fi
	check_eq "$1: the device is in" "$found" "$OA "
	check_eq "$1: settings" "$(dev_value "$OA" xv9 local remote reqid)" \
		"[\"$A4\",\"$B4\",9]"
	must ip -n "$OA" link del xv9
}

# With SAs that the first device of a namespace has to learn of.
case_create()
{
	local command=(xvti add xv9 local "$A4" remote "$B4" reqid 9)

	: >"$TMP/refusals"
	setup_ns UA OA
	cipher gcm
	ip_batch "$UA" <<-END
		$(sa_line "$A4" "$B4" 0x1000 9)
		$(sa_line "$B4" "$A4" 0x1001 9)
	END
	each_fault "create" 50 nothing made_or_not \
		in_ns "$UA" "${command[@]}" netns "$OA"
	in_threads
	each_fault "create, in threads" 5 nothing made_or_not \
		in_ns "$UA" "${command[@]}" netns "$OA"
	refused_by_policy
}

# --- set ---------------------------------------------------------------------

# The device is as it was before all.
as_before()
{
	[ "$(settings "$OA" xv0)" = "$OLD" ] ||
		must in_ns "$OA" xvti set xv0 local "$A4" remote "$B4" reqid 7 \
			mark none mode direct carrier always queue 0
	check_eq "the device before" "$(settings "$OA" xv0)" "$OLD"
}

# All of it, or nothing; then packets flow as before, too.
set_or_not() # what
{
	local now

	now=$(settings "$OA" xv0)
	if [ "$RC" = 0 ]; then
		check_eq "$1" "$now" "$NEW"
	else
		echo "$HEARD" >>"$TMP/refusals"
		check_eq "$1, refused" "$now" "$OLD"
		ping_ok "$1, refused" "$OA" "$IB4" -c 1
	fi
}

each_set() # what new-settings word...
{
	local what=$1 NEW=$2

	shift 2
	each_fault "$what" 5 as_before set_or_not in_ns "$OA" xvti set xv0 "$@"
}

# That was not refused for want of the answer alone.
refused_by_policy()
{
	grep -q "cannot make the outbound policy" "$TMP/refusals" ||
		fail "no outbound policy was refused"
}

# Afterwards packets flow, by the SAs of before.
case_set()
{
	local where

	: >"$TMP/refusals"
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	OLD=$(settings "$OA" xv0)
	each_set "policy mode" \
		"[\"$A4\",\"$B4\",7,6,null,\"policy\",\"always\",0]" \
		mark 6 mode policy
	for where in "" ", in threads"; do
		[ -z "$where" ] || in_threads
		each_set "endpoint and binding$where" \
			"[\"$A4\",\"192.0.2.77\",8,null,null,\"direct\",\"sa\",9]" \
			remote 192.0.2.77 reqid 8 carrier sa queue 9
		each_set "other family$where" \
			"[\"$A6\",\"$B6\",7,null,null,\"direct\",\"always\",0]" \
			local "$A6" remote "$B6"
	done
	refused_by_policy
	as_before
	both_families "after all"
}

# --- up, and elsewhere ---------------------------------------------------------

is_down() { must ip -n "$OA" link set xv0 down; }

up_or_not() # what
{
	local flags

	flags=$(($(dev_attr "$OA" xv0 flags) & 1))
	check_eq "$1: up" "$flags" $((RC == 0))
}

at_home()
{
	no_dev "$OB" xv0 || must ip -n "$OB" link set xv0 netns "$OA"
}

here_or_there() # what
{
	check_eq "$1: devices" "$(dev_exists "$OA" xv0; echo $?)$(dev_exists "$OB" xv0; echo $?)" \
		"$([ "$RC" = 0 ] && echo 10 || echo 01)"
}

# By xvti, for ip takes it for a refusal if there was no memory for the answer.
case_link()
{
	setup_hosts
	outer 4
	add_dev "$UA" "$OA" xv0 "$A" "$B" reqid 7 --
	each_fault "up" 3 is_down up_or_not xvti -n "$OA" set xv0 up
	each_fault "to another namespace" 20 at_home here_or_there \
		xvti -n "$OA" set xv0 netns "$OB"
	at_home
	must ip -n "$OA" link set xv0 up
	add_addr "$OA" xv0 "$IA4"/24
	add_dev "$UB" "$OB" xv0 "$B" "$A" reqid 7 -- "$IB4"/24
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "after all" "$OA" "$IB4"
}

# --- packets -------------------------------------------------------------------

# A change of the binding and back gives up the bundles.
nothing_cached()
{
	in_ns "$OA" xvti -b - <<-END || fail "cannot set xv0"
		set xv0 queue 8 reqid 8
		set xv0 reqid 7
	END
}

one_packet() # address
{
	in_ns "$OA" ping -n -q -c 1 -W 1 "$1"
}

packets_pass() # what
{
	ping_ok "$1: the next" "$OA" "$FAR" -c 1
	RC=0
}

case_first_packet()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	for FAR in "$IB4" "$IB6"; do
		each_fault "first packet to $FAR" 8 nothing_cached packets_pass \
			one_packet "$FAR"
	done
}

no_sa()
{
	ip_batch "$UA" <<<"xfrm state flush"
	ip_batch "$UB" <<<"xfrm state flush"
}

# One that waits, or could not, and an SA that comes; then there is way for all.
# What was asked for meanwhile makes way, too.
sa_comes() # what
{
	no_sa
	sa_pair 7 0x1000
	ping_ok "$1: the next" "$OA" "$IB4" -c 1
	RC=0
}

case_first_sa()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	must in_ns "$OA" xvti set xv0 queue 8
	listen_for_acquires "$UA"
	each_fault "first packet without an SA" 8 no_sa sa_comes one_packet "$IB4"
}

# SAs of a reqid that is new, and packets by them.
learn_reqid()
{
	REQID=$((REQID + 1))
	sa_pair "$REQID" 0x1000 mark 6
	await "reqid $REQID is learned" is "$REQID" dev_value "$OA" xv0 peer_reqid
	ping_ok "in the end" "$OA" "$IB4" -c 1 -w 10
}

learned() # what
{
	check_eq "$1" "$(dev_value "$OA" xv0 peer_reqid)" "$REQID"
	RC=0
}

# The policies by a reqid that was learned are made in a kernel thread. What fails
# there is tried again, with nobody to ask for it.
case_learned()
{
	local before

	setup_hosts
	setup_tunnel 4 mark 6
	cipher gcm
	REQID=100
	in_threads
	before=$(dmesg | grep -c "no policy: error")
	each_fault "a reqid is learned" 5 no_sa learned learn_reqid
	check_ge "policies that could not be made" \
		$(($(dmesg | grep -c "no policy: error") - before)) 1
}

# --- namespaces ------------------------------------------------------------------

# Devices from it elsewhere, from elsewhere in it, and all in it.
passing_away()
{
	setup_ns GOING
	ip_batch "$UA" <<-END
		link add in0 type xvti
		link set in0 netns $GOING
	END
	ip_batch "$GOING" <<-END
		link add out0 type xvti
		link set out0 netns $UA
		link add all0 type xvti
	END
	must in_ns "$GOING" xvti set all0 local "$A4" remote "$B4" reqid 9
}

pass_away()
{
	delete_ns "$GOING"
	busywait "$XVTI_WAIT" absent "/sys/class/net/s-$GOING"
}

gone() # what
{
	check_eq "$1: gone" "$RC" 0
	check_eq "$1: devices left" "$(ip -n "$UA" -br link show type xvti)" ""
}

# The end of a namespace comes in a kernel thread. For a new one the module allocates
# nothing.
case_netns_exit()
{
	setup_ns UA
	in_threads
	each_fault "the end of a namespace" 5 passing_away gone pass_away
}

need_module
need_faults
run_cases create set link first_packet first_sa learned netns_exit
