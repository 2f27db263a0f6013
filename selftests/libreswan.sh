#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=600
# kernels=one
#
# SAs negotiated by Libreswan: IKEv2, a mark, no device of its own making.
# It marks the policies and leaves SAs without the mark.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: pluto                            UB: pluto
#       192.0.2.1     ------ v0 ------       192.0.2.2
#       2001:db8::1                          2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/ike.lib"

start() # a|b
{
	local ns=$UA

	[ "$1" = a ] || ns=$UB
	start_pluto "$ns" "$TMP/$1"
}

# Devices at both ends, and the daemons.
setup() # outer-family "option of the devices..." setting...
{
	local outer=$1
	local -a binding

	read -ra binding <<<"$2"
	shift 2
	setup_hosts
	setup_tunnel "$outer" "${binding[@]}"
	libreswan_config "$TMP/a" gwa gwb "$A" "$B" "$UPDOWN" "$@"
	libreswan_config "$TMP/b" gwb gwa "$B" "$A" "$UPDOWN" "$@"
	start b
	start a
	PID_A=$IKE_PID
}

# Nothing but the mark says whose SAs these are.
case_traffic() # outer-family
{
	local ns

	setup "$1" "mark 6" "$MARKED" auto=add
	ping_none "before IKE" "$OA" "$IB4" 2
	libreswan_initiate
	check_eq "marked SAs" "$(ip -n "$UA" xfrm state | grep -c mark)" 0
	await "marked policies for all" is 2 traps "$UA"
	both_families "IPv$1 outside"
	check "explain" in_ns "$OA" xvti explain xv0 to "$IB4"
	await "MTU" is $((1446 - 20 * ($1 == 6))) dev_attr "$OA" xv0 mtu
	tcp_ok "IPv$1 outside" "$OA" "$OB" "$IB4"
	for ns in "$OA" "$OB"; do
		check_eq "disable_policy" \
			"$(in_ns "$ns" cat /proc/sys/net/ipv4/conf/xv0/disable_policy)" 0
	done
	check_no_drops "$OB" xv0
}

case_traffic_4() { case_traffic 4; }
case_traffic_6() { case_traffic 6; }

# Policies and SAs that were there before the device.
case_before()
{
	setup 4 "mark 6 carrier sa" "$MARKED" auto=add
	libreswan_initiate
	await "carrier" is 1 dev_attr "$OA" xv0 carrier
	must ip -n "$OA" link del xv0
	add_dev "$UA" "$OA" xv0 "$A" "$B" mark 6 -- "$IA4"/24 "$IA6"/64
	both_families "a new device"
}

# Its policies wait for traffic.
case_on_demand()
{
	NO_QUEUE=()
	setup 6 "mark 6" "$MARKED" auto=ondemand
	await "trap policies" is 2 traps "$UA"
	first_packets "on demand" "$IB4"
	first_packets "on demand" "$IB6"
	both_families "on demand"
	check_no_drops "$OA" xv0
}

# Each family goes by its own SA, as the policies say.
case_policy_mode()
{
	setup 4 "mark 6 mode policy" "$MARKED" auto=add
	libreswan_initiate
	both_families "policy mode"
	check_no_drops "$OA" xv0
	check_no_drops "$OB" xv0
}

# A fixed reqid, and a mark in one direction alone.
case_reqid()
{
	setup 6 "reqid 7" mark-out=6/0xffffffff reqid=7 auto=add
	libreswan_initiate
	await "marked policies out" is 2 traps "$UA"
	check_eq "marked policies in" \
		"$(ip -n "$UA" xfrm policy list dir in nosock | grep -c 'mark 0x6')" 0
	both_families "marked out"
	check_no_drops "$OA" xv0
	check_no_drops "$OB" xv0
}

# Versions differ in what they call it.
rekey() # a|b connection
{
	local option=rekey-child

	whack "$TMP/$1" --help 2>&1 | grep -q -- "--$option" || option=rekey-ipsec
	check "rekey by $1" whack "$TMP/$1" --name "$2" "--$option" --asynchronous
}

spis_out() { ip -n "$UA" xfrm state list dst "$B" | awk '/spi 0x/ { print $4 }'; }

# How many there are that were not in a list of before.
new_spis() # old
{
	spis_out | grep -cvF "$1"
}

all_new() # old
{
	[ "$(new_spis "$1")" -eq 2 ] && [ "$(spis_out | wc -l)" -eq 2 ]
}

case_rekey()
{
	local old

	setup 4 "mark 6" "$MARKED" auto=add
	libreswan_initiate
	old=$(spis_out)
	# Libreswan drops its old SA when it is told to, whatever is under way: the
	# other direction shows the device in time that the new one is in use
	ping_on "$OB" "$IA4"
	numbered "$IB4" 200
	rekey a net4
	await "one SA is new" is 1 new_spis "$old"
	rekey a net6
	await "SAs are new" all_new "$old" || diagnose
	numbered_end 3
	both_families "after the rekey"
}

# A daemon that ends takes its SAs along; nothing leaves in the clear.
case_restart()
{
	setup 6 "mark 6" "$MARKED" auto=add
	libreswan_initiate
	both_families "first"
	stop "$PID_A"
	await "SAs are gone" is 0 sa_count
	capture "$UB" v0
	ping_none "without a daemon" "$OA" "$IB4" 3
	ping_none "without a daemon" "$OA" "$IB6" 3
	check_dropped "without a daemon" "$OA" xv0 tx_no_sa 6
	capture_end
	check_only_ipsec "without a daemon"
	start a
	libreswan_initiate
	both_families "second"
}

# A daemon that is killed leaves its SAs in the kernel, which go on working.
case_killed()
{
	local old net

	setup 4 "mark 6" "$MARKED" auto=add
	libreswan_initiate
	both_families "first"
	stop "$PID_A" KILL
	await "the daemon is dead" not running "$PID_A"
	both_families "the daemon is dead"
	old=$(spis_out)
	start a
	libreswan_initiate
	await "new SAs" is 2 new_spis "$old" || diagnose
	for net in "$OA" "$OB"; do
		await "SAs of the device in $net" is "[true,true]" sa_dirs "$net"
	done
	first_packets "new daemon" "$IB4"
	first_packets "new daemon" "$IB6"
	both_families "new daemon"
}

need_module
libreswan_available || skip_all "Libreswan is not installed"
run_cases traffic_4 traffic_6 before on_demand policy_mode reqid rekey restart killed
