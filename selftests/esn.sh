#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sequence numbers: SAs with 64-bit ones (ESN) work across the 32-bit border,
# and a packet that was received once is not received again.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# Both directions of an SA pair, as much of the way through their sequence
# numbers as is given. The same options serve both ends: each looks at its own.
esn_pair() # spi low-half window
{
	sa_pair 7 "$1" flag esn replay-window "$3" \
		replay-oseq "$2" replay-seq "$2"
}

# One half of a 64-bit number of an SA: seq, seq-hi, oseq or oseq-hi.
sequence() # netns dst spi name
{
	ip -n "$1" -s xfrm state get dst "$2" proto esp spi "$3" |
		grep -oP "(?<!-)\b$4 \K0x[0-9a-f]+" | tail -n 1
}

# 20 packets on each side of the border in each direction; the first 20 are
# IPv4, the others IPv6.
crosses() # what spi
{
	local what=$1 spi=$2

	esn_pair "$spi" $(((1 << 32) - 21)) 128
	ping_ok "$what: IPv4" "$OA" "$IB4" -c 20
	check_eq "$what: upper half before" "$(sequence "$UA" "$B" "$spi" oseq-hi)" 0x0
	ping_ok "$what: IPv6" "$OA" "$IB6" -c 20
	check_eq "$what: upper half sent" "$(sequence "$UA" "$B" "$spi" oseq-hi)" 0x1
	check_eq "$what: lower half sent" "$(sequence "$UA" "$B" "$spi" oseq)" 0x13
	check_eq "$what: upper half received" "$(sequence "$UB" "$B" "$spi" seq-hi)" 0x1
	check_eq "$what: lower half received" \
		"$(sequence "$UA" "$A" $((spi + 1)) seq)" 0x13
	sa_pair_del "$spi"
}

# Large TCP packets are cut into ESP packets of consecutive numbers, in the
# middle of which the border lies.
crosses_tcp() # what spi
{
	esn_pair "$2" $(((1 << 32) - 100)) 128
	tcp_ok "$1" "$OA" "$OB" "$IB4" 200
	check_eq "$1: upper half received" "$(sequence "$UB" "$B" "$2" seq-hi)" 0x1
	sa_pair_del "$2"
}

case_crosses()
{
	local outer cipher

	setup_hosts
	for outer in 4 6; do
		setup_tunnel "$outer"
		for cipher in gcm cbc; do
			cipher "$cipher"
			crosses "$cipher in IPv$outer" 0x1000
		done
		crosses_tcp "TCP in IPv$outer" 0x2000
		check_no_drops "$OA" xv0
		check_no_drops "$OB" xv0
		del_tunnel
	done
	check_eq "wrong sequence numbers" "$(xfrm_stat "$UB" XfrmInStateSeqError)" 0
	check_eq "damaged packets" "$(xfrm_stat "$UB" XfrmInStateProtoError)" 0
}

# What A sends is captured on the wire, for reinject.
record() # what count
{
	local left

	capture "$UB" v0
	# tcpdump has no room for more at once
	for ((left = $2; left > 0; left -= 20)); do
		ping_ok "$1" "$OA" "$IB4" -c $((left < 20 ? left : 20))
	done
	capture_end
	tcpdump -r "$CAP" -w "$TMP/again" "dst host $B" 2>/dev/null
}

# What is sent again must not arrive again.
replayed() # outer-family option...
{
	local what="IPv$1 ${*:2}"

	setup_tunnel "$1"
	shift
	sa_pair 7 0x1000 "$@"
	record "$what" 5
	check_eq "$what: received" "$(link_stat "$OB" xv0 rx_packets)" 5
	reinject "$what" 5
	await "$what: refused" is 5 counter "$OB" xv0 rx_error
	check_eq "$what: received afterwards" "$(link_stat "$OB" xv0 rx_packets)" 5
	check_dropped "$what" "$OB" xv0 rx_error 5
	ping_ok "$what: afterwards" "$OA" "$IB4"
	sa_pair_del 0x1000
	del_tunnel
}

case_replayed()
{
	setup_hosts
	cipher gcm
	replayed 4 flag esn replay-window 64
	replayed 6 flag esn replay-window 64
	replayed 4 replay-window 32
	check_eq "wrong sequence numbers" "$(xfrm_stat "$UB" XfrmInStateSeqError)" 15
}

# Late packets within the window arrive, those before it do not: the capture
# is sent again to an SA that has seen none of it and is at its last number.
case_window()
{
	local received

	setup_hosts
	setup_tunnel 6
	cipher gcm
	esn_pair 0x1000 0 64
	record "to be captured" 100
	sa_del "$UB" "$B" 0x1000
	sa_add "$UB" "$A" "$B" 0x1000 7 flag esn replay-window 64 replay-seq 100
	received=$(link_stat "$OB" xv0 rx_packets)
	reinject "late" 100
	await "refused" is 36 counter "$OB" xv0 rx_error
	await "received" is $((received + 64)) link_stat "$OB" xv0 rx_packets
}

need_module
run_cases crosses replayed window
