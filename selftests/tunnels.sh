#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=600
# kernels=one
#
# Two tunnels of strongSwan between the same two addresses, each with names and
# a device of its own: told apart by mark, by if_id and by reqid.
#
#   OA: xv0 10.8.0.1, xv1 10.9.0.1       OB: xv0 10.8.0.2, xv1 10.9.0.2
#       fd08::1       fd09::1                fd08::2       fd09::2
#        :                                    :
#   UA: charon                           UB: charon
#       192.0.2.1     ------ v0 ------       192.0.2.2
#       2001:db8::1                          2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/ike.lib"

# The settings of the children are those of both gateways, the action A's.
setup() # outer-family action binding0 "settings of net" binding1 "settings of net2"
{
	local action="start_action = $2"
	local -a bind0 net bind1 net2

	outer "$1"
	read -ra bind0 <<<"$3"
	mapfile -t net <<<"$4"
	read -ra bind1 <<<"$5"
	mapfile -t net2 <<<"$6"
	setup_hosts
	NO_QUEUE=()
	setup_tunnel "$1" "${bind0[@]}"
	add_dev "$UA" "$OA" xv1 "$A" "$B" "${bind1[@]}" -- 10.9.0.1/24 fd09::1/64
	add_dev "$UB" "$OB" xv1 "$B" "$A" "${bind1[@]}" -- 10.9.0.2/24 fd09::2/64
	ike_config "$TMP/b" gwb gwa "$B" "$A" "${net[@]}"
	ike_config_second "$TMP/b" gwb2 gwa2 "$B" "$A" "${net2[@]}"
	start_charon "$UB" "$TMP/b"
	ike_config "$TMP/a" gwa gwb "$A" "$B" "$action" "${net[@]}"
	ike_config_second "$TMP/a" gwa2 gwb2 "$A" "$B" "$action" "${net2[@]}"
	start_charon "$UA" "$TMP/a"
}

# Whatever goes into one comes out of its other end.
two_tunnels() # what
{
	local name dev count
	local -A before=()

	first_packets "$1" "$IB4"
	first_packets "$1" 10.9.0.2
	for dev in xv0 xv1; do
		for name in rx_packets tx_packets; do
			before[$dev-$name]=$(link_stat "$OB" "$dev" "$name")
		done
	done
	ping_ok "$1" "$OA" "$IB4" -c 5
	ping_ok "$1" "$OB" "$IA6" -c 5
	ping_ok "$1" "$OA" 10.9.0.2 -c 3
	ping_ok "$1" "$OB" fd09::1 -c 4
	for dev in "xv0 10" "xv1 7"; do
		read -r dev count <<<"$dev"
		for name in rx_packets tx_packets; do
			check_eq "$1: $dev $name" \
				$(($(link_stat "$OB" "$dev" "$name") - before[$dev-$name])) "$count"
		done
		check_no_drops "$OA" "$dev"
		check_no_drops "$OB" "$dev"
	done
	[ "$RET" -eq 0 ] || diagnose
}

# On traffic; the SAs in come without the mark.
case_mark()
{
	setup 4 trap "mark 6" $'mark_in = 6\nmark_out = 6' \
		"mark 7" $'mark_in = 7\nmark_out = 7'
	two_tunnels "by mark"
	[ "$(peer_reqid "$OA")" != "$(dev_value "$OA" xv1 peer_reqid)" ] ||
		fail "both have the same reqid: $(peer_reqid "$OA")"
}

# At once, where no packet has asked.
case_if_id()
{
	local side

	need_if_id
	setup 6 start "if_id 5" $'if_id_in = 5\nif_id_out = 5' \
		"if_id 6" $'if_id_in = 6\nif_id_out = 6'
	await "SAs of both" at_least 4 sa_count || diagnose
	for side in "$OA" "$OB"; do
		await "pair of xv0" is "[true,true]" sa_dirs "$side"
	done
	two_tunnels "by if_id"
}

# Without policies.
case_reqid()
{
	setup 4 start "reqid 7" $'reqid = 7\npolicies = no' \
		"reqid 8" $'reqid = 8\npolicies = no'
	await "SAs of both" at_least 4 sa_count || diagnose
	check_eq "policies" "$(ip -n "$UA" xfrm policy list nosock)" ""
	two_tunnels "by reqid"
}

need_module
ike_available || skip_all "strongSwan is not installed"
run_cases mark if_id reqid
