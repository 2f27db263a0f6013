#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
# timeout=600
#
# "remote any": one peer, whose address comes from its SAs.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, xv1 10.9.0.2
#        :  remote any                        :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2, 192.0.2.9
#       2001:db8::1                          2001:db8::2, 2001:db8::9

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# A gateway that does not know its peer's address, which is B or C.
setup() # outer-family
{
	setup_hosts
	outer "$1"
	case $1 in
	4) C=192.0.2.9 ;;
	6) C=2001:db8::9 ;;
	esac
	add_addr "$UB" v0 "$C"
	add_dev "$UA" "$OA" xv0 "$A" any reqid 7 -- "$IA4"/24 "$IA6"/64 10.9.0.1/24
	add_dev "$UB" "$OB" xv0 "$B" "$A" reqid 7 -- "$IB4"/24 "$IB6"/64
	cipher gcm
}

# The pair of SAs with a peer address, on both hosts.
pair() # peer spi
{
	local B=$1

	sa_pair 7 "$2"
}

pair_del() # peer spi
{
	local B=$1

	sa_pair_del "$2"
}

# Nothing is known before there is an SA, then its peer.
case_learned()
{
	local outer

	for outer in 4 6; do
		setup "$outer"
		check_eq "remote" "$(dev_value "$OA" xv0 remote)" '"any"'
		ping_none "no peer yet" "$OA" "$IB4" 3
		check_dropped "no peer yet" "$OA" xv0 tx_no_sa 3
		pair "$B" 0x1000
		await "peer" is "$B" peer
		both_families "IPv$outer"
		await "MTU" is $((outer == 4 ? 1446 : 1426)) mtu
		run_deferred
	done
}

# SAs that were there before the device.
case_before()
{
	setup_hosts
	outer 4
	cipher gcm
	sa_pair 7 0x1000
	add_dev "$UA" "$OA" xv0 "$A" any reqid 7 carrier sa -- "$IA4"/24 "$IA6"/64
	add_dev "$UB" "$OB" xv0 "$B" "$A" reqid 7 -- "$IB4"/24 "$IB6"/64
	await "peer" is "$B" peer
	await "carrier" is 1 dev_attr "$OA" xv0 carrier
	both_families "SAs before the device"
}

# C's packets are from xv1 of its host; -I makes ping take it.
second_peer()
{
	add_dev "$UB" "$OB" xv1 "$C" "$A" reqid 7 -- 10.9.0.2/24
	pair "$C" 0x2000
}

# As long as the first peer has its SAs the device is its own.
case_second_peer()
{
	local outer sent

	for outer in 4 6; do
		setup "$outer"
		pair "$B" 0x1000
		await "peer" is "$B" peer
		both_families "first peer"
		second_peer
		check_eq "peer in spite of a second" "$(peer)" "$B"
		ping_none "second peer" "$OB" "$IA4" 5 -I xv1
		check_dropped "second peer" "$OA" xv0 rx_wrong_peer 5
		sent=$(sa_packets "$UA" "$C" 0x2000)
		both_families "first peer still"
		check_eq "packets to the second peer" "$(sa_packets "$UA" "$C" 0x2000)" "$sent"
		pair_del "$B" 0x1000
		await "peer when the first has gone" is "$C" peer
		ping_ok "second peer alone" "$OB" "$IA4" -I xv1
		ping_ok "second peer alone" "$OA" 10.9.0.2
		check_dropped "second peer" "$OA" xv0 rx_wrong_peer 5
		run_deferred
	done
}

# One SA is no pair: it takes nothing from the one who has two, and the first
# who comes back with two has the device again.
case_half_pair()
{
	setup 4
	pair "$B" 0x1000
	await "peer" is "$B" peer
	sa_add "$UA" "$A" "$C" 0x2000 7
	check_eq "peer, a second with SA out" "$(peer)" "$B"
	sa_del "$UA" "$A" 0x1001
	sa_add "$UA" "$C" "$A" 0x2001 7
	await "the first has no pair any more, the second has" is "$C" peer
}

# The peer's address changes as MOBIKE does it in the kernel: each SA is
# deleted, and added again with its SPI and the new address.
move() # netns from to
{
	ip_batch "$1" <<-END
		xfrm state delete dst $A proto esp spi $((0x1001))
		$(sa_line "$3" "$A" 0x1001 7)
		xfrm state delete dst $2 proto esp spi $((0x1000))
		$(sa_line "$A" "$3" 0x1000 7)
	END
}

move_both() # from to
{
	move "$UA" "$1" "$2"
	move "$UB" "$1" "$2"
	must in_ns "$OB" xvti set xv0 local "$2"
	await "peer" is "$2" peer
}

case_mobike()
{
	local outer want

	for outer in 4 6; do
		setup "$outer"
		want=$((outer == 4 ? 1446 : 1426))
		must ip -n "$UA" route add "$C" dev v0 src "$A" mtu 1400
		pair "$B" 0x1000
		both_families "at home"
		await "MTU at home" is "$want" mtu
		move_both "$B" "$C"
		await "MTU away" is $((want - 100)) mtu
		both_families "away"
		move_both "$C" "$B"
		await "MTU at home again" is "$want" mtu
		both_families "at home again"
		check_no_drops "$OA" xv0
		run_deferred
	done
}

# Only the gateway hears of the change at first: what it sends goes to the new
# address with the next packet, cached bundle or not.
case_next_packet()
{
	local count

	setup 4
	pair "$B" 0x1000
	both_families "at home"
	move "$UA" "$B" "$C"
	await "peer" is "$C" peer
	count=$(sa_packets "$UA" "$C" 0x1000)
	ping_none "the peer is not there yet" "$OA" "$IB4" 3
	check_eq "packets to the new address" \
		$(($(sa_packets "$UA" "$C" 0x1000) - count)) 3
}

need_module
run_cases learned before second_peer half_pair mobike next_packet
