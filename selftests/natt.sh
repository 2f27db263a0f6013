#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# NAT traversal: ESP in UDP.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2
#
# With a NAT between them, which changes the source address and port of A:
#
#   UA: 198.51.100.1 -- v0 -- NAT -- w0 -- UB: 192.0.2.2
#                       .254       192.0.2.254

. "$(dirname "$(readlink -f "$0")")/lib.sh"

encap_sockets() # address-of-A address-of-B
{
	encap_socket "$UA" "$1"
	encap_socket "$UB" "$2"
}

# The options of an SA whose packets have these ports.
encap() # source-port destination-port
{
	echo "encap espinudp $1 $2 0.0.0.0"
}

# RFC 3948: 8 octets.
readonly UDP=8

# A fresh pair of SAs with ESP in UDP.
encap_works() # outer-family
{
	local outer=$1 udp

	udp="udp port $ENCAP_PORT and greater 100"
	capture "$UB" v0
	ping_ok "IPv$outer" "$OA" "$IB4" -c 3
	ping_ok "IPv$outer, back" "$OB" "$IA6" -c 2
	capture_end
	check_eq "IPv$outer: in UDP" "$(captured "$udp")" 10
	check_eq "IPv$outer: not in UDP" "$(captured "not ($udp) and not host $MARKER_B")" 0
	exact "IPv$outer" 1500 "$outer" gcm "$UDP"
	tcp_ok "IPv$outer" "$OA" "$OB" "$IB6" 200
	check_no_drops "$OB" xv0
}

case_outer4()
{
	setup_hosts
	setup_tunnel 4
	encap_sockets "$A" "$B"
	cipher gcm
	# shellcheck disable=SC2046 # options
	sa_pair 7 0x1000 $(encap "$ENCAP_PORT" "$ENCAP_PORT")
	encap_works 4
}

case_outer6()
{
	setup_hosts
	setup_tunnel 6
	cipher gcm
	need_encap6 "$UA"
	encap_sockets "$A" "$B"
	# shellcheck disable=SC2046
	sa_pair 7 0x1000 $(encap "$ENCAP_PORT" "$ENCAP_PORT")
	encap_works 6
}

# NAT comes and goes with the SAs, and the MTU with it: 8 octets.
case_switched()
{
	local plain

	setup_hosts
	setup_tunnel 4
	encap_sockets "$A" "$B"
	cipher gcm
	sa_pair 7 0x1000
	await "without" is 1446 mtu
	plain=$(mtu)
	# shellcheck disable=SC2046
	sa_pair 7 0x2000 $(encap "$ENCAP_PORT" "$ENCAP_PORT")
	sa_pair_del 0x1000
	await "with" is $((plain - UDP)) mtu
	ping_ok "with" "$OA" "$IB4" -M 'do' -s $((plain - UDP - 28))
	sa_pair 7 0x3000
	sa_pair_del 0x2000
	await "without again" is "$plain" mtu
	ping_ok "without again" "$OA" "$IB6" -M 'do' -s $((plain - 48))
}

# The peer is seen under another port from now on, and told so to the SA: what
# a daemon does when the kernel reports it.
port_of_peer() # port
{
	ip_batch "$UB" <<-END
		xfrm state update src $B dst $NATTED proto esp spi $((0x1001)) \
			reqid 7 mode tunnel flag af-unspec ${ALGO[*]@Q} encap espinudp $ENCAP_PORT $1 0.0.0.0
	END
}

# Each side knows the other by the address that it sees.
case_nat()
{
	setup_nat
	encap_sockets "$BEHIND" "$B"
	add_dev "$UA" "$OA" xv0 "$BEHIND" "$B" reqid 7 -- "$IA4"/24 "$IA6"/64
	add_dev "$UB" "$OB" xv0 "$B" "$NATTED" reqid 7 -- "$IB4"/24 "$IB6"/64
	cipher gcm
	# shellcheck disable=SC2046
	ip_batch "$UA" <<-END
		$(sa_line "$BEHIND" "$B" 0x1000 7 $(encap "$ENCAP_PORT" "$ENCAP_PORT"))
		$(sa_line "$B" "$BEHIND" 0x1001 7 $(encap "$ENCAP_PORT" "$ENCAP_PORT"))
	END
	# shellcheck disable=SC2046
	ip_batch "$UB" <<-END
		$(sa_line "$NATTED" "$B" 0x1000 7 $(encap 10001 "$ENCAP_PORT"))
		$(sa_line "$B" "$NATTED" 0x1001 7 $(encap "$ENCAP_PORT" 10001))
	END
	ping_ok "through the NAT" "$OA" "$IB4"
	ping_ok "through the NAT, back" "$OB" "$IA6"
	await "MTU" is "$(largest_inner 1500 4 gcm "$UDP")" mtu
	# the NAT forgets its mapping and makes another
	nat_port 10002
	must in_ns "$NAT" conntrack -F
	ping_none "answered to the old port" "$OA" "$IB4" 1
	port_of_peer 10002
	ping_ok "by another port" "$OA" "$IB4"
	ping_ok "by another port, back" "$OB" "$IA6"
	tcp_ok "by another port" "$OA" "$OB" "$IB4" 200
}

need_module
run_cases outer4 outer6 switched nat
