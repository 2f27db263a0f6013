#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=one,last
# cpus=2
#
# Two at once, on two processors if there are: configuration, dumps, traffic and
# teardown of the same devices.
#
#   OA: xv0 10.8.0.1                     OB: xv0 10.8.0.2
#        :                                    :
#   UA: 192.0.2.1 --------- v0 --------- UB: 192.0.2.2

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/stormlib.sh"

: "${XVTI_ROUNDS:=8}"
readonly PACKETS=300

# Two of each, on processors of their own: xvti in UA, ip in OA.
setup()
{
	account_begin
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	load_on 50 "$IA4 $IA6" "$IB4 $IB6"
	LAST_CPU=$(($(nproc) - 1))
	[ "$LAST_CPU" -gt 0 ] || note "there is one processor"
	feed_xvti x0 "$UA"
	feed_xvti x1 "$UA"
	feed_ip i0 "$OA"
	feed_ip i1 "$OA"
	on_cpu 0 x0 i0
	on_cpu "$LAST_CPU" x1 i1
}

on_cpu() # cpu name...
{
	local cpu=$1 name

	shift
	for name; do
		must taskset -cp "$cpu" "${FEED_PID[$name]}"
	done
}

# What comes to the two does so at the same time: nothing waits for the other.
both() # command...
{
	tell x0 "$@"
	tell x1 "$@"
}

# After all of it the tunnel is what it was, and then goes without a trace.
finish()
{
	ping_ok "afterwards" "$OA" "$IB4"
	ping_ok "afterwards" "$OB" "$IA6"
	load_end
	run_deferred
	check_leaks
	account_end
}

# Both change the same device all the time, and each change is whole: endpoints
# and binding are always of one of them.
case_configuration()
{
	local round

	setup
	background "$TMP/events" in_ns "$OA" xvti -j monitor
	for ((round = 0; round < XVTI_ROUNDS; round++)); do
		tell x0 "-n $OA set xv0 reqid 71 queue 1" "-n $OA set xv0 local $A4 remote $B4 reqid 7"
		tell x1 "-n $OA set xv0 reqid 72 queue 2" "-n $OA set xv0 remote any mark 9" \
			"-n $OA set xv0 local $A4 remote $B4 mark none reqid 7"
		tell i0 "link set xv0 down" "link set xv0 up"
		tell i1 "link set xv0 mtu 1300" "link set xv0 multicast off" "link set xv0 multicast on"
		told_all x0 x1 i0 i1 || break
	done
	must in_ns "$OA" xvti set xv0 local "$A4" remote "$B4" reqid 7 mark none queue 3 mtu auto up
	await "the last event" grep -q '"queue":3\>' "$TMP/events"
	stop "$BG_PID"
	check_eq "mixed" "$(jq -c 'select([.reqid, .queue] == [71, 2] or
		[.reqid, .queue] == [72, 1])' "$TMP/events")" ""
	check_ge "seen of the first" "$(grep -c '"reqid":71,' "$TMP/events")" 1
	check_ge "seen of the second" "$(grep -c '"reqid":72,' "$TMP/events")" 1
	ip_batch "$OA" <<<"addr replace $IA6/64 dev xv0 nodad"
	finish
}

# Dumps on one while devices come and go on the other.
case_dumps()
{
	local round

	setup
	for ((round = 0; round < XVTI_ROUNDS; round++)); do
		tell x0 "add xd$round local $A4 remote $B4 reqid 1$round netns $OA up" \
			"add xe$round local $A4 remote $B4 reqid 2$round up" \
			"-n $OA delete xd$round" "delete xe$round"
		tell x1 "-n $OA -s -d show" show "-n $OA -j show" export
		tell i1 "link show" "-6 addr show" "link show type xvti"
		told_all x0 x1 i1 || break
	done
	check_eq "devices left" "$(in_ns "$UA" xvti -j show)" "[]"
	finish
}

# Both make and delete the same devices: one of them each time, no more.
case_teardown()
{
	local round

	setup
	for ((round = 0; round < XVTI_ROUNDS; round++)); do
		both "add xd local $A4 remote $B4 reqid 9 netns $OA up" \
			"-n $OA delete xd"
		ip_batch_force "$OA" <<<$'link add xf type xvti\nlink del xf' >/dev/null 2>&1 &
		ip_batch_force "$OA" <<<$'link del xd\nlink del xf' >/dev/null 2>&1
		wait "$!"
		told_all x0 x1 || break
	done
	both "-n $OA delete xd" "delete xd"
	told_all x0 x1
	check_eq "devices" "$(in_ns "$OA" xvti -j show | jq -r '.[].ifname')" xv0
	finish
}

# The tunnel's own SAs are flushed and made while its device is deleted and made.
case_all()
{
	local round

	setup
	feed_ip sas "$UA"
	on_cpu "$LAST_CPU" sas
	for ((round = 0; round < XVTI_ROUNDS; round++)); do
		hear pair_lines 7 0x1000
		tell sas "xfrm state flush" "$HEARD" "xfrm state flush" "$HEARD"
		tell x0 "-n $OA delete xv0" "add xv0 local $A4 remote $B4 reqid 7 netns $OA up"
		tell x1 "-n $OA show xv0" "-n $OA set xv0 carrier sa" "-n $OA set xv0 carrier always"
		told_all x0
		add_addr "$OA" xv0 "$IA4"/24 "$IA6"/64
		told_all sas x1 || break
	done
	finish
}

# An SA that comes between the moment when a packet finds none and the one when it
# waits. The SA finds no packet to wake, and the packet has no other that would.
case_meanwhile()
{
	setup_hosts
	NO_QUEUE=()
	setup_tunnel 4
	cipher gcm
	sa_add "$UA" "$A" "$B" 0x1000 7
	meanwhile 0
}

# The same where the policy database is asked for each packet.
case_meanwhile_policy()
{
	setup_hosts
	outer 4
	NO_QUEUE=()
	add_dev "$UA" "$OA" xv0 "$A" "$B" mark 6 mode policy -- "$IA4"/24
	ip_batch "$UA" <<<"xfrm policy add src $IA4/24 dst $IB4/24 dir out mark 6 tmpl src $A dst $B proto esp reqid 61 mode tunnel"
	cipher gcm
	ip_batch "$UA" <<<"$(sa_line "$A" "$B" 0x1000 61 mark 6)"
	meanwhile 6
}

meanwhile() # mark
{
	note "seed $XVTI_SEED"
	truncate -s 2 "$TMP/round"
	background "$TMP/added" in_ns "$UA" "$SELFTESTS/meanwhile.py" add "$TMP/round" \
		"$PACKETS" "$B" 0x1000 "$1" "$XVTI_SEED"
	hear with_errors in_ns "$OA" "$SELFTESTS/meanwhile.py" send "$TMP/round" \
		"$PACKETS" xv0 "$IB4"
	check_eq "packets that were sent" "$HEARD" "$PACKETS"
	check_eq "what was said of SAs" "$(<"$TMP/added")" ""
	check_no_drops "$OA" xv0
}

need_module
run_cases configuration dumps teardown all meanwhile meanwhile_policy
