#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What is kept for a device's packets does not outlive what it was made of: the
# event comes while packets flow, and the very next ones take the new state. That
# of an SA for one CPU is in cpusa.sh, that of a NIC's SA in offload.sh.
#
#   OA: xv0 10.8.0.1                        OB: xv0 10.8.0.2
#        :                                       :
#   UA: 192.0.2.1   ------ v0 ------        UB: 192.0.2.2, 192.0.2.9
#       198.51.100.1 ----- v1 -----             198.51.100.2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

readonly C4=192.0.2.9 VIA=198.51.100.2

setup()
{
	setup_hosts
	setup_tunnel 4 "$@"
	cipher gcm
	sa_pair 7 0x1000
}

# A second wire, with the same addresses behind it.
second_wire()
{
	wire "$UA" "$UB" v1
	add_addr "$UA" v1 198.51.100.1/24
	add_addr "$UB" v1 "$VIA"/24
}

# Packets from OA to OB that do not wait for answers.
flood()
{
	ping_on "$OA" "$IB4"
	await "traffic" at_least 20 link_stat "$OA" xv0 tx_packets
}

out_v0() { link_stat "$UA" v0 tx_packets; }
out_v1() { link_stat "$UA" v1 tx_packets; }

# An SA's packets, none where it is gone.
by_sa() # dst spi
{
	local packets

	packets=$(sa_packets "$UA" "$1" "$2" 2>/dev/null)
	echo "${packets:-0}"
}

# The event, as a command: from when it has ended, all packets are counted by
# one command, and none by another.
takes() # what "old count" "new count" command...
{
	local what=$1 old new
	local -a before after

	read -ra before <<<"$2"
	read -ra after <<<"$3"
	shift 3
	must "$@"
	old=$("${before[@]}")
	new=$("${after[@]}")
	await "$what: the next packets" at_least $((new + 20)) "${after[@]}"
	check_eq "$what: packets the old way" $(($("${before[@]}") - old)) 0
}

case_sa_added()
{
	setup
	flood
	takes "SA added" "by_sa $B 0x1000" "by_sa $B 0x2000" sa_pair 7 0x2000
	check_no_drops "$OA" xv0
	check_ge "bundles given up" "$(counter "$OA" xv0 cache_flush)" 1
	check_eq "bundles found stale" "$(counter "$OA" xv0 cache_stale)" 0
}

# The newest goes: the packets take the one before it.
case_sa_deleted()
{
	setup
	sa_pair 7 0x2000
	flood
	takes "SA deleted" "by_sa $B 0x2000" "by_sa $B 0x1000" \
		sa_del "$UA" "$B" 0x2000
	check_no_drops "$OA" xv0
}

# With the last SA, the packets end.
case_last_sa_deleted()
{
	local sent

	setup
	flood
	sa_del "$UA" "$B" 0x1000
	sent=$(out_v0)
	await "drops" at_least 20 counter "$OA" xv0 tx_no_sa
	check_eq "packets on the wire" "$(out_v0)" "$sent"
	sa_add "$UA" "$A" "$B" 0x1000 7
	await "packets by another" at_least 20 by_sa "$B" 0x1000
}

# All at once, by a flush.
case_sa_flushed()
{
	local sent

	setup
	flood
	must ip -n "$UA" xfrm state flush
	sent=$(out_v0)
	await "drops" at_least 20 counter "$OA" xv0 tx_no_sa
	check_eq "packets on the wire" "$(out_v0)" "$sent"
}

case_new_endpoint()
{
	setup
	add_addr "$UB" v0 "$C4"/24
	add_dev "$UB" "$OB" xv1 "$C4" "$A" reqid 8
	sa_add "$UA" "$A" "$C4" 0x2000 7
	flood
	takes "new endpoint" "by_sa $B 0x1000" "by_sa $C4 0x2000" \
		in_ns "$OA" xvti set xv0 remote "$C4"
	check_no_drops "$OA" xv0
}

# The SA of a peer that has moved, while the old one is still there.
case_peer_moves()
{
	setup_hosts
	setup_tunnel 4
	must ip -n "$OA" link del xv0
	add_dev "$UA" "$OA" xv0 "$A" any reqid 7 -- "$IA4"/24
	add_addr "$UB" v0 "$C4"/24
	cipher gcm
	sa_pair 7 0x1000
	flood
	check_eq "peer" "$(peer)" "$B"
	sa_add "$UA" "$C4" "$A" 0x2001 7
	sa_add "$UA" "$A" "$C4" 0x2000 7
	takes "peer moved" "by_sa $B 0x1000" "by_sa $C4 0x2000" sa_pair_gone
	check_eq "peer" "$(peer)" "$C4"
}

sa_pair_gone()
{
	sa_del "$UA" "$A" 0x1001
	sa_del "$UA" "$B" 0x1000
}

case_route_moved()
{
	setup
	second_wire
	flood
	takes "route moved" out_v0 out_v1 \
		ip -n "$UA" route add "$B/32" via "$VIA" dev v1
	takes "route back" out_v1 out_v0 ip -n "$UA" route del "$B/32"
	check_ge "bundles found stale" "$(counter "$OA" xv0 cache_stale)" 2
	check_no_drops "$OA" xv0
}

case_link_down()
{
	setup
	second_wire
	must ip -n "$UA" route add 192.0.2.0/24 via "$VIA" dev v1 metric 9
	flood
	takes "link down" out_v0 out_v1 ip -n "$UA" link set v0 down
	check_no_drops "$OA" xv0
}

# By a device that stays: what is left of the one that went counts no packets.
case_link_gone()
{
	local lost

	setup
	second_wire
	must ip -n "$UA" route add 192.0.2.0/24 via "$VIA" dev v1 metric 9
	must ip -n "$UA" addr add "$A/32" dev lo
	flood
	must ip -n "$UA" link del v0
	await "the next packets" at_least 20 out_v1
	lost=$(counter "$OA" xv0 tx_no_route)
	await "packets" at_least 60 out_v1
	check_eq "packets without a route" "$(counter "$OA" xv0 tx_no_route)" "$lost"
}

# A smaller path is obeyed at once.
case_path_mtu()
{
	local narrow

	narrow=$(largest_inner 1400 4 gcm)
	setup
	flood
	must ip -n "$UA" route change 192.0.2.0/24 dev v0 src "$A" mtu 1400
	stop "$BG_PID"
	too_big "route's MTU" $((narrow + 1)) "$narrow"
	probe "route's MTU" 4 "$narrow"
	check_eq "packets for one that fills it" "${SENT% *}" 1
	check_ge "bundles found stale" "$(counter "$OA" xv0 cache_stale)" 1
}

# Policies of the database are nothing to a device in direct mode.
case_policies()
{
	local misses

	setup
	numbered "$IB4" 200
	misses=$(counter "$OA" xv0 cache_miss)
	ip_batch "$UA" <<-END
		xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out action block
		xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir in action block
		xfrm policy flush
	END
	ping_ok "after them" "$OA" "$IB6"
	must ip -n "$UA" xfrm policy add src ::/0 dst ::/0 dir out action block
	ping_ok "beside one" "$OA" "$IB6"
	numbered_end
	check_eq "packets by the SA at least" \
		$(($(by_sa "$B" 0x1000) >= $(link_stat "$OA" xv0 tx_packets))) 1
	check_le "bundles built meanwhile" \
		$(($(counter "$OA" xv0 cache_miss) - misses)) 8
	check_no_drops "$OA" xv0
}

# A route of another size, another cipher: its packets and its MTU.
case_cipher()
{
	setup
	flood
	cipher cbc
	takes "another cipher" "by_sa $B 0x1000" "by_sa $B 0x2000" sa_pair 7 0x2000
	await "MTU" is "$(largest_inner 1500 4 cbc)" mtu
	check_no_drops "$OA" xv0
}

# A soft limit is for the daemon: nothing changes.
case_soft_limit()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000 limit packet-soft 20
	background "$TMP/events" ip -n "$UA" xfrm monitor expire
	await "listener" listeners "$UA"
	numbered "$IB4" 200
	await "event of the limit" grep -q 'hard 0' "$TMP/events"
	await "packets after it" at_least 100 by_sa "$B" 0x1000
	numbered_end
	check_no_drops "$OA" xv0
	check_no_drops "$OB" xv0
}

# How many packets leave by an SA with a limit before it ends.
until_limit() # what limit...
{
	local sent

	sa_del "$UA" "$B" 0x1000
	sa_add "$UA" "$A" "$B" 0x1000 7 limit "${@:2}"
	sent=$(out_v0)
	ping_none "$1" "$OA" 10.8.0.9 30
	LEFT=$(($(out_v0) - sent))
	await "$1: the SA is gone" no_sa "$B" 0x1000
}

no_sa() # dst spi
{
	! ip -n "$UA" xfrm state get dst "$1" proto esp spi $(($2)) >/dev/null 2>&1
}

# SAs end as they would without anything kept.
case_hard_limits()
{
	setup
	ping_ok "before" "$OA" "$IB4"
	until_limit "packets" packet-hard 10
	check_eq "packets that left" "$LEFT" 10
	sa_add "$UA" "$A" "$B" 0x1000 7
	# ten of 84 octets each
	until_limit "octets" byte-hard 840
	check_eq "packets that left by octets" "$LEFT" 10
	sa_add "$UA" "$A" "$B" 0x1000 7
	sa_del "$UA" "$B" 0x1000
	sa_add "$UA" "$A" "$B" 0x1000 7 limit time-use-hard 2
	sleep 3
	check "an SA that is not used" ip -n "$UA" xfrm state get \
		dst "$B" proto esp spi $((0x1000))
	flood
	await "an SA that is used: gone" no_sa "$B" 0x1000
	await "drops" at_least 5 counter "$OA" xv0 tx_no_sa
}

# In policy mode policies end as well, by their own use.
case_policy_limits()
{
	setup_hosts
	outer 4
	add_dev "$UA" "$OA" xv0 "$A" "$B" mark 6 mode policy -- "$IA4"/24
	cipher gcm
	sa_add "$UA" "$A" "$B" 0x1000 7 mark 6
	must ip -n "$UA" xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out mark 6 \
		limit time-use-hard 6 tmpl src "$A" dst "$B" proto esp reqid 7 mode tunnel
	flood
	sleep 9
	check_eq "policies in use" "$(policies)" 1
	check_no_drops "$OA" xv0
	stop "$BG_PID"
	await "policies that are not used" is 0 policies
	ping_none "without a policy" "$OA" "$IB4" 3
	check_dropped "without a policy" "$OA" xv0 tx_policy 3
}

policies() { ip -n "$UA" xfrm policy list dir out nosock | grep -c ^src; }

need_module
run_cases sa_added sa_deleted last_sa_deleted sa_flushed new_endpoint \
	peer_moves route_moved link_down link_gone path_mtu policies cipher \
	soft_limit hard_limits policy_limits
