#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
#
# Multicast and what lives on it: IPv6 link-local addresses, the all-nodes
# group, and OSPF, which takes the device for the point-to-point link it is.
#
#   OA: xv0                              OB: xv0
#       10.8.0.1, fd08::1                    10.8.0.2, fd08::2
#       lan 10.12.1.1, fd0c:1::1             lan 10.12.2.1, fd0c:2::1
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# The kernel's choice of a link-local address.
link_local() # netns device
{
	ip -n "$1" -j -6 addr show dev "$2" scope link |
		jq -r '.[].addr_info[]?.local // empty'
}

has_link_local() # netns device
{
	[[ $(link_local "$1" "$2") = fe80::* ]]
}

# The usual pair of devices, but as a user makes them: with link-local
# addresses. Their addresses come to LLA and LLB.
setup() # outer-family
{
	local ns

	setup_tunnel "$1"
	cipher gcm
	sa_pair 7 0x1000
	for ns in "$OA" "$OB"; do
		ip_batch "$ns" <<-END
			link set xv0 down
			link set xv0 addrgenmode eui64
			link set xv0 up
		END
		await "link-local address in $ns" has_link_local "$ns" xv0
	done
	# IPv6 addresses have gone with the first "down"
	add_addr "$OA" xv0 "$IA6"/64
	add_addr "$OB" xv0 "$IB6"/64
	LLA=$(link_local "$OA" xv0)
	LLB=$(link_local "$OB" xv0)
}

flags() { ip -n "$OA" -j link show xv0 | jq -c '.[0].flags'; }

case_flags()
{
	setup_hosts
	setup 4
	check "multicast, point to point" jq -e \
		'contains(["MULTICAST", "POINTOPOINT", "NOARP"])' <<<"$(flags)"
	check "no broadcast" jq -e 'contains(["BROADCAST"]) | not' <<<"$(flags)"
}

stable() # what
{
	await "$1" has_link_local "$OA" xv0
	check_eq "$1: link-local address" "$(link_local "$OA" xv0)" "$LLA"
}

case_link_local()
{
	local secret=2001:db8:0:1:2:3:4:5

	setup_hosts
	setup 6
	[ "$LLA" != "$LLB" ] || fail "both ends have $LLA"
	ping_ok "the peer's link-local address" "$OA" "$LLB%xv0"
	ip_batch "$OA" <<-END
		link set xv0 down
		link set xv0 up
	END
	stable "down and up"
	must in_ns "$OA" xvti set xv0 mtu 1300 carrier sa
	stable "another MTU"
	sa_pair 7 0x2000
	sa_pair_del 0x1000
	stable "rekeyed"
	ping_ok "rekeyed" "$OB" "$LLA%xv0"
	# where the administrator gives the host a secret, over boots as well
	must in_ns "$OA" sysctl -qw net.ipv6.conf.default.stable_secret="$secret"
	recreated
	LLA=$(link_local "$OA" xv0)
	recreated
	stable "made anew"
}

recreated()
{
	must ip -n "$OA" link del xv0
	must in_ns "$UA" xvti add xv0 netns "$OA" local "$A" remote "$B" reqid 7
	must ip -n "$OA" link set xv0 up
	await "made anew" has_link_local "$OA" xv0
}

# Everyone on the link answers: the host itself and the peer.
case_all_nodes()
{
	local outer

	setup_hosts
	for outer in 4 6; do
		setup "$outer"
		check "IPv$outer: answer of the peer" answers "$OA" ff02::1%xv0 "$LLB"
		check "IPv$outer: answer of the peer, back" answers "$OB" ff02::1%xv0 "$LLA"
		check_no_drops "$OA" xv0
		sa_pair_del 0x1000
		del_tunnel
	done
	# IPv4, which hosts do not answer unless they are told to
	setup 4
	must in_ns "$OB" sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0
	check "224.0.0.1: answer of the peer" answers "$OA" 224.0.0.1 "$IB4" -I xv0
}

answers() # netns address who [option...]
{
	local ns=$1 addr=$2 who=$3

	shift 3
	in_ns "$ns" ping -n -c 2 -i 0.2 -w 20 "$@" "$addr" | grep -qF "from $who"
}

# --- OSPF -------------------------------------------------------------------

bird_conf() # router-id
{
	cat <<-END
		router id $1;
		protocol device {}
		protocol kernel { ipv4 { export all; }; }
		protocol kernel { ipv6 { export all; }; }
		protocol ospf v2 two {
			ipv4 {};
			area 0 {
				interface "xv0" { hello 1; retransmit 2; };
				interface "lan" { stub; };
			};
		}
		protocol ospf v3 three {
			ipv6 {};
			area 0 {
				interface "xv0" { hello 1; retransmit 2; };
				interface "lan" { stub; };
			};
		}
	END
}

start_bird() # netns router-id
{
	local conf=$TMP/$1.conf

	bird_conf "$2" >"$conf"
	background "$TMP/$1.log" in_ns "$1" \
		bird -f -c "$conf" -s "$TMP/$1.ctl"
}

birdc_in() # netns command...
{
	birdc -s "$TMP/$1.ctl" "${@:2}"
}

# A full adjacency, without a designated router.
adjacent() # netns protocol
{
	birdc_in "$1" show ospf neighbors "$2" | grep -qE 'Full/PtP\b.*\bxv0\b'
}

has_route() # netns prefix
{
	ip -n "$1" -d route show "$2" dev xv0 proto bird | grep -q . ||
		ip -n "$1" -6 route show "$2" dev xv0 proto bird | grep -q .
}

case_ospf()
{
	local ns type

	setup_hosts
	setup 6
	lan "$OA" 1
	lan "$OB" 2
	start_bird "$OA" 10.0.0.1
	start_bird "$OB" 10.0.0.2
	for ns in "$OA" "$OB"; do
		await "OSPFv2 in $ns" adjacent "$ns" two ||
			note "$(birdc_in "$ns" show ospf neighbors two; cat "$TMP/$ns.log")"
		await "OSPFv3 in $ns" adjacent "$ns" three ||
			note "$(birdc_in "$ns" show ospf neighbors three)"
		type=$(birdc_in "$ns" show ospf interface two '"xv0"')
		grep -qiE 'Type: (ptp|pointopoint)' <<<"$type" ||
			fail "the device's type in $ns: $type"
	done
	await "route by OSPFv2" has_route "$OA" 10.12.2.0/24
	await "route by OSPFv3" has_route "$OA" fd0c:2::/64
	await "route by OSPFv2, back" has_route "$OB" 10.12.1.0/24
	await "route by OSPFv3, back" has_route "$OB" fd0c:1::/64
	ping_ok "over the route" "$OA" 10.12.2.1 -I 10.12.1.1
	ping_ok "over the route" "$OA" fd0c:2::1 -I fd0c:1::1
}

# A network of its own for the routers to tell of.
lan() # netns number
{
	ip_batch "$1" <<-END
		link add lan type dummy
		link set lan up
		addr add 10.12.$2.1/24 dev lan
		addr add fd0c:$2::1/64 dev lan nodad
	END
}

need_module
run_cases flags link_local all_nodes ospf
