#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# SAs in transport mode, or not of ESP: none is used in direct mode, though it
# has the device's endpoints and binding, and it is said why. Those of other
# connections of the hosts are left alone.
#
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1, xv0                     2001:db8::2, xv0

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# Transport mode between the hosts, with the device's reqid or another.
transport() # reqid spi
{
	local ns src dst

	for ns in "$UA" "$UB"; do
		ip_batch "$ns" <<-END
			xfrm state add src $A dst $B proto esp spi $(($2)) reqid $1 mode transport ${ALGO[*]@Q}
			xfrm state add src $B dst $A proto esp spi $(($2 + 1)) reqid $1 mode transport ${ALGO[*]@Q}
		END
		src=$A dst=$B
		[ "$ns" = "$UA" ] || src=$B dst=$A
		must ip -n "$ns" xfrm policy add src "$src" dst "$dst" dir out \
			tmpl proto esp reqid "$1" mode transport
	done
}

untransport()
{
	local ns

	for ns in "$UA" "$UB"; do
		must ip -n "$ns" xfrm state flush
		must ip -n "$ns" xfrm policy flush
	done
}

# The policies get warnings of their own.
warnings()
{
	dev_json "$UA" xv0 '[.[0].warnings[]? | select(startswith("SA "))] | length'
}

refused_by() # outer-family
{
	local what=IPv$1 text

	transport 7 0x1000
	# sent by the device: there is no SA for it
	ping_none "$what: sent" "$UA" "$IB4" 2
	check_dropped "$what: sent" "$UA" xv0 tx_no_sa 2
	check_eq "$what: SAs" "$(sa_counts)" "[0,0]"
	# received: what is in it is not the device's
	ping_none "$what: received" "$UB" "$A" 2
	check_eq "$what: received" "$(counter "$UA" xv0 rx_mode)" 2
	check_eq "$what: rx_packets" "$(link_stat "$UA" xv0 rx_packets)" 0
	check_eq "$what: warnings" "$(warnings)" 2
	text=$(in_ns "$UA" xvti show xv0)
	check "$what: warning" grep -qF \
		"warning: SA src $A dst $B spi 0x00001000 is in transport mode" <<<"$text"
	untransport
	check_eq "$what: warnings without the SAs" "$(warnings)" 0
}

others_pass() # outer-family
{
	transport 8 0x2000
	sa_pair 7 0x1000
	ping_ok "transport mode beside it, IPv$1" "$UB" "$A"
	ping_ok "the device beside it, IPv$1" "$UA" "$IB4"
	check_eq "packets by transport mode" "$(sa_packets "$UB" "$A" 0x2001)" 3
	check_eq "IPv$1: received by the device" "$(link_stat "$UA" xv0 rx_packets)" 3
	check_eq "IPv$1: warnings" "$(warnings)" 0
	untransport
}

case_refused()
{
	local outer

	setup_hosts flat
	cipher gcm
	for outer in 4 6; do
		setup_tunnel "$outer" reqid 7
		refused_by "$outer"
		del_tunnel
	done
}

case_others()
{
	local outer

	setup_hosts flat
	cipher gcm
	for outer in 4 6; do
		setup_tunnel "$outer" reqid 7
		others_pass "$outer"
		del_tunnel
	done
}

# Those of other protocols in tunnel mode: AH, which encrypts nothing, and
# IPComp, which protects nothing.
other_protocols() # outer-family
{
	local what=IPv$1 pair

	for pair in "$A $B 0x3000" "$B $A 0x3001"; do
		# shellcheck disable=SC2086 # words
		set -- $pair
		ip_batch "$UA" <<-END
			xfrm state add src $1 dst $2 proto ah spi $3 reqid 7 mode tunnel auth-trunc 'hmac(sha256)' $KEY32 128
			xfrm state add src $1 dst $2 proto comp spi $3 reqid 7 mode tunnel comp deflate
		END
		in_ns "$UA" xvti show xv0 >"$TMP/shown"
		check "$what: AH" grep -qF \
			"warning: SA src $1 dst $2 spi 0x0000${3#0x} is AH" "$TMP/shown"
		check "$what: IPComp" grep -qF \
			"warning: SA src $1 dst $2 spi 0x0000${3#0x} is not ESP" "$TMP/shown"
	done
	check_eq "$what: warnings" "$(warnings)" 4
	check_eq "$what: SAs" "$(sa_counts)" "[0,0]"
	ping_none "$what" "$UA" "$IB4" 2
	check_dropped "$what" "$UA" xv0 tx_no_sa 2
	must ip -n "$UA" xfrm state flush
}

case_protocols()
{
	local outer

	setup_hosts flat
	for outer in 4 6; do
		setup_tunnel "$outer" reqid 7
		other_protocols "$outer"
		del_tunnel
	done
}

# The carrier does not follow such SAs.
case_carrier()
{
	local before

	setup_hosts flat
	cipher gcm
	setup_tunnel 4 reqid 7 carrier sa
	before=$(dev_attr "$UA" xv0 carrier_changes)
	transport 7 0x1000
	check_eq "transport mode" "$(dev_attr "$UA" xv0 carrier)" 0
	sa_pair 7 0x2000
	await "tunnel mode as well" is 1 dev_attr "$UA" xv0 carrier
	# it has not come up late, and gone down again
	check_eq "changes of carrier" "$(dev_attr "$UA" xv0 carrier_changes)" $((before + 1))
}

need_module
run_cases refused others protocols carrier
