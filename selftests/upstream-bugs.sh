#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The bugs of the kernel that patches/ fixes, one a case, without our device
# where it is not named. On a kernel that has one, all but those of the MTU
# crash it: these cases are for guests that may die, see qemu/repro.sh, and not
# among the tests that run everywhere. On a fixed kernel they all pass.
#
#   C: 10.9.0.1, fd09::1
#        |c0
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2
#        :                                    :
#   OA: xv0 10.8.0.1                     OB: t0 10.8.0.2

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/deadlib.sh"

# A policy that sends everything between these two through A's SA.
policy_out() # netns src dst
{
	ip_batch "$1" <<-END
		$(sa_line "$A" "$B" 0x1000 7)
		xfrm policy add dir out src $2 dst $3 \
			tmpl src $A dst $B proto esp reqid 7 mode tunnel
	END
}

# 9e1437937807 on forward: plain IPsec, with policies.
forward() # client's network, network behind B, address in it
{
	setup_hosts flat
	setup_client "$UA"
	outer 4
	cipher gcm
	must ip -n "$UA" route add "$2" dev v0
	kill_forwarded "$UA" "$C" "$3"
	policy_out "$UA" "$1" "$2"
	kill_some "$UA" "$C" 3 "$3"
	check_eq "packets killed" "$(killed "$UA")" 3
	check_xfrm_error "dead dst" "$UA" XfrmFwdHdrError 3
}

case_forward_4() { forward 10.9.0.0/24 10.8.0.0/24 "$IB4"; }
case_forward_6() { forward fd09::/64 fd08::/64 "$IB6"; }

# The same where the packets go into our device: what dies here, dies before
# the device has them.
case_forward_into_xvti()
{
	setup_hosts flat
	setup_client "$UA"
	cipher gcm
	setup_tunnel 4
	sa_pair 7 0x1000
	kill_forwarded "$UA" "$C" "$IB4"
	must ip -n "$UA" xfrm policy add dir out src 10.77.0.0/24 dst 10.78.0.0/24 \
		tmpl src 10.77.0.1 dst 10.78.0.1 proto esp mode tunnel
	kill_some "$UA" "$C" 3 "$IB4"
	check_xfrm_error "dead dst" "$UA" XfrmFwdHdrError 3
}

# 9e1437937807 on output: the packets of a TCP socket borrow its dst, which
# with plain IPsec is the one with the transform.
output() # address of B, of A, of B as socat wants it
{
	setup_hosts flat
	outer 4
	cipher gcm
	policy_out "$UA" "$2" "$1"
	kill_dsts "$UA" output
	in_ns "$UA" timeout 5 socat -u /dev/null "TCP:$3:9,connect-timeout=1"
	check_ge "packets killed" "$(killed "$UA")" 1
	check_xfrm_error "dead dst" "$UA" XfrmOutError "$(killed "$UA")"
}

case_output_4() { output "$B4" "$A4" "$B4"; }
case_output_6() { output "$B6" "$A6" "[$B6]"; }

tunnelled() { link_stat "$OB" t0 rx_packets; }

# A tunnel device t0 on B, whose SA and policy have the key that it takes.
vti_hosts() # outer-family, key of SA and policy, "ip link add t0" with...
{
	local key=$2

	setup_hosts
	outer "$1"
	shift 2
	cipher gcm
	add_dev "$UA" "$OA" xv0 "$A" "$B" reqid 7 -- "$IA4"/24
	sa_add "$UA" "$A" "$B" 0x1000 7
	sa_add "$UB" "$A" "$B" 0x1000 7 "$key"
	ip_batch "$UB" <<-END
		xfrm policy add dir in src 0.0.0.0/0 dst 0.0.0.0/0 $key \
			tmpl src $A dst $B proto esp reqid 7 mode tunnel
		link add t0 type $*
		link set t0 netns $OB
	END
	ip_batch "$OB" <<-END
		link set t0 up
		addr add $IB4/24 dev t0
	END
	ping_none "before" "$OA" "$IB4" 1
	await "packets through t0" is 1 tunnelled
}

# 0152eee6fc3b: ESP for such a device.
input() # as vti_hosts
{
	vti_hosts "$@"
	kill_dsts "$UB" input
	kill_some "$UB" "$OA" 3 "$IB4"
	check_eq "packets killed" "$(killed "$UB")" 3
	check_xfrm_error "dead dst" "$UB" XfrmInError 3
	kill_dsts "$UB" off
	ping_none "after" "$OA" "$IB4" 1
	await "packets through t0" is $(($(spared "$UB") + 2)) tunnelled
}

case_input_vti()
{
	input 4 "mark 7" vti local "$B4" remote "$A4" key 7
}

case_input_vti6()
{
	input 6 "mark 7" vti6 local "$B6" remote "$A6" key 7
}

case_input_xfrmi()
{
	modprobe -q xfrm_interface || skip "this kernel has no xfrmi"
	input 4 "if_id 7" xfrm dev v0 if_id 7
}

# 0152eee6fc3b as it happens: nothing is made to die, but the address that ESP
# comes for is taken away and given back all the time. Whether that hits is luck.
case_race_vti()
{
	local i

	vti_hosts 4 "mark 7" vti local "$B4" remote "$A4" key 7
	for ((i = 0; i < 100; i++)); do
		echo "addr del $B4/24 dev v0"
		echo "addr add $B4/24 dev v0"
	done >"$TMP/churn"
	# shellcheck disable=SC2016 # for the inner shell
	background "$TMP/churn.log" bash -c \
		'while ip -n "$1" -batch "$2"; do :; done' - "$UB" "$TMP/churn"
	in_ns "$OA" timeout "${XVTI_RACE:-60}" \
		socat -u -b 256 /dev/zero "UDP-SENDTO:$IB4:9"
	stop "$BG_PID"
	ip -n "$UB" addr replace "$B4/24" dev v0
	ping_none "after" "$OA" "$IB4" 1
	note "received: $(tunnelled), of that with a dead dst:" \
		"$(in_ns "$UB" grep XfrmInError /proc/net/xfrm_stat)"
}

mtu_of() { dev_attr "$UA" "$1" mtu; }

add_vti6() # name key [option...]
{
	local dev=$1 key=$2

	shift 2
	must ip -n "$UA" link add "$dev" "$@" type vti6 local "$A6" remote "$B6" key "$key"
}

# c6741fbed6dc: vti6 does not know the lower device's MTU. What ESP itself adds
# it does not know to this day; our device does.
case_mtu_vti6()
{
	local lower

	setup_hosts flat
	for lower in 1400 9000; do
		must ip -n "$UA" link set v0 mtu "$lower"
		add_vti6 "t$lower" "$lower"
		check_eq "MTU of vti6 over $lower" \
			"$(mtu_of "t$lower")" $((lower - 40))
		# whatever its key, there is one for a pair of addresses
		must ip -n "$UA" link del "t$lower"
	done
	must ip -n "$UA" link set v0 mtu 1400
	add_dev "$UA" "$UA" xv0 "$A6" "$B6" reqid 7 --
	note "MTU of xvti over 1400: $(mtu_of xv0)"
	check_le "MTU of xvti over 1400" "$(mtu_of xv0)" $((1400 - 40 - 16))
}

# A user's MTU stays, and may be too small for IPv6.
case_mtu_vti6_kept()
{
	setup_hosts flat
	add_vti6 t0 1 mtu 1300
	check_eq "MTU given with the device" "$(mtu_of t0)" 1300
	must ip -n "$UA" link set t0 mtu 1000
	check_eq "MTU given later" "$(mtu_of t0)" 1000
}

need_module
need_deaddst
run_cases forward_4 forward_6 forward_into_xvti output_4 output_6 \
	input_vti input_vti6 input_xfrmi race_vti mtu_vti6 mtu_vti6_kept
