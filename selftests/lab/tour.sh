#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# `make lab`: sets the reference network up, shows what a network engineer would
# look at, and what of it holds. With --shell it ends with a shell in which the
# command lab knows the network.
#
# Each command is shown before it runs. The exit code is 0 if all held.

. "$(dirname "$(readlink -f "$0")")/../lib.sh"
. "$SELFTESTS/demo/show.sh"
. "$SELFTESTS/lab/net.sh"

readonly TOUR=lab

step()
{
	printf '  %4d s  %s\n' "$SECONDS" "$*"
}

show_up()
{
	headline "The reference network ($STYLE, bound by $BINDING, $PEER_GATEWAY: $PEER)"
	"$LAB_SOURCE/draw.py" text
	headline "Coming up"
	lab_up
	UP=$SECONDS
	step "all SAs, all BGP sessions, all routes"
	holds "up in less than four minutes: $UP s" [ "$UP" -lt 240 ]
}

show_sas()
{
	headline "IKE and ESP: one child for everything, bound to its device"
	shown V1-1-public "swanctl --list-sas --ike V2-1"
	ike "$LAB/V1-1" --list-sas --ike V2-1
	shown V1-1-public "ip xfrm state (keys left out)"
	ip -n V1-1-public xfrm state | grep -E '^src|proto esp|mark|if_id'
	holds "48 SAs: two for each of 24 ends" is 48 all_sas
}

show_devices()
{
	local gw nr

	headline "The devices of every gateway"
	for gw in "${GATEWAYS[@]}"; do
		run "$gw-private" xvti show
		for nr in ${ENDS[$gw]}; do
			tunnel_end "$nr" "$gw"
			[ "$(kind_of "$gw")" != xvti ] ||
				holds "$gw: $PEER_NAME has its carrier and MTU 1426" \
					device_good "$gw" "$PEER_NAME"
		done
	done
}

device_good() # gateway peer
{
	is '[true,1426,"sa"]' dev_value "$1-private" "$2" running mtu mtu_source
}

show_routing()
{
	headline "BGP over the tunnels, and what comes of it"
	shown V1-1-private "birdc show protocols"
	birdc_of "$LAB/V1-1" private-bird show protocols
	shown V1-1-private "birdc show route for 10.0.2.1 all"
	birdc_of "$LAB/V1-1" private-bird show route for 10.0.2.1 all
	run V1-1-private ip route show proto bird
	run V1-1-private ip -6 route show proto bird
	run R1 ip -6 route show proto bird
	holds "48 ends of BGP sessions" is 48 bgp_sessions
	holds "each gateway and router has both ways to each network" whole
}

# What a device and the wire see of the same packets.
show_capture()
{
	local outside pid

	headline "What tcpdump sees on a tunnel's device, and on the wire"
	capture V1-1-private V2-1
	pid=$CAP_PID
	capture V1-1-public wan0
	outside=$CAP
	in_ns V1-1-private ping -n -q -c 3 -i 0.2 169.254.1.1 >/dev/null
	in_ns V1-1-private ping -n -q -c 3 -i 0.2 2001:db8:ff::1 >/dev/null
	CAP=$TMP/V1-1-private-V2-1.pcap
	busywait 5 at_least 12 captured icmp or icmp6
	stop "$pid" INT
	stop "$CAP_PID" INT
	shown V1-1-private "tcpdump -n -i V2-1"
	tcpdump -n -t -r "$CAP" 2>/dev/null | cut -c 1-100 | head -n 10
	holds "plain packets on the device" at_least 12 captured icmp or icmp6
	CAP=$outside
	shown V1-1-public "tcpdump -n -i wan0"
	tcpdump -n -t -r "$CAP" ip6 proto 50 2>/dev/null | cut -c 1-100 | head -n 6
	holds "ESP on the wire" at_least 12 captured ip6 proto 50
	holds "and nothing of the sites' in the clear" is 0 captured \
		"ip or net 2001:db8:a0::/44 or net 2001:db8:ff::/64"
}

show_paths()
{
	headline "From site to site"
	run R1 ping -n -c 3 -i 0.2 10.0.2.1
	run R1 traceroute -n -q 1 10.0.2.1
	run R1 traceroute -n -q 1 2001:db8:a6::1
	echo "One address of that network is at another site:"
	run R1 traceroute -n -q 1 2001:db8:a6::cc:1
	run R1 tracepath -n -m 6 2001:db8:a2::1
	run R1 ping -n -c 1 -M 'do' -s 1378 2001:db8:a2::1
	holds "a packet of 1426 octets passes" [ $? -eq 0 ]
	run R1 ping -n -c 1 -W 1 -M 'do' -s 1379 2001:db8:a2::1
	holds "one of 1427 does not" [ $? -ne 0 ]
	each_pair reaches
}

reaches() # site site source address
{
	holds "R$1 reaches $4 of R$2" in_ns "${ROUTER[$1]}" \
		ping -n -q -i 0.1 -c 2 -w 10 -I "$3" "$4"
}

# Both tunnels of both gateways to a site carry something.
show_ecmp()
{
	local gw peer

	headline "Many flows between sites 1 and 2, on all four tunnels"
	count_from_now "V1-1 V1-2" V2-1 V2-2
	probes_start 24
	nap 8
	probes_end
	for gw in V1-1 V1-2; do
		for peer in V2-1 V2-2; do
			shown "$gw-private" "xvti -s show $peer"
			in_ns "$gw-private" xvti -s show "$peer"
			# more than what BGP itself sends
			holds "$gw sends to $peer" at_least 40 sent_since "$gw" "$peer"
		done
	done
	holds "no probe was lost" [ "$LOST" -eq 0 ]
}

# An SA is lost: what happens by itself.
show_failure()
{
	headline "An SA is lost: the routes leave the tunnel, and come back"
	run V1-1-public ip xfrm state deleteall dst "${PUBLIC[V2-1]}"
	busywait 2 no_route_by V1-1 V2-1
	holds "BGP has left the tunnel" [ $? -eq 0 ]
	run V1-1-private ip route show 10.0.2.0/24
	run V1-1-private xvti show V2-1
	busywait 90 whole
	holds "and it is back, with nothing done for it" whole
	run V1-1-private ip route show 10.0.2.0/24
}

no_route_by() # gateway peer
{
	! ip -n "$1-private" route show "10.0.${SITE[$2]}.0/24" | grep -q "dev $2 "
}

leave_shell()
{
	headline "The network stays until you leave: 'lab' lists what there is to look at"
	PATH=$LAB_SOURCE:$PATH PS1='lab# ' bash --norc -i
}

check_settings || exit "$KSFT_ERROR"
need_xvti
find_programs || give_up "not installed:$MISSING"
SECONDS=0
trap 'run_deferred; lab_down; rm -rf "$TMP"' EXIT
show_up
show_sas
show_devices
show_routing
show_capture
show_paths
show_ecmp
show_failure
summary
[ "${1:-}" != --shell ] || leave_shell
exit "$RET"
