#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
#
# Whoever else uses IPsec on a host does not notice the module: the same traffic
# without it, and with it and with devices between the same addresses, has the same
# counts and the same answers.
#
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2
#       10.77.0.1, fd77::1                   10.77.0.2, fd77::2
#
# The devices are bound by reqid, by mark in both directions, and, in policy mode,
# by another mark: between them they have all the handlers that there are.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# The other networks of the hosts, with or without a tunnel for them.
readonly NA4=10.77.0.1 NB4=10.77.0.2 NA6=fd77::1 NB6=fd77::2
readonly PORT=7010

# --- what is compared --------------------------------------------------------

# Lines of what has been seen; what has to be there anyway is checked.
say() { echo "$*" >>"$SEEN"; }

# Five echo requests, which have to be answered.
talk() # netns address [option...]
{
	local ns=$1 addr=$2

	shift 2
	hear with_errors in_ns "$ns" ping -n -q -l 5 -S 100000 -i "$XVTI_INTERVAL" -c 5 -W 5 "$@" "$addr"
	[[ $HEARD = *" 5 received"* ]] || fail "$WHERE: ping $* $addr: $HEARD"
	[[ $HEARD =~ [0-9]+\ packets.*received ]] && say "$addr $*: ${BASH_REMATCH[0]}"
}

# So many that are not.
silence() # netns address count [option...]
{
	local ns=$1 addr=$2 count=$3

	shift 3
	hear with_errors in_ns "$ns" ping -n -q -i 0.01 -c "$count" -W 1 "$@" "$addr"
	[[ $HEARD = *" 0 received"* ]] || fail "$WHERE: ping $* $addr: $HEARD"
	[[ $HEARD =~ [0-9]+\ packets.*received ]] && say "$addr $*: ${BASH_REMATCH[0]}"
}

# What a sender is told of the size of its packets.
ask_size() # netns address
{
	say "$2: $(OA=$1 told "$2" 1500)"
}

# ESP, AH or IPComp that belongs to no SA, from B to A, and what comes of it.
strangers() # protocol...
{
	hear with_errors in_ns "$UB" "$SELFTESTS/neighbours.py" raw "$A" "$@"
	say "$HEARD"
}

# The SAs of others, from SPI 0x9000 on, what the core has refused, and counters
# of devices. Of an SA: octets, packets, and what its replay window has refused.
look() # device...
{
	local ns dev

	for ns in "$UA" "$UB"; do
		say "--- ${ns%-*}"
		in_ns "$ns" grep -v '[^0-9]0$' /proc/net/xfrm_stat >>"$SEEN"
		ip -n "$ns" -s xfrm state | awk '
			/ spi 0x/ { spi = $4 }
			now { now = 0; if (spi ~ /^0x00009/) print spi, $1, $2 }
			/lifetime current/ { now = 1 }
			/replay-window .* failed/ && spi ~ /^0x00009/ { print spi, $0 }
		' | sort >>"$SEEN"
		for dev; do
			ip -n "$ns" -j -s link show dev "$dev" |
				jq -c '.[0].stats64' >>"$SEEN"
		done
	done
}

# --- with and without --------------------------------------------------------

# Answers are not limited.
begin() # with|without
{
	WHERE=$1
	SEEN=$TMP/$1
	: >"$SEEN"
	setup_hosts
	must in_ns "$UA" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
}

without_module()
{
	! [ -d /sys/module/xvti ] || must rmmod xvti
	begin without
}

# Devices of the same outer family as what is compared, with traffic.
with_module() # outer-family
{
	must modprobe xvti
	begin with
	cipher gcm
	setup_tunnel "$1"
	sa_pair 7 0x1000
	add_dev "$UA" "$OA" xv1 "$A" "$B" mark 8 -- 10.9.0.1/24
	add_dev "$UB" "$OB" xv1 "$B" "$A" mark 8 -- 10.9.0.2/24
	sa_pair 61 0x2000 mark 8
	OURS=(xv0 xv1)
	if [ -z "${DIRECT:-}" ]; then
		add_dev "$UA" "$OA" xv2 "$A" "$B" mark 9 mode policy --
		OURS+=(xv2)
	fi
	devices_work
}

devices_work()
{
	both_families "devices"
	ping_ok "devices, xv1" "$OA" 10.9.0.2
}

# Runs the same commands twice. An outer family and the command that sets up
# come first, then the one that sends, and devices to be looked at.
same() # outer-family setup traffic [device...]
{
	local outer=$1 setup=$2 traffic=$3 dev

	shift 3
	without_module
	outer "$outer"
	cipher gcm
	"$setup"
	"$traffic"
	look "$@"
	run_deferred
	with_module "$outer"
	"$setup"
	"$traffic"
	look "$@"
	devices_work
	for dev in "${OURS[@]}"; do
		check_eq "what $dev has dropped" "$(drops "$OA" "$dev")" ""
	done
	run_deferred
	cmp -s "$TMP/without" "$TMP/with" && return
	fail "IPv$outer: not the same: $(diff "$TMP/without" "$TMP/with")"
}

# Each host with its view of the addresses: own outer, other's outer, own network,
# other's network, SPI out, SPI in.
hosts()
{
	echo "$UA $A $B $NA4 $NB4 $NA6 $NB6 0x9000 0x9001"
	echo "$UB $B $A $NB4 $NA4 $NB6 $NA6 0x9001 0x9000"
}

# The SAs of others, the inbound ones with a window; the reqid is 99.
their_sas() # netns own other spi-out spi-in [option...]
{
	sa_add "$1" "$2" "$3" "$4" 99 "${@:6}"
	sa_add "$1" "$3" "$2" "$5" 99 replay-window 32 "${@:6}"
}

# --- a tunnel by policies ----------------------------------------------------

policy_lines() # own other own-net other-net
{
	local tmpl="proto esp reqid 99 mode tunnel"

	echo "xfrm policy add src $3 dst $4 dir out tmpl src $1 dst $2 $tmpl"
	echo "xfrm policy add src $4 dst $3 dir in tmpl src $2 dst $1 $tmpl"
	echo "xfrm policy add src $4 dst $3 dir fwd tmpl src $2 dst $1 $tmpl"
}

setup_policies()
{
	local host

	hear hosts
	while read -ra host; do
		add_addr "${host[0]}" lo "${host[3]}/32" "${host[5]}/128"
		hear policy_lines "${host[@]:1:2}" "${host[@]:3:2}"
		ip_batch "${host[0]}" <<<"$HEARD"
		hear policy_lines "${host[@]:1:2}" "${host[@]:5:2}"
		ip_batch "${host[0]}" <<-END
			$HEARD
			route add ${host[4]}/32 dev v0 src ${host[3]}
			route add ${host[6]}/128 dev v0 src ${host[5]}
		END
		their_sas "${host[0]}" "${host[@]:1:2}" "${host[@]:7}"
	done <<<"$HEARD"
}

# Both ways, too large, replayed, for no SA, and in the clear where a policy wants
# ESP.
traffic_policies()
{
	capture "$UB" v0
	talk "$UA" "$NB4"
	talk "$UA" "$NB6" -s 1000
	capture_end
	cp "$CAP" "$TMP/again"
	talk "$UB" "$NA4"
	talk "$UB" "$NA6"
	ask_size "$UA" "$NB4"
	ask_size "$UA" "$NB6"
	reinject "replayed" "$(captured 'ip proto 50 or ip6 proto 50')"
	strangers 50
	must ip -n "$UB" xfrm policy flush
	silence "$UB" "$NA4" 3
	silence "$UB" "$NA6" 3
}

case_policies_4() { same 4 setup_policies traffic_policies; }
case_policies_6() { same 6 setup_policies traffic_policies; }

# --- transport mode, of ESP and of AH ----------------------------------------

transport() # esp|ah
{
	local host
	local -a algo=("${ALGO[@]}")

	[ "$1" = esp ] || algo=(auth-trunc 'hmac(sha256)' "$KEY32" 128)
	hear hosts
	while read -ra host; do
		ip_batch "${host[0]}" <<-END
			xfrm state add src ${host[1]} dst ${host[2]} proto $1 spi ${host[7]} reqid 99 mode transport ${algo[*]@Q}
			xfrm state add src ${host[2]} dst ${host[1]} proto $1 spi ${host[8]} reqid 99 replay-window 32 mode transport ${algo[*]@Q}
			xfrm policy add src ${host[1]} dst ${host[2]} proto $ICMP dir out tmpl proto $1 reqid 99 mode transport
			xfrm policy add src ${host[2]} dst ${host[1]} proto $ICMP dir in tmpl proto $1 reqid 99 mode transport
		END
	done <<<"$HEARD"
}

setup_esp_transport() { transport esp; }
setup_ah_transport() { transport ah; }

traffic_transport()
{
	talk "$UA" "$B"
	talk "$UB" "$A" -s 3000
	strangers 50 "$@"
	must ip -n "$UB" xfrm policy flush
	silence "$UB" "$A" 3
}

# A device whose reqid transport mode has would take it: see transport.sh.
case_transport()
{
	ICMP=1 same 4 setup_esp_transport traffic_transport
	ICMP=58 same 6 setup_esp_transport traffic_transport
}

traffic_ah() { traffic_transport 51 108; }

case_ah()
{
	modprobe -qa ah4 ah6 ipcomp ipcomp6
	ICMP=1 same 4 setup_ah_transport traffic_ah
	ICMP=58 same 6 setup_ah_transport traffic_ah
}

# What nobody on the host knows is answered as ever, unless a device is in policy
# mode.
case_strangers()
{
	modprobe -qr ah4 ah6 ipcomp ipcomp6
	ICMP=1 DIRECT=1 same 4 setup_esp_transport traffic_ah
	ICMP=58 DIRECT=1 same 6 setup_esp_transport traffic_ah
}

# --- other devices -----------------------------------------------------------

# B's module is the same as A's: both have one, with a network of its own.
other_device() # type option-of-SAs-and-policies... -- option-of-device...
{
	local host type=$1
	local -a match=() args

	shift
	while [ "$1" != -- ]; do
		match+=("$1")
		shift
	done
	shift
	hear hosts
	while read -ra host; do
		args=("${@//LOCAL/${host[1]}}")
		must ip -n "${host[0]}" link add n0 type "$type" "${args[@]//REMOTE/${host[2]}}"
		must ip -n "${host[0]}" link set n0 addrgenmode none up
		add_addr "${host[0]}" n0 "${host[3]}/24" "${host[5]}/64"
		any_policies "${host[@]:1:2}" | ip_batch "${host[0]}"
		their_sas "${host[0]}" "${host[@]:1:2}" "${host[@]:7}" "${match[@]}"
	done <<<"$HEARD"
}

any_policies() # own other
{
	local net dir tmpl="proto esp reqid 99 mode tunnel"

	for net in 0.0.0.0/0 ::/0; do
		for dir in "out $1 $2" "in $2 $1" "fwd $2 $1"; do
			# shellcheck disable=SC2086 # words
			set -- "$1" "$2" $dir
			echo "xfrm policy add src $net dst $net dir $3 ${match[*]}" \
				"tmpl src $4 dst $5 $tmpl"
		done
	done
}

setup_vti() { other_device vti mark 5 -- local LOCAL remote REMOTE key 5; }
setup_vti6() { other_device vti6 mark 5 -- local LOCAL remote REMOTE key 5; }
setup_xfrmi() { other_device xfrm if_id 5 -- dev v0 if_id 5; }

traffic_device()
{
	talk "$UA" "$NB4"
	talk "$UA" "$NB6"
	talk "$UB" "$NA4" -s 1000
	talk "$UB" "$NA6" -s 1000
	ask_size "$UA" "$NB4"
	ask_size "$UA" "$NB6"
	strangers 50
	# its SA alone is gone
	must ip -n "$UA" xfrm state deleteall proto esp reqid 99
	silence "$UB" "$NA4" 3
}

need_kind() # type option...
{
	ip link add n0 type "$@" 2>"$TMP/why" || skip "no $1: $(cat "$TMP/why")"
	must ip link del n0
}

case_vti()
{
	need_kind vti local "$A4" remote "$B4" key 5
	same 4 setup_vti traffic_device n0
}

case_vti6()
{
	need_kind vti6 local "$A6" remote "$B6" key 5
	same 6 setup_vti6 traffic_device n0
}

case_xfrmi()
{
	need_if_id
	need_kind xfrm dev lo if_id 5
	same 4 setup_xfrmi traffic_device n0
	same 6 setup_xfrmi traffic_device n0
}

# --- policies of a socket ----------------------------------------------------

# B answers in ESP whatever it is asked.
setup_socket()
{
	local host

	hear hosts
	while read -ra host; do
		ip_batch "${host[0]}" <<-END
			xfrm state add src ${host[1]} dst ${host[2]} proto esp spi ${host[7]} reqid 99 mode transport ${ALGO[*]@Q}
			xfrm state add src ${host[2]} dst ${host[1]} proto esp spi ${host[8]} reqid 99 mode transport ${ALGO[*]@Q}
		END
	done <<<"$HEARD"
	must ip -n "$UB" xfrm policy add src "$B" dst "$A" proto udp dir out \
		tmpl proto esp reqid 99 mode transport
	background "$TMP/echo" in_ns "$UB" "$SELFTESTS/neighbours.py" echo "$B" "$PORT"
	await "echo" grep -q ready "$TMP/echo"
}

traffic_socket()
{
	hear with_errors in_ns "$UA" "$SELFTESTS/neighbours.py" policy "$B" "$PORT"
	say "$HEARD"
	# of the socket that talks
	check_eq "$WHERE: answers" "$(grep -c ': 5 answers' <<<"$HEARD")" 5
	check_eq "$WHERE: what the privileged may ask for" \
		"$(grep -E '^(out|in|bypass): ' <<<"$HEARD" | sort | uniq -c | xargs)" \
		"1 bypass: ok 2 in: ok 3 out: ok"
	check_eq "$WHERE: what nobody may ask for" \
		"$(grep '^nobody: ' <<<"$HEARD" | grep -cv ': EPERM$')" 0
	check_ge "$WHERE: asked by nobody" "$(grep -c '^nobody: ' <<<"$HEARD")" 20
	check_eq "$WHERE: packets in ESP" "$(sa_packets "$UB" "$B" 0x9000)" 10
}

# With PF_KEY there is one more who is asked.
case_socket_policy()
{
	modprobe -qr af_key
	same 4 setup_socket traffic_socket
	modprobe -qa af_key
	same 6 setup_socket traffic_socket
}

need_module
run_cases policies_4 policies_6 transport ah strangers vti vti6 xfrmi socket_policy
