#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Whatever is missing or wrong, no inner packet leaves unencrypted: it is
# dropped, and counted under the right reason.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2
#
# Where it says "flat" the overlays are the underlays, so that an inner packet
# that leaks would even find a route.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

readonly SECRET=5ec4e75ec4e75ec4e75ec4e75ec4e75e

# The wire must stay silent while so many packets of each family are dropped.
check_silent() # what reason [count]
{
	local count=${3:-5} before

	before=$(wire_packets "$UA")
	ping_none "$1" "$OA" "$IB4" "$count"
	ping_none "$1" "$OA" "$IB6" "$count"
	check_dropped "$1" "$OA" xv0 "$2" $((2 * count))
	check_eq "$1: packets on the wire" $(($(wire_packets "$UA") - before)) 0
}

case_unconfigured()
{
	setup_hosts flat
	must ip -n "$UA" link add xv0 type xvti
	must ip -n "$UA" link set xv0 addrgenmode none up
	add_addr "$UA" xv0 "$IA4"/24 "$IA6"/64
	check_silent "unconfigured" tx_unconfigured
}

case_no_sa()
{
	setup_hosts flat
	setup_tunnel 4
	check_silent "never an SA" tx_no_sa
}

# SAs of others are not ours: another reqid, another peer, the way back only.
case_no_sa_of_ours()
{
	setup_hosts flat
	setup_tunnel 4
	cipher gcm
	sa_add "$UA" "$A" "$B" 0x2000 8
	sa_add "$UA" "$A" 192.0.2.9 0x2001 7
	sa_add "$UA" "$B" "$A" 0x2002 7
	check_silent "no SA of ours" tx_no_sa
}

# The SA goes away by this command while packets flow; later it comes back.
sa_goes() # outer-family command...
{
	local outer=$1

	shift
	setup_hosts
	setup_tunnel "$outer"
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "with SA" "$OA" "$IB4"
	ping_ok "with SA" "$OA" "$IB6"
	capture "$UB" v0
	background /dev/null in_ns "$OA" ping -n -q -i 0.01 -p "$SECRET" "$IB4"
	background /dev/null in_ns "$OA" ping -n -q -i 0.01 -p "$SECRET" "$IB6"
	await "both flow" at_least 20 link_stat "$OA" xv0 rx_packets
	must ip -n "$UA" xfrm state "$@"
	await "drops for want of an SA" at_least 20 counter "$OA" xv0 tx_no_sa
	capture_end
	check_only_esp "$*"
	check_ge "$*: ESP captured" "$(captured ip proto 50 or ip6 proto 50)" 20
	grep -qaP '\x5e\xc4\xe7\x5e\xc4\xe7' "$CAP" && fail "$*: inner payload on the wire"
	must ip -n "$UA" xfrm state flush
	sa_add "$UA" "$A" "$B" 0x3000 7
	sa_add "$UA" "$B" "$A" 0x3001 7
	sa_add "$UB" "$A" "$B" 0x3000 7
	sa_add "$UB" "$B" "$A" 0x3001 7
	ping_ok "$*: with new SAs" "$OA" "$IB4"
	ping_ok "$*: with new SAs" "$OA" "$IB6"
}

case_sa_deleted() { sa_goes 4 delete dst "$B4" proto esp spi 0x1000; }
case_sa_flushed() { sa_goes 6 flush; }

# The device's policy is in no policy database, so flushing that is nothing.
case_policy_flushed()
{
	local sent

	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "before" "$OA" "$IB4"
	must ip -n "$UA" xfrm policy flush
	must ip -n "$UB" xfrm policy flush
	sent=$(wire_packets "$UA")
	ping_ok "after" "$OA" "$IB4" -c 5
	ping_ok "after" "$OA" "$IB6" -c 5
	check_eq "packets on the wire" $(($(wire_packets "$UA") - sent)) 10
	check_no_drops "$OA" xv0
}

# The host's policies must neither let packets through nor keep them.
case_policy_of_others()
{
	setup_hosts flat
	setup_tunnel 4
	must ip -n "$UA" xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out action allow
	must ip -n "$UA" xfrm policy add src ::/0 dst ::/0 dir out action allow
	check_silent "an allow policy in the underlay" tx_no_sa
	cipher gcm
	sa_pair 7 0x1000
	capture "$UB" v0
	ping_ok "with SA" "$OA" "$IB4"
	ping_ok "with SA" "$OA" "$IB6"
	capture_end
	check_only_esp "an allow policy in the underlay"
}

# The route to the peer leads into the tunnel itself.
case_loop()
{
	setup_hosts flat
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	must ip -n "$UA" route add "$B4"/32 dev xv0
	check_silent "loop" tx_loop
	must ip -n "$UA" route del "$B4"/32 dev xv0
	ping_ok "route removed" "$OA" "$IB4"
}

# Each of two tunnels leads to the peer of the other.
case_loop_of_two()
{
	local before

	setup_hosts flat
	setup_tunnel 4
	add_dev "$UA" "$UA" xv1 "$A4" 198.51.100.2 reqid 8 --
	cipher gcm
	sa_pair 7 0x1000
	sa_add "$UA" "$A4" 198.51.100.2 0x2000 8
	must ip -n "$UA" route add "$B4"/32 dev xv1
	must ip -n "$UA" route add 198.51.100.2/32 dev xv0
	before=$(wire_packets "$UA")
	ping_none "loop of two" "$OA" "$IB4" 3
	check_eq "loop of two: packets on the wire" $(($(wire_packets "$UA") - before)) 0
	check_le "turns taken" "$(link_stat "$UA" xv0 tx_packets)" 30
	check_eq "loop of two: drops" "$({ drops "$UA" xv0; drops "$UA" xv1; })" tx_loop:3
	must ip -n "$UA" route del "$B4"/32 dev xv1
	ping_ok "loop removed" "$OA" "$IB4"
}

# The SA is there, and no route to the peer.
case_no_route()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	must ip -n "$UA" route del 192.0.2.0/24
	check_silent "no route" tx_no_route
	must ip -n "$UA" route add 192.0.2.0/24 dev v0 src "$A4"
	ping_ok "route is back" "$OA" "$IB4"
}

need_module
run_cases unconfigured no_sa no_sa_of_ours sa_deleted sa_flushed \
	policy_flushed policy_of_others loop loop_of_two no_route
