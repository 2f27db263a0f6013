#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
#
# xvti explain: what it finds out, and that its advice helps.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#       in0 10.1.0.1
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2
#
# 10.2.0.0/16 and fd02::/16 are behind the tunnel, 10.1.0.0/24 behind in0.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

readonly FAR4=10.2.0.1 FAR6=fd02::1

routes()
{
	ip_batch "$OA" <<-END
		route replace 10.2.0.0/16 dev xv0
		route replace fd02::/16 dev xv0
	END
}

setup() # [option...]
{
	setup_hosts
	setup_tunnel 4 "$@"
	routes
	cipher gcm
	sa_pair 7 0x1000
}

# Sets RC, SAID as JSON, and FINDINGS, a line each with tabs between verdict,
# check, text and advice; the last of them is WORST, its text VERDICT.
explain() # word...
{
	hear with_errors xvti -n "$OA" -j explain xv0 "$@"
	RC=$?
	SAID=$HEARD
	read_findings
	WORST=${FINDINGS##*$'\n'}
	VERDICT=${WORST#*$'\t'*$'\t'}
	VERDICT=${VERDICT%%$'\t'*}
}

# By hand, as to start jq takes longer than all the rest.
read_findings()
{
	local string='"(([^"\\]|\\.)*)"' finding rest=$SAID

	finding="\"check\":$string,\"verdict\":$string,\"text\":$string(,\"advice\":$string)?}(.*)"
	FINDINGS=
	while [[ $rest =~ $finding ]]; do
		FINDINGS+="${FINDINGS:+$'\n'}${BASH_REMATCH[3]}"$'\t'${BASH_REMATCH[1]}
		FINDINGS+=$'\t'${BASH_REMATCH[5]}$'\t'${BASH_REMATCH[8]}
		rest=${BASH_REMATCH[10]}
	done
	[ -n "$FINDINGS" ] || FINDINGS=$SAID
	FINDINGS=${FINDINGS//\\\"/\"}
}

said() # jq-filter
{
	jq -r "$1" <<<"$SAID" 2>&1
}

# Nothing is wrong.
fine() # what word...
{
	local what=$1

	shift
	explain "$@"
	check_eq "$what: exit code" "$RC" 0
	check_eq "$what: what is not ok" "$(grep -v $'^ok\t' <<<"$FINDINGS")" ""
}

# A finding, with advice. The verdict follows from the worst of them: with
# "warn+" there is a worse one.
finds() # what bad|warn|warn+ check regex advice-regex word...
{
	local what=$1 verdict=${2%+} worst=$2 check=$3 text=$4 advice=$5 tab=$'\t'

	shift 5
	explain "$@"
	grep -qE -- "^$verdict$tab$check${tab}[^$tab]*($text).*$tab.*($advice)" <<<"$FINDINGS" ||
		fail "$what: wanted $verdict $check '$text' > '$advice': $FINDINGS"
	if [ "$worst" != warn ]; then
		check_eq "$what: exit code" "$RC" 2
		[[ $VERDICT = *"would not leave: "?* ]] || fail "$what: verdict: $VERDICT"
	else
		check_eq "$what: exit code" "$RC" 0
	fi
	[ "$worst" = warn ] && worst=ok || worst=bad
	[[ $WORST = "$worst${tab}verdict$tab"* ]] || fail "$what: verdict: $WORST"
	check_eq "$what: without advice" "$(grep -v -e "^ok$tab" -e "${tab}verdict$tab" \
		<<<"$FINDINGS" | grep "$tab\$")" ""
}

# What was advised for a check is done, as it is written there.
do_advice() # check
{
	local advice

	advice=$(cut -f 2,4 <<<"$FINDINGS" | sed -n "s/^$1\t\(.\)/\1/p")
	[[ $advice = ip\ * || $advice = xvti\ * ]] || die "not a command: $advice"
	must eval "$advice"
}

# The names of the checks are part of the interface.
case_works()
{
	setup
	fine "IPv4" to "$FAR4"
	check_eq "checks" "$(said '[.[].check] | join(" ")')" \
		"device configuration sa peer carrier mtu underlay forwarding route source rp_filter mode counters verdict"
	check_eq "keys" "$(said '[.[] | keys_unsorted[]] | unique | join(" ")')" "check text verdict"
	[[ $VERDICT = *"$FAR4 leaves by xv0, in ESP to $B"* ]] ||
		fail "verdict: $VERDICT"
	ping_ok "it does" "$OA" "$IB4"
	fine "IPv6" to "$FAR6"
	fine "from here" to "$FAR4" from "$IA4"
	check_eq "checks" "$(said '[.[].check] | join(" ")')" \
		"device configuration sa peer carrier mtu underlay from forwarding route rp_filter mode counters verdict"
	check "text" grep -qx 'ok    verdict        a packet to 10.2.0.1 leaves by xv0, in ESP to 192.0.2.2' \
		<<<"$(xvti -n "$OA" explain xv0 to "$FAR4")"
	check_eq "what explain changes" "$(drops "$OA" xv0)" ""
}

case_unconfigured()
{
	setup_ns UA
	OA=$UA
	must ip -n "$UA" link add xv0 type xvti
	must ip -n "$UA" link set xv0 up
	must ip -n "$UA" route add 10.2.0.0/16 dev xv0
	finds "unconfigured" bad configuration 'no endpoints and no binding' 'xvti set' to "$FAR4"
}

case_down()
{
	setup
	must ip -n "$OA" link set xv0 down
	finds "down" bad device 'is down' "ip -n $OA link set dev xv0 up" to "$FAR4"
	do_advice device
	routes
	fine "up again" to "$FAR4"
}

case_no_sa()
{
	setup
	sa_del "$UA" "$B" 0x1000
	finds "no SA out" bad sa 'no usable outbound SA' 'IKE daemon' to "$FAR4"
	sa_add "$UA" "$A" "$B" 0x1000 7
	sa_del "$UA" "$A" 0x1001
	finds "no SA in" warn sa 'none inbound' 'ip xfrm state' to "$FAR4"
	# its selector is narrower than what direct mode looks for
	sa_add "$UA" "$B" "$A" 0x1001 7
	sa_del "$UA" "$B" 0x1000
	must ip -n "$UA" xfrm state add src "$A" dst "$B" proto esp spi 0x1000 \
		reqid 7 mode tunnel "${ALGO[@]}" sel src 10.8.0.0/24 dst 10.8.0.0/24
	finds "SA of a narrow selector" bad sa 'no usable outbound SA' 'ip xfrm state' to "$IB4"
	finds "SA of a narrow selector" warn+ sa 'SPI 0x00001000 has a selector narrower' \
		'0\.0\.0\.0/0' to "$IB4"
}

# There is one, but it is not the device's, or not for this packet.
case_other_sa()
{
	setup_hosts
	setup_tunnel 4
	routes
	cipher gcm
	sa_add "$UA" "$B" "$A" 0x1001 7
	sa_add "$UA" "$A" "$B" 0x2000 8
	finds "another reqid" warn+ sa 'SPI 0x00002000 has reqid 8, not 7' reqid to "$FAR4"
	must ip -n "$UA" xfrm state add src "$A" dst "$B" proto esp spi 0x2001 \
		reqid 7 mode transport "${ALGO[@]}"
	finds "transport mode" warn+ sa 'SPI 0x00002001 is in transport mode' 'tunnel mode' to "$FAR4"
	sa_add "$UA" "$A" "$B" 0x2002 7 mark 6
	finds "another mark" warn+ sa 'SPI 0x00002002 has mark 0x6/0xffffffff, not 0x0/0x0' mark to "$FAR4"
	must ip -n "$UA" xfrm state add src "$A" dst "$B" proto esp spi 0x2003 \
		reqid 7 mode tunnel "${ALGO[@]}"
	fine "IPv4 by an SA for IPv4" to "$FAR4"
	finds "IPv6 by an SA for IPv4" bad sa 'SPI 0x00002003 is for IPv4 alone' '::/0' to "$FAR6"
}

case_no_peer()
{
	setup_hosts
	outer 4
	add_dev "$UA" "$OA" xv0 "$A" any reqid 7 -- "$IA4"/24
	routes
	finds "remote any" bad peer 'no peer is known' 'peer has to' to "$FAR4"
}

case_carrier()
{
	setup carrier sa reqid 7
	await "carrier" is 1 dev_attr "$OA" xv0 carrier
	fine "carrier sa" to "$FAR4"
	sa_pair_del 0x1000
	await "no carrier" is 0 dev_attr "$OA" xv0 carrier
	finds "no carrier" bad carrier 'none, carrier sa' 'pair of SAs' to "$FAR4"
}

case_no_route()
{
	setup
	must ip -n "$OA" route del 10.2.0.0/16
	must ip -n "$OA" route del fd02::/16
	finds "no route" bad route 'no route' "ip -n $OA route replace $FAR4 dev xv0" to "$FAR4"
	do_advice route
	fine "route as advised" to "$FAR4"
	finds "no route, IPv6" bad route 'no route|unreachable' \
		"ip -n $OA -6 route replace $FAR6 dev xv0" to "$FAR6"
	do_advice route
	fine "route as advised, IPv6" to "$FAR6"
	must ip -n "$OA" route replace blackhole "$FAR4"
	finds "blackhole" bad route 'blackhole' "route replace" to "$FAR4"
	finds "an address of here" bad route 'address of this host' 'behind the tunnel' to "$IA4"
}

# Another device of the overlay, with a network of its own.
add_in0()
{
	ip_batch "$OA" <<-END
		link add in0 type veth peer name in1
		link set in0 addrgenmode none up
		link set in1 addrgenmode none up
		addr add 10.1.0.1/24 dev in0
	END
}

# The routing table sends it elsewhere.
case_other_device()
{
	setup
	add_in0
	must ip -n "$OA" route add 10.2.0.0/24 dev in0
	finds "another device" bad route 'leaves by in0, not by xv0' \
		"route replace $FAR4 dev xv0" to "$FAR4"
	do_advice route
	fine "a better route" to "$FAR4"
}

case_no_underlay_route()
{
	setup
	must ip -n "$UA" route del 192.0.2.0/24
	finds "no route to the peer" bad underlay "no route to the peer $B" \
		"ip -n $UA route replace $B" to "$FAR4"
	must ip -n "$UA" route add "$B" dev v0
	fine "with a route" to "$FAR4"
	must ip -n "$UA" addr del "$A"/24 dev v0
	finds "no local address" bad local "$A is no address of the underlay" \
		"ip -n $UA address add $A" to "$FAR4"
}

# Packets leave by the device that is named, and not where the route leads.
case_other_lower()
{
	setup reqid 7 dev v0
	fine "dev" to "$FAR4"
	wire "$UA" "$UB" v1
	must ip -n "$UA" route add "$B" dev v1 src "$A"
	finds "another way" bad underlay "the route to the peer $B leads by v1, not by v0" \
		"ip -n $UA route replace $B via GATEWAY dev v0" to "$FAR4"
	ping_none "another way" "$OA" "$IB4" 1
	check_dropped "another way" "$OA" xv0 tx_no_route 1
	must ip -n "$UA" route del "$B"
	# a master that is no VRF has no routes
	ip_batch "$UA" <<-END
		link add br0 type bridge
		link add d0 type dummy
		link set d0 master br0
	END
	must in_ns "$OA" xvti set xv0 dev d0
	finds "in a bridge" bad underlay "leads by v0, not by d0" \
		"ip -n $UA route replace $B via GATEWAY dev d0" to "$FAR4"
	must in_ns "$OA" xvti set xv0 dev v0
	must ip -n "$UA" route del 192.0.2.0/24
	finds "no way" bad underlay "no route to the peer $B" \
		"ip -n $UA route replace $B" to "$FAR4"
}

case_loop()
{
	setup_hosts flat
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	routes
	must ip -n "$UA" route add "$B" dev xv0
	finds "loop" bad underlay 'leads into xv0 itself' 'route replace' to "$FAR4"
}

sysctl() # key value, of the overlay
{
	in_ns "$OA" sh -c "echo $2 >/proc/sys/net/$1"
}

# The answer would come in by a device that its source is not routed to.
case_rp_filter()
{
	setup
	sysctl ipv4/conf/xv0/rp_filter 1
	fine "strict, and the route is the same" to "$FAR4"
	must ip -n "$OA" link add in0 type veth peer name in1
	must ip -n "$OA" link set in0 addrgenmode none up
	ip_batch "$OA" <<-END
		rule add from 10.8.0.1 lookup 100
		route add default dev xv0 table 100
		route replace 10.2.0.0/16 dev in0
	END
	finds "strict" warn rp_filter 'what comes from there is dropped' \
		"sysctl -w net.ipv4.conf.xv0.rp_filter=2" to "$FAR4" from "$IA4"
	do_advice rp_filter
	fine "loose" to "$FAR4" from "$IA4"
}

case_forwarded()
{
	setup
	add_in0
	finds "not forwarded" bad forwarding 'off for in0' \
		'sysctl -w net.ipv4.conf.in0.forwarding=1' to "$FAR4" from 10.1.0.7
	check_eq "where it comes in" "$(said '.[] | select(.check == "from").text')" \
		"10.1.0.7 is not of this host, comes in by in0"
	sysctl ipv4/conf/in0/forwarding 1
	finds "answers not forwarded" warn forwarding 'off for xv0: answers' \
		'conf.xv0.forwarding=1' to "$FAR4" from 10.1.0.7
	sysctl ipv4/conf/xv0/forwarding 1
	fine "forwarded" to "$FAR4" from 10.1.0.7
	fine "said where from" to "$FAR4" from 10.9.9.9 iif in0
	finds "from nowhere" bad from 'no route leads to it' 'iif' to "$FAR4" from 172.16.0.1
}

case_mtu()
{
	setup reqid 7 mtu 1500
	finds "as large as the lower" warn mtu '1500 .*fixed' 'mtu auto is exact' to "$FAR4"
	must in_ns "$OA" xvti set xv0 mtu auto
	await "exact" is 1446 dev_attr "$OA" xv0 mtu
	fine "auto" to "$FAR4"
	must ip -n "$UA" link set v0 mtu 1300
	await "floor" is 1280 dev_attr "$OA" xv0 mtu
	finds "floor" warn mtu 'smallest|IPv6|1280' 'outer fragments' to "$FAR4"
	ping_none "too big" "$OA" "$IB4" 1 -M "do" -s 1252
	must in_ns "$OA" xvti set xv0 mtu 1000
	finds "too small for IPv6" bad mtu 'IPv6 needs 1280' 'mtu auto' to "$FAR6"
}

# What was lost before is not the fault of the next packet, but worth a word.
case_too_big()
{
	setup reqid 7 mtu 1500
	ping_none "too big" "$OA" "$IB4" 1 -M "do" -s 1472
	finds "too big" warn tx-too-big '\b1 dropped so far: larger than the path MTU' \
		'clamp the TCP MSS' to "$FAR4"
}

case_ipv6_off()
{
	setup
	sysctl ipv6/conf/xv0/disable_ipv6 1
	finds "IPv6 off" bad ipv6 'IPv6 is off on xv0' \
		'sysctl -w net.ipv6.conf.xv0.disable_ipv6=0' to "$FAR6"
	do_advice ipv6
	must ip -n "$OA" -6 addr add "$IA6"/64 dev xv0 nodad
	routes
	fine "on again" to "$FAR6"
	fine "IPv4 all the same" to "$FAR4"
}

policy() # action direction source destination [mark]
{
	must ip -n "$UA" xfrm policy "$1" dir "$2" src "$3" dst "$4" mark 6 \
		tmpl src "$A" dst "$B" proto esp reqid 61 mode tunnel
}

# Direct mode is not bound by policies, policy mode is.
case_selectors()
{
	setup_hosts
	setup_tunnel 4 mark 6
	routes
	cipher gcm
	sa_pair 61 0x1000 mark 6
	policy add out 10.8.0.0/24 10.8.0.0/24
	finds "direct mode" warn policy 'narrower than any/any' 'set mode policy' to "$FAR4"
	must in_ns "$OA" xvti set xv0 mode policy
	finds "outside" bad policy "no outbound policy with mark 0x6 is for $IA4 to $FAR4" \
		'ip xfrm policy' to "$FAR4"
	fine "inside" to "$IB4"
	must ip -n "$UA" xfrm policy add dir out src 10.8.0.0/24 dst "$FAR4" mark 6 action block
	finds "blocked" bad policy 'takes the packet' 'delete it' to "$FAR4"
}

# What is not a question is not answered.
case_refused()
{
	setup
	refused "no device" 'No such device' xvti -n "$OA" explain xv9 to "$FAR4"
	refused "no address" 'needs "to ADDR"' xvti -n "$OA" explain xv0
	refused "no address" '"10.2.0.300": is not an IPv4 or IPv6 address' \
		xvti -n "$OA" explain xv0 to 10.2.0.300
	refused "two families" 'not of the address family' \
		xvti -n "$OA" explain xv0 to "$FAR4" from fd08::1
	refused "another kind" 'not an xvti device' xvti -n "$OA" explain lo to "$FAR4"
	xvti -n "$OA" explain xv0 to 10.2.0.300 2>/dev/null
	check_eq "exit code of a bad word" $? 1
	xvti -n "$OA" explain xv9 to "$FAR4" 2>/dev/null
	check_eq "exit code without a device" $? 2
}

need_module
run_cases works unconfigured down no_sa other_sa no_peer carrier no_route other_device \
	no_underlay_route other_lower loop rp_filter forwarded mtu too_big ipv6_off selectors refused
