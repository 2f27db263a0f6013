#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The automatic MTU is exact, and stays so.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

case_exact() # cipher
{
	local outer

	for outer in 4 6; do
		setup_hosts
		setup_tunnel "$outer"
		cipher "$1"
		sa_pair 7 0x1000
		exact "$1 in IPv$outer" 1500 "$outer" "$1"
		run_deferred
	done
}

case_exact_gcm() { case_exact gcm; }
case_exact_cbc() { case_exact cbc; }
case_exact_null() { case_exact null; }

# Known from the literature rather than from the formula above.
case_known()
{
	setup_hosts
	setup_tunnel 6
	cipher gcm
	sa_pair 7 0x1000
	await "AES-GCM over IPv6 and 1500" is 1426 mtu
}

# Before any SA no common cipher may be worse than the estimate.
case_estimate()
{
	local outer cipher

	for outer in 4 6; do
		setup_hosts
		setup_tunnel "$outer"
		check_eq "source without SA" "$(mtu_source)" estimate
		for cipher in gcm cbc; do
			check_le "estimate and $cipher in IPv$outer" "$(mtu)" \
				"$(largest_inner 1500 "$outer" "$cipher")"
		done
		check_ge "estimate in IPv$outer" "$(mtu)" 1280
		run_deferred
	done
}

set_link_mtu() # mtu
{
	must ip -n "$UB" link set v0 mtu "$1"
	must ip -n "$UA" link set v0 mtu "$1"
}

case_follows_link()
{
	local link

	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "at first" "$OA" "$IB4"
	for link in 1400 9000 1499 1500; do
		set_link_mtu "$link"
		exact "link of $link" "$link" 4 gcm
	done
}

# A change of route shows without a packet.
case_follows_route()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	await "at first" is "$(largest_inner 1500 4 gcm)" mtu
	must ip -n "$UA" route add "$B4"/32 dev v0 src "$A4" mtu 1450
	await "a route of 1450" is "$(largest_inner 1450 4 gcm)" mtu
	must ip -n "$UA" route del "$B4"/32
	await "the route is gone" is "$(largest_inner 1500 4 gcm)" mtu
	# A second wire of its own MTU, then the route over it.
	wire "$UA" "$UB" v1
	must ip -n "$UA" link set v1 mtu 1400
	must ip -n "$UA" route add "$B4"/32 dev v1 src "$A4"
	await "a route over another device" is "$(largest_inner 1400 4 gcm)" mtu
}

case_follows_sa()
{
	setup_hosts
	setup_tunnel 6
	cipher gcm
	sa_pair 7 0x1000
	await "gcm" is "$(largest_inner 1500 6 gcm)" mtu
	cipher cbc
	sa_pair 7 0x2000
	sa_pair_del 0x1000
	exact "rekeyed to cbc" 1500 6 cbc
	cipher null
	sa_pair 7 0x3000
	sa_pair_del 0x2000
	exact "rekeyed to null" 1500 6 null
}

# The route is the one that packets take, by the mark that the SA gives them.
output_mark() # mark of outer packets, option...
{
	setup_hosts
	must ip -n "$UA" rule add fwmark "$1" table 100
	must ip -n "$UA" route add "$B4"/32 dev v0 src "$A4" mtu 1400 table 100
	setup_tunnel 4 mark 6
	cipher gcm
	sa_pair 7 0x1000 mark 6 output-mark "${@:2}"
	[ $# -lt 4 ] || ip -n "$UA" xfrm state | grep -q "output-mark $2/$4" ||
		skip "no mask of the output mark"
	exact "output-mark ${*:2}" 1400 4 gcm
}

case_output_mark() { output_mark 0x100 0x100; }
# the rest is of the mark that the device's packets have
case_output_mark_masked() { output_mark 0x106 0x100 mask 0xf00; }

# A number that the user chose stays until it is given back.
case_user()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	await "automatic" is 1446 mtu
	must ip -n "$OA" link set xv0 mtu 1300
	check_eq "source" "$(mtu_source)" user
	set_link_mtu 1400
	sa_pair 7 0x2000
	sa_pair_del 0x1000
	ping_ok "after the changes" "$OA" "$IB4"
	check_eq "the user's MTU" "$(mtu)" 1300
	must in_ns "$OA" xvti set xv0 mtu auto
	await "automatic again" is "$(largest_inner 1400 4 gcm)" mtu
	must in_ns "$OA" xvti set xv0 mtu 1290
	check_eq "set by xvti" "$(mtu)" 1290
	refused "575" 'mtu' in_ns "$OA" xvti set xv0 mtu 575
	check_eq "after the refusal" "$(mtu)" 1290
}

# A user's MTU above what fits: path MTU discovery works all the same.
case_above_path()
{
	local outer want before

	for outer in 4 6; do
		setup_hosts
		setup_tunnel "$outer" reqid 7 mtu 1500
		cipher gcm
		sa_pair 7 0x1000
		check_eq "the user's MTU" "$(mtu)" 1500
		want=$(largest_inner 1500 "$outer" gcm)
		before=$(wire_packets "$UA")
		too_big "mtu 1500 in IPv$outer" $((want + 1)) "$want"
		check_dropped "mtu 1500 in IPv$outer" "$OA" xv0 tx_too_big 2
		probe "mtu 1500 in IPv$outer" 4 "$want"
		probe "mtu 1500 in IPv$outer" 6 "$want"
		check_eq "packets on the wire" $(($(wire_packets "$UA") - before)) 2
		tcp_ok "mtu 1500 in IPv$outer" "$OA" "$OB" "$IB4"
		tcp_ok "mtu 1500 in IPv$outer" "$OA" "$OB" "$IB6"
		run_deferred
	done
}

# Without DF a packet over the path MTU arrives, in outer fragments.
case_fragments()
{
	local outer before

	for outer in 4 6; do
		setup_hosts
		setup_tunnel "$outer" reqid 7 mtu 1500
		cipher gcm
		sa_pair 7 0x1000
		before=$(wire_packets "$UA")
		ping_ok "DF clear in IPv$outer" "$OA" "$IB4" -c 3 -M dont -s 1472
		check_eq "outer packets for 3 inner ones" $(($(wire_packets "$UA") - before)) 6
		check_eq "delivered" "$(link_stat "$OB" xv0 rx_packets)" 3
		check_no_drops "$OA" xv0
		run_deferred
	done
}

# Where IPv6 needs 1280 and the link leaves less, outer fragments make it up,
# for IPv4 too, unless it forbids that.
case_floor()
{
	local outer before

	for outer in 4 6; do
		setup_hosts
		setup_tunnel "$outer"
		cipher gcm
		sa_pair 7 0x1000
		set_link_mtu 1300
		await "IPv$outer: floor" is 1280 mtu
		check_eq "IPv$outer: source" "$(mtu_source)" floor
		before=$(wire_packets "$UA")
		ping_ok "6 in $outer of 1280" "$OA" "$IB6" -c 1 -M 'do' -s 1232
		ping_ok "4 in $outer of 1280" "$OA" "$IB4" -c 1 -M dont -s 1252
		check_eq "IPv$outer: outer packets" $(($(wire_packets "$UA") - before)) 4
		check_eq "IPv$outer: delivered" "$(link_stat "$OB" xv0 rx_packets)" 2
		check_no_drops "$OA" xv0
		forbidden "IPv$outer" "$(largest_inner 1300 "$outer" gcm)"
		run_deferred
	done
}

# IPv4 with DF over what fits: the sender is told, though the MTU is larger.
forbidden() # what fits
{
	local out

	out=$(in_ns "$OA" ping -n -c 1 -W 1 -M 'do' -s $(($2 - 27)) "$IB4" 2>&1)
	grep -qE "mtu ?[=:] ?$2\b" <<<"$out" || fail "$1: sender was not told $2: $out"
	check_dropped "$1" "$OA" xv0 tx_too_big 1
}

# A link that cannot do IPv6 itself carries none in tunnels over IPv4 either: the
# core has no bundles of IPv6 for it. That is counted, and IPv4 goes on.
case_no_ipv6_below()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	both_families "before"
	set_link_mtu 1279
	ping_none "IPv6 over a link of 1279" "$OA" "$IB6" 3
	check_dropped "IPv6 over a link of 1279" "$OA" xv0 tx_no_route 3
	ping_ok "IPv4 over a link of 1279" "$OA" "$IB4"
	set_link_mtu 1500
	ip_batch "$UA" <<<"addr add $A6/64 dev v0 nodad"
	both_families "after"
}

# Every cipher, inner family and link MTU there is.
product() # outer-family plain|udp
{
	local report

	setup_hosts
	[ "$1 $2" != "6 udp" ] || need_encap6 "$UA"
	setup_tunnel "$1"
	ip_batch "$OA" <<-END
		route add 10.9.0.0/16 dev xv0
		route add fd09::/64 dev xv0
	END
	[ "$2" != udp ] || encap_socket "$UB" "$B"
	report=$(in_ns "$OA" "$SELFTESTS/mtuproduct.py" "$UA" "$UB" "$OB" "$1" "$A" "$B" "$2" 2>&1)
	check_eq "cells" "$(tail -n 1 <<<"$report")" 72
	check_eq "wrong cells" "$(sed '$d' <<<"$report")" ""
}

case_product_4() { product 4 plain; }
case_product_6() { product 6 plain; }
case_product_4_udp() { product 4 udp; }
case_product_6_udp() { product 6 udp; }

need_module
run_cases exact_gcm exact_cbc exact_null known estimate follows_link \
	follows_route follows_sa output_mark output_mark_masked user above_path \
	fragments floor no_ipv6_below \
	product_4 product_6 product_4_udp product_6_udp
