#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=900
# kernels=one,last
#
# A device of ours at one end, and at the other what else there is: vti, vti6,
# the xfrm interface, plain policies, another daemon; and a NAT between two of
# ours. Each with traffic, the MTU, and rekeys: from both ends, but from A alone
# with Libreswan.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: charon                           UB: charon, or pluto
#       192.0.2.1     ------ v0 ------       192.0.2.2
#       2001:db8::1                          2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/ike.lib"

readonly OURS=("reqid = 7" "policies = no")

setup_a() # outer-family [setting of the child...]
{
	setup_hosts
	outer "$1"
	shift
	add_dev "$UA" "$OA" xv0 "$A" "$B" reqid 7 -- "$IA4"/24 "$IA6"/64
	ike_config "$TMP/a" gwa gwb "$A" "$B" "${OURS[@]}" "$@"
}

begin()
{
	start_charon "$UB" "$TMP/b"
	start_charon "$UA" "$TMP/a"
	must ike "$TMP/a" --initiate --child net --timeout "$XVTI_WAIT"
}

# Every datagram arrives once while these ends have new SAs made, in turn.
rekeys() # what directory...
{
	local side

	numbered "$IB4" 100
	for side in "${@:2}"; do
		rekeyed_by "$1, by $side" "$side"
	done
	numbered_end
}

works() # what outer-family
{
	both_families "$1"
	exact "$1" 1500 "$2" gcm
	tcp_ok "$1" "$OA" "$OB" "$IB4"
	tcp_ok "$1, back" "$OB" "$OA" "$IA6"
	rekeys "$1" a b
	check_no_drops "$OA" xv0
}

# B's device is made in the underlay and moved to the overlay.
device_of_b() # type option...
{
	must ip -n "$UB" link add xv0 type "$@"
	must ip -n "$UB" link set xv0 netns "$OB"
	add_addr "$OB" xv0 "$IB4"/24 "$IB6"/64
	must ip -n "$OB" link set xv0 up
}

# What comes through vti to another namespace has no policy there.
vti() # outer-family type
{
	setup_a "$1"
	device_of_b "$2" local "$B" remote "$A" key 6
	must in_ns "$OB" sysctl -qw net.ipv{4,6}.conf.xv0.disable_policy=1
	ike_config "$TMP/b" gwb gwa "$B" "$A" "mark_in = 6" "mark_out = 6"
	begin
	works "$2" "$1"
}

case_vti() { vti 4 vti; }
case_vti6() { vti 6 vti6; }

xfrmi() # outer-family
{
	need_if_id
	setup_a "$1"
	device_of_b xfrm if_id 6
	ike_config "$TMP/b" gwb gwa "$B" "$A" "if_id_in = 6" "if_id_out = 6"
	begin
	works "xfrm interface" "$1"
}

case_xfrmi_4() { xfrmi 4; }
case_xfrmi_6() { xfrmi 6; }

# B is a gateway that has policies and no device: OB is a host behind it.
case_policies()
{
	setup_a 4 "local_ts = $IA4/32, $IA6/128" "remote_ts = $IB4/32, $IB6/128"
	wire "$UB" "$OB" xv0
	add_addr "$OB" xv0 "$IB4"/32 "$IB6"/128
	ip_batch "$OB" <<-END
		route add default dev xv0
		route add ::/0 dev xv0
	END
	ip_batch "$UB" <<-END
		route add $IB4/32 dev xv0
		route add $IB6/128 dev xv0
		route add $IA4/32 via $A4
		route add $IA6/128 via $A6
	END
	forwards "$UB"
	ike_config "$TMP/b" gwb gwa "$B" "$A" \
		"local_ts = $IB4/32, $IB6/128" "remote_ts = $IA4/32, $IA6/128"
	begin
	works "policies" 4
}

# It has a child for each family, and so has charon then. B has a device of
# ours, bound by the mark of the policies.
case_libreswan()
{
	local net

	libreswan_available || skip "Libreswan is not installed"
	setup_a 4 "remote_ts = 0.0.0.0/0" "local_ts = 0.0.0.0/0"
	gw_set "$TMP/a" "proposals = aes256gcm16-prfsha256-ecp384" "children {" \
		"net6 {" "local_ts = ::/0" "remote_ts = ::/0" \
		"esp_proposals = aes256gcm16-ecp384" "${OURS[@]}" "}" "}"
	add_dev "$UB" "$OB" xv0 "$B" "$A" mark 6 -- "$IB4"/24 "$IB6"/64
	libreswan_config "$TMP/b" gwb gwa "$B" "$A" "$UPDOWN" "$MARKED" auto=add
	start_pluto "$UB" "$TMP/b"
	start_charon "$UA" "$TMP/a"
	for net in net net6; do
		must ike "$TMP/a" --initiate --child "$net" --timeout "$XVTI_WAIT"
	done
	await "SAs of B's device" is "[true,true]" sa_dirs "$OB"
	both_families "Libreswan"
	exact "Libreswan" 1500 4 gcm
	tcp_ok "Libreswan" "$OA" "$OB" "$IB4"
	rekeys "Libreswan" a
	check_no_drops "$OA" xv0
}

# B knows neither where A is nor that there is a NAT, and learns it, also when
# the NAT has another mapping.
case_nat()
{
	setup_nat
	add_dev "$UA" "$OA" xv0 "$BEHIND" "$B" reqid 7 -- "$IA4"/24 "$IA6"/64
	add_dev "$UB" "$OB" xv0 "$B" any reqid 7 -- "$IB4"/24 "$IB6"/64
	ike_config "$TMP/a" gwa gwb "$BEHIND" "$B" "${OURS[@]}"
	ike_config "$TMP/b" gwb gwa "$B" %any "${OURS[@]}"
	begin
	both_families "NAT"
	check_eq "peer of B" "$(peer "$OB")" "$NATTED"
	await "MTU" is "$(largest_inner 1500 4 gcm 8)" mtu
	tcp_ok "NAT" "$OA" "$OB" "$IB4"
	rekeys "NAT" a b
	nat_port 10002
	must in_ns "$NAT" conntrack -F
	busywait "$XVTI_WAIT" in_ns "$OA" ping -n -q -c 1 -W 1 "$IB4" ||
		fail "nothing comes back by another port"
	check_eq "port of A" "$(ip -n "$UB" xfrm state list dst "$NATTED" |
		grep -o 'dport [0-9]*' | sort -u)" "dport 10002"
	both_families "another port"
	check_no_drops "$OA" xv0
	check_no_drops "$OB" xv0
}

need_module
ike_available || skip_all "strongSwan is not installed"
run_cases vti vti6 xfrmi_4 xfrmi_6 policies libreswan nat
