#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=300
#
# One tunnel of each IKE daemon, on every kernel; what the daemons can do is
# tested by others, on one kernel.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: daemon                           UB: daemon
#       192.0.2.1     ------ v0 ------       192.0.2.2
#       2001:db8::1                          2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/ike.lib"

# A mark, and a tunnel that comes up with the first packet, is rekeyed, and
# ends with its daemon.
case_strongswan()
{
	local spi dir

	ike_available || skip "strongSwan is not installed"
	setup_hosts
	NO_QUEUE=()
	setup_tunnel 4 mark 6
	for dir in "$UB b gwb gwa $B $A" "$UA a gwa gwb $A $B"; do
		# shellcheck disable=SC2086 # words
		set -- $dir
		ike_config "$TMP/$2" "$3" "$4" "$5" "$6" \
			"start_action = trap" "mark_in = 6" "mark_out = 6"
		start_charon "$1" "$TMP/$2"
	done
	first_packets "on traffic" "$IB4"
	both_families "on traffic"
	spi=$(ike_spi "$UA" "$B")
	check "rekey" ike "$TMP/a" --rekey --child net
	await "a new SA" not is "$spi" ike_spi "$UA" "$B"
	both_families "after the rekey"
	check_no_drops "$OA" xv0
	stop "$IKE_PID"
	await "SAs are gone" is 0 sa_count
	ping_none "without a daemon" "$OA" "$IB4" 2
}

case_libreswan()
{
	local dir

	libreswan_available || skip "Libreswan is not installed"
	setup_hosts
	setup_tunnel 6 mark 6
	for dir in "$UB b gwb gwa $B $A" "$UA a gwa gwb $A $B"; do
		# shellcheck disable=SC2086 # words
		set -- $dir
		libreswan_config "$TMP/$2" "$3" "$4" "$5" "$6" \
			"$UPDOWN" auto=add "$MARKED"
		start_pluto "$1" "$TMP/$2"
	done
	libreswan_initiate
	both_families "Libreswan"
	check "explain" in_ns "$OA" xvti explain xv0 to "$IB4"
	check_no_drops "$OA" xv0
}

need_module
run_cases strongswan libreswan
