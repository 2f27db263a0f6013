#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# debug=core
#
# The dst of a packet dies while the packet is on its way, which kernels
# without the fixes in patches/ do not survive: the device must, on any kernel,
# and lose no more than it has to.
#
#   C: 10.9.0.1, fd09::1
#        |c0
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/deadlib.sh"

received() { link_stat "$OB" xv0 rx_packets; }

# What C sends to B must come out of B's device, with nothing counted as lost.
check_forwarded() # what address
{
	local before

	kill_forwarded "$OA" "$C" "$2"
	before=$(received)
	kill_some "$OA" "$C" 4 "$2"
	await "$1: packets received" is $((before + 4)) received
	check_eq "$1: packets killed" "$(killed "$OA")" 4
	check_no_drops "$OA" xv0
	check_no_drops "$OB" xv0
}

# Received, with a dst that is dead before the core could look at it: it is
# dropped where a fixed core drops it, counted as there, and all is well after.
input() # outer-family
{
	setup_hosts
	cipher gcm
	setup_tunnel "$1"
	sa_pair 7 0x1000
	ping_ok "before" "$OA" "$IB4" -c 1
	kill_dsts "$UB" input
	kill_some "$UB" "$OA" 5 "$IB4" "$IB6"
	check_eq "packets killed" "$(killed "$UB")" 5
	check_xfrm_error "dead dst" "$UB" XfrmInError 5
	check_eq "packets received meanwhile" "$(received)" $(($(spared "$UB") + 1))
	kill_dsts "$UB" off
	ping_ok "after" "$OA" "$IB6"
}

case_input_4() { input 4; }
case_input_6() { input 6; }

# A's overlay forwards for a client. Its device has something to say when it comes
# up where IPv6 forwards: it has SAs then, and a peer that is up.
setup_forwarder() # outer-family
{
	setup_hosts
	setup_client "$OA"
	cipher gcm
	outer "$1"
	sa_pair 7 0x1000
	add_dev "$UB" "$OB" xv0 "$B" "$A" reqid 7 -- "$IB4"/24 "$IB6"/64
	add_dev "$UA" "$OA" xv0 "$A" "$B" reqid 7 -- "$IA4"/24 "$IA6"/64
}

# IPv4, forwarded into the device by a route that has died: nobody needs that
# route any more, so the packet goes through.
case_forward()
{
	setup_forwarder 6
	check_forwarded "dead dst" "$IB4"
}

# The same with outbound policies in the device's own namespace: the core looks
# at the dst before the device does, unless told for IPv4 not to.
case_forward_policies()
{
	setup_forwarder 4
	must in_ns "$OA" sh -c 'echo 1 >/proc/sys/net/ipv4/conf/xv0/disable_xfrm'
	must ip -n "$OA" xfrm policy add dir out src 10.77.0.0/24 dst 10.78.0.0/24 \
		tmpl src 10.77.0.1 dst 10.78.0.1 proto esp mode tunnel
	check_forwarded "dead dst" "$IB4"
}

# What a socket sends carries the socket's dst without a reference. On its way
# through the device it gets one that it owns, which cannot die.
case_output()
{
	setup_hosts
	cipher gcm
	setup_tunnel 4
	sa_pair 7 0x1000
	kill_dsts "$UA" output
	kill_dsts "$UB" output
	tcp_ok "TCP" "$OA" "$OB" "$IB4" 64
	tcp_ok "TCP" "$OA" "$OB" "$IB6" 64
	not_killed "A" "$UA" "$OA"
	not_killed "B" "$UB" "$OB"
}

# All that the device has sent has come by, and none of it could be killed.
not_killed() # what underlay overlay
{
	check_eq "packets met on $1" "$(met "$2")" "$(link_stat "$3" xv0 tx_packets)"
	check_eq "packets whose dst could die on $1" "$(killed "$2")" 0
}

need_module
need_deaddst
run_cases input_4 input_6 forward forward_policies output
