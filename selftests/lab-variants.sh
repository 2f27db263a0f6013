#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=1800
# kernels=one
# long
#
# The reference network in its variants: what strongSwan reads, what SAs are
# bound by, and with one gateway that has vti6 or the xfrm interface. lab.sh is
# about the usual one.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/lab/net.sh"

step() { note "$(cut -d ' ' -f 1 /proc/uptime) s: $*"; }

# It comes up, carries everything between all sites, and every gateway sends by
# both tunnels to each site.
variant() # style binding peer
{
	STYLE=$1 BINDING=$2 PEER=$3
	check_settings || die "the settings were refused"
	find_programs || skip "not installed:$MISSING"
	defer lab_down
	lab_up
	[ "$RET" -eq 0 ] || die "the network does not come up"
	check_eq "SAs" "$(all_sas)" 48
	check_pairs
	check_flows 24 10 30 "V1-1 V1-2 $PEER_GATEWAY" V2-1 V2-2
	tcp_ok "by way of all" R1 R3 2001:db8:a3::1
	tcp_ok "by way of all" R3 R2 10.0.2.1
	forget_path_mtu
	check_bound
	lost_again
}

# The SAs have what they are bound by, and no policy is there without need.
check_bound()
{
	local gw=V1-1

	case $STYLE-$BINDING in
	*-mark) check_eq "marked SAs out" \
		"$(ip -n "$gw-public" xfrm state | grep -c 'mark 0x')" 4 ;;
	*-if_id) check_eq "SAs with an if_id" \
		"$(ip -n "$gw-public" xfrm state | grep -c 'if_id 0x')" 8 ;;
	*-reqid) check_eq "policies" \
		"$(ip -n "$gw-public" xfrm policy list nosock)" "" ;;
	esac
}

# What was lost comes back by itself, whatever it is bound by.
lost_again()
{
	lose_sas V1-1 V3-2
	busywait $((90 * XVTI_SLOW)) whole || fail "not whole after SAs were lost"
	busywait $((90 * XVTI_SLOW)) is 48 bgp_sessions || fail "BGP sessions after SAs were lost: $(bgp_sessions)"
}

case_ipsec_mark() { variant ipsec mark xvti; }
case_ipsec_reqid() { variant ipsec reqid xvti; }
case_if_id() { variant swanctl if_id xvti; }
case_reqid() { variant swanctl reqid xvti; }
case_vti6() { variant swanctl mark vti6; }
case_xfrmi() { variant swanctl if_id xfrmi; }

# What cannot be is refused with the value that is wrong.
case_refused()
{
	refused "binding" "BINDING is .* not 'spi'" env BINDING=spi "$LAB_SOURCE/tour.sh"
	refused "style" "STYLE is .* not 'x'" env STYLE=x "$LAB_SOURCE/tour.sh"
	refused "peer" "PEER is .* not 'gre'" env PEER=gre "$LAB_SOURCE/tour.sh"
	refused "both" "knows no if_id.*BINDING=if_id" \
		env STYLE=ipsec BINDING=if_id "$LAB_SOURCE/tour.sh"
	refused "no network" "there is no network" "$LAB_SOURCE/lab" check
}

need_module
find_programs || skip_all "not installed:$MISSING"
run_cases refused ipsec_mark ipsec_reqid if_id reqid vti6 xfrmi
