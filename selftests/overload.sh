#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=900
# kernels=one,last
#
# Too much of everything: packets with no SA for them, peers that are all to be
# asked for, tables of the underlay that are full. What the device keeps of it
# is bounded, what it drops is counted, and others do not notice.
#
#   H: h0 10.12.2.9 - OA: xv0 10.8.0.1   OB: xv0 10.8.0.2
#      pktgen             xv1 fd09::1        xv1 fd09::2
#                          :                  :
#                     UA: 192.0.2.1 - v0 - UB: 192.0.2.2
#                         2001:db8::1          2001:db8::2
#
# All that is too much is IPv4, what must not notice is IPv6.
# XVTI_FLOOD packets are a flood, see overload-long.sh.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/stormlib.sh"

: "${XVTI_FLOOD:=100000}"
readonly MAC=02:00:00:00:00:01
# kB that the host may have less afterwards: what a flood leaves in caches
readonly SOME_MEMORY=16384
# Packets that are sent before A has to have looked at them. By default a processor
# has room for a thousand of those, and whose packet is the next is lost.
readonly BURST=5000

# H is behind A, by a wire without address resolution; xv1 is the tunnel that
# must not notice.
setup() # [option...]
{
	local backlog

	[ -d /proc/net/pktgen ] || modprobe -q pktgen || skip "there is no pktgen"
	backlog=$(cat /proc/sys/net/core/netdev_max_backlog)
	defer sysctl -qw net.core.netdev_max_backlog="$backlog"
	must sysctl -qw net.core.netdev_max_backlog=$((2 * BURST))
	setup_hosts
	setup_ns H
	behind "$H" "$OA" 2
	cipher gcm
	outer 6
	add_dev "$UA" "$OA" xv1 "$A" "$B" reqid 8 -- fd09::1/64
	add_dev "$UB" "$OB" xv1 "$B" "$A" reqid 8 -- fd09::2/64
	sa_pair 8 0x2000
	outer 4
	add_dev "$UA" "$OA" xv0 "$A" "$B" reqid 7 "$@" -- "$IA4"/24 "$IA6"/64
	add_dev "$UB" "$OB" xv0 "$B" "$A" reqid 7 -- "$IB4"/24 "$IB6"/64
}

# What pktgen sends is for addresses of A's tunnels.
pktgen_to() # first-address [last-address]
{
	in_ns "$H" bash -e <<-END || die "pktgen: $?"
		cd /proc/net/pktgen
		echo rem_device_all >kpktgend_0
		echo add_device h0 >kpktgend_0
		for line in "pkt_size 100" "dst_mac $MAC" "src_min 10.12.2.9" \
			"dst_min $1" "dst_max ${2:-$1}" "udp_dst_min 9" "udp_dst_max 9"; do
			echo "\$line" >h0
		done
	END
}

pktgen_send() # count
{
	in_ns "$H" bash -ec "cd /proc/net/pktgen; echo count $1 >h0; echo start >pgctrl" ||
		die "pktgen: $?"
}

# So many packets, as fast as A can take them in. MET is how many it has forwarded,
# which are the device's to count.
flood() # count first-address [last-address]
{
	local before left burst

	before=$(forwarded)
	pktgen_to "${@:2}"
	for ((left = $1; left > 0; left -= burst)); do
		burst=$((left < BURST ? left : BURST))
		send_burst "$burst"
	done
	MET=$(($(forwarded) - before))
	note "$1 packets to $2: $MET were forwarded"
	check_ge "forwarded" "$MET" $(($1 / 100))
}

send_burst() # count
{
	local received

	received=$(ip_count 4)
	pktgen_send "$1"
	await "A has looked at all" at_least $((received + $1)) ip_count 4
}

forwarded() { ip_count 7; }

# What A's IPv4 has received is its third number, what it has forwarded the sixth.
ip_count() # column
{
	# shellcheck disable=SC2016 # for awk
	in_ns "$OA" awk -v column="$1" '/^Ip: [0-9]/ { print $column }' /proc/net/snmp
}

# During what the arguments do, xv1 and what needs no tunnel go on.
unharmed() # what command...
{
	local what=$1

	shift
	background "$TMP/tunnel" in_ns "$OA" ping -n -q -i 0.2 fd09::2
	local tunnel=$BG_PID
	background "$TMP/plain" in_ns "$UA" ping -n -q -i 0.2 "$B6"
	local plain=$BG_PID
	"$@"
	# behind all that is under way
	ping_ok "$what: without a tunnel" "$UA" "$B6" -c 1 -w 60
	ping_ok "$what: the other tunnel" "$OA" fd09::2 -c 1 -w 60
	nap 1
	stop "$tunnel" INT
	stop "$plain" INT
	heard "$what: the other tunnel" "$TMP/tunnel"
	heard "$what: without a tunnel" "$TMP/plain"
}

# All of them have come back, but for what is on its way when ping is stopped.
heard() # what file
{
	local sent received

	[[ $(<"$2") =~ ([0-9]+)\ packets\ transmitted,\ ([0-9]+)\ received ]] ||
		fail "$1: $(<"$2")"
	sent=${BASH_REMATCH[1]} received=${BASH_REMATCH[2]}
	note "$1: $received of $sent came back"
	check_ge "$1: answers" "$received" 3
	check_le "$1: lost" $((sent - received)) 2
}

memory_kept() # what before
{
	local lost

	lost=$(($2 - $(mem_available)))
	note "$1: $lost kB"
	check_le "$1: kB lost" "$lost" "$SOME_MEMORY"
}

tx_dropped() { counter "$OA" xv0 "$1"; }

# --- packets without an SA --------------------------------------------------

# Those that wait are as many as may, all others are counted as what they are.
no_sa() # queue
{
	local before

	setup queue "$1"
	before=$(mem_available)
	unharmed "queue $1" flood "$XVTI_FLOOD" "$IB4"
	check_ge "queue $1: met" "$MET" $((XVTI_FLOOD * 9 / 10))
	memory_kept "queue $1: with what waits" "$before"
	check_le "queue $1: not dropped yet" $((MET - $(lost))) "$1"
	check_ge "queue $1: dropped at once" "$(tx_dropped tx_no_sa)" 1
	check_le "queue $1: larval SAs" "$(state_count "$UA")" 3
	# and what the host itself has to say by way of xv0
	await "queue $1: dropped in the end" at_least "$MET" lost
	check_le "queue $1: dropped in the end" "$(lost)" $((MET + 4))
	sa_pair 7 0x1000
	ping_ok "queue $1: afterwards" "$OA" "$IB4"
}

lost() { echo $(($(tx_dropped tx_no_sa) + $(tx_dropped tx_queue))); }

case_no_queue() { no_sa 0; }
case_queue_full() { no_sa 1024; }

# As fast as pktgen can. Where that is faster than A can, what there is no room for
# is lost before A, others' packets as well; A is none the worse for it.
case_unpaced()
{
	local before met

	setup queue 1024
	before=$(mem_available)
	met=$(forwarded)
	pktgen_to "$IB4"
	pktgen_send "$XVTI_FLOOD"
	note "$XVTI_FLOOD packets: $(($(forwarded) - met)) were forwarded"
	check_ge "dropped" "$(lost)" 1
	memory_kept "unpaced" "$before"
	sa_pair 7 0x1000
	ping_ok "unpaced: afterwards" "$OA" "$IB4"
	ping_ok "unpaced: the other tunnel" "$OA" fd09::2
}

# --- many peers -------------------------------------------------------------

readonly PEERS=200

peer_devices()
{
	local i

	for ((i = 1; i <= PEERS; i++)); do
		echo "add xp$i local $A remote 198.51.100.$i reqid $((1000 + i)) queue 2 netns $OA up"
	done
}

peer_routes()
{
	local i

	for ((i = 1; i <= PEERS; i++)); do
		echo "route add 10.40.0.$i/32 dev xp$i"
	done
}

# Each device without an SA asks for its own, once, as long as nobody answers.
case_acquires()
{
	local before

	setup
	peer_devices | must in_ns "$UA" xvti -batch -
	ip_batch "$OA" < <(peer_routes)
	must in_ns "$UA" sysctl -qw net.core.xfrm_acq_expires=600
	listen_for_acquires "$UA"
	before=$(mem_available)
	unharmed "acquires" flood "$XVTI_FLOOD" 10.40.0.1 "10.40.0.$PEERS"
	check_ge "acquires: met" "$MET" $((XVTI_FLOOD * 9 / 10))
	check_ge "acquires" "$(acquires)" $((PEERS / 2))
	check_le "acquires" "$(acquires)" "$PEERS"
	# the tunnel that is there has two
	check_le "larval SAs" "$(state_count "$UA")" $((PEERS + 2))
	memory_kept "larval SAs" "$before"
	# instead of waiting until they expire
	must ip -n "$UA" xfrm state flush
	check_eq "SAs left" "$(state_count "$UA")" 0
}

# --- tables that are full ---------------------------------------------------

# New connections of the underlay, each with an entry of its own.
connections() # netns address first last
{
	in_ns "$1" bash -c "for ((p = $3; p <= $4; p++)); do
		echo >/dev/udp/$2/\$p; done" 2>/dev/null
}

conntrack_count() { in_ns "$UA" cat /proc/sys/net/netfilter/nf_conntrack_count; }

# The ESP packets of a tunnel without an entry may find no room for one.
case_conntrack()
{
	local max before

	setup
	in_ns "$UA" nft -f - <<-END 2>"$TMP/why" || skip "no conntrack: $(head -n 1 "$TMP/why")"
		table ip t {
			chain outgoing {
				type filter hook output priority 0
				ct state invalid counter
			}
			chain incoming {
				type filter hook input priority 0
				ct state invalid counter
			}
		}
	END
	max=$(cat /proc/sys/net/netfilter/nf_conntrack_max)
	defer sysctl -qw net.netfilter.nf_conntrack_max="$max"
	sa_pair 7 0x1000
	must sysctl -qw net.netfilter.nf_conntrack_max=64
	before=$(mem_available)
	unharmed "conntrack" full_table
	memory_kept "conntrack" "$before"
	check_le "entries" "$(conntrack_count)" 70
	check_ge "entries at most" "$(<"$TMP/entries")" 60
	must sysctl -qw net.netfilter.nf_conntrack_max="$max"
	ping_ok "afterwards" "$OA" "$IB4"
}

full_table()
{
	connections "$UA" "$B4" 20000 21000
	conntrack_count >"$TMP/entries"
	flood_counted
}

# What cannot be sent is counted, whoever has dropped it.
flood_counted()
{
	local before

	before=$(met xv0)
	flood $((XVTI_FLOOD / 10)) "$IB4"
	check_eq "packets met by xv0" $(($(met xv0) - before)) "$MET"
	note "xv0 has dropped:" "$(drops "$OA" xv0)"
}

met() # device
{
	echo $(($(link_stat "$OA" "$1" tx_packets) + $(link_stat "$OA" "$1" tx_dropped)))
}

# Neighbours that nobody has heard of fill the table of all namespaces. Those
# that are known for good have their place. The peer of xs0 has not; nor has xv0
# itself, for which IP has an entry in that table, too: what is routed there is
# lost before the device can count it.
case_neighbours()
{
	local before i
	local -a thresholds

	setup
	sa_pair 7 0x1000
	mapfile -t thresholds < <(sysctl -e net.ipv4.neigh.default.gc_thresh{1,2,3} |
		tr -d ' ')
	defer sysctl -qw "${thresholds[@]}"
	wire_arp
	add_dev "$UA" "$OA" xs0 198.18.0.1 198.18.9.9 reqid 9 -- fd41::1/64
	quiet xs0
	ping_ok "at first" "$OA" "$IB4"
	before=$(mem_available)
	must sysctl -qw net.ipv4.neigh.default.gc_thresh1=8 \
		net.ipv4.neigh.default.gc_thresh2=16 net.ipv4.neigh.default.gc_thresh3=32
	unharmed "neighbours" strangers
	memory_kept "neighbours" "$before"
	must sysctl -qw "${thresholds[@]}"
	ping_ok "afterwards" "$OA" "$IB4"
}

# The wire with address resolution: both ends know each other, and nobody else.
wire_arp()
{
	ip_batch "$UA" <<-END
		link set v0 address 02:00:00:00:00:0a arp on
		neigh replace $B4 lladdr 02:00:00:00:00:0b dev v0 nud permanent
		neigh replace $B6 lladdr 02:00:00:00:00:0b dev v0 nud permanent
		addr add 198.18.0.1/16 dev v0
	END
	ip_batch "$UB" <<-END
		link set v0 address 02:00:00:00:00:0b arp on
		neigh replace $A4 lladdr 02:00:00:00:00:0a dev v0 nud permanent
		neigh replace $A6 lladdr 02:00:00:00:00:0a dev v0 nud permanent
	END
}

# What IPv6 has to say of a device's groups it says with less than that between.
quiet() # device
{
	local last=none now

	while now=$(met "$1"); [ "$now" != "$last" ]; do
		last=$now
		nap 2
	done
}

# They have their place as long as they are asked for.
strangers()
{
	local before i

	must in_ns "$UA" sysctl -qw net.ipv4.neigh.v0.mcast_solicit=1000
	for i in 1 2 3 4; do
		in_ns "$UA" bash -c "for p in {1..250}; do
			echo >/dev/udp/198.18.$i.\$p/9; done" 2>/dev/null
	done
	# not before, or the first packet would have had a place for its neighbour
	sa_add "$UA" 198.18.0.1 198.18.9.9 0x3000 9
	before=$(met xs0)
	connections "$OA" fd41::2 20001 20300
	check_eq "packets met by xs0" $(($(met xs0) - before)) 300
	check_ge "of these lost" "$(counter "$OA" xs0 tx_error)" 1
	note "xs0 has dropped:" "$(drops "$OA" xs0)"
	flood $((XVTI_FLOOD / 10)) "$IB4"
}

need_module
run_cases no_queue queue_full unpaced acquires conntrack neighbours
