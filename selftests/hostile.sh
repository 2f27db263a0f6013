#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
#
# Hostile packets at a device: ESP that is cut off, altered, replayed or in strange
# parts, and valid ESP with strange things in it. What may not be delivered is not,
# each packet that is dropped is counted once, and honest traffic goes on.
#
#   OA: xv0 10.8.0.1, xv1 10.9.0.1       OB: xv0 10.8.0.2, xv1 10.9.0.2
#       fd08::1       fd09::1                fd08::2       fd09::2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2
#
# Outside xv0 is IPv4, outside xv1 IPv6. SAs of A's alone, without encryption, are
# for what hostile.py makes up in UB; it says what has to become of each packet.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# The port of the datagrams.
readonly PORT=7009
# by outer family
readonly DEVICES=([4]=xv0 [6]=xv1)

setup() # [flat]
{
	local outer

	setup_hosts "$@"
	setup_tunnel 4
	outer 6
	add_dev "$UA" "$OA" xv1 "$A" "$B" reqid 7 -- 10.9.0.1/24 fd09::1/64
	add_dev "$UB" "$OB" xv1 "$B" "$A" reqid 7 -- 10.9.0.2/24 fd09::2/64
	for outer in 4 6; do
		outer "$outer"
		cipher gcm
		sa_pair 7 0x1000
		hear hostile_lines
		ip_batch "$UA" <<<"$HEARD"
	done
	# an address that has no route is nobody's
	must in_ns "$OA" sysctl -qw net.ipv4.conf.all.rp_filter=2
}

# What comes in by SAs as these templates say may pass, and nothing else.
ask_policies() # template...
{
	local outer

	for outer in 4 6; do
		outer "$outer"
		hear policy_lines "$outer" "$@"
		ip_batch "$UA" <<<"$HEARD"
		must in_ns "$OA" xvti set "${DEVICES[outer]}" mode policy mark "$outer"
	done
}

policy_lines() # mark template...
{
	local mark=$1 inner dir template

	shift
	for inner in 0.0.0.0/0 ::/0; do
		for dir in out in fwd; do
			printf 'xfrm policy add src %s dst %s mark %s dir %s' \
				"$inner" "$inner" "$mark" "$dir"
			for template; do
				# what leaves has to have them all
				[ "$dir" != out ] ||
					template="src $A dst $B ${template% level use}"
				printf ' tmpl %s' "${template/#proto/src $B dst $A proto}"
			done
			echo
		done
	done
}

ask_no_policies()
{
	must in_ns "$OA" xvti set xv0 mode direct mark none
	must in_ns "$OA" xvti set xv1 mode direct mark none
}

# For everything, without and with an ICV; then for UDP between two hosts, to one
# port, and for all UDP.
hostile_lines()
{
	cipher null
	sa_line "$B" "$A" 0x2001 7
	sa_line "$B" "$A" 0x2014 7 sel src "$IB4" dst "$IA4"
	sa_line "$B" "$A" 0x2016 7 sel src "$IB6" dst "$IA6"
	sa_line "$B" "$A" 0x2024 7 sel src "$IB4" dst "$IA4" proto udp dport "$PORT"
	sa_line "$B" "$A" 0x2026 7 sel src "$IB6" dst "$IA6" proto udp dport "$PORT"
	sa_line "$B" "$A" 0x2034 7 sel src 0.0.0.0/0 dst 0.0.0.0/0 proto udp
	sa_line "$B" "$A" 0x2036 7 sel src ::/0 dst ::/0 proto udp
	ALGO=(auth-trunc 'hmac(sha256)' "$KEY32" 128 "${ALGO[@]}")
	sa_line "$B" "$A" 0x2002 7 replay-window 32
}

send() # group
{
	if hear with_errors program "$UB" hostile "$1" "$UA" "$OA"; then
		note "$HEARD"
	else
		fail "$HEARD"
	fi
}

attack() # group
{
	send "$1"
	goes_on
}

goes_on()
{
	both_families "after it"
	ping_ok "after it, xv1" "$OA" 10.9.0.2
	ping_ok "after it, xv1" "$OB" fd09::1
}

attacked() # group
{
	setup
	attack "$1"
}

for group in truncated altered unknown replayed fragments inner4 inner6 selectors \
	spoofed sizes; do
	eval "case_$group() { attacked $group; }"
done

# Where policies say what may pass, and not the selectors of the SAs alone.
policies_attacked() # group
{
	setup
	ask_policies "proto esp reqid 7 mode tunnel"
	attack "$1"
}

for group in truncated altered inner4 inner6 selectors sizes; do
	eval "case_policy_$group() { policies_attacked $group; }"
done

# What IPComp could not make smaller comes without it, and not as the core takes it.
case_policy_uncompressed()
{
	local outer

	setup
	cipher null
	for outer in 4 6; do
		outer "$outer"
		ip_batch "$UA" <<-END
			xfrm state add src $B dst $A proto comp spi 0x99 reqid 7 mode tunnel flag decap-dscp comp deflate
			xfrm state add src $B dst $A proto esp spi 0x20b1 reqid 7 mode transport ${ALGO[*]@Q}
		END
	done
	ask_policies "proto comp reqid 7 mode tunnel level use" "proto esp reqid 7 mode transport"
	send uncompressed
	ask_no_policies
	goes_on
}

# Where the core's ESP offload takes packets out of GRO, before they have a route.
offload_attacked() # group
{
	load_offload
	setup
	must in_ns "$UA" ethtool -K v0 gro on
	attack "$1"
}

for group in truncated altered unknown replayed inner4 inner6 selectors sizes; do
	eval "case_offload_$group() { offload_attacked $group; }"
done

# SAs of the same host, or with the same SPI or reqid, that are not these devices'.
case_foreign()
{
	local other

	setup
	for other in "4 xv2 xv4 192.0.2.11 192.0.2.9" \
		"6 xv3 xv5 2001:db8::11 2001:db8::9"; do
		# shellcheck disable=SC2086 # words
		set -- $other
		outer "$1"
		add_addr "$UA" v0 "$4"
		# with rp_filter nothing comes in where there is no address
		add_dev "$UA" "$OA" "$2" "$4" "$B" reqid 7 -- 10.9.2.1/32
		add_dev "$UA" "$OA" "$3" "$A" "$B" mark 6 -- 10.9.4.1/32
		hear foreign_lines "$4" "$5"
		ip_batch "$UA" <<<"$HEARD"
	done
	attack foreign
}

foreign_lines() # other-address other-peer
{
	cipher null
	sa_line "$B" "$1" 0x2001 7
	sa_line "$B" "$1" 0x2091 7
	sa_line "$B" "$A" 0x2041 8
	sa_line "$B" "$A" 0x2051 63 mark 9
	sa_line "$B" "$A" 0x2061 64 mark 6
	sa_line "$2" "$A" 0x2081 7
	echo "xfrm state add src $B dst $A proto esp spi $((0x2071)) reqid 7" \
		"mode transport ${ALGO[*]@Q}"
}

# Where overlay and underlay are one, what comes out of a device may be for it.
case_nested()
{
	setup flat
	attack nested
}

case_looping()
{
	local ns

	setup
	for ns in "$OA" "$OB"; do
		must in_ns "$ns" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 \
			net.ipv4.conf.xv0.rp_filter=0 net.ipv4.conf.xv1.rp_filter=0
		must ip -n "$ns" route add 10.66.0.0/16 dev xv0
	done
	attack looping
}

case_encapsulated()
{
	setup
	outer 4
	cipher null
	sa_add "$UA" "$B" "$A" 0x20a1 7 encap espinudp "$ENCAP_PORT" "$ENCAP_PORT" 0.0.0.0
	attack encapsulated
}

# The other way: strange packets in the overlay, with an SA, without one, and where
# policies are asked.
case_transmitted()
{
	local dev outer

	setup
	for dev in xv0 xv1; do
		must in_ns "$OA" xvti set "$dev" mtu 1500
	done
	attack transmitted
	for outer in 4 6; do
		outer "$outer"
		sa_pair_del 0x1000
	done
	send unsent
	for outer in 4 6; do
		outer "$outer"
		cipher gcm
		sa_pair 7 0x1000
	done
	for dev in xv0 xv1; do
		must in_ns "$OA" xvti set "$dev" mode policy mark 6
	done
	send unallowed
	ask_no_policies
	goes_on
}

# What tc or BPF sets for tunnels that are told by metadata where to send a packet:
# a dst without a device. With an SA, without one, and where policies are asked.
case_metadata()
{
	modprobe -qa act_tunnel_key cls_matchall || skip "no tunnel_key in tc"
	setup
	must tc -n "$OA" qdisc add dev xv0 clsact
	must tc -n "$OA" filter add dev xv0 egress matchall action tunnel_key set \
		id 7 src_ip "$A4" dst_ip "$B4" dst_port 4789
	goes_on
	outer 4
	sa_pair_del 0x1000
	ping_none "no SA" "$OA" "$IB4" 3
	ping_none "no SA" "$OA" "$IB6" 3
	check_dropped "no SA" "$OA" xv0 tx_no_sa 6
	must in_ns "$OA" xvti set xv0 mode policy mark 6
	ping_none "no policy" "$OA" "$IB4" 3
	ping_none "no policy" "$OA" "$IB6" 3
	check_eq "drops" "$(drops "$OA" xv0 | xargs)" "tx_no_sa:6 tx_policy:6"
}

need_module
run_cases truncated altered unknown replayed fragments inner4 inner6 selectors \
	spoofed sizes policy_truncated policy_altered policy_inner4 policy_inner6 \
	policy_selectors policy_sizes policy_uncompressed offload_truncated \
	offload_altered offload_unknown offload_replayed offload_inner4 offload_inner6 \
	offload_selectors offload_sizes foreign nested looping encapsulated transmitted \
	metadata
