#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
#
# What the outer header has of the inner one, and the reverse: DSCP, ECN (RFC
# 4301, RFC 6040), TTL and hop limit. The bundle that all packets share must
# have nothing of any one of them.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# A filter for the traffic class, by family.
tos_is() # 4|6 tos
{
	if [ "$1" = 4 ]; then
		echo "ip[1] = $(($2))"
	else
		echo "ip6[0:2] & 0xff0 = $(($2 << 4))"
	fi
}

ttl_is() # 4|6 ttl
{
	[ "$1" = 4 ] && echo "ip[8] = $2" || echo "ip6[7] = $2"
}

# Echo requests to B, by inner family.
inner() { [ "$1" = 4 ] && echo "$IB4" || echo "$IB6"; }

requests() # 4|6: a filter
{
	[ "$1" = 4 ] && echo "icmp[0] = 8" || echo "ip6[40] = 128"
}

# Of an echo request with this traffic class and TTL the ESP packet has the
# outer ones, and B's device the inner ones.
sends() # what outer-family inner-family options-of-ping outer-filter inner-filter
{
	local what="$1: $3 in $2"
	local -a options

	read -ra options <<<"$4"
	ping_ok "$what" "$OA" "$(inner "$3")" -c 1 "${options[@]}"
	OUTER+=("$what|dst host $B and $5")
	INNER+=("$what|$(requests "$3") and $6")
}

# Each line has to be seen once more than the same line before.
seen() # line...
{
	local line
	local -A times=()

	for line; do
		times[${line#*|}]=$((${times[${line#*|}]:-0} + 1))
	done
	for line; do
		await "${line%%|*}: ${line#*|}" at_least "${times[${line#*|}]}" \
			captured "${line#*|}" || note "$(tcpdump -vnr "$CAP" 2>/dev/null)"
	done
}

# What was sent is in the captures of both ends of the way.
check_sent()
{
	CAP=$INSIDE
	seen "${INNER[@]}"
	CAP=$OUTSIDE
	seen "${OUTER[@]}"
}

# The captures of a device pair, outside on the wire and inside.
watch()
{
	OUTER=()
	INNER=()
	capture "$OB" xv0
	INSIDE=$CAP INSIDE_PID=$CAP_PID
	capture "$UB" v0
	OUTSIDE=$CAP
}

setup() # outer-family [option-of-SA...]
{
	setup_tunnel "$1"
	shift
	cipher gcm
	sa_pair 7 0x1000 "$@"
	watch
}

unset_tunnel()
{
	stop "$CAP_PID"
	stop "$INSIDE_PID"
	sa_pair_del 0x1000
	del_tunnel
}

# DSCP and ECT are copied out. CE may be seen outside as CE (RFC 6040) or, by
# the core's choice, as ECT(0) (RFC 3168): it is there inside, where it counts.
copied() # outer-family inner-family
{
	local tos ce

	for tos in 0x00 0x28 0xb8 0xb9 0x2a; do
		sends "class $tos" "$1" "$2" "-Q $tos" \
			"$(tos_is "$1" "$tos")" "$(tos_is "$2" "$tos")"
	done
	ce="($(tos_is "$1" 0x2b) or $(tos_is "$1" 0x2a))"
	sends "class 0x2b" "$1" "$2" "-Q 0x2b" "$ce" "$(tos_is "$2" 0x2b)"
}

case_copied()
{
	local outer

	setup_hosts
	for outer in 4 6; do
		setup "$outer"
		copied "$outer" 4
		copied "$outer" 6
		check_sent
		unset_tunnel
	done
}

# The SA may say that nothing is copied: of ECN by a flag, of DSCP by another.
case_not_copied()
{
	local inner

	setup_hosts
	setup 4 flag noecn
	for inner in 4 6; do
		sends "noecn" 4 "$inner" "-Q 0xb9" \
			"$(tos_is 4 0xb8)" "$(tos_is "$inner" 0xb9)"
	done
	check_sent
	unset_tunnel
	setup 6 extra-flag dont-encap-dscp
	for inner in 4 6; do
		sends "dont-encap-dscp" 6 "$inner" "-Q 0xb8" \
			"$(tos_is 6 0)" "$(tos_is "$inner" 0xb8)"
	done
	check_sent
	unset_tunnel
}

# Echo requests of these classes, of both inner families, are sent to B once
# more, with another class outside. SAs without a replay window take them.
changed_outside() # what outer-class class...
{
	local what=$1 outside=$2 class

	shift 2
	for class; do
		ping_ok "$what" "$OA" "$IB4" -c 1 -Q "$class"
		ping_ok "$what" "$OA" "$IB6" -c 1 -Q "$class"
	done
	capture_end
	tcpdump -r "$OUTSIDE" -w "$TMP/again" "dst host $B" 2>/dev/null
	reinject "$what" $((2 * $#)) "$outside"
}

# So many requests of each inner family came out of the tunnel with a class.
inside() # what class count
{
	local family

	CAP=$INSIDE
	for family in 4 6; do
		await "$1: IPv$family of class $2" is "$3" captured \
			"$(requests "$family") and $(tos_is "$family" "$2")"
	done
}

# A router that marks the ESP packet as having met congestion is heard.
case_congestion()
{
	local outer

	setup_hosts
	for outer in 4 6; do
		setup "$outer"
		changed_outside "congestion, IPv$outer" 0x03 0x2a 0x29
		inside "congestion, IPv$outer" 0x2b 2
		check_no_drops "$OB" xv0
		unset_tunnel
	done
}

# What cannot carry the mark of congestion must not arrive without it (RFC
# 6040, 4.2), unless the SA leaves ECN alone.
case_congestion_lost()
{
	local outer

	setup_hosts
	for outer in 4 6; do
		setup "$outer"
		changed_outside "no ECN, IPv$outer" 0x2b 0x28
		await "no ECN, IPv$outer: dropped" is 2 counter "$OB" xv0 rx_ecn
		check_dropped "no ECN, IPv$outer" "$OB" xv0 rx_ecn 2
		inside "no ECN, IPv$outer" 0x28 1
		check_eq "no ECN, IPv$outer: received" "$(link_stat "$OB" xv0 rx_packets)" 2
		unset_tunnel
	done
	setup 4 flag noecn
	changed_outside "noecn" 0x2b 0x28
	inside "noecn" 0x28 2
	check_no_drops "$OB" xv0
}

# DSCP stays what it was inside, unless the SA says that the outer one counts.
case_dscp_in()
{
	setup_hosts
	setup 4
	changed_outside "DSCP" 0xb8 0x28
	inside "DSCP" 0x28 2
	unset_tunnel
	setup 6 flag decap-dscp
	changed_outside "decap-dscp" 0xb8 0x28
	inside "decap-dscp" 0x28 1
	inside "decap-dscp" 0xb8 1
}

# The tunnel is no hop by itself: the inner TTL is what it was. The outer one
# is the underlay's own.
case_ttl()
{
	local outer inner

	setup_hosts
	must in_ns "$UA" sysctl -qw net.ipv4.ip_default_ttl=77 \
		net.ipv6.conf.all.hop_limit=78 net.ipv6.conf.v0.hop_limit=78
	for outer in 4 6; do
		setup "$outer"
		for inner in 4 6; do
			sends "TTL 1" "$outer" "$inner" "-t 1" \
				"$(ttl_is "$outer" $((75 + outer / 2)))" "$(ttl_is "$inner" 1)"
			sends "TTL 200" "$outer" "$inner" "-t 200" \
				"$(ttl_is "$outer" $((75 + outer / 2)))" "$(ttl_is "$inner" 200)"
		done
		check_sent
		unset_tunnel
	done
}

# A host behind each gateway. Each gateway takes one from the TTL.
case_forwarded()
{
	setup_hosts
	setup_ns HA HB
	behind "$HA" "$OA" 1
	behind "$HB" "$OB" 2
	setup 4
	route_to "$OA" 2
	route_to "$OB" 1
	CAP=$INSIDE
	check "through both" in_ns "$HA" ping -n -q -c 1 -W 20 -t 3 10.12.2.9
	check "through both" in_ns "$HA" ping -n -q -c 1 -W 20 -t 3 fd0c:2::9
	await "one less within the tunnel" is 1 captured "icmp[0] = 8 and ip[8] = 2"
	await "one less within the tunnel" is 1 captured "ip6[40] = 128 and ip6[7] = 2"
	exceeded 1 10.12.1.1 10.12.2.9
	exceeded 2 "$IB4" 10.12.2.9
	exceeded 1 fd0c:1::1 fd0c:2::9
	exceeded 2 "$IB6" fd0c:2::9
}

exceeded() # ttl who address
{
	refused "TTL $1" "From $2 .*(exceeded|Hop limit)" \
		in_ns "$HA" ping -n -c 1 -w 20 -t "$1" "$3"
}

need_module
run_cases copied not_copied congestion congestion_lost dscp_in ttl forwarded
