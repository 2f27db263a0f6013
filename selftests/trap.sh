#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=600
# kernels=one
#
# The usual configuration of a route-based tunnel, unmodified: a mark or an
# if_id, trap policies, no reqid. strongSwan installs its policies, and leaves
# SAs in without the mark, as is its default.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: charon                           UB: charon
#       192.0.2.1     ------ v0 ------       192.0.2.2
#       2001:db8::1                          2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/ike.lib"

# Devices at both ends, and the daemons, which wait for traffic.
setup() # outer-family "option of the devices..." "setting of the child"...
{
	local outer=$1
	local -a binding

	read -ra binding <<<"$2"
	shift 2
	# Packets wait, as they do unless somebody asks for something else.
	NO_QUEUE=()
	setup_tunnel "$outer" "${binding[@]}"
	# The side that answers first: its daemon is there when A's begins.
	ike_config "$TMP/b" gwb gwa "$B" "$A" "start_action = trap" "$@"
	start_charon "$UB" "$TMP/b"
	ike_config "$TMP/a" gwa gwb "$A" "$B" "start_action = trap" "$@"
	start_charon "$UA" "$TMP/a"
}

sa_reqid() # netns remote
{
	ip -n "$1" xfrm state list dst "$2" | awk '{
		for (i = 1; i < NF; i++)
			if ($i == "reqid") { print $(i + 1); exit } }'
}

# What the device has learned, and that nothing else was needed.
check_learned() # what
{
	local host

	for host in "$UA $OA $B" "$UB $OB $A"; do
		# shellcheck disable=SC2086 # words
		set -- "$1" $host
		check_eq "$1: reqid of $3" "$(peer_reqid "$3")" "$(sa_reqid "$2" "$4")"
		check_policies_on "$1" "$3" xv0
		check_no_drops "$3" xv0
	done
}

on_traffic() # outer-family first-address binding setting...
{
	local what="$3, first to $2" first=$2

	setup "$1" "${@:3}"
	check_eq "SAs before" "$(sa_dirs "$OA")" "[false,false]"
	check_ge "trap policies" \
		"$(ip -n "$UA" xfrm policy list dir out nosock | grep -c '^src')" 2
	first_packets "$what" "$first"
	both_families "$what"
	check_learned "$what"
}

marked() # outer-family first-address
{
	on_traffic "$1" "$2" "mark 6" "mark_in = 6" "mark_out = 6"
	check_eq "marks of the SAs in" \
		"$(ip -n "$UA" xfrm state list dst "$A" | grep -c 'mark 0x6')" 0
	check_ge "marks of the SAs out" \
		"$(ip -n "$UA" xfrm state list dst "$B" | grep -c 'mark 0x6')" 1
}

case_mark_4()
{
	setup_hosts
	marked 4 "$IB4"
}

case_mark_6()
{
	setup_hosts
	marked 6 "$IB6"
}

# The same gateway without namespaces, where the daemon's policies are those
# of the inner packets as well.
case_mark_one_netns()
{
	setup_hosts flat
	marked 4 "$IB6"
}

case_if_id()
{
	need_if_id
	setup_hosts
	on_traffic 4 "$IB4" "if_id 5" "if_id_in = 5" "if_id_out = 5"
}

# Without a carrier nothing can be routed into the device: it asks itself.
by_carrier() # outer-family binding setting...
{
	setup_hosts
	setup "$1" "$2 carrier sa" "${@:3}"
	await "$2: carrier" is 1 dev_attr "$OA" xv0 carrier || diagnose
	await "$2: carrier of the peer" is 1 dev_attr "$OB" xv0 carrier
	both_families "$2"
	check_no_drops "$OA" xv0
}

case_carrier_mark() { by_carrier 4 "mark 6" "mark_in = 6" "mark_out = 6"; }

case_carrier_if_id()
{
	need_if_id
	by_carrier 6 "if_id 5" "if_id_in = 5" "if_id_out = 5"
}

need_module
ike_available || skip_all "strongSwan is not installed"
run_cases mark_4 mark_6 mark_one_netns if_id carrier_mark carrier_if_id
