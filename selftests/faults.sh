#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=900
# long
#
# The kernel runs out of memory: each allocation on the way of a request fails
# once, one after the other. Then the request has been done, or nothing has
# changed; and what it allocated is free again, which kmemleak sees.
#
# XVTI_STEP takes only each so manieth, see faults-long.sh.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

: "${XVTI_STEP:=41}"
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

# What takes few allocations is tried with more of them.
finer() # step at most
{
	[ "$XVTI_STEP" -le "$1" ] || XVTI_STEP=$1
}

# Before each attempt the first function brings about what there is to be, and
# after it the second looks at what has become of it, by RC.
each_fault() # what least-faults before after command...
{
	local what=$1 least=$2 before=$3 after=$4 faults=0 failed=0 nth=${FIRST_FAULT:-1}

	shift 4
	while :; do
		$before
		attempt "$nth" "$@"
		$after "$what, allocation $nth"
		[ "$LEFT" = 0 ] || break
		faults=$((faults + 1))
		[ "$RC" = 0 ] || failed=$((failed + 1))
		nth=$((nth + XVTI_STEP))
	done
	check_eq "$what, without a fault: '$HEARD'" "$RC" 0
	check_ge "$what: allocations" "$faults" $((least / XVTI_STEP))
	note "$what: $faults faults, $failed requests failed"
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
		check_eq "$1, refused: the device is in" "$found" ""
		return
	fi
	check_eq "$1: the device is in" "$found" "$OA "
	check_eq "$1: settings" "$(dev_value "$OA" xv9 local remote reqid)" \
		"[\"$A4\",\"$B4\",9]"
	must ip -n "$OA" link del xv9
}

case_create()
{
	setup_ns UA OA
	each_fault "create" 50 nothing made_or_not \
		in_ns "$UA" xvti add xv9 local "$A4" remote "$B4" reqid 9 netns "$OA"
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

set_or_not() # what
{
	local now

	now=$(settings "$OA" xv0)
	if [ "$RC" = 0 ]; then
		[ "$now" != "$OLD" ] || fail "$1: nothing was set: $now"
	else
		check_eq "$1, refused" "$now" "$OLD"
	fi
}

# Afterwards packets flow, by the SAs of before.
case_set()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	OLD=$(settings "$OA" xv0)
	each_fault "endpoint and binding" 5 as_before set_or_not \
		in_ns "$OA" xvti set xv0 remote 192.0.2.77 reqid 8 carrier sa queue 9
	each_fault "policy mode" 1 as_before set_or_not \
		in_ns "$OA" xvti set xv0 mark 6 mode policy
	each_fault "other family" 5 as_before set_or_not \
		in_ns "$OA" xvti set xv0 local "$A6" remote "$B6"
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

case_link()
{
	setup_hosts
	outer 4
	add_dev "$UA" "$OA" xv0 "$A" "$B" reqid 7 --
	each_fault "up" 3 is_down up_or_not ip -n "$OA" link set xv0 up
	each_fault "to another namespace" 20 at_home here_or_there \
		ip -n "$OA" link set xv0 netns "$OB"
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
	finer 3
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
	finer 3
	must in_ns "$OA" xvti set xv0 queue 8
	listen_for_acquires "$UA"
	each_fault "first packet without an SA" 8 no_sa sa_comes one_packet "$IB4"
}

# The policies by a reqid that was learned are made in a kernel thread, a new reqid
# each time. What fails there is tried again, with nobody to ask for it.
case_learned()
{
	local octets reqid=100 faults=0

	setup_hosts
	setup_tunnel 4 mark 6
	cipher gcm
	finer 3
	for ((octets = 0; octets < 16384; octets += 128 * XVTI_STEP)); do
		no_sa
		reqid=$((reqid + 1))
		fail_in_threads "$octets"
		sa_pair "$reqid" 0x1000 mark 6
		await "reqid $reqid is learned" is "$reqid" dev_value "$OA" xv0 peer_reqid
		ping_ok "$octets octets: in the end" "$OA" "$IB4" -c 1 -w 10
		[ "$(<"$FAULTS/failslab/times")" = 0 ] && faults=$((faults + 1))
		no_faults
	done
	check_ge "threads that had no memory" "$faults" 5
	note "$faults faults"
}

# --- namespaces ------------------------------------------------------------------

no_passing() { ip netns del passing >/dev/null 2>&1; }

# Only the last of hundreds are ours: the module was the last to come.
case_netns_new()
{
	local FIRST_FAULT

	finer 9
	no_passing
	attempt "$MANY" ip netns add passing
	check_eq "a new namespace" "$RC" 0
	FIRST_FAULT=$((MANY - LEFT - 30))
	[ "$FIRST_FAULT" -gt 0 ] || FIRST_FAULT=1
	each_fault "new namespace" 20 no_passing nothing ip netns add passing
	no_passing
}

# The end of a namespace comes in a kernel thread, whichever of them is free.
# That has no count of its own; what is told is after how many octets its
# memory ends.
fail_in_threads() # octets
{
	local task

	# by default the next allocation of anybody fails, once
	no_faults
	knobs probability 100 interval 1 space "$1"
	for task in /proc/[0-9]*; do
		[[ $(<"$task/comm") != kworker/u* ]] || echo 1 >"$task/make-it-fail"
	done 2>/dev/null
	knobs task-filter Y times 1
}

no_faults()
{
	knobs probability 0 times 0 task-filter N
}

knobs() # name value...
{
	while [ $# -gt 0 ]; do
		echo "$2" >"$FAULTS/failslab/$1"
		shift 2
	done
}

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

case_netns_exit()
{
	local octets faults=0

	setup_ns UA
	finer 9
	for ((octets = 0; octets < 65536; octets += 512 * XVTI_STEP)); do
		passing_away
		fail_in_threads "$octets"
		delete_ns "$GOING"
		check "$octets: gone" busywait "$XVTI_WAIT" absent "/sys/class/net/s-$GOING"
		[ "$(<"$FAULTS/failslab/times")" = 0 ] || break
		no_faults
		faults=$((faults + 1))
		check_eq "$octets: devices left" "$(ip -n "$UA" -br link show type xvti)" ""
	done
	no_faults
	check_ge "namespaces that ended without memory" "$faults" 5
	note "$faults faults"
}

need_module
need_faults
run_cases create set link first_packet first_sa learned netns_new netns_exit
