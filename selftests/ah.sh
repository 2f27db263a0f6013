#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
#
# Policy mode: AH and IPComp beside ESP, as the policies' templates say.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#       10.11.0.1, fd0b::1                   10.11.0.2, fd0b::2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2
#
# A stack is what the templates name, in the order in which it is applied:
# first what is in tunnel mode, then what protects it in transport mode. ESP in
# transport mode about AH's tunnel is not among them: Linux checks AH with
# ESP's number still in the outer header, so that it never fits.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

readonly NET4=10.8.0.0/24 NET6=fd08::/64
# Deflate leaves packets alone that are shorter than 90 octets.
readonly TINY=16 BIG=1000

stack() # name: sets STACK, a list of protocol:mode
{
	case $1 in
	esp) STACK=(esp:tunnel) ;;
	ah) STACK=(ah:tunnel) ;;
	esp_ah) STACK=(esp:tunnel ah:transport) ;;
	comp_esp) STACK=(comp:tunnel esp:transport) ;;
	comp_ah) STACK=(comp:tunnel ah:transport) ;;
	comp_esp_ah) STACK=(comp:tunnel esp:transport ah:transport) ;;
	comp) STACK=(comp:tunnel) ;;
	*) die "no stack named $1" ;;
	esac
}

# The SPI of a protocol's SA from A to B; the one back has the next.
readonly -A SPI_OF=([esp]=0x1000 [ah]=0x2000 [comp]=0x3000)

readonly -A ALGO_OF=(
	[ah]="auth-trunc 'hmac(sha256)' $KEY32 128"
	[comp]="comp deflate"
)

# Up to 5.10 an SA in transport mode needs the family of the outer addresses in
# its selector, and then is for inner packets of that family alone. Newer
# kernels take one for both.
KERNEL=$(uname -r)
one_family() # mode
{
	[[ $1 = transport && $KERNEL =~ ^(4\.|5\.[0-9]\.|5\.10\.) ]]
}

# Sets INNER, those of B's inner addresses that the stack has a way to.
inner_addresses() # outer-family
{
	local layer

	INNER=("$IB4" "$IB6")
	for layer in "${STACK[@]}"; do
		one_family "${layer#*:}" || continue
		[ "$1" = 4 ] && INNER=("$IB4") || INNER=("$IB6")
	done
}

stack_sas() # src dst offset [option...]
{
	local src=$1 dst=$2 offset=$3 layer proto mode sel

	shift 3
	for layer in "${STACK[@]}"; do
		proto=${layer%:*} mode=${layer#*:}
		one_family "$mode" && sel= || sel="flag af-unspec"
		echo "xfrm state add src $src dst $dst proto $proto" \
			"spi $((${SPI_OF[$proto]} + offset)) reqid 61" \
			"mode $mode $sel ${ALGO_OF[$proto]-${ALGO[*]@Q}} $*"
	done
}

# Sets TEMPLATES to those of the stack; that of IPComp is optional for what
# comes in, as not all is compressed.
templates() # src dst [level-of-IPComp]
{
	local layer proto level

	TEMPLATES=
	for layer in "${STACK[@]}"; do
		proto=${layer%:*} level=
		[ "$proto" != comp ] || level=${3:+level $3}
		TEMPLATES+=" tmpl src $1 dst $2 proto $proto reqid 61 mode ${layer#*:} $level"
	done
}

stack_policies() # local remote network...
{
	local net

	templates "$1" "$2"
	for net in "${@:3}"; do
		echo "xfrm policy add src $net dst $net dir out mark 6 $TEMPLATES"
	done
	templates "$2" "$1" use
	for net in "${@:3}"; do
		echo "xfrm policy add src $net dst $net dir in mark 6 $TEMPLATES"
	done
}

# SAs of the stack, marked out only, or both ways if "marked".
sas() # [marked]
{
	local in=()

	[ "${1:-}" != marked ] || in=(mark 6)
	cipher gcm
	ip_batch "$UA" <<-END
		$(stack_sas "$A" "$B" 0 mark 6)
		$(stack_sas "$B" "$A" 1 "${in[@]}")
	END
	ip_batch "$UB" <<-END
		$(stack_sas "$B" "$A" 1 mark 6)
		$(stack_sas "$A" "$B" 0 "${in[@]}")
	END
}

# Both hosts' devices and policies; more networks than the usual ones may be
# named, which B's policies have and A's have not.
devices() # outer-family [network...]
{
	outer "$1"
	inner_addresses "$1"
	shift
	add_dev "$UA" "$OA" xv0 "$A" "$B" mark 6 mode policy -- \
		"$IA4"/24 "$IA6"/64 10.11.0.1/24 fd0b::1/64
	add_dev "$UB" "$OB" xv0 "$B" "$A" mark 6 mode policy -- \
		"$IB4"/24 "$IB6"/64 10.11.0.2/24 fd0b::2/64
	stack_policies "$A" "$B" "$NET4" "$NET6" | ip_batch "$UA"
	stack_policies "$B" "$A" "$NET4" "$NET6" "$@" | ip_batch "$UB"
}

setup() # stack outer-family [marked [network...]]
{
	local outer=$2 marked=${3:-}

	stack "$1"
	setup_hosts
	shift 2
	[ $# -eq 0 ] || shift
	devices "$outer" "$@"
	sas "$marked"
}

# Zeros can be compressed; of the packets that go each way half are worth it.
# Sets INSIDE, how many these are in all.
inside() # what
{
	local addr

	INSIDE=$((6 * ${#INNER[@]}))
	for addr in "${INNER[@]}"; do
		ping_ok "$1, tiny" "$OA" "$addr" -s "$TINY"
		ping_ok "$1, big" "$OA" "$addr" -s "$BIG" -p 00
	done
}

layer_packets() # netns dst protocol offset
{
	state_packets "$1" "$2" "$3" $((${SPI_OF[$3]} + $4))
}

# Everything on the wire went by each of the SAs, but for IPComp's: tiny
# packets pass that by.
check_counts() # what packets compressed
{
	local layer proto want

	check_eq "$1: packets on the wire" "$(wire_packets "$UA")" "$2"
	check_eq "$1: delivered to B" "$(link_stat "$OB" xv0 rx_packets)" "$2"
	check_eq "$1: delivered to A" "$(link_stat "$OA" xv0 rx_packets)" "$2"
	for layer in "${STACK[@]}"; do
		proto=${layer%:*} want=$2
		[ "$proto" != comp ] || want=$3
		check_eq "$1: $proto" "$(layer_packets "$UB" "$B" "$proto" 0)" "$want"
	done
	check_no_drops "$OA" xv0
	check_no_drops "$OB" xv0
}

carries() # stack
{
	local outer

	for outer in 4 6; do
		setup "$1" "$outer"
		inside "$1 in IPv$outer"
		check_counts "$1 in IPv$outer" "$INSIDE" $((INSIDE / 2))
		tcp_ok "$1 in IPv$outer" "$OA" "$OB" "${INNER[0]}" 128
		check_no_drops "$OB" xv0
		run_deferred
	done
}

case_ah() { carries ah; }
case_esp_ah() { carries esp_ah; }
case_comp_esp() { carries comp_esp; }
case_comp_ah() { carries comp_ah; }
case_comp_esp_ah() { carries comp_esp_ah; }

# Inbound SAs with a mark, which packets do not have by themselves.
case_marked()
{
	local name

	for name in ah esp_ah comp_esp; do
		setup "$name" 4 marked
		inside "$name"
		check_eq "$name: delivered" "$(link_stat "$OB" xv0 rx_packets)" "$INSIDE"
		check_no_drops "$OB" xv0
		run_deferred
	done
}

# What no policy is for neither leaves nor comes in, be it compressed or not.
case_outside()
{
	local name

	for name in ah comp_esp; do
		setup "$name" 4 "" 10.11.0.0/24
		inside "before"
		ping_none "$name: out" "$OA" 10.11.0.2 3
		ping_none "$name: in, tiny" "$OB" 10.11.0.1 4 -s "$TINY"
		ping_none "$name: in, big" "$OB" 10.11.0.1 5 -s "$BIG" -p 00
		check_eq "$name: drops of A" "$(drops "$OA" xv0 | xargs)" \
			"tx_policy:3 rx_policy:9"
		check_eq "$name: received by A" "$(link_stat "$OA" xv0 rx_packets)" "$INSIDE"
		check_no_drops "$OB" xv0
		inside "after"
		run_deferred
	done
}

# IPComp alone protects nothing.
case_unprotected()
{
	local before

	setup comp 4
	before=$(wire_packets "$UA")
	ping_none "IPComp alone" "$OA" "$IB4" 3
	check_dropped "IPComp alone" "$OA" xv0 tx_policy 3
	check_eq "packets on the wire" $(($(wire_packets "$UA") - before)) 0
	check_eq "usable SAs" "$(sa_counts)" "[0,0]"
	host_compresses
	ping_none "IPComp alone, big" "$UB" "$IA4" 3 -s "$BIG" -p 00
	ping_none "IPComp alone, tiny" "$UB" "$IA4" 2 -s "$TINY"
	check_eq "packets that came" "$(wire_packets "$UB")" 5
	check_eq "compressed ones" "$(layer_packets "$UA" "$A" comp 1)" 3
	check_eq "received by A" "$(link_stat "$OA" xv0 rx_packets)" 0
}

# B's host does what its device would not: IPComp alone, by the SA that A has.
host_compresses()
{
	local spi=${SPI_OF[comp]}

	templates "$B" "$A"
	ip_batch "$UB" <<-END
		xfrm state delete dst $A proto comp spi $((spi + 1)) mark 6
		$(stack_sas "$B" "$A" 1)
		xfrm policy add src $IB4 dst $IA4 dir out $TEMPLATES
		addr add $IB4/32 dev v0
		route add $IA4 dev v0 src $IB4
	END
}

# Uncompressed packets come by IPComp's SA too: without it there is nothing
# that lets IP in IP in.
case_no_comp_sa()
{
	setup comp_esp 4
	inside "before"
	must ip -n "$UB" xfrm state delete dst "$B" proto comp spi "${SPI_OF[comp]}"
	ping_none "tiny" "$OA" "$IB4" 3 -s "$TINY"
	check_dropped "tiny" "$OB" xv0 rx_mode 3
	ping_none "big" "$OA" "$IB4" 3 -s "$BIG" -p 00
	check_eq "received by B" "$(link_stat "$OB" xv0 rx_packets)" "$INSIDE"
}

carrier() { dev_value "$OA" xv0 sa_out sa_in running; }

# An SA in transport mode is half of what IPComp's tunnel needs.
case_carrier()
{
	setup comp_esp 4
	must in_ns "$OA" xvti set xv0 carrier sa
	await "both" is "[1,1,true]" carrier
	must ip -n "$UA" xfrm state delete dst "$A" proto esp spi $((0x1001))
	await "no ESP in" is "[1,0,false]" carrier
	stack_sas "$B" "$A" 1 | grep 'proto esp' | ip_batch "$UA"
	await "ESP is back" is "[1,1,true]" carrier
	must ip -n "$UA" xfrm state delete dst "$B" proto comp spi $((0x3000)) mark 6
	await "no IPComp out" is "[0,1,false]" carrier
}

# By RFC 4302: 12 octets and an ICV of 16, padded to 8.
readonly AH_OCTETS=32

# The largest inner packet: ESP by RFC 4303 with AES-GCM, whose payload in
# transport mode is all but the outer header.
largest() # stack outer-family link-mtu
{
	local header=20 others=0

	[ "$2" = 4 ] || header=40
	[[ $1 != *ah ]] || others=$AH_OCTETS
	case $1 in
	*esp*) largest_inner "$3" "$2" gcm "$others" ;;
	*) echo $(($3 - header - others)) ;;
	esac
}

# A datagram of so many octets in all that cannot be compressed.
send_random() # address size
{
	local headers=28 proto=UDP4 addr=$1

	[[ $1 != *:* ]] || headers=48 proto=UDP6 addr="[$1]"
	head -c $(($2 - headers)) /dev/urandom |
		in_ns "$OA" socat -u -b 9000 - "$proto:$addr:9"
}

mtu_of() # stack outer-family
{
	local what="$1 in IPv$2" want addr packets octets

	setup "$1" "$2"
	want=$(largest "$1" "$2" 1500)
	await "$what: MTU" is "$want" mtu || return
	for addr in "${INNER[@]}"; do
		packets=$(wire_packets "$UA")
		octets=$(wire_octets "$UA")
		check "$what: $want octets" send_random "$addr" "$want"
		check_eq "$what: packets" $(($(wire_packets "$UA") - packets)) 1
		octets=$(($(wire_octets "$UA") - octets))
		check_le "$what: octets on the wire" "$octets" 1500
		check_ge "$what: octets on the wire" "$octets" 1497
		check_eq "$what: one octet more" \
			"$(told "$addr" $((want + 1)))" "refused $want"
	done
	check_eq "$what: delivered" "$(link_stat "$OB" xv0 rx_packets)" ${#INNER[@]}
	run_deferred
}

case_mtu()
{
	local name

	for name in ah esp_ah comp_esp comp_esp_ah; do
		mtu_of "$name" 4
		mtu_of "$name" 6
	done
}

# Over what fits, but without DF: outer fragments.
case_fragments()
{
	local name before

	for name in ah comp_esp; do
		setup "$name" 4
		must in_ns "$OA" xvti set xv0 mtu 2000
		must in_ns "$OB" xvti set xv0 mtu 2000
		before=$(wire_packets "$UA")
		ping_ok "$name" "$OA" "$IB4" -M dont -s 1800 -p 00
		[ "$name" = comp_esp ] ||
			check_eq "$name: packets" $(($(wire_packets "$UA") - before)) 6
		check_eq "$name: delivered" "$(link_stat "$OB" xv0 rx_packets)" 3
		check_no_drops "$OA" xv0
		run_deferred
	done
}

# A narrower link behind a router: the core's own handlers miss marked SAs.
setup_narrow() # stack outer-family
{
	stack "$1"
	setup_path 1400
	devices "$2"
	sas
}

case_path()
{
	local name outer

	for name in esp esp_ah ah; do
		for outer in 4 6; do
			# in IPv6 the core tells whoever is within AH
			[ "$name$outer" != ah6 ] || continue
			setup_narrow "$name" "$outer"
			ping_ok "$name in IPv$outer" "$OA" "${INNER[0]}"
			await "$name in IPv$outer: sender is told" \
				is "refused $(largest "$name" "$outer" 1400)" \
				told "${INNER[0]}" "$(largest "$name" "$outer" 1500)"
			run_deferred
		done
	done
}

# What is not bound is not touched, though its addresses are the same: AH
# between the hosts themselves, and a tunnel with IPComp that the core does
# alone.
case_others()
{
	setup comp_esp 4
	inside "before"
	others "$A" "$B" 10.90.0.1 10.90.0.2 out in | ip_batch "$UA"
	others "$A" "$B" 10.90.0.1 10.90.0.2 in out | ip_batch "$UB"
	ip_batch "$UA" <<<"route add 10.90.0.2 dev v0 src 10.90.0.1"
	ip_batch "$UB" <<<"route add 10.90.0.1 dev v0 src 10.90.0.2"
	ping_ok "AH between the hosts" "$UA" "$B"
	check_eq "AH" "$(layer_packets "$UB" "$B" ah 0x100)" 3
	ping_ok "tiny, by the host's own tunnel" "$UA" 10.90.0.2 -s "$TINY"
	ping_ok "big, by the host's own tunnel" "$UA" 10.90.0.2 -s "$BIG" -p 00
	check_eq "ESP" "$(layer_packets "$UB" "$B" esp 0x100)" 6
	check_eq "IPComp" "$(layer_packets "$UB" "$B" comp 0x100)" 3
	check_eq "received by the device" "$(link_stat "$OB" xv0 rx_packets)" "$INSIDE"
	check_no_drops "$OA" xv0
	check_no_drops "$OB" xv0
}

others() # A B inner-of-A inner-of-B direction-to-B direction-to-A
{
	local to=$5 from=$6 local=$3 use_to='' use_from=''

	[ "$to" = out ] || use_to=use local=$4
	[ "$from" = out ] || use_from=use
	STACK=(ah:transport comp:tunnel esp:transport)
	{
		stack_sas "$1" "$2" 0x100
		stack_sas "$2" "$1" 0x101
	} | sed 's/reqid 61/reqid 99/'
	echo "addr add $local/32 dev v0"
	STACK=(ah:transport)
	templates "$1" "$2" use
	echo "xfrm policy add src $1 dst $2 proto 1 dir $to ${TEMPLATES//61/99}"
	templates "$2" "$1" use
	echo "xfrm policy add src $2 dst $1 proto 1 dir $from ${TEMPLATES//61/99}"
	STACK=(comp:tunnel esp:transport)
	templates "$1" "$2" "$use_to"
	echo "xfrm policy add src $3 dst $4 dir $to ${TEMPLATES//61/99}"
	templates "$2" "$1" "$use_from"
	echo "xfrm policy add src $4 dst $3 dir $from ${TEMPLATES//61/99}"
}

# In direct mode a device is for ESP in tunnel mode, though another is in
# policy mode.
case_direct()
{
	setup ah 4
	must in_ns "$OB" xvti set xv0 mode direct
	ping_none "AH for direct mode" "$OA" "$IB4" 3
	check_eq "SAs of B" "$(sa_counts "$OB")" "[0,0]"
	check_eq "received by B" "$(link_stat "$OB" xv0 rx_packets)" 0
	check_no_drops "$OB" xv0
	must in_ns "$OB" xvti set xv0 mode policy
	inside "policy mode again"
}

# What UA answers to AH and IPComp packets that nobody wants.
answers()
{
	local addr proto

	for addr in "$A4" "$A6"; do
		for proto in 51 108; do
			in_ns "$UB" "$SELFTESTS/unreach.py" "$addr" "$proto"
		done
	done | xargs
}

# The core's own AH and IPComp have to be gone for the answers to show.
no_core_handlers()
{
	modprobe -qr ah4 ah6 ipcomp ipcomp6
	! grep -qE '^(ah|ipcomp)[46]? ' /proc/modules
}

# The host answers as without the module, but while a device is in policy mode.
case_registered()
{
	local without="ENOPROTOOPT ENOPROTOOPT EPROTO EPROTO"
	local with="ECONNREFUSED ECONNREFUSED ECONNREFUSED ECONNREFUSED"

	setup_hosts
	in_ns "$UA" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	busywait "$XVTI_WAIT" no_core_handlers ||
		skip "this kernel's own AH or IPComp cannot be unloaded"
	check_eq "without a device" "$(answers)" "$without"
	add_dev "$UA" "$OA" xv0 "$A4" "$B4" mark 6 --
	check_eq "in direct mode" "$(answers)" "$without"
	must in_ns "$OA" xvti set xv0 mode policy
	add_dev "$UA" "$OA" xv1 "$A6" "$B6" mark 6 mode policy --
	check_eq "in policy mode" "$(answers)" "$with"
	must in_ns "$OA" xvti set xv0 mode direct
	check_eq "one is left" "$(answers)" "$with"
	must ip -n "$OA" link del xv1
	check_eq "none is left" "$(answers)" "$without"
	must in_ns "$OA" xvti set xv0 mode policy
	refused "a change that is wrong" 'mark' in_ns "$OA" xvti set xv0 mark none reqid 7
	must in_ns "$OA" xvti set xv0 mode policy
	must ip -n "$OA" link del xv0
	check_eq "the last is gone" "$(answers)" "$without"
}

need_module
run_cases ah esp_ah comp_esp comp_ah comp_esp_ah marked outside \
	unprotected no_comp_sa carrier mtu fragments path others direct registered
