#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# GSO and GRO: a large packet stays one until it is ESP, whether the core's
# ESP offload modules are loaded or not, and arrives as what it was.
#
#   HA 10.12.1.9         OA: xv0            OB: xv0         10.12.2.9 HB
#      fd0c:1::9 -- h0 --     :                  :  -- h0 -- fd0c:2::9
#                        UA:  ------ v0 ------ UB:

. "$(dirname "$(readlink -f "$0")")/lib.sh"

readonly SIZE=512

sent() { link_stat "$1" xv0 tx_packets; }

# Of a file over TCP the device sees few packets, the wire many: each of the
# wire's carries at most the MTU. How many few are is a matter of time; were
# the packets cut before the device, they would be as many as on the wire.
stays_large() # what address
{
	local before packets few many

	before=$(wire_packets "$UA")
	packets=$(sent "$OA")
	tcp_ok "$1" "$OA" "$OB" "$2" "$SIZE"
	few=$(($(sent "$OA") - packets))
	many=$(($(wire_packets "$UA") - before))
	note "$1: $few packets on the device, $many on the wire"
	check_ge "$1: packets on the wire" "$many" $((SIZE * 1024 / 1446))
	check_le "$1: packets on the device" "$few" $((many * 2 / 3))
	check_eq "$1: too large for the wire" "$(xfrm_stat "$UA" XfrmOutError)" 0
	check_eq "$1: damaged" "$(xfrm_stat "$UB" XfrmInStateProtoError)" 0
}

all_families() # what
{
	local outer

	for outer in 4 6; do
		setup_tunnel "$outer"
		sa_pair 7 0x1000
		stays_large "$1, 4 in $outer" "$IB4"
		stays_large "$1, 6 in $outer" "$IB6"
		check_no_drops "$OA" xv0
		check_no_drops "$OB" xv0
		sa_pair_del 0x1000
		del_tunnel
	done
}

case_plain()
{
	modprobe -qr esp4_offload esp6_offload
	absent /sys/module/esp4_offload || die "esp4_offload cannot be unloaded"
	setup_hosts
	cipher gcm
	all_families "without offload"
}

case_offload()
{
	load_offload
	setup_hosts
	cipher gcm
	all_families "with offload"
}

# A cipher that the modules have no part in.
case_offload_null()
{
	load_offload
	setup_hosts
	cipher null
	all_families "null with offload"
}

# Large packets that are forwarded into the device stay large as well; and on
# the other side GRO has made large ones of what came out of it.
forwarded() # what address
{
	local before few many merged

	before=$(wire_packets "$UA")
	few=$(sent "$OA")
	merged=$(link_stat "$OB" h0 tx_packets)
	tcp_ok "$1" "$HA" "$HB" "$2" "$SIZE"
	few=$(($(sent "$OA") - few))
	many=$(($(wire_packets "$UA") - before))
	merged=$(($(link_stat "$OB" h0 tx_packets) - merged))
	note "$1: $few on the device, $many on the wire, $merged forwarded"
	check_ge "$1: packets on the wire" "$many" $((SIZE * 1024 / 1446))
	check_le "$1: packets on the device" "$few" $((many * 2 / 3))
	check_le "$1: packets forwarded" "$merged" $((many * 3 / 4))
}

case_forwarded()
{
	local outer

	# after the namespaces have gone, whose SAs use them
	defer modprobe -r esp4_offload esp6_offload
	setup_hosts
	setup_ns HA HB
	behind "$HA" "$OA" 1
	behind "$HB" "$OB" 2
	cipher gcm
	for outer in 4 6; do
		[ "$outer" = 4 ] || modprobe -qa esp4_offload esp6_offload
		setup_tunnel "$outer"
		sa_pair 7 0x1000
		route_to "$OA" 2
		route_to "$OB" 1
		forwarded "4 in $outer" 10.12.2.9
		forwarded "6 in $outer" fd0c:2::9
		check_eq "IPv$outer: damaged" "$(xfrm_stat "$UB" XfrmInStateProtoError)" 0
		sa_pair_del 0x1000
		del_tunnel
	done
}

need_module
run_cases plain offload offload_null forwarded
