#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Traffic over static SAs: every outer and inner family, with and without
# encryption, in both directions, with exact counts.
#
#   OA: xv0                              OB: xv0
#   10.8.0.1, fd08::1                    10.8.0.2, fd08::2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# No policy may be needed, nor disable_policy.
check_strict()
{
	local ns dev

	for ns in "$UA" "$UB" "$OA" "$OB"; do
		check_eq "policies in $ns" "$(ip -n "$ns" xfrm policy list nosock)" ""
	done
	for dev in all xv0; do
		check_policies_on "no policy" "$OB" "$dev"
	done
}

# Traffic of both inner families over one outer family and cipher.
traffic() # outer-family cipher
{
	local before

	setup_hosts
	setup_tunnel "$1"
	cipher "$2"
	sa_pair 7 0x1000
	before=$(wire_packets "$UA")
	ping_ok "4 in $1" "$OA" "$IB4" -c 5
	ping_ok "6 in $1" "$OA" "$IB6" -c 5
	ping_ok "4 in $1, back" "$OB" "$IA4" -c 5
	ping_ok "6 in $1, back" "$OB" "$IA6" -c 5
	check_eq "packets sent over the wire" $(($(wire_packets "$UA") - before)) 20
	check_eq "packets by the SA out" "$(sa_packets "$UA" "$B" 0x1000)" 20
	check_eq "packets by the SA in" "$(sa_packets "$UA" "$A" 0x1001)" 20
	check_strict
	tcp_ok "4 in $1" "$OA" "$OB" "$IB4"
	tcp_ok "6 in $1" "$OB" "$OA" "$IA6"
}

case_outer4_gcm() { traffic 4 gcm; }
case_outer4_null() { traffic 4 null; }
case_outer6_gcm() { traffic 6 gcm; }
case_outer6_null() { traffic 6 null; }

# Underlay and overlay in one namespace: the VPN gateway without namespaces.
case_one_netns()
{
	local outer

	cipher gcm
	for outer in 4 6; do
		setup_hosts flat
		setup_tunnel "$outer"
		sa_pair 7 0x1000
		ping_ok "4 in $outer" "$OA" "$IB4"
		ping_ok "6 in $outer" "$OA" "$IB6"
		run_deferred
	done
}

# So many packets of so many octets, on both ends, in both directions.
check_counts() # what packets octets
{
	local ns name

	for ns in "$OA" "$OB"; do
		for name in tx rx; do
			check_eq "$1: $ns ${name}_packets" \
				"$(link_stat "$ns" xv0 "${name}_packets")" "$2"
			check_eq "$1: $ns ${name}_bytes" \
				"$(link_stat "$ns" xv0 "${name}_bytes")" "$3"
		done
	done
}

# 50 echo requests of 56 octets are packets of 84, or of 104 in IPv6.
case_counters()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	check_counts "before" 0 0
	ping_ok "IPv4" "$OA" "$IB4" -c 50
	check_counts "IPv4" 50 $((50 * 84))
	ping_ok "IPv6" "$OA" "$IB6" -c 50
	check_counts "IPv6 as well" 100 $((50 * 84 + 50 * 104))
	check_no_drops "$OA" xv0
	check_no_drops "$OB" xv0
}

# A bundle is built once per processor and inner family, not per packet.
case_cache()
{
	local cpus misses flushes sent=6

	cpus=$(nproc)
	setup_hosts
	setup_tunnel 4
	cipher null
	sa_pair 7 0x1000
	ping_ok "first" "$OA" "$IB4"
	ping_ok "first" "$OA" "$IB6"
	check_ge "bundles built" "$(counter "$OA" xv0 cache_miss)" 2
	flushes=$(counter "$OA" xv0 cache_flush)
	ping_ok "IPv4" "$OA" "$IB4" -f -c 500
	sent=$((sent + $(pinged)))
	ping_ok "IPv6" "$OA" "$IB6" -f -c 500
	sent=$((sent + $(pinged)))
	misses=$(counter "$OA" xv0 cache_miss)
	check_le "bundles built for 1006 packets" "$misses" $((2 * cpus))
	# a flood sends another one for an answer that is late
	check_ge "echo requests" "$sent" 1006
	check_eq "packets sent" "$(link_stat "$OA" xv0 tx_packets)" "$sent"
	check_eq "flushes meanwhile" "$(counter "$OA" xv0 cache_flush)" "$flushes"
}

# Off the wire: ESP outside, the plain packet on the device.
case_seen()
{
	setup_hosts
	setup_tunnel 6
	cipher gcm
	sa_pair 7 0x1000
	capture "$UB" v0
	ping_ok "captured outside" "$OA" "$IB4" -c 5
	capture_end
	check_only_esp "outside"
	check_eq "ESP outside" "$(captured ip6 proto 50)" 10
	capture "$OB" xv0
	ping_ok "captured inside" "$OA" "$IB4" -c 5
	await "requests on the device" is 5 captured "icmp[0] = 8 and src $IA4"
	await "replies on the device" is 5 captured "icmp[0] = 0 and dst $IA4"
}

need_module
run_cases outer4_gcm outer4_null outer6_gcm outer6_null one_netns counters \
	cache seen
