#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=600
# kernels=one,last
#
# A network that was built with vti6, with nothing changed but the type of the
# device: strongSwan by ipsec.conf, which waits for traffic, marks, all of both
# families between the sites, IPv6 outside, and for each gateway a namespace
# for its private and one for its public side.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: starter, charon                  UB: starter, charon
#       2001:db8::1   ------ v0 ------       2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/ike.lib"

gateway() # netns directory id peer-id local remote
{
	starter_config "$2" "$3" "$4" <<-END
		conn gw
		  left = $5
		  leftid = @$3
		  leftsubnet = 0.0.0.0/0,::/0
		  right = $6
		  rightid = @$4
		  rightsubnet = 0.0.0.0/0,::/0
		  authby = psk
		  keyexchange = ikev2
		  ike = aes256gcm16-prfsha384-ecp384!
		  esp = aes256gcm16-prfsha384-ecp384!
		  mark = 6
		  auto = route
	END
	starter_start "$1" "$2" || die "starter: $(tail "$2"/*.log)"
}

setup()
{
	setup_hosts
	# Packets wait, as they do unless somebody asks for something else.
	NO_QUEUE=()
	setup_tunnel 6 mark 6
	gateway "$UB" "$TMP/b" gwb gwa "$B" "$A"
	gateway "$UA" "$TMP/a" gwa gwb "$A" "$B"
	PID_A=$IKE_PID
}

check_nothing_else() # what
{
	local ns file

	for ns in "$OA" "$OB"; do
		for file in ipv4/conf/{all,xv0}/disable_{policy,xfrm}; do
			check_eq "$1: $file" "$(in_ns "$ns" cat "/proc/sys/net/$file")" 0
		done
		check_no_drops "$ns" xv0
	done
}

# The first packet of either family brings the tunnel up and arrives.
on_traffic() # first-address
{
	setup
	check_eq "SAs before" "$(sa_dirs "$OA")" "[false,false]"
	first_packets "at once" "$1"
	both_families "both families"
	check_nothing_else "first to $1"
}

case_first_ipv4() { on_traffic "$IB4"; }
case_first_ipv6() { on_traffic "$IB6"; }

# The tunnel device shows what is inside, the wire what is outside.
case_capture()
{
	setup
	first_packets "first" "$IB4"
	capture "$OA" xv0
	ping_ok "IPv4" "$OA" "$IB4"
	ping_ok "IPv6" "$OA" "$IB6"
	await "IPv4 on xv0" is 6 captured icmp and host "$IB4"
	await "IPv6 on xv0" is 6 captured icmp6 and host "$IB6"
	stop "$CAP_PID" INT
	check_eq "all on xv0" "$(captured)" 12
	capture "$UB" v0
	both_families "on the wire"
	tcp_ok "on the wire" "$OA" "$OB" "$IB4"
	capture_end
	check_ge "ESP on the wire" "$(captured ip6 proto 50)" 24
	check_only_ipsec "on the wire"
}

# The ESP packet of 1426 octets has 1500 exactly, as IPv6 on this wire may.
case_mtu()
{
	local before

	setup
	first_packets "first" "$IB6"
	await "MTU" is 1426 dev_attr "$OA" xv0 mtu
	before=$(wire_octets "$UA")
	ping_ok "1426 octets" "$OA" "$IB4" -M "do" -s $((1426 - 28)) -c 1
	check_eq "on the wire" $(($(wire_octets "$UA") - before)) 1500
	refused "1427 octets" "message too long|mtu=1426" \
		in_ns "$OA" ping -n -M "do" -s $((1427 - 28)) -c 1 -W 1 "$IB4"
	tcp_ok "IPv4" "$OA" "$OB" "$IB4"
	tcp_ok "IPv6" "$OA" "$OB" "$IB6"
	check_nothing_else "full packets"
}

# With the daemon stopped nothing leaves, and nothing in the clear.
case_stopped()
{
	setup
	first_packets "first" "$IB4"
	stop "$PID_A"
	await "SAs are gone" is 0 sa_count
	await "policies are gone" is 0 traps "$UA"
	capture "$UB" v0
	ping_none "stopped" "$OA" "$IB4" 3
	ping_none "stopped" "$OA" "$IB6" 3
	capture_end
	check_eq "packets from A" "$(captured src host "$A")" 0
	check_only_ipsec "stopped"
	starter_start "$UA" "$TMP/a" || die "starter: $(tail "$TMP"/a/*.log)"
	first_packets "started again" "$IB6"
	both_families "started again"
}

need_module
starter_available || skip_all "strongSwan's starter is not installed"
run_cases first_ipv4 first_ipv6 capture mtu stopped
