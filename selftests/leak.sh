#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=1800
# kernels=one
# long
#
# Nothing leaks: whatever becomes of the IKE daemon, the SAs, the policies, the
# devices and the routes, no inner address is seen on a public link, and nothing
# from there reaches the private side.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: charon                           UB: charon
#       2001:db8::1   ------ v0 ------       2001:db8::2
#
# and then the reference network, see lab/. XVTI_SEED repeats a random sequence.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/ike.lib"
. "$SELFTESTS/lab/net.sh"

# --- a pair -------------------------------------------------------------------

readonly FAULTS=("daemon killed" "SAs flushed" "SPD flushed" "device down" "default routes")

# Both hosts forward all that they get, so that only the lack of a way from the
# private to the public side keeps packets in.
setup_pair()
{
	local host child

	child=("start_action = trap" "mark_in = 6" "mark_out = 6")
	setup_hosts
	for host in "$UA" "$UB" "$OA" "$OB"; do
		forwards "$host"
	done
	setup_tunnel 6 mark 6
	ike_config "$TMP/a" gwa gwb "$A" "$B" "${child[@]}"
	ike_config "$TMP/b" gwb gwa "$B" "$A" "${child[@]}"
	start_charon "$UB" "$TMP/b"
	start_charon "$UA" "$TMP/a"
	PID_A=$IKE_PID
	# what the public side would send to the private one
	ip_batch "$UB" <<-END2
		route add $IA4/32 via $A4
		route add $IA6/128 via $A6
	END2
}

fault() # number
{
	case $1 in
	0) stop "$PID_A" KILL ;;
	1) must ip -n "$UA" xfrm state flush ;;
	2) must ip -n "$UA" xfrm policy flush ;;
	3) must ip -n "$OA" link set xv0 down ;;
	4)
		ip_batch "$UA" <<-END2
			route add default via $B4
			route add default via $B6
		END2
		# down, it can have none
		ip -n "$OA" route add default dev xv0 2>/dev/null
		ip -n "$OA" -6 route add default dev xv0 2>/dev/null
		;;
	esac
}

# All is as it was, with SAs.
repair()
{
	local dev

	for dev in "$UA" "$OA"; do
		ip -n "$dev" route del default
		ip -n "$dev" -6 route del default
	done 2>/dev/null
	# Not up while the daemon starts: what it is asked before it knows its
	# children is lost, and keeps the kernel from asking again.
	must ip -n "$OA" link set xv0 down
	stop "$PID_A"
	for dev in "$UA" "$UB"; do
		must ip -n "$dev" xfrm state flush
	done
	must ip -n "$UA" xfrm policy flush
	start_charon "$UA" "$TMP/a"
	PID_A=$IKE_PID
	must ip -n "$OA" link set xv0 up
	add_addr6_again
	busywait "$XVTI_WAIT" in_ns "$OA" ping -n -q -c 1 -W 1 "$IB4" ||
		{ diagnose; die "the tunnel does not come back"; }
	both_families "repaired"
}

# It has gone when the device was set down.
add_addr6_again()
{
	must ip -n "$OA" addr replace "$IA6"/64 dev xv0 nodad
}

# What a sender on the private side would like to get out, delivered or not.
inner_traffic()
{
	local addr

	for addr in "$IB4" "$IB6"; do
		in_ns "$OA" ping -n -q -c 2 -i 0.05 -W 0.3 "$addr"
		in_ns "$OA" bash -c "echo secret >/dev/udp/$addr/7001"
	done >/dev/null 2>&1
}

leaks() # file... -- address...
{
	"$SELFTESTS/leak.py" "$@" 2>"$TMP/leaks"
}

check_pair_leaks() # what
{
	check_eq "$1: packets with inner addresses outside" \
		"$(leaks "$CAP" -- "$IA4" "$IB4" "$IA6" "$IB6")" 0 || note "$(cat "$TMP/leaks")"
}

# The public side speaks to the private one, without IPsec.
check_nothing_in() # what
{
	local before

	before=$(link_stat "$OA" xv0 rx_packets)
	ping_none "$1: from outside" "$UB" "$IA4" 1
	ping_none "$1: from outside" "$UB" "$IA6" 1
	check_eq "$1: packets that came in" "$(link_stat "$OA" xv0 rx_packets)" "$before"
}

describe() # bits
{
	local i text=

	for i in "${!FAULTS[@]}"; do
		((!($1 >> i & 1))) || text+="${text:+, }${FAULTS[i]}"
	done
	echo "${text:-no fault}"
}

# The 32 combinations of five faults.
case_combinations()
{
	local bits i what

	setup_pair
	for ((bits = 0; bits < 32; bits++)); do
		what=$(describe "$bits")
		repair
		for i in "${!FAULTS[@]}"; do
			((!(bits >> i & 1))) || fault "$i"
		done
		capture "$UB" v0
		inner_traffic
		capture_end
		check_pair_leaks "$what"
		check_only_ipsec_or_neighbours "$what"
		[ "$bits" -ne 0 ] || check_ge "$what: ESP" "$(captured ip6 proto 50)" 6
		check_nothing_in "$what"
	done
}

# Whatever the filter is, IKE and neighbour discovery belong there.
check_only_ipsec_or_neighbours() # what
{
	check_only_esp "$1" "not udp port 500 and not udp port 4500 and \
		not (icmp6 and ip6[40] >= 133 and ip6[40] <= 136)"
}

# The search does find what is there: a packet in the clear, and one that an
# ICMP error quotes.
case_search()
{
	setup_hosts
	ip_batch "$UA" <<-END2
		addr add $IA4/32 dev v0
		route add $IB4/32 dev v0
		addr add $IA6/128 dev v0 nodad
		route add $IB6/128 via $B6
	END2
	capture "$UB" v0
	in_ns "$UA" ping -n -q -c 1 -W 0.2 -I "$IA4" "$IB4" >/dev/null
	capture_end
	check_eq "IPv4 in the clear" "$(leaks "$CAP" -- "$IB4")" 1
	check_eq "another address" "$(leaks "$CAP" -- 10.8.0.3)" 0
	capture "$UB" v0
	in_ns "$UA" ping -n -q -c 1 -W 0.2 -I "$IA6" "$IB6" >/dev/null
	capture_end
	check_ge "IPv6 in the clear" "$(leaks "$CAP" -- "$IB6")" 1
	check_ge "IPv6 by its beginning" "$(leaks "$CAP" -- fd08::)" 1
	forwards "$UB"
	must ip -n "$UB" route add unreachable "$IB6/128"
	capture "$UB" v0
	in_ns "$UA" ping -n -q -c 1 -W 0.2 -I "$A6" "$IB6" >/dev/null
	capture_end
	check_ge "what an error quotes" "$(leaks "$CAP" -- "$IB6")" 2
}

# --- the network --------------------------------------------------------------

step() { note "$(cut -d ' ' -f 1 /proc/uptime) s: $*"; }

# All that is private: IPv6 by what it begins with.
private_addresses()
{
	local site gw nr own4 router4

	printf '2001:db8:%s::\n' a1 a2 a3 a6 ff
	for site in "${SITES[@]}"; do
		addresses "$site" | grep -v :
	done
	for gw in "${GATEWAYS[@]}"; do
		read -r own4 router4 _ <<<"${LAN[$gw]}"
		echo "$own4 $router4"
		for nr in ${ENDS[$gw]}; do
			tunnel_end "$nr" "$gw"
			echo "$OWN4"
		done
	done
}

# Every public link: those of the internet, and those between the gateways of a
# site.
capture_public()
{
	local gw

	CAPTURES=() CAPTURE_PIDS=()
	capture internet any
	CAPTURES+=("$CAP") CAPTURE_PIDS+=("$CAP_PID")
	for gw in V1-1 V2-1 V3-1; do
		capture "$gw-public" wan1
		CAPTURES+=("$CAP") CAPTURE_PIDS+=("$CAP_PID")
	done
}

capture_public_end()
{
	local pid

	for pid in "${CAPTURE_PIDS[@]}"; do
		stop "$pid" INT
	done
}

any_gateway() { ANY=${GATEWAYS[RANDOM % ${#GATEWAYS[@]}]}; }

# One of a gateway's tunnels.
any_peer() # gateway
{
	local -a ends

	read -ra ends <<<"${ENDS[$1]}"
	tunnel_end "${ends[RANDOM % ${#ends[@]}]}" "$1"
}

# The gateways that something was done to.
declare -A BROKEN

# Does something at random, to a gateway at random, and says what.
random_step()
{
	local gw

	any_gateway
	gw=$ANY
	BROKEN[$gw]=1
	any_peer "$gw"
	case $((RANDOM % 9)) in
	0) DONE="stop IKE of $gw"; stop_ike "$gw" ;;
	1) DONE="kill IKE of $gw"; stop_ike "$gw" KILL ;;
	2) DONE="start IKE of $gw"; alive "$LAB/$gw" ike || start_ike "$gw" ;;
	3) DONE="flush SAs of $gw"; must ip -n "$gw-public" xfrm state flush ;;
	4) DONE="flush SPD of $gw"; must ip -n "$gw-public" xfrm policy flush ;;
	5) DONE="$PEER_NAME of $gw down"; must ip -n "$gw-private" link set "$PEER_NAME" down ;;
	6) DONE="$PEER_NAME of $gw up"; must ip -n "$gw-private" link set "$PEER_NAME" up ;;
	7) DONE="default routes of public $gw"; default_routes "$gw-public" wan0 ;;
	8) DONE="default routes of private $gw"; default_routes "$gw-private" "$PEER_NAME" ;;
	esac
}

default_routes() # netns device
{
	ip -n "$1" route replace default dev "$2"
	ip -n "$1" -6 route replace default dev "$2"
} 2>/dev/null

# So that the next sequence has something to break.
mend_all()
{
	local gw ns nr

	for gw in "${!BROKEN[@]}"; do
		for ns in "$gw-public" "$gw-private"; do
			ip -n "$ns" route del default
			ip -n "$ns" -6 route del default
		done 2>/dev/null
		alive "$LAB/$gw" ike || start_ike "$gw"
		# traps that were flushed
		ip -n "$gw-public" xfrm policy list dir out nosock | grep -q . || {
			stop_ike "$gw"
			start_ike "$gw"
		}
		for nr in ${ENDS[$gw]}; do
			tunnel_up "$nr" "$gw"
		done
	done
	BROKEN=()
}

case_sequences()
{
	local seed=${XVTI_SEED:-$((RANDOM + RANDOM * 32768))} nr i list found esp=0
	local -a private

	lab_up
	defer lab_down
	mapfile -t private < <(private_addresses | tr ' ' '\n')
	probes_start
	note "seed $seed"
	RANDOM=$seed
	for ((nr = 1; nr <= 20; nr++)); do
		list=
		capture_public
		for ((i = 0; i < 5; i++)); do
			random_step
			list+="${list:+; }$DONE"
			nap 0.4
		done
		note "sequence $nr: $list"
		mend_all
		capture_public_end
		found=$(leaks "${CAPTURES[@]}" -- "${private[@]}")
		check_eq "seed $seed, sequence $nr ($list): packets with private addresses" \
			"$found" 0 || note "$(cat "$TMP/leaks")"
		CAP=${CAPTURES[0]}
		esp=$((esp + $(captured ip6 proto 50)))
	done
	check_ge "ESP packets meanwhile" "$esp" 1000
	check_nothing_in_network
}

# Somebody in the internet who knows the private addresses, and the way to the
# gateways.
check_nothing_in_network()
{
	local gw link_local ns

	for gw in V1-1 V2-1; do
		ns=${ROUTER[${SITE[$gw]}]}
		link_local=$(ip -n "$gw-public" -j -6 addr show dev wan0 scope link |
			jq -r '.[].addr_info[].local // empty')
		ip_batch internet <<-END2
			addr replace 2001:db8:bad::1/64 dev br0 nodad
			addr replace fe80::bad/64 dev br0 nodad
			route replace ${NETS_OF[$gw]} via $link_local dev br0
		END2
		# so that an answer would find its way
		must ip -n "$gw-public" -6 route replace 2001:db8:bad::/64 dev wan0
		capture "$ns" "$gw"
		in_ns internet ping -n -q -c 3 -i 0.1 -W 0.5 "${NETS_OF[$gw]%::/64}::1" >/dev/null
		# the end is marked by what does arrive
		in_ns "$gw-private" ping -n -q -c 1 "$(lan_router "$gw")" >/dev/null
		await "end of the capture" at_least 1 captured icmp
		stop "$CAP_PID" INT
		check_eq "packets from the internet at $ns" "$(captured host 2001:db8:bad::1)" 0
	done
}

declare -A NETS_OF=([V1-1]=2001:db8:a1::/64 [V2-1]=2001:db8:a2::/64)

# The router's end of a gateway's link to it.
lan_router() # gateway
{
	local own4 router4

	read -r own4 router4 _ <<<"${LAN[$1]}"
	echo "$router4"
}

need_module
ike_available || skip_all "strongSwan is not installed"
check_settings || exit "$KSFT_ERROR"
find_programs || skip_all "not installed:$MISSING"
run_cases search combinations sequences
