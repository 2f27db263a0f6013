# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153
#
# Sets the reference network up, in namespaces of this machine, and down; starts
# and stops its parts; asks them for their state. Needs lib.sh.
#
# Each node has a directory in LAB with what its daemons read, their sockets,
# logs and process ids: the network outlives the shell that made it.

. "$SELFTESTS/lab/table.sh"
. "$SELFTESTS/lab/config.sh"
. "$SELFTESTS/demo/gateway.sh"

# Not in /run: charon has one of its own.
: "${LAB:=/tmp/xvti-lab}"
# Its daemons' timers are longer where a kernel is slow.
XVTI_WAIT=$((XVTI_WAIT * XVTI_SLOW))

# For so many seconds a router believes what it is told of a path MTU.
readonly PATH_MTU_LIFE=5

# Looks for all programs that it takes; those that are not there are MISSING.
find_programs()
{
	local name

	MISSING=
	ike_available || MISSING+=" charon or swanctl"
	for STARTER in /usr/lib/ipsec/starter /usr/libexec/ipsec/starter ''; do
		[ ! -x "$STARTER" ] || break
	done
	[ "$STYLE" != ipsec ] || [ -n "$STARTER" ] || MISSING+=" starter"
	for name in bird birdc jq tcpdump traceroute; do
		command -v "$name" >/dev/null || MISSING+=" $name"
	done
	[ -z "$MISSING" ]
}

# --- namespaces -------------------------------------------------------------

all_namespaces()
{
	local gw

	echo internet
	printf '%s\n' "${ROUTERS[@]}"
	for gw in "${GATEWAYS[@]}"; do
		printf '%s\n' "$gw-public" "$gw-private"
	done
}

# As setup_ns does, but by names that a user types. What is left alive of a
# namespace is seen by its sentinel.
add_namespaces() # netns...
{
	local ns

	for ns; do
		[ ! -e "/run/netns/$ns" ] || die "there is a network namespace $ns already"
	done
	for ns; do
		echo "netns add $ns"
		echo "link add s-$ns type veth peer name sentinel netns $ns"
	done | ip_batch -
	# The kernel leaves a route without carrier at once, not when BIRD does. A
	# connection that has lost its process must not keep a namespace alive. Up to
	# 4.16, IPv6 spreads flows by their addresses and knows no other way.
	for ns; do
		must in_ns "$ns" sysctl -eqw net.ipv6.conf.{all,default}.accept_dad=0 \
			net.ipv6.conf.{all,default}.accept_ra=0 \
			net.ipv6.conf.{all,default}.router_solicitations=0 \
			net.ipv6.conf.{all,default}.ignore_routes_with_linkdown=1 \
			net.ipv4.conf.{all,default}.ignore_routes_with_linkdown=1 \
			net.ipv6.conf.{all,default}.forwarding=1 net.ipv4.ip_forward=1 \
			net.ipv{4,6}.fib_multipath_hash_policy=1 \
			net.ipv4.tcp_orphan_retries=1
		must ip -n "$ns" link set lo up
	done
}

# What all gateways are connected to.
add_internet()
{
	add_namespaces internet
	ip_batch internet <<-END
		link add br0 type bridge forward_delay 0 mcast_snooping 0
		link set br0 addrgenmode none up
	END
}

add_router() # site
{
	local ns=${ROUTER[$1]} addr

	add_namespaces "$ns"
	{
		echo "link add site type dummy"
		echo "link set site up"
		for addr in ${NETS[$1]}; do
			echo "addr add $addr dev site"
		done
	} | ip_batch "$ns"
	# All namespaces hash flows with one secret. A router that hashed what its
	# gateways hash would leave to each the flows of one of its tunnels only.
	in_ns "$ns" sysctl -qw net.ipv{4,6}.fib_multipath_hash_policy=3 \
		net.ipv{4,6}.fib_multipath_hash_fields=0x30 2>/dev/null
	in_ns "$ns" sysctl -qw "net.ipv6.route.mtu_expires=$PATH_MTU_LIFE"
	configure_router "$1" "$LAB/$ns"
}

# The routers forget what they have learned of path MTUs. With kernels such as
# 4.19 a route that has learned one and is replaced keeps its device for ever.
forget_path_mtu()
{
	local ns

	nap $((PATH_MTU_LIFE + 1))
	for ns in "${ROUTERS[@]}"; do
		in_ns "$ns" sysctl -qw net.ipv6.route.flush=1
	done
}

# The namespaces of a gateway and its links, of which it makes those to the
# other gateway of the site if that one is there already.
add_gateway() # gateway
{
	local gw=$1 site=${SITE[$1]} other=${SIBLING[$1]} own4 router4 own6 router6

	read -r own4 router4 own6 router6 <<<"${LAN[$gw]}"
	add_namespaces "$gw-public" "$gw-private"
	ip_batch - <<-END
		link add wan0 netns $gw-public type veth peer name $gw netns internet
		link add lan0 netns $gw-private type veth peer name $gw netns ${ROUTER[$site]}
	END
	if [ -e "/run/netns/$other-public" ]; then
		must ip link add wan1 netns "$gw-public" type veth peer name wan1 netns "$other-public"
		ip_batch "$other-public" <<<"link set wan1 up"
		ip_batch "$gw-public" <<<"link set wan1 up"
	fi
	ip_batch internet <<<"link set $gw addrgenmode none master br0 up"
	ip_batch "$gw-public" <<-END
		addr add ${PUBLIC[$gw]}/128 dev lo
		link set wan0 up
	END
	ip_batch "${ROUTER[$site]}" <<-END
		link set $gw up
		addr add $router4/31 dev $gw
		addr add $router6/127 dev $gw
	END
	ip_batch "$gw-private" <<-END
		link set lan0 up
		addr add $own4/31 dev lan0
		addr add $own6/127 dev lan0
	END
	configure_gateway "$gw" "$LAB/$gw"
}

# The devices of a gateway's tunnels, not yet up: born in the public namespace,
# living in the private one.
add_tunnels() # gateway
{
	local gw=$1 nr

	for nr in ${ENDS[$gw]}; do
		# shellcheck disable=SC2046 # words
		must in_ns "$gw-public" $(device_command "$gw" "$nr")
		tunnel_end "$nr" "$gw"
		if [ "$(kind_of "$gw")" != xvti ]; then
			must ip -n "$gw-public" link set "$PEER_NAME" netns "$gw-private"
		fi
		if [ "$(kind_of "$gw")" = vti6 ]; then
			must in_ns "$gw-private" sysctl -qw \
				"net.ipv4.conf.$PEER_NAME.disable_policy=1" \
				"net.ipv6.conf.$PEER_NAME.disable_policy=1"
		fi
		ip_batch "$gw-private" <<-END
			addr add $OWN4/31 dev $PEER_NAME
			addr add $OWN6/127 dev $PEER_NAME
		END
	done
}

tunnel_up() # tunnel gateway
{
	tunnel_end "$1" "$2"
	ip_batch "$2-private" <<-END
		link set $PEER_NAME up
		addr replace $OWN6/127 dev $PEER_NAME
	END
}

# --- daemons ----------------------------------------------------------------

# Starts a program that outlives this shell, in a namespace.
spawn() # netns directory name command...
{
	local ns=$1 file=$2/$3

	shift 3
	setsid ip netns exec "$ns" "$@" >"$file.out" 2>&1 </dev/null &
	echo $! >"$file.pid"
	disown
}

alive() # directory name
{
	local pid

	read -r pid <"$1/$2.pid" && [ -e "/proc/$pid/exe" ]
} 2>/dev/null

halt() # directory name [signal]
{
	local pid

	read -r pid <"$1/$2.pid" 2>/dev/null || return 0
	kill "-${3:-TERM}" "$pid" 2>/dev/null
	await "$2 in $1 ends" not alive "$1" "$2"
	rm -f "$1/$2.pid"
}

not() { ! "$@"; }

start_bird() # netns directory name
{
	spawn "$1" "$2" "$3" bird -f -c "$2/$3.conf" -s "$2/$3.ctl"
}

birdc_of() # directory name command...
{
	birdc -s "$1/$2.ctl" "${@:3}" | grep -v '^BIRD .* ready'
}

# charon, or the starter that looks after it. Both keep files in /run, whatever
# they are told.
start_ike() # gateway
{
	local gw=$1 dir=$LAB/$1 command

	rm -f "$dir/charon.vici"
	# shellcheck disable=SC2016 # for the inner shell
	command='mount -t tmpfs tmpfs /run && exec "$@"'
	if [ "$STYLE" = ipsec ]; then
		set -- "$STARTER" --nofork --conf "$dir/ipsec.conf"
	else
		set -- "$CHARON"
	fi
	spawn "$gw-public" "$dir" ike env STRONGSWAN_CONF="$dir/strongswan.conf" \
		sh -c "$command" sh "$@"
	busywait "$XVTI_WAIT" test -S "$dir/charon.vici" ||
		die "charon of $gw: $(tail "$dir"/*.out "$dir/charon.log")"
	if [ "$STYLE" = swanctl ]; then
		must busywait "$XVTI_WAIT" ike "$dir" --load-all --noprompt
	else
		await "connections of $gw" is 4 connections "$gw"
	fi
}

connections() { ike "$LAB/$1" --list-conns | grep -c '^V'; }

stop_ike() # gateway [signal]
{
	halt "$LAB/$1" ike "${2:-TERM}"
}

# The daemon itself, which the starter starts again.
charon_pid() # gateway
{
	local pid

	read -r pid <"$LAB/$1/ike.pid"
	[ "$STYLE" = swanctl ] || pid=$(pgrep -P "$pid" charon)
	echo "$pid"
}

# --- up and down ------------------------------------------------------------

lab_up()
{
	local gw site tunnel

	mkdir -p "$LAB"
	printf '%s=%q\n' BINDING "$BINDING" STYLE "$STYLE" PEER "$PEER" >"$LAB/settings"
	step "namespaces and links"
	add_internet
	for site in "${SITES[@]}"; do
		add_router "$site"
	done
	for gw in "${GATEWAYS[@]}"; do
		add_gateway "$gw"
	done
	step "OSPFv3 in the underlay"
	for gw in "${GATEWAYS[@]}"; do
		start_bird "$gw-public" "$LAB/$gw" public-bird
	done
	step "IKE daemons and devices"
	for gw in "${GATEWAYS[@]}"; do
		start_ike "$gw"
		add_tunnels "$gw"
	done
	for gw in "${GATEWAYS[@]}"; do
		must busywait "$XVTI_WAIT" is 5 underlay_routes "$gw"
	done
	# One end begins, or both would: two SAs where one is enough.
	step "tunnels"
	for tunnel in "${TUNNELS[@]}"; do
		tunnel_up "$tunnel" "${FIRST[$tunnel]}"
	done
	for tunnel in "${TUNNELS[@]}"; do
		must busywait "$XVTI_WAIT" tunnel_has_sas "$tunnel"
		tunnel_up "$tunnel" "${SECOND[$tunnel]}"
	done
	step "BGP and OSPF in the overlay"
	for gw in "${GATEWAYS[@]}"; do
		start_bird "$gw-private" "$LAB/$gw" private-bird
	done
	for site in "${SITES[@]}"; do
		start_bird "${ROUTER[$site]}" "$LAB/${ROUTER[$site]}" bird
	done
	await "all BGP sessions" is 48 bgp_sessions
	await "all routes" whole
	touch "$LAB/up"
}

# Says what is going on, unless the caller has something else to say.
declare -F step >/dev/null || step() { :; }

lab_down()
{
	local file ns
	local -a names

	for file in "$LAB"/*/*.pid; do
		[ -e "$file" ] || continue
		kill -KILL -- "-$(<"$file")" "$(<"$file")" 2>/dev/null
	done
	mapfile -t names < <(all_namespaces)
	for ns in "${names[@]}"; do
		kill_namespace "$ns"
		[ ! -e "/run/netns/$ns" ] || echo "netns del $ns"
	done | ip -force -batch -
	rm -rf "$LAB"
	NS_LIST=("${names[@]}")
	check_leaks
	NS_LIST=()
}

# All processes there, such as a daemon of a daemon.
kill_namespace() # netns
{
	local pids

	pids=$(ip netns pids "$1" 2>/dev/null)
	# shellcheck disable=SC2086 # words
	[ -z "$pids" ] || kill -KILL $pids 2>/dev/null
}

# Pulls a gateway's plug: nothing says goodbye, nothing is left of its state.
gateway_kill() # gateway
{
	local ns

	ip_batch "$1-public" <<-END
		link set wan0 down
		link set wan1 down
	END
	ip_batch "$1-private" <<<"link set lan0 down"
	for ns in "$1-public" "$1-private"; do
		kill_namespace "$ns"
		must ip netns del "$ns"
	done
	for ns in "$1-public" "$1-private"; do
		await "$ns is gone" absent "/sys/class/net/s-$ns"
	done
	rm -f "$LAB/$1"/*.pid
}

# ... and puts it in again. Its tunnels are up before there is anyone to
# negotiate for them, as at the boot of a host.
gateway_start() # gateway
{
	local nr

	add_gateway "$1"
	start_bird "$1-public" "$LAB/$1" public-bird
	add_tunnels "$1"
	for nr in ${ENDS[$1]}; do
		tunnel_up "$nr" "$1"
	done
	start_bird "$1-private" "$LAB/$1" private-bird
	start_ike "$1"
}

# A tunnel's SAs are gone at one side, and its daemon does not know.
lose_sas() # gateway peer
{
	at_least 2 tunnel_sas "$1" "$2" || die "$1 has no SAs for $2 to lose"
	# not all of them are there in both directions while they are replaced
	ip -n "$1-public" -force -batch - 2>/dev/null <<-END
		xfrm state deleteall src ${PUBLIC[$1]} dst ${PUBLIC[$2]}
		xfrm state deleteall src ${PUBLIC[$2]} dst ${PUBLIC[$1]}
	END
}

# The SAs of a gateway by these SPIs, those that are still there.
forget_sas() # gateway spi...
{
	ip -n "$1-public" xfrm state | awk -v spis=" ${*:2} " '
		function flush() {
			if (index(spis, " " spi " "))
				print sa mark
			mark = ""
		}
		$1 == "src" { flush(); sa = "xfrm state delete src " $2 " dst " $4 }
		$1 == "proto" { spi = $4; sa = sa " proto " $2 " spi " spi }
		$1 == "mark" { split($2, m, "/"); mark = " mark " m[1] " mask " m[2] }
		END { flush() }' | ip -n "$1-public" -force -batch - 2>/dev/null
}

spis_of() # gateway
{
	ip -n "$1-public" xfrm state | awk '$1 == "proto" { print $4 }'
}

# --- state ------------------------------------------------------------------

# Routes to the other gateways.
underlay_routes() # gateway
{
	ip -n "$1-public" -6 route show proto bird | grep -c '^2001:db8:[0-9]*::'
}

carrier_of() # gateway peer
{
	ip -n "$1-private" -j link show dev "$2" |
		jq -e '.[0].flags | contains(["LOWER_UP"])' >/dev/null
}

# How many SAs a gateway has for a tunnel.
tunnel_sas() # gateway peer
{
	{
		ip -n "$1-public" xfrm state list src "${PUBLIC[$1]}" dst "${PUBLIC[$2]}"
		ip -n "$1-public" xfrm state list src "${PUBLIC[$2]}" dst "${PUBLIC[$1]}"
	} | grep -c 'proto esp spi 0x'
}

tunnel_has_sas() # tunnel
{
	at_least 2 tunnel_sas "${FIRST[$1]}" "${SECOND[$1]}" &&
		at_least 2 tunnel_sas "${SECOND[$1]}" "${FIRST[$1]}"
}

# All state entries of all gateways; those of acquires have no SPI yet.
all_sas()
{
	local gw

	for gw in "${GATEWAYS[@]}"; do
		ip -n "$gw-public" xfrm state
	done | grep 'proto esp spi 0x' | grep -vc 'spi 0x00000000'
}

# Established BGP sessions, seen from both ends of each.
bgp_sessions()
{
	local gw

	for gw in "${GATEWAYS[@]}"; do
		gateway_sessions "$gw"
	done | awk '{ sum += $1 } END { print sum }'
}

gateway_sessions() # gateway
{
	birdc_of "$LAB/$1" private-bird show protocols | grep -c 'BGP .*Established'
}

# The routes that BIRD has made, as "prefix device...", the devices in order and
# without those that have no carrier.
routes_of() # netns
{
	{
		ip -n "$1" -4 route show proto bird
		ip -n "$1" -6 route show proto bird
	} | awk '
		function add(i, j) {
			for (i = 1; i < NF && $i != "dev"; i++)
				;
			if (i == NF || /linkdown/)
				return
			for (j = ++n; j > 1 && devs[j - 1] > $(i + 1); j--)
				devs[j] = devs[j - 1]
			devs[j] = $(i + 1)
		}
		function flush(i) {
			if (prefix == "")
				return
			printf "%s", prefix
			for (i = 1; i <= n; i++)
				printf " %s", devs[i]
			print ""
		}
		/^[^ \t]/ { flush(); n = 0; prefix = $1 }
		{ add() }
		END { flush() }'
}

# Children that a daemon knows of.
children() # gateway
{
	ike "$LAB/$1" --list-sas | grep -c 'INSTALLED'
}

# The devices that a node sends by, to a prefix.
nexthops() # netns prefix
{
	routes_of "$1" | sed -n "s,^$2 ,,p"
}

# The networks of a site as prefixes.
prefixes() # site
{
	local addr

	for addr in ${NETS[$1]}; do
		case $addr in
		*/24) echo "${addr%.*}.0/24" ;;
		*/64) echo "${addr%::*}::/64" ;;
		*) echo "${addr%/128}" ;;
		esac
	done
}

# Each gateway has both ways to each network elsewhere, and so has each router.
whole()
{
	local gw site

	for site in "${SITES[@]}"; do
		node_whole "${ROUTER[$site]}" "$site" || return
	done
	for gw in "${GATEWAYS[@]}"; do
		node_whole "$gw-private" "${SITE[$gw]}" || return
	done
}

node_whole() # netns site
{
	local routes site prefix via=$2

	routes=$'\n'$(routes_of "$1")$'\n'
	for site in "${SITES[@]}"; do
		[ "$site" != "$2" ] || continue
		# a router sends by its own gateways
		[[ $1 = R* ]] || via=$site
		for prefix in $(prefixes "$site"); do
			[[ $routes = *$'\n'"$prefix V$via-1 V$via-2"$'\n'* ]] || return
		done
	done
}

# --- probes -----------------------------------------------------------------

# The addresses of a site's router.
addresses() # site
{
	local addr

	for addr in ${NETS[$1]}; do
		echo "${addr%/*}"
	done
}

# Pairs of addresses for probes: the first two of the one site, and all that the
# other has.
probe_pairs() # site site
{
	local own4 own6 addr

	read -r own4 own6 _ <<<"${NETS[$1]}"
	for addr in $(addresses "$2"); do
		if [[ $addr = *:* ]]; then
			echo "${own6%/*} $addr"
		else
			echo "${own4%/*} $addr"
		fi
	done
}

# A command for every address of each site and each other one.
each_pair() # command..., which gets two sites, source and address
{
	local from to addr source

	for from in "${SITES[@]}"; do
		for to in "${SITES[@]}"; do
			[ "$from" != "$to" ] || continue
			while read -r source addr; do
				"$@" "$from" "$to" "$source" "$addr"
			done < <(probe_pairs "$from" "$to")
		done
	done
}

check_pair() # site site source address
{
	ping_ok "R$1 to R$2" "${ROUTER[$1]}" "$4" -I "$3"
}

check_pairs() { each_pair check_pair; }

# What has been sent by tunnels from now on.
declare -A SENT_BEFORE
count_from_now() # "gateway..." peer...
{
	local gw peer

	for gw in $1; do
		for peer in "${@:2}"; do
			SENT_BEFORE[$gw-$peer]=$(link_stat "$gw-private" "$peer" tx_packets)
		done
	done
}

sent_since() # gateway peer
{
	echo $(($(link_stat "$1-private" "$2" tx_packets) - SENT_BEFORE[$1-$2]))
}

# With probes of so many flows for a time, none is lost, and each of these
# tunnels sends so many packets at least: more than BGP does. Where a kernel is slow,
# it is for longer, as there are fewer probes; BGP has slowed down less.
check_flows() # ports seconds packets "gateway..." peer...
{
	local gw peer

	count_from_now "${@:4}"
	probes_start "$1"
	nap $(($2 * XVTI_SLOW * XVTI_SLOW))
	probes_end
	check_none_lost
	for gw in $4; do
		for peer in "${@:5}"; do
			check_ge "packets from $gw to $peer" "$(sent_since "$gw" "$peer")" \
				$(($3 * XVTI_SLOW))
		done
	done
}

# Probes between all sites, over all paths, until probes_end.
probes_start() # [ports]
{
	local ports=${1:-6} site

	for site in "${SITES[@]:1}"; do
		# shellcheck disable=SC2046 # words
		background "$TMP/echo-$site" ip netns exec "${ROUTER[$site]}" \
			"$LAB_SOURCE/probe.py" echo $(addresses "$site")
		await "answers of site $site" grep -q ready "$TMP/echo-$site"
	done
	# shellcheck disable=SC2046 # words
	background "$TMP/probes-1" ip netns exec "${ROUTER[1]}" "$LAB_SOURCE/probe.py" \
		send "$ports" $(probe_pairs 1 2) $(probe_pairs 1 3)
	PROBES=("$BG_PID")
	# shellcheck disable=SC2046 # words
	background "$TMP/probes-2" ip netns exec "${ROUTER[2]}" "$LAB_SOURCE/probe.py" \
		send "$ports" $(probe_pairs 2 3)
	PROBES+=("$BG_PID")
	# neighbours have been found by then
	busywait "$XVTI_WAIT" quiet_for 2
	LOST_BEFORE=$(probes_lost)
}

probes_lost()
{
	tail -qn 1 "$TMP"/probes-[12] | awk '{ lost += $3 } END { print lost + 0 }'
}

# Nothing is lost that was sent in the last so many seconds, all of which have
# to be after a time. Of those a probe was lost if there was no answer for a second, or
# as many as a slow kernel has.
quiet_for() # seconds [time]
{
	tail -qn 1 "$TMP"/probes-[12] | awk -v s="$(($1 + XVTI_SLOW))" -v t="${2:-0}" '
		{ since = $4 > t ? $4 : t }
		NF == 4 && $1 - since > s && $2 > 40 { good++ }
		END { exit good != 2 }'
}

# Milliseconds from a time of EPOCHREALTIME to the last probe that was lost, or
# 0.
outage() # time
{
	tail -qn 1 "$TMP"/probes-[12] | awk -v t="$1" '
		$4 > last { last = $4 }
		END { print (last > t ? int((last - t) * 1000) : 0) }'
}

# When probes were lost: "seconds-since-the-first-report:sent/lost" where that grew.
probes_losing()
{
	awk '
		FNR == 1 { start = $1; lost = 0 }
		NF == 4 && $3 > lost { printf "%.1f:%d/%d ", $1 - start, $2, $3 }
		{ lost = $3 }
	' "$TMP"/probes-[12]
}

# How many were lost in all.
probes_end()
{
	kill "${PROBES[@]}"
	wait "${PROBES[@]}" 2>/dev/null
	LOST=$(($(probes_lost) - LOST_BEFORE))
}

# None, or when.
check_none_lost()
{
	[ "$LOST" -eq 0 ] || note "sent and lost, by half seconds:" "$(probes_losing)"
	check_eq "lost" "$LOST" 0
}
