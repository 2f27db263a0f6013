#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
# boot=ipv6.disable=1
#
# A host whose kernel was told to leave IPv6 alone: there are no routes and no
# interfaces of IPv6, and IPv4 does not notice.
#
#   OA: xv0 10.8.0.1                     OB: xv0 10.8.0.2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

end() # underlay overlay local remote inner
{
	ip_batch "$1" <<-END
		link set v0 up
		addr add $3/24 dev v0
	END
	must in_ns "$1" xvti add xv0 local "$3" remote "$4" reqid 7 queue 0 \
		netns "$2" up
	ip_batch "$2" <<<"addr add $5/24 dev xv0"
}

setup()
{
	setup_ns UA UB OA OB
	must ip link add v0 netns "$UA" type veth peer name v0 netns "$UB"
	outer 4
	end "$UA" "$OA" "$A" "$B" "$IA4"
	end "$UB" "$OB" "$B" "$A" "$IB4"
	cipher gcm
	sa_pair 7 0x1000
}

case_tunnel()
{
	setup
	ping_ok "there" "$OA" "$IB4"
	ping_ok "back" "$OB" "$IA4"
	check_eq "MTU" "$(mtu_source)" sa
	check_no_drops "$OA" xv0
}

# Whoever may send what he likes sends it.
case_packet()
{
	setup
	in_ns "$OA" python3 -IS -c 'import socket
with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as sock:
    sock.sendto(bytes.fromhex("6000000000003b40") + 32 * b"\x20", ("xv0", 0x86dd))
' || die "cannot send"
	check_dropped "IPv6" "$OA" xv0 tx_no_route 1
	ping_ok "IPv4" "$OA" "$IB4"
}

case_refused()
{
	setup
	refused "IPv6 endpoints" 'IPv6 is turned off' in_ns "$UA" xvti add xv1 \
		local 2001:db8::1 remote 2001:db8::2 reqid 8
	check "there is no xv1" no_dev "$UA" xv1
	refused "IPv6 endpoints" 'IPv6 is turned off' in_ns "$OA" xvti set xv0 \
		local 2001:db8::1 remote 2001:db8::2
	ping_ok "as before" "$OA" "$IB4"
}

# The device asks for both families of inner packets.
case_acquire()
{
	setup
	listen_for_acquires "$UA"
	ip_batch "$UA" <<<"xfrm state flush"
	must in_ns "$OA" xvti set xv0 carrier sa
	await "it asks" grep -q '^acquire ' "$TMP/acquires"
}

[ ! -e /proc/net/if_inet6 ] || skip_all "IPv6 is there: ipv6.disable=1 is for the boot"
need_module
run_cases tunnel packet refused acquire
