#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# SAs that a NIC takes. Crypto offload is the core's affair; with packet offload
# the NIC does what policies say, so that it is for policy mode.
#
#   OA: xv0 10.8.0.1, fd08::1
#        :
#   UA: 192.0.2.1, 2001:db8::1 on a NIC, of which nothing comes back
#
# The NIC is that of modules/xvti_nic.c, and netdevsim where the kernel has it.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

readonly NIC=/sys/module/xvti_nic/parameters

# What it counts: sas, policies, crypto, plain.
nic_count() { cat "$NIC/$1"; }

# UA with the NIC, which is there already, OA with xv0.
setup() # device outer-family option...
{
	local nic=$1

	outer "$2"
	ip_batch "$UA" <<-END
		link set $nic arp off addrgenmode none
		link set $nic up
		addr add $A4/24 dev $nic
		addr add $A6/64 dev $nic nodad
	END
	add_dev "$UA" "$OA" xv0 "$A" "$B" "${@:3}" -- "$IA4"/24 "$IA6"/64
}

# A test with our NIC, for one outer family after the other.
with_nic() # function
{
	load_offload
	setup_ns UA OA
	for OUTER in 4 6; do
		modprobe -q xvti_nic || skip "this kernel has no offload"
		must ip link set nic0 netns "$UA"
		"$1" "IPv$OUTER"
		must ip -n "$OA" link del xv0
		must ip -n "$UA" xfrm state flush
		must ip -n "$UA" xfrm policy flush
		check_eq "IPv$OUTER: SAs left at the NIC" "$(nic_count sas)" 0
		check_eq "IPv$OUTER: policies left at the NIC" "$(nic_count policies)" 0
		modprobe -r xvti_nic || fail "IPv$OUTER: the NIC is still in use"
	done
}

# Three packets of each family, of which no answer comes.
send() # what
{
	ping_none "$1" "$OA" "$IB4" 3
	ping_none "$1" "$OA" "$IB6" 3
}

# The cipher is the NIC's, all else the core's.
crypto_by_nic() # what
{
	setup nic0 "$OUTER" reqid 7
	cipher gcm
	sa_add "$UA" "$A" "$B" 0x1000 7 offload dev nic0 dir out
	check_eq "$1: SAs of the NIC" "$(nic_count sas)" 1
	check_eq "$1: SAs of the device" "$(dev_value "$OA" xv0 sa_out)" 1
	capture "$UA" nic0
	send "$1"
	await "$1: packets seen" at_least 6 captured "ip proto 50 or ip6 proto 50"
	stop "$CAP_PID" INT
	check_eq "$1: packets to encrypt" "$(nic_count crypto)" 6
	check_eq "$1: others" "$(nic_count plain)" 0
	check_eq "$1: packets by the SA" "$(sa_packets "$UA" "$B" 0x1000)" 6
	check_eq "$1: MTU" "$(mtu)" "$(largest_inner 1500 "$OUTER" gcm)"
	check_no_drops "$OA" xv0
}

# The kernel's own device for tests: what it says that it was given.
crypto_by_netdevsim()
{
	setup_ns UA OA
	must in_ns "$UA" sh -c 'echo 1 1 >/sys/bus/netdevsim/new_device'
	defer sh -c 'echo 1 >/sys/bus/netdevsim/del_device'
	must ip -n "$UA" link set name nsim0 \
		"$(in_ns "$UA" ls /sys/bus/netdevsim/devices/netdevsim1/net)"
	setup nsim0 4 reqid 7
	cipher gcm
	sa_add "$UA" "$A" "$B" 0x1000 7 offload dev nsim0 dir out
	send "netdevsim"
	check "netdevsim: packets to encrypt" grep -q 'SA count=1 tx=6' \
		/sys/kernel/debug/netdevsim/netdevsim1/ports/0/ipsec
	check_no_drops "$OA" xv0
	must ip -n "$OA" link del xv0
	must ip -n "$UA" xfrm state flush
}

case_crypto()
{
	with_nic crypto_by_nic
	if modprobe -q netdevsim; then
		note "netdevsim as well"
		defer modprobe -r netdevsim
		crypto_by_netdevsim
	fi
}

# SAs, and with policies what leads to them.
packet_sa() # spi [option...]
{
	ip_batch "$UA" <<<"$(sa_line "$A" "$B" "$1" 7 "${@:2}" offload packet dev nic0 dir out)"
}

packet_policies()
{
	local net

	for net in 10.8.0.0/24 fd08::/64; do
		echo "xfrm policy add src $net dst $net dir out mark 6 $*" \
			"tmpl src $A dst $B proto esp reqid 7 mode tunnel"
	done | ip_batch "$UA"
}

need_packet_offload()
{
	ip xfrm state help 2>&1 | grep -q 'offload.*packet' ||
		skip "iproute2 knows no packet offload"
	[ "$(nic_count knows_packets)" = Y ] ||
		skip "this kernel has no packet offload"
}

# The private policies are no NIC's, and find no such SA.
packet_direct() # what
{
	local text

	need_packet_offload
	setup nic0 "$OUTER" reqid 7
	cipher gcm
	packet_sa 0x1000
	check_eq "$1: SAs of the NIC" "$(nic_count sas)" 1
	check_eq "$1: SAs of the device" "$(dev_value "$OA" xv0 sa_out)" 0
	send "$1"
	check_dropped "$1" "$OA" xv0 tx_no_sa 6
	text=$(xvti -n "$OA" explain xv0 to "$IB4")
	check "$1: explained" grep -qF "SPI 0x00001000 is its NIC's" <<<"$text"
	sa_add "$UA" "$A" "$B" 0x2000 7
	send "$1, with another SA"
	check_eq "$1: packets by the other SA" "$(sa_packets "$UA" "$B" 0x2000)" 6
	check_eq "$1: packets sent by the NIC" "$(nic_count plain)" 6
}

case_packet_direct() { with_nic packet_direct; }

# Inner packets of the outer family: newer cores find no route for the others.
send_own() # what
{
	local addr=$IB4

	[ "$OUTER" = 4 ] || addr=$IB6
	ping_none "$1" "$OA" "$addr" 3
}

# The NIC gets the packets that policies give it as they are.
packet_policy() # what
{
	need_packet_offload
	setup nic0 "$OUTER" mark 6 mode policy
	cipher gcm
	packet_sa 0x1000 mark 6
	packet_policies offload packet dev nic0
	check_eq "$1: policies of the NIC" "$(nic_count policies)" 2
	send_own "$1"
	check_eq "$1: packets sent by the NIC" "$(nic_count plain)" 3
	check_no_drops "$OA" xv0
	check_eq "$1: sent" "$(link_stat "$OA" xv0 tx_packets)" 3
}

case_packet_policy() { with_nic packet_policy; }

# What the NIC is to protect never leaves by another: it would do so as it is.
packet_elsewhere() # what
{
	need_packet_offload
	setup nic0 "$OUTER" mark 6 mode policy
	cipher gcm
	packet_sa 0x1000 mark 6
	packet_policies offload packet dev nic0
	[ -n "${UB-}" ] || setup_ns UB
	wire "$UA" "$UB"
	add_addr "$UA" v0 "$MARKER_A/30"
	add_addr "$UB" v0 "$MARKER_B/30"
	capture "$UB" v0
	must ip -n "$UA" route add "$B" dev v0
	send_own "$1"
	check_dropped "$1" "$OA" xv0 tx_no_route 3
	capture_end
	check_eq "$1: packets on the other link" \
		"$(captured "(icmp or icmp6) and not host $MARKER_B")" 0
	check_eq "$1: packets sent by the NIC" "$(nic_count plain)" 0
	must ip -n "$UA" link del v0
	send_own "$1, back"
	check_eq "$1: packets sent by the NIC" "$(nic_count plain)" 3
}

case_packet_elsewhere() { with_nic packet_elsewhere; }

need_module
run_cases crypto packet_direct packet_policy packet_elsewhere
