#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Two VPN gateways with strongSwan and an xvti device each, and a private
# network behind either, in six network namespaces of one machine:
#
#     site1                                                       site2
#   10.1.0.10                                                   10.2.0.10
#   2001:db8:a1::10                                             2001:db8:a2::10
#       |                                                           |
#     lan0 10.1.0.1                                     10.2.0.1 lan0
#   gw1-private   xv0 169.254.1.0 ... 169.254.1.1 xv0   gw2-private
#                  :                               :
#   gw1-public    wan0 2001:db8:1::1 --- 2001:db8:1::2 wan0  gw2-public
#                 charon                               charon
#
# Runs as root on any machine with the module and the xvti command installed.
# Each command is shown before it runs. The exit code is 0 if all held.

. "$(dirname "$(readlink -f "$0")")/../lib.sh"
. "$SELFTESTS/demo/gateway.sh"
. "$SELFTESTS/demo/show.sh"

readonly TOUR=demo
readonly NAMESPACES=(site1 gw1-private gw1-public gw2-public gw2-private site2)
readonly WAN1=2001:db8:1::1 WAN2=2001:db8:1::2 REQID=7

# --- the network ------------------------------------------------------------

add_namespaces()
{
	local ns

	for ns in "${NAMESPACES[@]}"; do
		[ ! -e "/run/netns/$ns" ] || give_up "there is a network namespace $ns already"
	done
	for ns in "${NAMESPACES[@]}"; do
		must ip netns add "$ns"
		defer delete_ns "$ns"
		must in_ns "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 \
			net.ipv6.conf.default.accept_dad=0 net.ipv4.ip_forward=1 \
			net.ipv6.conf.all.forwarding=1
		must ip -n "$ns" link set lo up
	done
}

# One site: its host, its gateway's two namespaces and the way between.
add_site() # number
{
	local site=site$1 private=gw$1-private public=gw$1-public

	must ip link add lan0 netns "$private" type veth peer name eth0 netns "$site"
	must ip -n "$private" link set lan0 up
	must ip -n "$site" link set eth0 up
	add_addr "$private" lan0 "10.$1.0.1/24" "2001:db8:a$1::1/64"
	add_addr "$site" eth0 "10.$1.0.10/24" "2001:db8:a$1::10/64"
	must ip -n "$site" route add default via "10.$1.0.1"
	must ip -n "$site" route add default via "2001:db8:a$1::1"
	must ip -n "$public" link set wan0 up
	add_addr "$public" wan0 "2001:db8:1::$1/64"
}

add_network()
{
	add_namespaces
	must ip link add wan0 netns gw1-public type veth peer name wan0 netns gw2-public
	add_site 1
	add_site 2
	sed -n '/^#     site1/,/^#                 charon/s/^# \{0,1\}//p' "$0"
}

# --- the steps --------------------------------------------------------------

step_devices()
{
	headline "A device on each gateway: born in the public namespace, living in the private one"
	run gw1-public xvti add xv0 local $WAN1 remote $WAN2 reqid $REQID \
		carrier sa netns gw1-private up
	run gw2-public xvti add xv0 local $WAN2 remote $WAN1 reqid $REQID \
		carrier sa netns gw2-private up
	run gw1-private ip addr add 169.254.1.0/31 dev xv0
	run gw1-private ip route add 10.2.0.0/24 dev xv0
	run gw1-private ip route add 2001:db8:a2::/64 dev xv0
	run gw2-private ip addr add 169.254.1.1/31 dev xv0
	run gw2-private ip route add 10.1.0.0/24 dev xv0
	run gw2-private ip route add 2001:db8:a1::/64 dev xv0
	echo "No SA yet, so no carrier:"
	run gw1-private xvti show xv0
	holds "no carrier before there are SAs" is 0 dev_attr gw1-private xv0 carrier
}

step_ike()
{
	headline "IKE on the public side: one child for everything, no marks, no policies"
	sed -n '/children/,/^\t\t}/s/^\t\t/    /p' "$TMP/gw1/swanctl/swanctl.conf"
	ike_start gw1-public "$TMP/gw1" || give_up "charon: $(tail "$TMP"/gw1/charon.*)"
	ike_start gw2-public "$TMP/gw2" || give_up "charon: $(tail "$TMP"/gw2/charon.*)"
	shown gw1-public "swanctl --initiate --child net"
	ike "$TMP/gw1" --initiate --child net --timeout "$XVTI_WAIT" | tail -n 2
	shown gw1-public "swanctl --list-sas"
	ike "$TMP/gw1" --list-sas
	shown gw1-public "ip xfrm state (keys left out)"
	ip -n gw1-public xfrm state | grep -E '^src|proto esp'
	holds "SAs negotiated by strongSwan" is 2 state_count gw1-public
	holds "no policy in the database" is "" ip -n gw1-public xfrm policy list nosock
	busywait "$XVTI_WAIT" is 1 dev_attr gw1-private xv0 carrier
	busywait "$XVTI_WAIT" is 1426 dev_attr gw1-private xv0 mtu
	run gw1-private xvti show xv0
	holds "carrier with the SAs" is 1 dev_attr gw1-private xv0 carrier
	holds "MTU 1426, exact for AES-GCM over IPv6" is 1426 dev_attr gw1-private xv0 mtu
}

step_ping()
{
	headline "From site to site, in both families"
	run site1 ping -n -c 3 -i 0.2 10.2.0.10
	holds "IPv4 from site to site" [ $? -eq 0 ]
	run site1 ping -n -c 3 -i 0.2 2001:db8:a2::10
	holds "IPv6 from site to site" [ $? -eq 0 ]
	run site2 ping -n -q -c 3 -i 0.2 10.1.0.10
	holds "IPv4, from the other side" [ $? -eq 0 ]
}

# What wan0 and xv0 see of the same packets.
step_capture()
{
	local outside inside pid

	headline "What can be seen outside, and on the device"
	capture gw1-private xv0
	inside=$CAP pid=$CAP_PID
	capture gw1-public wan0
	outside=$CAP
	in_ns site1 ping -n -q -c 2 -i 0.2 10.2.0.10 >/dev/null
	in_ns site1 ping -n -q -c 2 -i 0.2 2001:db8:a2::10 >/dev/null
	busywait "$XVTI_WAIT" at_least 8 captured
	CAP=$inside
	busywait "$XVTI_WAIT" at_least 8 captured
	stop "$pid" INT
	stop "$CAP_PID" INT
	shown gw1-public "tcpdump -n -i wan0"
	tcpdump -n -t -r "$outside" 2>/dev/null | cut -c 1-78 | head -n 4
	shown gw1-private "tcpdump -n -i xv0"
	tcpdump -n -t -r "$inside" 2>/dev/null | cut -c 1-78 | head -n 8
	holds "plain packets on the device" is 8 captured icmp or icmp6
	CAP=$outside
	holds "ESP outside" at_least 8 captured ip6 proto 50
	# Neighbour discovery belongs to the wire, IKE to the daemons.
	holds "and nothing of the tunnel's in the clear" is 0 captured \
		"ip or (icmp6 and (ip6[40] = 128 or ip6[40] = 129)) or tcp"
}

step_transfer()
{
	local spi

	headline "A transfer, and a rekey in the midst of it"
	background "$TMP/server" ip netns exec site2 iperf3 -s -1
	busywait "$XVTI_WAIT" listening site2 5201
	spi=$(ike_spi gw1-public $WAN2)
	shown site1 "iperf3 -c 10.2.0.10 -t 6"
	background "$TMP/iperf" ip netns exec site1 iperf3 -c 10.2.0.10 -t 6 -f m --forceflush
	busywait "$XVTI_WAIT" at_least 2 grep -c 'sec .*bits/sec' "$TMP/iperf"
	shown gw1-public "swanctl --rekey --child net"
	ike "$TMP/gw1" --rekey --child net
	wait "$BG_PID"
	holds "a transfer over TCP" [ $? -eq 0 ]
	grep 'sec ' "$TMP/iperf"
	echo "SPI of the SA in use: $spi before, $(ike_spi gw1-public $WAN2) now"
	holds "a new SA after the rekey" differs "$spi" "$(ike_spi gw1-public $WAN2)"
	holds "no second without data, rekey or not" never_idle
	run gw1-private xvti -s show xv0
	holds "not one packet dropped by the device" is "" drops_but_first gw1-private
}

differs()
{
	[ -n "$2" ] && [ "$1" != "$2" ]
}

# Each line of a second has its transfer in column 5.
never_idle()
{
	awk '/sec .*bits\/sec/ { lines++; if ($5 == 0) idle++ }
		END { exit !(lines >= 6 && !idle) }' "$TMP/iperf"
}

# What the kernel itself sent before there was an SA is not ours to lose.
drops_but_first()
{
	drops "$1" xv0 | grep -v '^tx_no_sa:'
}

need_xvti
ike_available || give_up "strongSwan's charon and swanctl are not installed"
trap 'run_deferred; rm -rf "$TMP"' EXIT
add_network
# The device needs no policies.
ike_config "$TMP/gw1" gw1 gw2 $WAN1 $WAN2 "reqid = $REQID" "policies = no"
ike_config "$TMP/gw2" gw2 gw1 $WAN2 $WAN1 "reqid = $REQID" "policies = no"
step_devices
step_ike
step_ping
step_capture
step_transfer
summary
exit "$RET"
