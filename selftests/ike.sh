#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=one
#
# SAs negotiated by strongSwan: IKEv2, no marks, no policies.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: charon                           UB: charon
#       192.0.2.1     ------ v0 ------       192.0.2.2
#       2001:db8::1                          2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/ike.lib"

CHILD=("reqid = 7" "policies = no")

configure() # outer-family [option of the devices...]
{
	local outer=$1

	shift
	setup_hosts
	setup_tunnel "$outer" reqid 7 "$@"
	ike_config "$TMP/a" gwa gwb "$A" "$B" "${CHILD[@]}"
	ike_config "$TMP/b" gwb gwa "$B" "$A" "${CHILD[@]}"
}

start()
{
	start_charon "$UA" "$TMP/a"
	PID_A=$IKE_PID
	start_charon "$UB" "$TMP/b"
}

setup() # as configure
{
	configure "$@"
	start
}

initiate()
{
	must ike "$TMP/a" --initiate --child net --timeout "$XVTI_WAIT"
}

case_traffic() # outer-family
{
	setup "$1"
	ping_none "before IKE" "$OA" "$IB4" 2
	initiate
	check_eq "policies" "$(ip -n "$UA" xfrm policy list nosock)" ""
	both_families "IPv$1 outside"
	await "MTU" is $((1446 - 20 * ($1 == 6))) dev_attr "$OA" xv0 mtu
	tcp_ok "IPv4" "$OA" "$OB" "$IB4"
}

case_traffic_4() { case_traffic 4; }
case_traffic_6() { case_traffic 6; }

# The daemon of one side replaces its SAs while numbered datagrams flow.
rekey_by() # a|b
{
	setup 4
	initiate
	numbered "$IB4" 200
	rekeyed_by "by $1" "$1"
}

case_rekey()
{
	rekey_by a
	numbered_end
}

# When the receiver rekeys, strongSwan gives the sender its new SA out before
# the receiver has completed its SA in: the old one has to stay in use.
case_rekey_by_peer()
{
	rekey_by b
	numbered_end
}

# A daemon that ends takes its SAs along; a new one brings the tunnel back.
case_restart()
{
	local sent

	setup 6
	initiate
	ping_ok "first" "$OA" "$IB4"
	stop "$PID_A"
	await "SAs are gone" is 0 sa_count
	sent=$(link_stat "$OA" xv0 tx_packets)
	ping_none "without a daemon" "$OA" "$IB4" 3
	ping_none "without a daemon" "$OA" "$IB6" 3
	check_eq "packets sent" "$(link_stat "$OA" xv0 tx_packets)" "$sent"
	check_dropped "without a daemon" "$OA" xv0 tx_no_sa 6
	start_charon "$UA" "$TMP/a"
	initiate
	ping_ok "second" "$OA" "$IB4"
	ping_ok "second" "$OA" "$IB6"
}

# A daemon that is killed leaves its SAs in the kernel, which go on working until
# there are new ones; the peer does not know the old ones any more by then.
case_killed()
{
	setup 4
	initiate
	ping_ok "first" "$OA" "$IB4"
	pkill_charon
	ping_ok "the daemon is dead" "$OA" "$IB4"
	start_charon "$UA" "$TMP/a"
	initiate
	first_packets "new daemon" "$IB4"
	ping_ok "new daemon" "$OB" "$IA6"
}

pkill_charon()
{
	stop "$PID_A" KILL
	await "the daemon is dead" not running "$PID_A"
}

case_carrier()
{
	setup 4 carrier sa
	check_eq "carrier before IKE" "$(dev_attr "$OA" xv0 carrier)" 0
	initiate
	await "carrier" is 1 dev_attr "$OA" xv0 carrier
	must ike "$TMP/a" --terminate --ike gw
	await "carrier after the end" is 0 dev_attr "$OA" xv0 carrier
	await "carrier at the peer" is 0 dev_attr "$OB" xv0 carrier
}

# One side's kernel has lost its SAs, and its daemon, which does not know, would
# not make others: the end of the acquire tells it. The second time there may be
# two children, as both sides ask. How long an acquire lives follows from how
# long charon would wait for an answer.
case_lost()
{
	local dir round

	CHILD+=("start_action = trap")
	configure 6 carrier sa
	for dir in a b; do
		charon_set "$TMP/$dir" "retransmit_timeout = 2" "retransmit_tries = 2"
	done
	start
	await "the first SAs" is 1 dev_attr "$OA" xv0 carrier
	for round in 1 2; do
		ping_ok "round $round" "$OA" "$IB4"
		must ip -n "$UA" xfrm state flush
		await "loss $round" is 0 dev_attr "$OA" xv0 carrier
		busywait 60 is 1 dev_attr "$OA" xv0 carrier || {
			fail "loss $round: no SA comes back"
			diagnose
		}
	done
	both_families "after all losses"
}

need_module
ike_available || skip_all "strongSwan is not installed"
run_cases traffic_4 traffic_6 rekey rekey_by_peer restart killed carrier lost
