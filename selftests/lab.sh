#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=1800
# kernels=one
#
# The reference network of Documentation/reference-network.rst: three sites with
# two gateways each, strongSwan, BGP over twelve tunnels. Does it do what such a
# network is built for, and how long does it take to heal?
#
# The network is set up once, for all cases; lab/network describes it.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/lab/net.sh"

# How long a BGP session may hear nothing, and what an emulated guest takes for
# all that comes before and after, in milliseconds.
readonly HOLD=$((1000 * TIMERS[BGP_HOLD])) SLACK=$((3000 * XVTI_SLOW))
# OSPF takes in what has changed at the next tick, at a gateway and then at its
# site's router.
readonly TICKS=$((2000 * XVTI_SLOW))
# One second, and what a guest needs that shares its processor: far less than
# the hold time, by which the tunnel would be left without the carrier.
readonly AT_ONCE=$((2500 * XVTI_SLOW))

step() { note "$(cut -d ' ' -f 1 /proc/uptime) s: $*"; }

# The network must be there, and whole, whatever the case before has done.
need_lab()
{
	[ -e "$LAB/up" ] || lab_up
	[ "$RET" -eq 0 ] || die "the network does not come up"
	busywait $((90 * XVTI_SLOW)) whole_and_up || {
		diagnose
		die "the network is not whole before the case"
	}
}

whole_and_up()
{
	whole && is 48 bgp_sessions
}

diagnose()
{
	local gw

	for gw in "${GATEWAYS[@]}"; do
		note "$gw:" "$(in_ns "$gw-private" xvti show 2>&1)" \
			"$(birdc_of "$LAB/$gw" private-bird show protocols | grep BGP)" \
			"$(routes_of "$gw-private")"
	done
}

now() { echo "$EPOCHREALTIME"; }

since() # time: milliseconds
{
	echo $(((${EPOCHREALTIME/./} - ${1/./}) / 1000))
}

# --- what it is built for -----------------------------------------------------

case_up()
{
	local start gw tunnel

	start=$(now)
	need_lab
	note "up in $(since "$start") ms"
	check_le "milliseconds to come up" "$(since "$start")" $((240000 * XVTI_SLOW))
	check_eq "SAs" "$(all_sas)" 48
	check_eq "BGP sessions" "$(bgp_sessions)" 48
	for tunnel in "${TUNNELS[@]}"; do
		for gw in "${FIRST[$tunnel]}" "${SECOND[$tunnel]}"; do
			tunnel_end "$tunnel" "$gw"
			check_eq "SAs of $gw for $PEER_NAME" "$(tunnel_sas "$gw" "$PEER_NAME")" 2
		done
	done
}

case_reachability()
{
	need_lab
	check_pairs
}

# One address of site 3's network is at site 2, and all have to find it there:
# site 1, site 3 itself, from that very network, and the rest goes to site 3.
case_overlap()
{
	local ns

	need_lab
	ping_ok "at site 2, from site 1" R1 2001:db8:a6::cc:1
	ping_ok "at site 3, from site 1" R1 2001:db8:a6::1
	ping_ok "at site 2, from site 3" R3 2001:db8:a6::cc:1 -I 2001:db8:a6::1
	ping_ok "at site 3, from site 2" R2 2001:db8:a6::1 -I 2001:db8:a6::cc:1
	check_eq "where the address is" "$(nexthops V1-1-private 2001:db8:a6::cc:1)" "V2-1 V2-2"
	check_eq "where the network is" "$(nexthops V1-1-private 2001:db8:a6::/64)" "V3-1 V3-2"
	# without the address at site 2, it would be one of site 3's network
	must ip -n R2 addr del 2001:db8:a6::cc:1/128 dev site
	for ns in V1-1-private V3-1-private; do
		await "no route of its own in $ns" is "" nexthops "$ns" 2001:db8:a6::cc:1
	done
	ping_none "at nobody's" R1 2001:db8:a6::cc:1 2
	must ip -n R2 addr add 2001:db8:a6::cc:1/128 dev site
	await "the route is back" is "V2-1 V2-2" nexthops V1-1-private 2001:db8:a6::cc:1
}

# Many flows use all four ways between two sites.
case_ecmp()
{
	need_lab
	check_flows 24 15 57 "V1-1 V1-2" V2-1 V2-2 V3-1 V3-2
}

# What fits is exactly what AES-GCM leaves of 1500 octets over IPv6, and hosts
# with a larger MTU learn it.
case_mtu()
{
	local want gw nr addr

	need_lab
	want=$(largest_inner 1500 6 gcm)
	check_eq "MTU by RFC 4303" "$want" 1426
	for gw in "${GATEWAYS[@]}"; do
		[ "$(kind_of "$gw")" = xvti ] || continue
		for nr in ${ENDS[$gw]}; do
			tunnel_end "$nr" "$gw"
			check_eq "MTU of $gw to $PEER_NAME" \
				"$(dev_value "$gw-private" "$PEER_NAME" mtu mtu_source)" \
				"[$want,\"sa\"]"
		done
	done
	ping_ok "fits" R1 10.0.2.1 -M 'do' -s $((want - 28))
	ping_ok "fits" R1 2001:db8:a2::1 -M 'do' -s $((want - 48))
	refused "one octet more" "mtu ?= ?$want" \
		in_ns R1 ping -n -M 'do' -s $((want - 27)) -c 2 -W 1 10.0.2.1
	refused "one octet more" "mtu ?[=:] ?$want" \
		in_ns R1 ping -n -M 'do' -s $((want - 47)) -c 2 -W 1 2001:db8:a2::1
	for addr in 10.0.3.1 2001:db8:a3::1; do
		check "tracepath to $addr" grep -q "pmtu $want" \
			<(in_ns R1 tracepath -n -m 8 "$addr")
	done
	# in 30 s each, or it has stalled
	tcp_ok "IPv6" R2 R3 2001:db8:a3::1 2048
	tcp_ok "IPv6" R3 R2 2001:db8:a6::cc:1 2048
	forget_path_mtu
}

# The same in IPv4 from a host that has two ways to go.
case_mtu_two_ways()
{
	local want known

	need_lab
	want=$(largest_inner 1500 6 gcm)
	in_ns R1 ping -n -M 'do' -s $((want - 27)) -c 2 -W 1 10.0.2.1 >/dev/null
	known=$(ip -n R1 -j route get 10.0.2.1 | jq '.[0].metrics[0].mtu')
	[ "$known" = "$want" ] || skip "R1 does not know the MTU of the way it takes"
	tcp_ok "IPv4" R1 R2 10.0.2.1 2048
}

# All children, from both ends, while probes use all paths.
case_rekey()
{
	local gw nr spi before

	need_lab
	probes_start
	before=$(all_drops)
	for gw in "${GATEWAYS[@]}"; do
		for nr in ${ENDS[$gw]}; do
			tunnel_end "$nr" "$gw"
			spi=$(newest_spi "$gw" "$PEER_NAME")
			check "rekey of $PEER_NAME by $gw" ike "$LAB/$gw" --rekey --child "$PEER_NAME"
			await "a new SA from $gw to $PEER_NAME" new_spi "$gw" "$PEER_NAME" "$spi"
		done
	done
	busywait "$XVTI_WAIT" quiet_for 2
	probes_end
	note "24 rekeys, $(tail -qn 1 "$TMP"/probes-[12] | awk '{ n += $2 } END { print n }')" \
		"probes, $LOST lost"
	check_none_lost
	check_eq "drops" "$(all_drops)" "$before"
	# the old ones are kept for what is under way
	await "SAs after all rekeys" is 48 all_sas
}

newest_spi() # gateway peer
{
	ip -n "$1-public" xfrm state list src "${PUBLIC[$1]}" dst "${PUBLIC[$2]}" |
		awk '/spi 0x/ { print $4; exit }'
}

new_spi() # gateway peer spi
{
	local spi

	spi=$(newest_spi "$1" "$2")
	[ -n "$spi" ] && [ "$spi" != "$3" ]
}

# What the devices have dropped since they were made.
all_drops()
{
	local gw nr

	for gw in "${GATEWAYS[@]}"; do
		[ "$(kind_of "$gw")" = xvti ] || continue
		for nr in ${ENDS[$gw]}; do
			tunnel_end "$nr" "$gw"
			drops "$gw-private" "$PEER_NAME" | sed "s/^/$gw to $PEER_NAME: /"
		done
	done
}

# --- failures -----------------------------------------------------------------

# Waits until all is reached again, and says how long that took.
healed() # what time limit
{
	local took

	busywait $((60 * XVTI_SLOW)) quiet_for 5 "$2" || fail "$1: not all is reached again"
	took=$(outage "$2")
	note "$1: full reachability after $took ms, $(($(probes_lost) - LOST_BEFORE)) probes lost"
	check_le "$1: milliseconds" "$took" "$3"
}

# What comes back must not tear holes: few probes are lost on the way.
readonly FEW=40
returned() # what lost-before
{
	local lost

	busywait $((60 * XVTI_SLOW)) quiet_for 5 "$(now)" || fail "$1: not all is reached"
	lost=$(($(probes_lost) - $2))
	note "$1: $lost probes lost on the way back"
	check_le "$1: probes lost" "$lost" "$FEW"
}

# What brings something back, as a command.
comes_back() # what command...
{
	local start lost

	start=$(now)
	lost=$(probes_lost)
	"${@:2}"
	whole_again "$1" "$start"
	returned "$1" "$lost"
}

# Listens for what changes at each of some gateways, in the file of its namespace.
watch() # gateway...
{
	local gw

	for gw; do
		background "$TMP/changes-$gw" ip -n "$gw-private" -ts -o monitor route link
		await "someone listens at $gw" listens "$BG_PID"
	done
}

# Whether a program has a netlink socket with groups.
listens() # pid
{
	awk -v pid="$1" '$3 == pid && $4 !~ /^0*$/ { found = 1 } END { exit !found }' \
		"/proc/$1/net/netlink"
}

# When the routes no longer use a tunnel, at each of some gateways that are watched:
# milliseconds in LEFT.
declare -A LEFT
watch_leaving() # time [gateway peer]...
{
	local start=$1

	LEFT=()
	busywait $((15 * XVTI_SLOW)) all_left "$start" "${@:2}"
}

all_left() # time [gateway peer]...
{
	local start=$1 all=0

	shift
	while [ $# -gt 0 ]; do
		[ -n "${LEFT[$1]:-}" ] || has_left "$start" "$1" "$2" || all=1
		shift 2
	done
	return "$all"
}

# The first word about the route to the peer's network that does not have its device.
has_left() # time gateway peer
{
	local stamp when

	while read -r stamp; do
		when=$(date -d "${stamp//[][]/}" +%s.%6N)
		[[ $when > $1 ]] || continue
		LEFT[$2]=$(((${when/./} - ${1/./}) / 1000))
		return
	done < <(awk -v net="10.0.${SITE[$3]}.0/24" -v dev="dev $3 " '
		index($0, " " net " ") && ($2 == "Deleted" || !index($0, dev)) {
			print $1
		}' "$TMP/changes-$2")
	return 1
}

left() # what gateway limit
{
	[ -n "${LEFT[$2]:-}" ] || {
		fail "$1: $2 does not leave the tunnel"
		note "changes at $2:" "$(cut -c 1-200 "$TMP/changes-$2")"
		return
	}
	check_le "$1: milliseconds until $2 has left the tunnel" "${LEFT[$2]}" "$3"
	note "$1: $2 has left the tunnel after ${LEFT[$2]} ms"
}

whole_again() # what time
{
	busywait $((120 * XVTI_SLOW)) whole_and_up || {
		fail "$1: not whole again"
		diagnose
	}
	note "$1: all tunnels in use after $(since "$2") ms"
}

# The power of a gateway fails, and comes back.
case_gateway()
{
	local start

	need_lab
	probes_start
	start=$(now)
	gateway_kill V2-1
	healed "V2-1 is dead" "$start" $((HOLD + SLACK))
	comes_back "V2-1 is back" gateway_start V2-1
	probes_end
}

# Its SAs stay in the kernel, and go on, until the peers find out that the new
# daemon knows nothing of them.
case_daemon_killed()
{
	local start spis

	need_lab
	probes_start
	spis=$(spis_of V1-1)
	start=$(now)
	kill -KILL "$(charon_pid V1-1)"
	if [ "$STYLE" = swanctl ]; then
		await "charon of V1-1 ends" not alive "$LAB/V1-1" ike
		nap 3
		start_ike V1-1
	fi
	healed "charon of V1-1 is killed and started again" "$start" $((1000 * XVTI_SLOW))
	busywait $((90 * XVTI_SLOW)) is 4 children V1-1 || fail "the new daemon has not all tunnels"
	note "the new daemon has all tunnels after $(since "$start") ms"
	whole_again "charon of V1-1 is killed and started again" "$start"
	healed "peers have found out" "$start" $((90000 * XVTI_SLOW))
	probes_end
	# they are nobody's now, and would be the carrier of what others lose
	# shellcheck disable=SC2086 # words
	forget_sas V1-1 $spis
	check_eq "SAs that it has left" \
		"$(comm -12 <(sort <<<"$spis") <(spis_of V1-1 | sort))" ""
}

# The daemon says goodbye: both sides leave all its tunnels, and come back by
# themselves when it does.
case_daemon_restart()
{
	local start

	need_lab
	probes_start
	watch V1-1 V2-1
	start=$(now)
	kill "$(<"$LAB/V1-1/ike.pid")"
	watch_leaving "$start" V1-1 V2-1 V2-1 V1-1
	# it takes leave of its peers one after the other
	left "charon of V1-1 is stopped" V1-1 "$HOLD"
	left "charon of V1-1 is stopped" V2-1 "$HOLD"
	stop_ike V1-1
	healed "charon of V1-1 is stopped" "$start" $((HOLD + SLACK))
	comes_back "charon of V1-1 is started" start_ike V1-1
	probes_end
}

# The SAs of a tunnel are gone at one side, which leaves at once, the other
# when it hears no more.
case_sa_lost()
{
	local start

	need_lab
	probes_start
	watch V1-1 V2-1
	start=$(now)
	lose_sas V1-1 V2-1
	watch_leaving "$start" V1-1 V2-1 V2-1 V1-1
	left "SAs lost at V1-1" V1-1 "$AT_ONCE"
	left "SAs lost at V1-1" V2-1 $((HOLD + SLACK))
	whole_again "SAs lost at V1-1" "$start"
	healed "SAs lost at V1-1" "$start" $((HOLD + SLACK))
	probes_end
}

# A goodbye by IKE: both sides know.
case_ike_delete()
{
	local start

	need_lab
	probes_start
	watch V1-1 V2-1
	: >"$LAB/V1-1/charon.log"
	ike "$LAB/V1-1" --terminate --ike V2-1 >/dev/null &
	busywait "$XVTI_WAIT" logged_delete || die "no delete in the log"
	start=$(logged_delete)
	watch_leaving "$start" V1-1 V2-1 V2-1 V1-1
	left "deleted by IKE" V1-1 "$AT_ONCE"
	left "deleted by IKE" V2-1 "$AT_ONCE"
	whole_again "deleted by IKE" "$start"
	healed "deleted by IKE" "$start" $((HOLD + SLACK))
	probes_end
}

# When the daemon has deleted it, by its own clock.
logged_delete()
{
	local when

	when=$(awk '/deleting IKE_SA V2-1/ { print $1 "000"; exit }' "$LAB/V1-1/charon.log")
	[ -n "$when" ] && echo "$when"
}

# A link of the underlay that carries nothing any more, with nothing to be seen
# of that: OSPFv3 finds the way by the other gateway before BGP gives up.
case_link_cut()
{
	local start before

	need_lab
	probes_start
	before=$(session_starts)
	start=$(now)
	must ip -n internet link set V1-1 nomaster
	healed "wan0 of V1-1 is cut" "$start" $((HOLD + TICKS + SLACK))
	must ip -n internet link set V1-1 master br0
	nap $((8 * XVTI_SLOW))
	probes_end
	whole_again "wan0 of V1-1 is mended" "$start"
	note "BGP sessions that were lost: $(comm -13 <(echo "$before") <(session_starts) | wc -l)"
}

# The same with its carrier, which is seen at once.
case_link_flap()
{
	local start _

	need_lab
	probes_start
	start=$(now)
	for _ in 1 2 3; do
		must ip -n internet link set V1-1 down
		nap 0.3
		must ip -n internet link set V1-1 up
		nap 0.3
	done
	healed "wan0 of V1-1 has flapped" "$start" $((HOLD + SLACK))
	whole_again "wan0 of V1-1 has flapped" "$start"
	probes_end
}

# Since when each session has been up.
session_starts()
{
	local gw

	for gw in "${GATEWAYS[@]}"; do
		birdc_of "$LAB/$gw" private-bird show protocols |
			awk -v gw="$gw" '$2 == "BGP" { print gw, $1, $5 }'
	done | sort
}

case_down()
{
	lab_down
}

need_module
check_settings || exit "$KSFT_ERROR"
find_programs || skip_all "not installed:$MISSING"
trap 'lab_down; rm -rf "$TMP"' EXIT
run_cases up reachability overlap ecmp mtu mtu_two_ways rekey gateway \
	daemon_killed daemon_restart sa_lost ike_delete link_cut link_flap down
