#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Policy mode: the policy database decides for each packet, by the mark.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#       10.11.0.1, fd0b::1                   10.11.0.2, fd0b::2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2
#
# The policies let 10.8.0.0/24 and fd08::/64 through, not the other networks.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# The policies of one host, as commands of ip: "policies add A B NET..."; of
# "policies del" nothing but direction, networks and mark is said.
policies() # add|del local remote network...
{
	local verb=$1 local=$2 remote=$3 net dir tmpl

	shift 3
	for net; do
		for dir in out in fwd; do
			tmpl="tmpl src $local dst $remote"
			[ "$dir" = out ] || tmpl="tmpl src $remote dst $local"
			tmpl="priority 100 $tmpl proto esp reqid 61 mode tunnel"
			[ "$verb" = add ] || tmpl=
			echo "xfrm policy $verb src $net dst $net dir $dir mark 6 $tmpl"
		done
	done
}

readonly NET4=10.8.0.0/24 NET6=fd08::/64

# SAs as daemons leave them, marked out only: SPI n from A to B, n + 1 back.
marked_out() # spi
{
	ip_batch "$UA" <<-END
		$(sa_line "$A" "$B" "$1" 61 mark 6)
		$(sa_line "$B" "$A" $(($1 + 1)) 61)
	END
	ip_batch "$UB" <<-END
		$(sa_line "$B" "$A" $(($1 + 1)) 61 mark 6)
		$(sa_line "$A" "$B" "$1" 61)
	END
}

# Both hosts have the policies; the modes are the devices'.
setup() # outer-family mode-of-A mode-of-B
{
	local outer=$1

	setup_hosts
	outer "$outer"
	add_dev "$UA" "$OA" xv0 "$A" "$B" mark 6 mode "$2" -- \
		"$IA4"/24 "$IA6"/64 10.11.0.1/24 fd0b::1/64
	add_dev "$UB" "$OB" xv0 "$B" "$A" mark 6 mode "$3" -- \
		"$IB4"/24 "$IB6"/64 10.11.0.2/24 fd0b::2/64
	policies add "$A" "$B" "$NET4" "$NET6" | ip_batch "$UA"
	policies add "$B" "$A" "$NET4" "$NET6" | ip_batch "$UB"
	cipher gcm
	marked_out 0x1000
}

case_inside()
{
	local outer

	for outer in 4 6; do
		setup "$outer" policy policy
		both_families "IPv$outer outside"
		tcp_ok "IPv$outer outside" "$OA" "$OB" "$IB4"
		check_no_drops "$OA" xv0
		check_no_drops "$OB" xv0
		run_deferred
	done
}

# The database has no policy for these: they do not leave.
case_transmit()
{
	local before

	setup 4 policy policy
	both_families "before"
	before=$(wire_packets "$UA")
	ping_none "IPv4 of another network" "$OA" 10.11.0.2 3
	ping_none "IPv6 of another network" "$OA" fd0b::2 4
	ping_none "one address of another network" "$OA" "$IB4" 2 -I 10.11.0.1
	check_dropped "no policy" "$OA" xv0 tx_policy 9
	check_eq "packets on the wire" $(($(wire_packets "$UA") - before)) 0
	both_families "after"
}

# A's peer asks no database, so that it sends what A may not receive.
case_receive()
{
	setup 4 policy direct
	both_families "before"
	ping_none "IPv4 of another network" "$OB" 10.11.0.1 3
	ping_none "IPv6 of another network" "$OB" fd0b::1 4
	ping_none "one address of another network" "$OB" "$IA4" 2 -I 10.11.0.2
	check_dropped "no policy" "$OA" xv0 rx_policy 9
	check_eq "packets received" "$(link_stat "$OA" xv0 rx_packets)" 12
	both_families "after"
}

# A block is obeyed too.
case_block()
{
	setup 4 policy direct
	both_families "before"
	ip_batch "$UA" <<-END
		xfrm policy add src $IA4 dst $IB4 dir out mark 6 priority 1 action block
		xfrm policy add src $IB6 dst $IA6 dir in mark 6 priority 1 action block
	END
	ping_none "blocked out" "$OA" "$IB4" 3
	ping_none "blocked in" "$OB" "$IA6" 4
	check_eq "drops" "$(drops "$OA" xv0 | xargs)" "tx_policy:3 rx_policy:4"
}

# Nothing is kept from one packet for the next.
case_at_once()
{
	setup 4 policy policy
	both_families "before"
	policies del "$A" "$B" "$NET4" | ip_batch "$UA"
	ping_none "policies of IPv4 are gone" "$OA" "$IB4" 3
	check_dropped "policies of IPv4 are gone" "$OA" xv0 tx_policy 3
	ping_none "policies of IPv4 are gone" "$OB" "$IA4" 3
	check_eq "drops" "$(drops "$OA" xv0 | xargs)" "tx_policy:3 rx_policy:3"
	ping_ok "policies of IPv6 are not" "$OA" "$IB6"
	policies add "$A" "$B" "$NET4" 10.11.0.0/24 | ip_batch "$UA"
	both_families "policies are back"
	policies add "$B" "$A" 10.11.0.0/24 | ip_batch "$UB"
	ping_ok "more policies than before" "$OA" 10.11.0.2
	check_eq "bundles kept" "$(counter "$OA" xv0 cache_miss)" 0
}

# A new SA is used at once, and without an SA nothing leaves.
case_rekey()
{
	setup 4 policy policy
	both_families "first SA"
	marked_out 0x2000
	sa_del "$UA" "$B" 0x1000 mark 6
	sa_del "$UA" "$A" 0x1001
	sa_del "$UB" "$A" 0x1001 mark 6
	sa_del "$UB" "$B" 0x1000
	both_families "second SA"
	check_eq "packets by the second SA" "$(sa_packets "$UB" "$B" 0x2000)" 12
	must ip -n "$UA" xfrm state flush
	ping_none "no SA" "$OA" "$IB4" 3
	check_dropped "no SA" "$OA" xv0 tx_no_sa 3
}

# Direct mode in the same place: the policies are not asked, in neither
# direction; what the SA itself is for holds.
case_direct()
{
	setup 4 direct direct
	both_families "direct"
	ping_ok "IPv4 outside the policies" "$OA" 10.11.0.2
	ping_ok "IPv6 outside the policies" "$OA" fd0b::2
	check_no_drops "$OA" xv0
	check_no_drops "$OB" xv0
	sa_del "$UB" "$B" 0x1000
	must ip -n "$UB" xfrm state add src "$A" dst "$B" proto esp spi 0x1000 \
		reqid 61 mode tunnel "${ALGO[@]}" sel src "$NET4" dst "$NET4"
	ping_ok "inside the SA's selector" "$OA" "$IB4"
	ping_none "outside the SA's selector" "$OA" 10.11.0.2 3
	check_dropped "outside the SA's selector" "$OB" xv0 rx_selector 3
}

# From one mode to the other and back, while up.
case_switch()
{
	setup 4 direct direct
	ping_ok "direct" "$OA" 10.11.0.2
	must in_ns "$OA" xvti set xv0 mode policy
	check_eq "mode" "$(dev_value "$OA" xv0 mode)" '"policy"'
	ping_none "policy" "$OA" 10.11.0.2 3
	both_families "policy"
	check_dropped "policy" "$OA" xv0 tx_policy 3
	must in_ns "$OA" xvti set xv0 mode direct
	ping_ok "direct again" "$OA" 10.11.0.2
	both_families "direct again"
}

# Packets of two SAs by turns, which leave different room: that is no reason to look
# at the MTU for each.
case_by_turns()
{
	local host seconds

	has_tracing || skip "this kernel has no tracepoints"
	setup 4 policy policy
	cipher cbc
	for host in "$UA $A $B" "$UB $B $A"; do
		# shellcheck disable=SC2086 # words
		set -- $host
		ip_batch "$1" <<-END
			$(policies del "$2" "$3" "$NET6")
			$(policies add "$2" "$3" "$NET6" | sed 's/reqid 61/reqid 62/')
			$(sa_line "$A" "$B" 0x2000 62 mark 6)
			$(sa_line "$B" "$A" 0x2001 62 mark 6)
		END
	done
	ping_ok "IPv4" "$OA" "$IB4"
	ping_ok "IPv6" "$OA" "$IB6"
	trace_event workqueue/workqueue_execute_start
	: >"$TRACEFS/trace"
	seconds=$SECONDS
	background "$TMP/ping" in_ns "$OA" ping -n -q -i 0.01 -c 100 "$IB4"
	ping_ok "by turns" "$OA" "$IB6" -l 1 -i 0.01 -c 100
	seconds=$((SECONDS - seconds))
	note "the MTU was looked at $(looks) times in $seconds s"
	check_le "looks at the MTU of two devices" "$(looks)" $((2 * (seconds + 3)))
}

looks() { grep -c 'function xvti_rtnl_work' "$TRACEFS/trace"; }

case_refused()
{
	setup_hosts
	outer 4
	refused "no mark" 'policy mode needs a mark' in_ns "$UA" \
		xvti add xv0 local "$A" remote "$B" reqid 7 mode policy
	refused "if_id" 'policy mode.*if_id|no if_id' in_ns "$UA" \
		xvti add xv0 local "$A" remote "$B" mark 6 if_id 5 mode policy
	check "nothing is left of it" no_dev "$UA" xv0
	add_dev "$UA" "$OA" xv0 "$A" "$B" mark 6 mode policy
	refused "the mark taken away" 'policy mode needs a mark' \
		in_ns "$OA" xvti set xv0 mark none reqid 7
	refused "an if_id added" 'policy mode.*if_id|no if_id' \
		in_ns "$OA" xvti set xv0 if_id 5
	check_eq "after the refusals" \
		"$(dev_value "$OA" xv0 mode mark if_id)" \
		"$(jq -nc '["policy", 6, null]')"
}

need_module
run_cases inside transmit receive block at_once rekey direct switch \
	by_turns refused
