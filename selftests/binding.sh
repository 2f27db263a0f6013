#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# debug=core
# timeout=600
#
# Which SAs are a device's, and that all others are none of its business.
#
#   OA: xv0 10.8.0.1, xv1 10.9.0.1       OB: xv0 10.8.0.2, xv1 10.9.0.2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       10.77.0.1 on lo                      10.77.0.2 on lo

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# Two tunnels between the same two addresses. Whatever goes into one comes out
# of its other end, and only its own SAs carry it.
two_tunnels() # outer "binding of xv0" "SA options" "binding of xv1" "SA options"
{
	local -a bind0 sa0 bind1 sa1
	local name

	read -ra bind0 <<<"$2"
	read -ra sa0 <<<"$3"
	read -ra bind1 <<<"$4"
	read -ra sa1 <<<"$5"
	setup_hosts
	setup_tunnel "$1" "${bind0[@]}"
	add_dev "$UA" "$OA" xv1 "$A" "$B" "${bind1[@]}" -- 10.9.0.1/24 fd09::1/64
	add_dev "$UB" "$OB" xv1 "$B" "$A" "${bind1[@]}" -- 10.9.0.2/24 fd09::2/64
	cipher gcm
	sa_pair "${sa0[0]}" 0x1000 "${sa0[@]:1}"
	sa_pair "${sa1[0]}" 0x2000 "${sa1[@]:1}"
	ping_ok "xv0" "$OA" "$IB4" -c 5
	ping_ok "xv0" "$OA" "$IB6" -c 5
	ping_ok "xv1" "$OA" 10.9.0.2 -c 3
	ping_ok "xv1" "$OB" fd09::1 -c 4
	for name in rx_packets tx_packets; do
		check_eq "xv0 $name" "$(link_stat "$OB" xv0 "$name")" 10
		check_eq "xv1 $name" "$(link_stat "$OB" xv1 "$name")" 7
	done
}

by_reqid() # outer-family
{
	two_tunnels "$1" "reqid 7" 7 "reqid 8" 8
	check_eq "packets by the SA of xv0" "$(sa_packets "$UA" "$B" 0x1000)" 10
	check_eq "packets by the SA of xv1" "$(sa_packets "$UA" "$B" 0x2000)" 7
}

case_reqid_4() { by_reqid 4; }
case_reqid_6() { by_reqid 6; }

# Marked in both directions, as set up by hand. The reqids are learned.
case_mark_both()
{
	two_tunnels 4 "mark 6" "61 mark 6" "mark 7" "62 mark 7"
}

case_mark_masked()
{
	two_tunnels 6 "mark 0x600/0xff00" "61 mark 0x600 mask 0xff00" \
		"mark 0x700/0xff00" "62 mark 0x700 mask 0xff00"
}

# Marked out only, as daemons leave them: the reqid pairs the SA in with it.
case_mark_out()
{
	local host

	setup_hosts
	setup_tunnel 4 mark 6
	cipher gcm
	for host in "$UA $A $B 0x1000 0x1001" "$UB $B $A 0x1001 0x1000"; do
		# shellcheck disable=SC2086 # words
		set -- $host
		sa_add "$1" "$2" "$3" "$4" 42 mark 6
		sa_add "$1" "$3" "$2" "$5" 42
	done
	ping_ok "reqid learned" "$OA" "$IB4"
	ping_ok "reqid learned" "$OA" "$IB6"
	check_eq "reqid in use" "$(dev_value "$OA" xv0 peer_reqid)" 42
}

# Marked policies that lead to SAs without a mark, as Libreswan leaves them: the
# SAs count as marked, whichever comes first.
case_mark_of_policies()
{
	local outer

	setup_hosts
	cipher gcm
	for outer in 4 6; do
		setup_tunnel "$outer" mark 6
		sa_pair 42 0x1000
		check_eq "SAs without policies" "$(sa_counts)" "[0,0]"
		ping_none "SAs without policies" "$OA" "$IB4" 3
		check_dropped "SAs without policies" "$OA" xv0 tx_no_sa 3
		marked_policies
		await "SAs with policies" is "[1,1]" sa_counts
		ping_ok "SAs with policies" "$OA" "$IB4"
		ping_ok "SAs with policies" "$OA" "$IB6"
		sa_pair 43 0x2000
		check_eq "another reqid" "$(sa_counts)" "[1,1]"
		sa_pair 42 0x3000
		await "SAs after the policies" is "[2,2]" sa_counts
		ping_ok "SAs after the policies" "$OA" "$IB6"
		check_eq "packets of the first SA" "$(sa_packets "$UA" "$B" 0x1000)" 6
		check_eq "packets of the newest SA" "$(sa_packets "$UA" "$B" 0x3000)" 3
		check_eq "packets of another's SA" "$(sa_packets "$UA" "$B" 0x2000)" 0
		must ip -n "$UA" xfrm policy flush
		must ip -n "$UB" xfrm policy flush
		sa_pair_del 0x1000
		sa_pair_del 0x2000
		sa_pair_del 0x3000
		del_tunnel
	done
}

# Outbound, for the mark of the devices and the reqid 42.
marked_policies()
{
	local net=0.0.0.0/0 out="proto esp reqid 42 mode tunnel"

	ip_batch "$UA" <<<"xfrm policy add src $net dst $net dir out mark 6 tmpl src $A dst $B $out"
	ip_batch "$UB" <<<"xfrm policy add src $net dst $net dir out mark 6 tmpl src $B dst $A $out"
}

case_if_id()
{
	need_if_id
	two_tunnels 4 "if_id 6" "61 if_id 6" "if_id 7" "62 if_id 7"
}

# The mark of a packet is not the binding's: firewall marks change nothing.
case_marked_packets()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "marked packets" "$OA" "$IB4" -m 6 -c 5
	ping_ok "marked packets" "$OA" "$IB6" -m 6 -c 5
	check_eq "received" "$(link_stat "$OA" xv0 rx_packets)" 10
}

# So many packets arrive under an SA of A's host that is not bound to xv0;
# B has a device of its own to send them.
foreign_sa() # what local-of-B reqid
{
	local before

	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	add_addr "$UB" v0 192.0.2.9/24
	add_dev "$UB" "$OB" xv1 "$2" "$A4" reqid "$3" -- 10.9.0.2/24
	sa_add "$UA" "$2" "$A4" 0x2001 "$3"
	sa_add "$UB" "$2" "$A4" 0x2001 "$3"
	ping_ok "the tunnel itself" "$OA" "$IB4"
	must ip -n "$OB" route add "$IA4"/32 dev xv1 src 10.9.0.2
	must ip -n "$OA" route add 10.9.0.0/24 dev xv0
	before=$(link_stat "$OA" xv0 rx_packets)
	ping_none "$1" "$OB" "$IA4" 5
	check_eq "$1: packets decrypted" "$(sa_packets "$UA" "$A4" 0x2001)" 5
	check_eq "$1: packets taken by xv0" \
		$(($(link_stat "$OA" xv0 rx_packets) - before)) 0
}

case_other_reqid()
{
	foreign_sa "other reqid" "$B4" 8
	check_no_drops "$OA" xv0
}

case_other_peer()
{
	foreign_sa "other peer" 192.0.2.9 7
	check_no_drops "$OA" xv0
}

# The inner packet must fit the selector of the SA that it came by.
case_selector()
{
	local ns

	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_add "$UA" "$A" "$B" 0x1000 7
	sa_add "$UA" "$B" "$A" 0x1001 7
	sa_add "$UB" "$B" "$A" 0x1001 7
	must ip -n "$UB" xfrm state add src "$A" dst "$B" proto esp spi 0x1000 \
		reqid 7 mode tunnel "${ALGO[@]}" sel src 10.8.0.0/24 dst 10.8.0.0/24
	ping_ok "inside the selector" "$OA" "$IB4" -c 5
	must ip -n "$OA" addr add 10.11.0.1/32 dev xv0
	ping_none "source outside" "$OA" "$IB4" 4 -I 10.11.0.1
	check_dropped "source outside" "$OB" xv0 rx_selector 4
	ping_none "other family" "$OA" "$IB6" 3
	# which the core itself refuses up to 5.10
	if [ "$(xfrm_stat "$UB" XfrmInStateModeError)" -eq 3 ]; then
		check_eq "other family" "$(drops "$OB" xv0 | xargs)" \
			"rx_selector:4 rx_error:3"
	else
		check_dropped "other family" "$OB" xv0 rx_selector 7
	fi
	check_eq "delivered" "$(link_stat "$OB" xv0 rx_packets)" 5
}

# What direct mode cannot send by, for its selector, takes nothing from what it can.
case_narrow_beside()
{
	setup_hosts
	setup_tunnel 4 mark 6
	cipher gcm
	sa_pair 7 0x1000 mark 6
	ping_ok "before" "$OA" "$IB4"
	cipher cbc
	must ip -n "$UA" xfrm state add src "$A" dst "$B" proto esp spi 0x2000 reqid 8 \
		mode tunnel mark 6 "${ALGO[@]}" sel src 10.8.0.0/24 dst 10.8.0.0/24
	ping_ok "beside a narrow one" "$OA" "$IB4"
	ping_ok "beside a narrow one" "$OA" "$IB6"
	check_eq "packets by the other" "$(sa_packets "$UA" "$B" 0x1000 mark 6)" 9
	check_no_drops "$OA" xv0
	exact "beside a narrow one" 1500 4 gcm
}

case_down()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "up" "$OA" "$IB4"
	must ip -n "$OB" link set xv0 down
	ping_none "down" "$OA" "$IB4" 5
	check_dropped "down" "$OB" xv0 rx_down 5
}

# A policy-based tunnel between the underlay hosts, next to xv0 or without it.
policy_tunnel() # [policy and SA option...]
{
	local ns src dst spi

	cipher gcm
	for host in "$UA 10.77.0.1 10.77.0.2 $A4 $B4" "$UB 10.77.0.2 10.77.0.1 $B4 $A4"; do
		# shellcheck disable=SC2086 # words
		set -- $host
		add_addr "$1" lo "$2/32"
		must ip -n "$1" route add "$3/32" via "$5" dev v0 onlink src "$2"
		must ip -n "$1" xfrm policy add src "$2" dst "$3" dir out \
			tmpl src "$4" dst "$5" proto esp reqid 99 mode tunnel
		must ip -n "$1" xfrm policy add src "$3" dst "$2" dir in \
			tmpl src "$5" dst "$4" proto esp reqid 99 mode tunnel
	done
	for ns in "$UA" "$UB"; do
		sa_add "$ns" "$A4" "$B4" 0x9000 99
		sa_add "$ns" "$B4" "$A4" 0x9001 99
	done
}

case_policy_tunnel()
{
	setup_hosts
	setup_tunnel 4
	policy_tunnel
	sa_pair 7 0x1000
	ping_ok "policy-based tunnel" "$UA" 10.77.0.2 -c 5
	ping_ok "and xv0" "$OA" "$IB4" -c 5
	ping_ok "policy-based tunnel, back" "$UB" 10.77.0.1 -c 5
	check_eq "packets by the policy's SA" "$(sa_packets "$UA" "$B4" 0x9000)" 10
	check_eq "packets on xv0" "$(link_stat "$OA" xv0 rx_packets)" 5
	check_no_drops "$OA" xv0
}

# Transport mode between the two hosts, as for L2TP.
case_transport()
{
	local ns

	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	for ns in "$UA $A4 $B4" "$UB $B4 $A4"; do
		# shellcheck disable=SC2086 # words
		set -- $ns
		must ip -n "$1" xfrm state add src "$A4" dst "$B4" proto esp spi 0x9000 \
			reqid 99 mode transport "${ALGO[@]}"
		must ip -n "$1" xfrm state add src "$B4" dst "$A4" proto esp spi 0x9001 \
			reqid 99 mode transport "${ALGO[@]}"
		must ip -n "$1" xfrm policy add src "$2" dst "$3" proto 1 dir out \
			tmpl proto esp reqid 99 mode transport
		must ip -n "$1" xfrm policy add src "$3" dst "$2" proto 1 dir in \
			tmpl proto esp reqid 99 mode transport
	done
	ping_ok "transport mode" "$UA" "$B4" -c 5
	check_eq "packets by its SA" "$(sa_packets "$UA" "$B4" 0x9000)" 5
	ping_ok "and xv0" "$OA" "$IB4"
	check_no_drops "$OA" xv0
}

# A vti between the same addresses, which takes its SAs by mark.
case_vti()
{
	local host

	modprobe ip_vti 2>/dev/null || [ -d /sys/module/ip_vti ] ||
		skip "this kernel has no ip_vti"
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	for host in "$UA $A4 $B4 10.12.0.1 0x9000 0x9001" "$UB $B4 $A4 10.12.0.2 0x9001 0x9000"; do
		# shellcheck disable=SC2086 # words
		set -- $host
		must ip -n "$1" link add vti1 type vti local "$2" remote "$3" key 5
		must ip -n "$1" link set vti1 addrgenmode none up
		add_addr "$1" vti1 "$4/24"
		must in_ns "$1" sh -c 'echo 1 >/proc/sys/net/ipv4/conf/vti1/disable_policy'
		must ip -n "$1" xfrm policy add dir out src 0.0.0.0/0 dst 0.0.0.0/0 mark 5 \
			tmpl src "$2" dst "$3" proto esp reqid 5 mode tunnel
		must ip -n "$1" xfrm policy add dir in src 0.0.0.0/0 dst 0.0.0.0/0 mark 5 \
			tmpl src "$3" dst "$2" proto esp reqid 5 mode tunnel
		sa_add "$1" "$2" "$3" "$5" 5 mark 5
		sa_add "$1" "$3" "$2" "$6" 5 mark 5
	done
	ping_ok "vti" "$UA" 10.12.0.2 -c 5
	ping_ok "and xv0" "$OA" "$IB4" -c 5
	check_eq "packets on vti" "$(link_stat "$UA" vti1 rx_packets)" 5
	check_eq "packets on xv0" "$(link_stat "$OA" xv0 rx_packets)" 5
	check_no_drops "$OA" xv0
}

# An SA for each inner family: each takes its own.
case_families()
{
	need_families
	setup_hosts
	setup_tunnel 4
	cipher gcm
	family_pairs 7
	ping_ok "IPv4" "$OA" "$IB4"
	ping_ok "IPv6" "$OA" "$IB6"
	check_eq "packets of IPv4's SA" "$(sa_packets "$UA" "$B" 0x1000)" 3
	check_eq "packets of IPv6's SA" "$(sa_packets "$UA" "$B" 0x2000)" 3
	check_no_drops "$OA" xv0
}

need_module
run_cases reqid_4 reqid_6 mark_both mark_masked mark_out mark_of_policies if_id marked_packets \
	other_reqid other_peer selector narrow_beside families down policy_tunnel transport vti
