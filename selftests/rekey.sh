#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# SAs are replaced under numbered datagrams: none lost, none repeated, and the
# new SA is in use from the first packet after it was installed.
#
#   OA: xv0 10.8.0.1  - numbered UDP ->  OB: xv0 10.8.0.2
#        :                                    :
#   UA: 192.0.2.1 --------- v0 --------- UB: 192.0.2.2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# The SA out is replaced between packets: where does the next one go?
case_new_at_once()
{
	local outer

	cipher gcm
	for outer in 4 6; do
		setup_hosts
		setup_tunnel "$outer"
		sa_pair 7 0x1000
		ping_ok "old SA" "$OA" "$IB4" -c 5
		ping_ok "old SA" "$OA" "$IB6" -c 5
		sa_pair 7 0x2000
		ping_ok "new SA" "$OA" "$IB4" -c 5
		ping_ok "new SA" "$OA" "$IB6" -c 5
		check_eq "outer IPv$outer: packets of the old SA" "$(sa_packets "$UA" "$B" 0x1000)" 10
		check_eq "outer IPv$outer: packets of the new SA" "$(sa_packets "$UA" "$B" 0x2000)" 10
		check_eq "outer IPv$outer: and back, old" "$(sa_packets "$UA" "$A" 0x1001)" 10
		check_eq "outer IPv$outer: and back, new" "$(sa_packets "$UA" "$A" 0x2001)" 10
		run_deferred
	done
}

# As a daemon does it: inbound SAs first, then outbound, then the old ones,
# inbound last, once nothing is under way any more.
replace() # old-spi new-spi
{
	sa_add "$UB" "$A" "$B" $(($2)) 7
	sa_add "$UA" "$B" "$A" $(($2 + 1)) 7
	sa_add "$UA" "$A" "$B" $(($2)) 7
	sa_add "$UB" "$B" "$A" $(($2 + 1)) 7
	await "the new SA is in use" at_least 5 sa_packets "$UA" "$B" $(($2))
	sa_del "$UA" "$B" $(($1))
	sa_del "$UB" "$A" $(($1 + 1))
	sa_del "$UB" "$B" $(($1))
	sa_del "$UA" "$A" $(($1 + 1))
}

case_nothing_lost() # outer-family inner-address
{
	local round

	setup_hosts
	setup_tunnel "$1"
	cipher gcm
	sa_pair 7 0x1000
	numbered "$2" 300
	for round in 1 2 3 4; do
		replace $((0xf00 + round * 0x100)) $((0x1000 + round * 0x100))
	done
	numbered_end
	check_no_drops "$OA" xv0
	check_no_drops "$OB" xv0
}

case_nothing_lost_4() { case_nothing_lost 4 "$IB4"; }
case_nothing_lost_6() { case_nothing_lost 6 "$IB6"; }

# From one cipher to another and back.
case_other_cipher()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "gcm" "$OA" "$IB4"
	cipher cbc
	sa_pair 7 0x2000
	sa_pair_del 0x1000
	ping_ok "cbc" "$OA" "$IB4"
	ping_ok "cbc" "$OA" "$IB6"
	check_eq "packets of the new SA" "$(sa_packets "$UA" "$B" 0x2000)" 6
	check_no_drops "$OA" xv0
}

need_module
run_cases new_at_once nothing_lost_4 nothing_lost_6 other_cipher
