#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# debug=core,kmemleak
#
# The device between its two namespaces: it encapsulates where it was born,
# wherever it lives, and dies with either.
#
#   OA: xv0 (moves to N1, N2, UA)        OB: xv0
#        :                                    :
#   UA: 192.0.2.1 --------- v0 --------- UB: 192.0.2.2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

setup()
{
	setup_hosts
	setup_tunnel "${1:-4}"
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "at first" "$OA" "$IB4"
	ping_ok "at first" "$OA" "$IB6"
}

# A move takes addresses and the up flag away, as of any interface.
move() # from to [new-name]
{
	local dev=${3:-xv0}

	must ip -n "$1" link set xv0 netns "$2"
	no_dev "$1" xv0 || fail "xv0 is still in $1"
	[ "$dev" = xv0 ] || must ip -n "$2" link set xv0 name "$dev"
	must ip -n "$2" link set "$dev" addrgenmode none up
	add_addr "$2" "$dev" "$IA4"/24 "$IA6"/64
	check_eq "reqid in $2" "$(dev_value "$2" "$dev" reqid)" 7
	ping_ok "in $2" "$2" "$IB4"
	ping_ok "in $2" "$2" "$IB6"
}

case_move()
{
	setup
	setup_ns N1 N2
	move "$OA" "$N1"
	move "$N1" "$N2"
	move "$N2" "$OA"
	move "$OA" "$UA"
	move "$UA" "$N1" red0
	check_no_drops "$N1" red0
}

case_shown()
{
	local id

	setup
	id=$(ip -n "$OA" -d -j link show xv0 | jq '.[0].link_netnsid')
	check "ip -d link shows the underlay" [ "$id" -ge 0 ]
	check_eq "xvti show" "$(dev_value "$OA" xv0 underlay_netnsid)" "$id"
	check_eq "the id is the underlay's" \
		"$(ip -n "$OA" -j netns list-id | jq -r ".[] | select(.nsid == $id).name")" "$UA"
	move "$OA" "$UA"
	check_eq "ip -d link at home" \
		"$(ip -n "$UA" -d -j link show xv0 | jq '.[0].link_netnsid')" null
	check_eq "xvti show at home" \
		"$(dev_value "$UA" xv0 underlay_netnsid)" null
}

# A dump shows the devices that live in the namespace, not those born there.
case_dump()
{
	setup
	add_dev "$UA" "$UA" xv1 "$A4" "$B4" reqid 8 --
	check_eq "in the overlay" "$(in_ns "$OA" xvti -j show | jq -c '[.[].ifname]')" '["xv0"]'
	check_eq "in the underlay" "$(in_ns "$UA" xvti -j show | jq -c '[.[].ifname]')" '["xv1"]'
}

# Made from the overlay, with the underlay named: what is refused is left in neither.
case_created_from_overlay()
{
	setup_hosts
	outer 4
	cipher gcm
	must ip -n "$OA" netns set "$UA" 5
	must ip -n "$OA" link add xv0 link-netnsid 5 type xvti
	must in_ns "$OA" xvti set xv0 local "$A" remote "$B" reqid 7
	must ip -n "$OA" link set xv0 addrgenmode none up
	add_addr "$OA" xv0 "$IA4"/24
	add_dev "$UB" "$OB" xv0 "$B" "$A" reqid 7 -- "$IB4"/24
	sa_pair 7 0x1000
	check_eq "underlay" "$(dev_json "$OA" xv0 '.[0].underlay_netnsid')" 5
	ping_ok "made from the overlay" "$OA" "$IB4"
	refused "the same name" 'exist' ip -n "$OA" link add xv0 link-netnsid 5 type xvti
	refused "an MTU" 'mtu|range' ip -n "$OA" link add xv1 mtu 100 link-netnsid 5 type xvti
	check_eq "devices in the underlay" "$(in_ns "$UA" xvti -j show | jq length)" 0
	check_eq "devices in the overlay" "$(in_ns "$OA" xvti -j show | jq length)" 1
	ping_ok "after the refusals" "$OA" "$IB4"
}

case_underlay_deleted()
{
	setup "$1"
	ping_on "$OA" "$IB4"
	ping_on "$OA" "$IB6"
	ping_on "$OB" "$IA4"
	await "traffic" at_least 20 link_stat "$OA" xv0 rx_packets
	must ip netns del "$UA"
	await "the device goes with its underlay" no_dev "$OA" xv0
	check_eq "the other host's device" "$(dev_value "$OB" xv0 reqid)" 7
	check "the overlay lives on" ip -n "$OA" link add xv0 type xvti
}

case_underlay_deleted_4() { case_underlay_deleted 4; }
case_underlay_deleted_6() { case_underlay_deleted 6; }

case_overlay_deleted()
{
	setup
	ping_on "$OB" "$IA4"
	ping_on "$OB" "$IA6"
	await "traffic" at_least 20 link_stat "$OA" xv0 rx_packets
	delete_ns "$OA"
	await "the overlay is gone" absent "/sys/class/net/s-$OA"
	# The binding must be free again.
	setup_ns OA
	add_dev "$UA" "$OA" xv0 "$A4" "$B4" reqid 7 -- "$IA4"/24 "$IA6"/64
	ping_ok "a new device of the same binding" "$OA" "$IB4"
}

# All four namespaces at once, with traffic in both directions.
case_all_deleted()
{
	local ns

	setup 6
	ping_on "$OA" "$IB4"
	ping_on "$OB" "$IA6"
	await "traffic" at_least 20 link_stat "$OA" xv0 rx_packets
	for ns in "$UB" "$OA" "$UA" "$OB"; do
		must ip netns del "$ns"
	done
}

need_module
run_cases move shown dump created_from_overlay underlay_deleted_4 underlay_deleted_6 \
	overlay_deleted all_deleted
