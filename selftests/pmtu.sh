#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A narrow link on the way: the ICMP error about the ESP packet comes to the
# underlay, and the sender in the overlay has to hear of it.
#
#   OA: xv0 10.8.0.1, fd08::1                            OB: xv0 10.8.0.2, fd08::2
#        :                                                    :
#   UA: 192.0.2.1   -- v0, 1500 --  R  -- v1, narrow --  UB: 192.0.2.2
#       2001:db8::1                                          2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# The first packet of that size is lost, what follows is refused; what fits
# the narrow link passes.
learns() # what outer-family narrow
{
	local want wide addr header

	want=$(largest_inner "$3" "$2" gcm)
	wide=$(largest_inner 1500 "$2" gcm)
	await "$1: MTU at first" is "$wide" mtu
	for addr in "$IB4" "$IB6"; do
		[[ $addr = *:* ]] && header=48 || header=28
		await "$1: path MTU to $addr" is "refused $want" told "$addr" "$wide"
		ping_ok "$1: what fits, to $addr" "$OA" "$addr" -M 'do' -s $((want - header))
		check_eq "$1: an octet more to $addr" "$(told "$addr" $((want + 1)))" "refused $want"
	done
	check_ge "$1: refused" "$(counter "$OA" xv0 tx_too_big)" 1
	check_eq "$1: the device's own MTU" "$(mtu)" "$wide"
	tcp_ok "$1, IPv4" "$OA" "$OB" "$IB4"
	tcp_ok "$1, IPv6" "$OA" "$OB" "$IB6"
}

case_learns()
{
	local outer

	cipher gcm
	for outer in 4 6; do
		setup_path 1400
		setup_tunnel "$outer"
		sa_pair 7 0x1000
		learns "IPv$outer" "$outer" 1400
		run_deferred
	done
}

# The core finds neither the marked SA nor the route by the device.
case_learns_marked()
{
	local outer

	cipher gcm
	for outer in 4 6; do
		setup_path 1400
		outer "$outer"
		add_dev "$UA" "$OA" xv0 "$A" "$B" mark 6 dev v0 -- "$IA4"/24 "$IA6"/64
		add_dev "$UB" "$OB" xv0 "$B" "$A" mark 6 dev v1 -- "$IB4"/24 "$IB6"/64
		sa_pair 7 0x1000 mark 6
		learns "IPv$outer" "$outer" 1400
		run_deferred
	done
}

# IPv6 is owed 1280 octets: what the way has no room for goes in fragments.
case_below_1280()
{
	local outer

	cipher gcm
	for outer in 4 6; do
		setup_path 1290
		setup_tunnel "$outer"
		sa_pair 7 0x1000
		await "IPv$outer: path MTU" is "refused 1280" told "$IB6" 1400
		ping_ok "IPv$outer: 1280 octets" "$OA" "$IB6" -M 'do' -s 1232
		await "IPv$outer: path MTU in IPv4" \
			is "refused $(largest_inner 1290 "$outer" gcm)" told "$IB4" 1400
		ping_ok "IPv$outer: DF clear" "$OA" "$IB4" -M dont -s 1400
		run_deferred
	done
}

# What is too large for the narrow link is sent, and lost, and no one is told.
hole_is_black() # what outer-family
{
	local wide addr

	wide=$(largest_inner 1500 "$2" gcm)
	await "$1: MTU" is "$wide" mtu
	for addr in "$IB4" "$IB4" "$IB6" "$IB6"; do
		check_eq "$1: too large for the hole, to $addr" "$(told "$addr" "$wide")" sent
	done
	check_eq "$1: sent into the hole" "$(link_stat "$OA" xv0 tx_packets)" 4
	check_eq "$1: come out of it" "$(link_stat "$OB" xv0 rx_packets)" 0
}

# With the ICMP errors lost, TCP that probes gets through, as it does over any
# device.
case_black_hole()
{
	local outer

	cipher gcm
	for outer in 4 6; do
		setup_path 1400
		setup_tunnel "$outer"
		sa_pair 7 0x1000
		in_ns "$R" nft -f - 2>"$TMP/why" <<-END || skip "nft: $(head -n 1 "$TMP/why")"
			table inet hole {
				chain output {
					type filter hook output priority 0
					icmp type destination-unreachable drop
					icmpv6 type packet-too-big drop
				}
			}
		END
		hole_is_black "IPv$outer" "$outer"
		must in_ns "$OA" sysctl -qw net.ipv4.tcp_mtu_probing=1
		tcp_ok "IPv$outer, IPv4" "$OA" "$OB" "$IB4" 128
		tcp_ok "IPv$outer, IPv6" "$OA" "$OB" "$IB6" 128
		run_deferred
	done
}

# A destination beyond a narrow link of the overlay is that one's affair.
case_one_destination()
{
	local wide

	setup_path 1500
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	wide=$(largest_inner 1500 4 gcm)
	ip_batch "$OB" <<-END
		addr add 10.9.0.2/32 dev xv0
		addr add fd09::2/128 dev xv0 nodad
	END
	ip_batch "$OA" <<-END
		route add 10.9.0.2/32 dev xv0 mtu lock 1300
		route add fd09::2/128 dev xv0 mtu lock 1300
	END
	ping_ok "the narrow one" "$OA" 10.9.0.2
	ping_ok "the narrow one" "$OA" fd09::2
	check_eq "the narrow one" "$(told 10.9.0.2 1301)" "refused 1300"
	check_eq "the narrow one" "$(told fd09::2 1301)" "refused 1300"
	ping_ok "the others" "$OA" "$IB4" -M 'do' -s $((wide - 28))
	ping_ok "the others" "$OA" "$IB6" -M 'do' -s $((wide - 48))
	check_no_drops "$OA" xv0
}

need_module
run_cases learns learns_marked below_1280 black_hole one_destination
