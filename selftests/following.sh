#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=600
# kernels=one,last
#
# What strongSwan does to a tunnel in the course of its life, and the device
# follows: it authenticates again, its peer moves, dies, or has nothing to say.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :  remote any                        :
#   UA: charon, a gateway                UB: charon
#       192.0.2.1     ------ v0 ------       192.0.2.2, later 192.0.2.9
#       198.51.100.1  ------ v1 ------   UC: 198.51.100.2, charon
#                                        OC: xv0 10.8.0.3

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/ike.lib"

readonly C4=192.0.2.9 MARKS=("mark_in = 6" "mark_out = 6")

log_count() { grep -c "$1" "$TMP/a/charon.log"; }

# A's address is known, its peer's is not: "setup any", or to the device of A
# alone: "setup 192.0.2.2".
setup() # remote of A's device [setting of the child...]
{
	setup_hosts
	outer 4
	add_dev "$UA" "$OA" xv0 "$A" "$1" mark 6 -- "$IA4"/24 "$IA6"/64
	add_dev "$UB" "$OB" xv0 "$B" "$A" mark 6 -- "$IB4"/24 "$IB6"/64
	shift
	ike_config "$TMP/a" gwa %any "$A" %any "${MARKS[@]}" "$@"
	ike_config "$TMP/b" gwb gwa %any "$A" "${MARKS[@]}" "$@"
}

# B begins.
begin()
{
	start_charon "$UA" "$TMP/a"
	start_charon "$UB" "$TMP/b"
	PID_B=$IKE_PID
	must ike "$TMP/b" --initiate --child net --timeout "$XVTI_WAIT"
	await "peer" is "$B" peer
	both_families "at first"
}

# --- authentication, again --------------------------------------------------

reauthenticate() # make_before_break
{
	setup any
	charon_set "$TMP/b" "make_before_break = $1"
	begin
	SPI=$(ike_spi "$UA" "$B")
	[ "$1" = no ] || numbered "$IB4" 100
	check "reauthentication" ike "$TMP/b" --rekey --ike gw --reauth
}

old_is_gone()
{
	! ip -n "$UA" xfrm state list dst "$B" | grep -q "$SPI" &&
		[ "$(sa_count)" -eq 2 ]
}

# The new SAs are there before the old ones go: nothing is lost.
case_reauth_make()
{
	reauthenticate yes
	await "the old SAs are gone" old_is_gone || diagnose
	# the daemon deletes the old SAs without a look at what is under way
	numbered_end 3
	both_families "after"
	check_no_drops "$OA" xv0
}

# The old ones go first; nothing but the time without a tunnel is lost.
case_reauth_break()
{
	reauthenticate no
	await "the old SAs are gone, and new ones there" old_is_gone || diagnose
	await "peer" is "$B" peer
	both_families "after"
}

# --- another address --------------------------------------------------------

# The address goes; strongSwan notices, and tells its peer by MOBIKE.
move()
{
	SPI=$(ike_spi "$UA" "$B")
	# a network of its own, or it would go together with B
	must ip -n "$UB" addr add "$C4/25" dev v0
	must ip -n "$UB" addr del "$B/24" dev v0
	await "SA to the new address" is "$SPI" ike_spi "$UA" "$C4" || diagnose
	await "SA from the new address" at_least 1 spis_from "$C4"
	must in_ns "$OB" xvti set xv0 local "$C4"
}

spis_from() { ip -n "$UB" xfrm state list src "$1" | grep -c 'spi 0x'; }

case_mobike()
{
	setup any
	begin
	move
	await "peer" is "$C4" peer
	both_families "away"
	check_no_drops "$OA" xv0
}

# A device with a fixed remote has no tunnel with another address, until it is
# told.
case_mobike_fixed()
{
	setup "$B4"
	begin
	move
	await "no SA is its own" is "[false,false]" sa_dirs "$OA"
	ping_none "away" "$OA" "$IB4" 3
	check_dropped "away" "$OA" xv0 tx_no_sa 3
	must in_ns "$OA" xvti set xv0 remote "$C4"
	both_families "told"
}

# --- a second peer ----------------------------------------------------------

second_peer()
{
	setup_ns UC OC
	wire "$UA" "$UC" v1
	add_addr "$UA" v1 198.51.100.1/24
	add_addr "$UC" v1 198.51.100.2/24
	must ip -n "$UC" route add "$A" via 198.51.100.1
	add_dev "$UC" "$OC" xv0 198.51.100.2 "$A" mark 6 -- 10.8.0.3/24
	ike_config "$TMP/c" gwc gwa 198.51.100.2 "$A" "${MARKS[@]}"
	start_charon "$UC" "$TMP/c"
	must ike "$TMP/c" --initiate --child net --timeout "$XVTI_WAIT"
}

# Authenticated, with the same mark, and still not the one whose device it is.
case_second_peer()
{
	setup any
	begin
	second_peer
	await "SAs of both" is 4 sa_count
	check_eq "peer in spite of a second" "$(peer)" "$B"
	ping_none "second peer" "$OC" "$IA4" 3
	check_dropped "second peer" "$OA" xv0 rx_wrong_peer 3
	both_families "first peer"
	must ike "$TMP/b" --terminate --ike gw
	await "peer when the first has gone" is 198.51.100.2 peer
	ping_ok "second peer alone" "$OC" "$IA4"
	ping_ok "second peer alone" "$OA" 10.8.0.3
}

# --- is it still alive ------------------------------------------------------

# The daemon asks its peer when nothing comes in. It looks at the policies for
# that, which a device in direct mode does not use: it asks although there is
# traffic, and is answered.
case_dpd()
{
	local asked

	setup any
	gw_set "$TMP/a" "dpd_delay = 3s"
	begin
	SPI=$(ike_spi "$UA" "$B")
	ping_on "$OB" "$IA4"
	asked=$(log_count "sending DPD request")
	nap 10
	check_ge "questions in spite of traffic" \
		$(($(log_count "sending DPD request") - asked)) 1
	running "$BG_PID" || fail "the traffic has ended by itself"
	stop "$BG_PID"
	asked=$(log_count "sending DPD request")
	await "questions without traffic" at_least $((asked + 2)) log_count "sending DPD request"
	check_eq "SPI" "$(ike_spi "$UA" "$B")" "$SPI"
	both_families "still there"
}

# No answer: the daemon gives up, and the carrier tells.
case_dpd_dead()
{
	setup any
	must in_ns "$OA" xvti set xv0 carrier sa
	gw_set "$TMP/a" "dpd_delay = 2s"
	charon_set "$TMP/a" "retransmit_timeout = 0.5" "retransmit_tries = 2"
	begin
	check_eq "carrier" "$(dev_attr "$OA" xv0 carrier)" 1
	stop "$PID_B" KILL
	await "SAs are gone" is "[false,false]" sa_dirs "$OA"
	await "carrier" is 0 dev_attr "$OA" xv0 carrier
	start_charon "$UB" "$TMP/b"
	must ike "$TMP/b" --initiate --child net --timeout "$XVTI_WAIT"
	await "carrier" is 1 dev_attr "$OA" xv0 carrier
	both_families "a new one"
}

# --- is it still in use -----------------------------------------------------

# Seconds after which a tunnel is not, longer than it takes to begin with traffic.
readonly IDLE=$((6 * XVTI_SLOW))

# For strongSwan up to 5.9 a tunnel is in use when its policies are, for later
# ones when its SAs are. A device in direct mode asks no policies, ...
strongswan_major()
{
	"$CHARON" --version | sed -n 's/.*strongSwan \([0-9]*\)\..*/\1/p'
}

case_inactivity_direct()
{
	setup "$B4" "inactivity = ${IDLE}s"
	begin
	ping_on "$OA" "$IB4"
	await "traffic" at_least 100 link_stat "$OA" xv0 rx_packets
	if [ "$(strongswan_major)" -ge 6 ]; then
		nap $((3 * IDLE))
		check_eq "closed while it is in use" "$(sa_counts)" "[1,1]"
	else
		await "closed while it is in use" is "[0,0]" sa_counts
	fi
	running "$BG_PID" || fail "the traffic has ended by itself"
}

# ... so that this needs policy mode.
case_inactivity()
{
	local spi

	setup "$B4" "inactivity = ${IDLE}s"
	must in_ns "$OA" xvti set xv0 mode policy
	must in_ns "$OB" xvti set xv0 mode policy
	begin
	spi=$(ike_spi "$UA" "$B")
	ping_on "$OA" "$IB4"
	nap $((3 * IDLE))
	check_eq "SPI" "$(ike_spi "$UA" "$B")" "$spi"
	stop "$BG_PID"
	await "closed when it is idle" is 0 sa_count
}

need_module
ike_available || skip_all "strongSwan is not installed"
run_cases reauth_make reauth_break mobike mobike_fixed second_peer dpd dpd_dead \
	inactivity_direct inactivity
