#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Packet marks and NAT of netfilter: neither changes the tunnel that a packet
# takes, and within one namespace a mark is not lost on the way through it.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#       xv1 10.9.0.1                         xv1 10.9.0.2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# Two tunnels between the same endpoints, told apart by marks 6 and 7 or by
# reqids 6 and 7.
setup_two() # outer-family reqid|mark
{
	local n nr=0

	outer "$1"
	cipher gcm
	for n in 6 7; do
		add_dev "$UA" "$OA" xv"$nr" "$A" "$B" "$2" "$n" -- "10.$((8 + nr)).0.1/24"
		add_dev "$UB" "$OB" xv"$nr" "$B" "$A" "$2" "$n" -- "10.$((8 + nr)).0.2/24"
		if [ "$2" = mark ]; then
			sa_pair $((60 + n)) $((n << 12)) mark "$n" mask 0xffffffff
		else
			sa_pair "$n" $((n << 12))
		fi
		nr=$((nr + 1))
	done
	add_addr "$OA" xv0 "$IA6"/64
	add_addr "$OB" xv0 "$IB6"/64
}

remove_two()
{
	local ns n

	for ns in "$OA" "$OB"; do
		must ip -n "$ns" link del xv0
		must ip -n "$ns" link del xv1
	done
	for ns in "$UA" "$UB"; do
		must ip -n "$ns" xfrm state flush
	done
}

# The ESP packets of the last capture, by tunnel: those of xv0 and of xv1.
by_tunnel()
{
	echo "$(($(of_spi 6000) + $(of_spi 6001))) $(($(of_spi 7000) + $(of_spi 7001)))"
}

# tcpdump prints the SPI of ESP packets
of_spi() # hex
{
	tcpdump -nr "$CAP" 2>/dev/null | grep -c "spi=0x0000$1,"
}

# Exactly one request, however long the reply takes.
ping_once() # what netns address [option...]
{
	local what=$1 ns=$2 addr=$3

	shift 3
	check "$what: ping $addr" in_ns "$ns" ping -n -q -c 1 -W 20 "$@" "$addr"
}

# All marks that a packet can have when it comes to the device.
tunnel_kept() # what
{
	local mark

	capture "$UB" v0
	for mark in 0 6 7 99; do
		ping_once "$1, mark $mark" "$OA" "$IB4" -m "$mark" -I xv0
		ping_once "$1, mark $mark" "$OA" "$IB6" -m "$mark" -I xv0
		ping_once "$1, mark $mark" "$OA" 10.9.0.2 -m "$mark" -I xv1
	done
	capture_end
	check_eq "$1: packets of the tunnels" "$(by_tunnel)" "16 8"
	check_eq "$1: received" "$(link_stat "$OB" xv0 rx_packets) $(link_stat "$OB" xv1 rx_packets)" "8 4"
	check_no_drops "$OB" xv0
	check_no_drops "$OB" xv1
}

case_tunnel_kept()
{
	local outer binding

	setup_hosts
	for outer in 4 6; do
		for binding in reqid mark; do
			setup_two "$outer" "$binding"
			tunnel_kept "$binding, IPv$outer"
			remove_two
		done
	done
}

case_tunnel_kept_flat()
{
	setup_hosts flat
	setup_two 4 mark
	tunnel_kept "mark, one namespace"
}

# --- with nftables ----------------------------------------------------------

nft_in() # netns, rules on standard input
{
	in_ns "$1" nft -f - 2>"$TMP/why" || skip "nft: $(head -n 1 "$TMP/why")"
}

# Packets that a rule with this comment has counted.
counted() # netns comment
{
	in_ns "$1" nft -j list ruleset | jq --arg comment "$2" \
		'[.nftables[].rule? | select(.comment == $comment).expr[].counter?.packets // empty] | add'
}

# ESP packets come in with the other tunnel's mark, or with none of any.
case_marked_outside()
{
	local binding mark ns

	setup_hosts
	for binding in mark reqid; do
		for mark in 7 99; do
			for ns in "$UA" "$UB"; do
				nft_in "$ns" <<-END
					table inet marks {
						chain pre {
							type filter hook prerouting priority -150
							meta l4proto esp meta mark set $mark
						}
					}
				END
			done
			setup_two 4 "$binding"
			tunnel_kept "$binding, ESP with mark $mark"
			remove_two
			for ns in "$UA" "$UB"; do
				must in_ns "$ns" nft delete table inet marks
			done
		done
	done
}

# Marks of inner packets are on their ESP packets, and the reverse, in one
# namespace; from one into another they do not go.
watch_marks()
{
	nft_in "$UA" <<-END
		table inet marks {
			chain post {
				type filter hook postrouting priority 0
				meta l4proto esp meta mark 0x55 counter comment "esp 0x55"
				meta l4proto esp meta mark 0 counter comment "esp 0"
			}
		}
	END
	nft_in "$UB" <<-END
		table inet marks {
			chain pre {
				type filter hook prerouting priority -150
				meta l4proto esp meta mark set 0x66 counter comment "marked"
			}
		}
	END
	nft_in "$OB" <<-END
		table inet inner {
			chain incoming {
				type filter hook input priority 0
				iifname xv0 meta mark 0x66 counter comment "inner 0x66"
				iifname xv0 meta mark 0 counter comment "inner 0"
			}
		}
	END
}

# The marks that the packets of three pings had, outside and inside.
marks_seen() # binding
{
	watch_marks
	outer 4
	cipher gcm
	if [ "$1" = mark ]; then
		setup_tunnel 4 mark 6
		sa_pair 7 0x1000 mark 6 mask 0xffffffff
	else
		setup_tunnel 4
		sa_pair 7 0x1000
	fi
	ping_ok "$1" "$OA" "$IB4" -c 3 -m $((0x55))
	echo "$(counted "$UA" "esp 0x55") $(counted "$UA" "esp 0")" \
		"$(counted "$OB" "inner 0x66") $(counted "$OB" "inner 0")" >"$TMP/marks"
	del_tunnel
	must ip -n "$UA" xfrm state flush
	must ip -n "$UB" xfrm state flush
	must in_ns "$UA" nft flush ruleset
	must in_ns "$UB" nft flush ruleset
	must in_ns "$OB" nft flush ruleset
}

case_marks_flat()
{
	local binding

	setup_hosts flat
	for binding in reqid mark; do
		marks_seen "$binding"
		check_eq "$binding: marks in one namespace" "$(cat "$TMP/marks")" "3 0 3 0"
	done
}

case_marks_apart()
{
	local binding

	setup_hosts
	for binding in reqid mark; do
		marks_seen "$binding"
		check_eq "$binding: marks in two namespaces" "$(cat "$TMP/marks")" "0 3 0 3"
	done
}

# NAT of the inner packet in the device's namespace: the connection is known
# by its inner addresses, and must not follow the packet into the ESP one,
# where a NAT rule would have the core look for another route.
nat() # what flat
{
	nft_in "$OA" <<-END
		table ip nat {
			chain post {
				type nat hook postrouting priority 100
				ip saddr 10.13.0.1 snat to $IA4
			}
			chain local {
				type nat hook output priority -100
				ip daddr 10.13.0.2 dnat to $IB4
			}
			chain pre {
				type nat hook prerouting priority -100
			}
		}
	END
	must ip -n "$OA" addr add 10.13.0.1/24 dev xv0
	capture "$UB" v0
	ping_ok "$1: source" "$OA" "$IB4" -c 2 -I 10.13.0.1
	ping_ok "$1: destination" "$OA" 10.13.0.2 -c 2
	ping_ok "$1: both" "$OA" 10.13.0.2 -c 2 -I 10.13.0.1
	capture_end
	check_only_esp "$1"
	check_eq "$1: ESP packets" "$(captured "dst host $B and (ip proto 50 or ip6 proto 50)")" 6
	tcp_ok "$1" "$OA" "$OB" "$IB4" 200
	check_no_drops "$OA" xv0
	check_no_drops "$OB" xv0
	must in_ns "$OA" nft delete table ip nat
	del_tunnel
	sa_pair_del 0x1000
}

case_nat()
{
	local outer layout

	for layout in flat apart; do
		setup_hosts "$layout"
		for outer in 4 6; do
			setup_tunnel "$outer"
			cipher gcm
			sa_pair 7 0x1000
			nat "$layout, IPv$outer"
		done
		run_deferred
	done
}

need_module
run_cases tunnel_kept tunnel_kept_flat marked_outside marks_flat marks_apart nat
