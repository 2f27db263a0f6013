#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# VRFs: of the overlay, whose routes lead into the device; of the underlay,
# whose routes carry the ESP packets; of both in one namespace, where only
# they keep the two apart.
#
#   OA: xv0 in red                       OB: xv0
#        :                                    :
#   UA: v0 in blue    ------ v0 ------   UB: v0 in no VRF
#       192.0.2.1                            192.0.2.2
#       2001:db8::1                          2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# A VRF, or none of the cases can run.
add_vrf() # netns name table
{
	ip -n "$1" link add "$2" type vrf table "$3" 2>/dev/null ||
		skip "no VRF"
	must ip -n "$1" link set "$2" up
}

# An interface loses its IPv6 addresses when it comes into a VRF.
enslave() # netns device vrf address...
{
	local ns=$1 dev=$2 vrf=$3

	shift 3
	ip_batch "$ns" <<-END
		addr flush dev $dev
		link set $dev master $vrf
	END
	add_addr "$ns" "$dev" "$@"
}

red() { enslave "$OA" xv0 red "$IA4"/24 "$IA6"/64; }
blue() { enslave "$UA" v0 blue "$A4"/24 "$A6"/64 "$MARKER_A"/30; }

# The device's network is that of the VRF alone.
traffic() # what outer-family [option-of-ping...]
{
	local what=$1 mtu=1446
	[ "$2" = 4 ] || mtu=1426

	shift 2
	ping_ok "$what" "$OA" "$IB4" "$@"
	ping_ok "$what" "$OA" "$IB6" "$@"
	await "$what: MTU" is "$mtu" mtu
	ping_ok "$what: $mtu octets" "$OA" "$IB4" -c 1 -M 'do' -s $((mtu - 28)) "$@"
	ping_ok "$what: $mtu octets" "$OA" "$IB6" -c 1 -M 'do' -s $((mtu - 48)) "$@"
	check_eq "$what: $((mtu + 1)) octets" \
		"$(told "$IB4" $((mtu + 1)) "${2:-}")" \
		"refused $mtu"
	check_no_drops "$OB" xv0
}

# The tunnel of A with options of its own, that of B without any.
tunnel() # outer-family [option...]
{
	outer "$1"
	shift
	add_dev "$UA" "$OA" xv0 "$A" "$B" reqid 7 "$@" -- "$IA4"/24 "$IA6"/64
	add_dev "$UB" "$OB" xv0 "$B" "$A" reqid 7 -- "$IB4"/24 "$IB6"/64
	cipher gcm
	sa_pair 7 0x1000
}

untunnel()
{
	sa_pair_del 0x1000
	del_tunnel
}

case_overlay()
{
	local outer

	setup_hosts
	add_vrf "$OA" red 100
	for outer in 4 6; do
		tunnel "$outer"
		red
		traffic "overlay, IPv$outer" "$outer" -I red
		ping_ok "overlay, IPv$outer, back" "$OB" "$IA4"
		ping_ok "overlay, IPv$outer, back" "$OB" "$IA6"
		refused "outside the VRF" 'unreachable' in_ns "$OA" ping -n -c 1 -W 1 "$IB4"
		untunnel
	done
}

# The lower device is in a VRF: it, or the VRF, has to be named.
case_underlay()
{
	local outer dev

	setup_hosts
	add_vrf "$UA" blue 200
	blue
	for outer in 4 6; do
		for dev in blue v0; do
			tunnel "$outer" dev "$dev"
			traffic "underlay, dev $dev, IPv$outer" "$outer"
			ping_ok "underlay, dev $dev, IPv$outer, back" "$OB" "$IA6"
			untunnel
		done
		tunnel "$outer"
		ping_none "underlay, no dev, IPv$outer" "$OA" "$IB4" 2
		check_eq "underlay, no dev, IPv$outer" "$(drops "$OA" xv0)" tx_no_route:2
		untunnel
	done
}

# A path MTU is learned in the VRF, where the ESP packets' routes are.
case_path_mtu()
{
	local outer want

	setup_hosts
	add_vrf "$UA" blue 200
	blue
	setup_ns R
	wire "$UA" "$R" r0
	enslave "$UA" r0 blue 198.51.100.1/24 2001:db8:1::1/64
	add_addr "$R" r0 198.51.100.254/24 2001:db8:1::254/64
	wire "$R" "$UB" r1
	add_addr "$R" r1 203.0.113.254/24 2001:db8:2::254/64
	add_addr "$UB" r1 203.0.113.7/24 2001:db8:2::7/64
	forwards "$R"
	must ip -n "$R" link set r1 mtu 1400
	ip_batch "$UA" <<-END
		route add 203.0.113.7 via 198.51.100.254 table 200
		route add 2001:db8:2::/64 via 2001:db8:1::254 table 200
	END
	ip_batch "$UB" <<-END
		route add 198.51.100.0/24 via 203.0.113.254
		route add 2001:db8:1::/64 via 2001:db8:2::254
	END
	for outer in 4 6; do
		A=198.51.100.1 B=203.0.113.7 want=1346
		[ "$outer" = 4 ] || A=2001:db8:1::1 B=2001:db8:2::7 want=1326
		add_dev "$UA" "$OA" xv0 "$A" "$B" reqid 7 dev blue -- "$IA4"/24 "$IA6"/64
		add_dev "$UB" "$OB" xv0 "$B" "$A" reqid 7 -- "$IB4"/24 "$IB6"/64
		cipher gcm
		sa_pair 7 0x1000
		ping_ok "small, IPv$outer" "$OA" "$IB6"
		# lost at the narrow link, whose router then tells
		ping_none "1400, IPv$outer" "$OA" "$IB4" 1 -M dont -s 1372
		await "path MTU, IPv$outer" is "refused $want" told "$IB4" 1400
		await "path MTU, IPv$outer" is "refused $want" told "$IB6" 1400
		untunnel
	done
}

# All in one namespace, with the same network inside and outside: the device
# is in red, its ESP packets leave by blue.
case_both()
{
	local outer

	setup_hosts flat
	add_vrf "$UA" red 100
	add_vrf "$UA" blue 200
	blue
	for outer in 4 6; do
		tunnel "$outer" dev blue
		red
		# what a route in blue would do, were it asked
		must ip -n "$UA" route add blackhole "$IB4"/32 table 200
		capture "$UA" v0
		traffic "both, IPv$outer" "$outer" -I red
		ping_ok "both, IPv$outer, back" "$OB" "$IA6"
		# nothing but blue has a route to UB there
		capture_end "$UB" "$MARKER_A"
		check_only_esp "both, IPv$outer"
		must ip -n "$UA" route del blackhole "$IB4"/32 table 200
		untunnel
	done
}

need_module
run_cases overlay underlay path_mtu both
