#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# debug=core,kmemleak
#
# What the carrier follows.
#
#   OA: xv0 10.8.0.1                     OB: xv0 10.8.0.2
#        :                                    :
#   UA: 192.0.2.1 --------- v0 --------- UB: 192.0.2.2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

carrier() { dev_attr "$OA" xv0 carrier; }
changes() { dev_attr "$OA" xv0 carrier_changes; }
sa_count() { dev_value "$OA" xv0 "sa_$1"; }

case_always()
{
	setup_hosts
	setup_tunnel 4
	check_eq "carrier without an SA" "$(carrier)" 1
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "with SA" "$OA" "$IB4"
	must ip -n "$UA" xfrm state flush
	await "SA is gone" is 0 sa_count out
	check_eq "carrier after the SA" "$(carrier)" 1
}

case_sa()
{
	local outer

	for outer in 4 6; do
		setup_hosts
		setup_tunnel "$outer" reqid 7 carrier sa
		carrier_follows "outer IPv$outer"
		run_deferred
	done
}

carrier_follows() # what
{
	local before

	before=$(changes)
	check_eq "$1: carrier at first" "$(carrier)" 0
	cipher gcm
	sa_add "$UA" "$A" "$B" 0x1000 7
	await "$1: SA out" is 1 sa_count out
	check_eq "$1: carrier, SA out only" "$(carrier)" 0
	sa_add "$UA" "$B" "$A" 0x1001 8
	check_eq "$1: carrier, another's SA in" "$(carrier)" 0
	sa_add "$UA" "$B" "$A" 0x1003 7
	await "$1: carrier with the pair" is 1 carrier
	check_eq "$1: changes of carrier" "$(changes)" $((before + 1))
	sa_del "$UA" "$A" 0x1003
	await "$1: carrier without SA in" is 0 carrier
	sa_add "$UA" "$B" "$A" 0x1005 7
	await "$1: carrier with the pair again" is 1 carrier
	sa_del "$UA" "$B" 0x1000
	await "$1: carrier without SA out" is 0 carrier
}

# SAs that were there before the device.
case_sa_before()
{
	setup_hosts
	outer 4
	cipher gcm
	sa_pair 7 0x1000
	setup_tunnel 4 reqid 7 carrier sa
	await "carrier" is 1 carrier
	ping_ok "traffic" "$OA" "$IB4"
	must ip -n "$UA" xfrm state flush
	await "carrier after a flush" is 0 carrier
}

# As a daemon does it: the new pair, then the end of the old one.
case_rekey()
{
	local round before

	setup_hosts
	setup_tunnel 4 reqid 7 carrier sa
	cipher gcm
	sa_pair 7 0x1000
	await "carrier" is 1 carrier
	before=$(changes)
	for round in 1 2 3; do
		sa_pair 7 $((0x1000 + round * 16))
		sa_pair_del $((0x1000 + round * 16 - 16))
		await "old SA is gone" is 1 sa_count out
		ping_ok "round $round" "$OA" "$IB4"
	done
	check_eq "changes of carrier over three rekeys" "$(changes)" "$before"
	sa_pair_del 0x1030
	await "carrier after the last pair" is 0 carrier
	check_eq "changes of carrier" "$(changes)" $((before + 1))
}

# Who is asked for an SA is told which ones are gone: a daemon that thinks it
# still has them learns of their end when the acquire expires.
case_lost()
{
	setup_hosts
	setup_tunnel 4 reqid 7 carrier sa
	cipher gcm
	sa_pair 7 0x1000
	sa_pair 7 0x1010
	await "carrier" is 1 carrier
	listen_for_acquires "$UA"
	must ip -n "$UA" xfrm state flush
	await "both are asked for" is "0x00001000 0x00001010" asked_for
	must ip -n "$UB" xfrm state flush
	sa_pair 7 0x1020
	await "carrier with a new pair" is 1 carrier
	ping_ok "new pair" "$OA" "$IB4"
	check_no_drops "$OA" xv0
}

# A device without an SA asks less and less often. One that comes up asks at once:
# after the fourth time, the fifth would be eight seconds away.
case_asks_again()
{
	local before

	setup_hosts
	must in_ns "$UA" sysctl -qw net.core.xfrm_acq_expires=1
	listen_for_acquires "$UA"
	setup_tunnel 4 reqid 7 carrier sa
	await "asked for" at_least 4 acquires
	must ip -n "$UA" xfrm state flush
	before=$(acquires)
	ip_batch "$OA" <<-END
		link set xv0 down
		link set xv0 up
	END
	check "up again: it asks at once" busywait 2 at_least $((before + 1)) acquires
}

# An SA that expires is one that is gone.
case_expiry()
{
	setup_hosts
	setup_tunnel 4 reqid 7 carrier sa
	cipher gcm
	sa_pair 7 0x1000 limit packet-hard 10
	await "carrier" is 1 carrier
	in_ns "$OA" ping -n -q -i 0.01 -c 15 -W 1 "$IB4" >/dev/null
	await "carrier after the SA's last packet" is 0 carrier
}

# The choice may change while the device is up.
case_set()
{
	setup_hosts
	setup_tunnel 4
	check_eq "carrier always" "$(carrier)" 1
	must in_ns "$OA" xvti set xv0 carrier sa
	await "carrier sa" is 0 carrier
	must in_ns "$OA" xvti set xv0 carrier always
	await "carrier always again" is 1 carrier
}

need_module
run_cases always sa sa_before rekey lost asks_again expiry set
