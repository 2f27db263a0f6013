#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every reason for which a packet is dropped: each has a case of its name that
# provokes it, and it must then be seen in all the places where it can be
# looked for. The last case fails when there is a reason without a case.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2, 192.0.2.9
#
# Without a counter of a device is one loss: on cores that do not look after a
# packet's route themselves, of an ESP packet whose route has died before its
# SA was looked up. It is the host's XfrmInError, as on newer ones.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# In the order of ethtool.
readonly REASONS=(
	tx_unconfigured tx_protocol tx_no_sa tx_no_route tx_loop tx_clear
	tx_policy tx_too_big tx_queue tx_error
	rx_wrong_peer rx_mode rx_selector rx_ecn rx_policy rx_down rx_error
)

# Each provoke_REASON makes xv0 in OA drop packets, and sets how many COUNT.

provoke_tx_unconfigured()
{
	setup_hosts
	must ip -n "$OA" link add xv0 type xvti
	must ip -n "$OA" link set xv0 addrgenmode none up
	add_addr "$OA" xv0 "$IA4"/24
	ping_none "unconfigured" "$OA" "$IB4" 3
	COUNT=3
}

# Another protocol, another version than the protocol says, half a header.
provoke_tx_protocol()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	must in_ns "$OA" python3 -c '
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
for protocol, data in (0x88b5, b"E" * 40), (0x0800, b"\x60" * 40), (0x86dd, b"\x60" * 20):
    s.sendto(data, ("xv0", protocol))'
	COUNT=3
}

provoke_tx_no_sa()
{
	setup_hosts
	setup_tunnel 4
	ping_none "no SA" "$OA" "$IB4" 2
	ping_none "no SA" "$OA" "$IB6" 3
	COUNT=5
}

provoke_tx_no_route()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	must ip -n "$UA" route del 192.0.2.0/24
	ping_none "no route" "$OA" "$IB4" 3
	COUNT=3
}

provoke_tx_loop()
{
	setup_hosts flat
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	must ip -n "$UA" route add "$B4"/32 dev xv0
	ping_none "loop" "$OA" "$IB4" 3
	COUNT=3
}

# The core takes the newest of the SAs that the mark fits, and one without a
# mark fits every mark: it is not the device's.
provoke_tx_clear()
{
	setup_hosts
	setup_tunnel 4 reqid 7 mark 6
	cipher gcm
	sa_pair 7 0x1000 mark 6
	ping_ok "with its own SA" "$OA" "$IB4"
	sa_add "$UA" "$A" "$B" 0x3000 7
	# the cached bundle goes when the device's SAs change
	sa_add "$UA" "$B" "$A" 0x3001 7 mark 6
	ping_none "with another's SA" "$OA" "$IB4" 3
	COUNT=3
}

provoke_tx_policy()
{
	setup_hosts
	setup_tunnel 4 mark 6 mode policy
	cipher gcm
	sa_pair 7 0x1000 mark 6
	ping_none "no policy" "$OA" "$IB4" 3
	COUNT=3
}

# From the second packet on the sender knows.
provoke_tx_too_big()
{
	setup_hosts
	setup_tunnel 4 reqid 7 mtu 1500
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "small" "$OA" "$IB4"
	ping_none "too big" "$OA" "$IB4" 1 -M "do" -s 1472
	COUNT=1
}

provoke_tx_queue()
{
	setup_hosts
	setup_tunnel 4 reqid 7 queue 3
	ping_none "no SA" "$OA" "$IB4" 3
	check_eq "drops while they wait" "$(drops "$OA" xv0)" ""
	must ip -n "$OA" link set xv0 down
	COUNT=3
}

# An SA that has used up its sequence numbers.
provoke_tx_error()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_add "$UA" "$A" "$B" 0x1000 7 replay-oseq 4294967295
	sa_add "$UA" "$B" "$A" 0x1001 7
	ping_none "no sequence number" "$OA" "$IB4" 2
	ping_none "no sequence number" "$OA" "$IB6" 1
	COUNT=3
}

# xv1 of B's host is a second peer, to the same device.
provoke_rx_wrong_peer()
{
	setup_hosts
	outer 4
	add_addr "$UB" v0 192.0.2.9/24
	add_dev "$UA" "$OA" xv0 "$A" any reqid 7 -- "$IA4"/24 10.9.0.1/24
	add_dev "$UB" "$OB" xv0 "$B" "$A" reqid 7 -- "$IB4"/24
	add_dev "$UB" "$OB" xv1 192.0.2.9 "$A" reqid 7 -- 10.9.0.2/24
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "first peer" "$OA" "$IB4"
	B=192.0.2.9 sa_pair 7 0x2000
	ping_none "second peer" "$OB" "$IA4" 3 -I xv1
	COUNT=3
}

# Two hosts that speak transport mode with the reqid of a device.
provoke_rx_mode()
{
	local ns

	setup_hosts
	outer 4
	add_dev "$UA" "$OA" xv0 "$A" "$B" reqid 7 -- "$IA4"/24
	cipher gcm
	for ns in "$UA" "$UB"; do
		must ip -n "$ns" xfrm state add src "$B" dst "$A" proto esp \
			spi 0x1001 reqid 7 mode transport "${ALGO[@]}"
	done
	must ip -n "$UB" xfrm policy add src "$B" dst "$A" proto 1 dir out \
		tmpl proto esp reqid 7 mode transport
	ping_none "transport mode" "$UB" "$A" 3
	COUNT=3
}

provoke_rx_selector()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_add "$UB" "$B" "$A" 0x1001 7
	must ip -n "$UA" xfrm state add src "$B" dst "$A" proto esp spi 0x1001 \
		reqid 7 mode tunnel "${ALGO[@]}" sel src 10.11.0.0/24 dst 10.8.0.0/24
	ping_none "outside the selector" "$OB" "$IA4" 3
	COUNT=3
}

# A router marks the ESP packets of senders that do not use ECN.
provoke_rx_ecn()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_add "$UB" "$B" "$A" 0x1001 7
	sa_add "$UA" "$B" "$A" 0x1001 7
	in_ns "$UB" nft -f - <<-END || die "nft in UB"
		table ip router {
			chain output {
				type filter hook output priority 0
				ip protocol 50 ip ecn set ce
			}
		}
	END
	ping_none "congestion" "$OB" "$IA4" 3
	COUNT=3
}

# B's host asks no policies.
provoke_rx_policy()
{
	setup_hosts
	outer 4
	add_dev "$UA" "$OA" xv0 "$A" "$B" mark 6 mode policy -- "$IA4"/24
	add_dev "$UB" "$OB" xv0 "$B" "$A" mark 6 -- "$IB4"/24
	cipher gcm
	sa_pair 7 0x1000 mark 6
	ping_none "no policy" "$OB" "$IA4" 3
	COUNT=3
}

provoke_rx_down()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	must ip -n "$OA" link set xv0 down
	ping_none "down" "$OB" "$IA4" 3
	COUNT=3
}

# The key of the other host is another.
provoke_rx_error()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_add "$UB" "$B" "$A" 0x1001 7
	ALGO[2]=${ALGO[2]/0x00/0xff}
	sa_add "$UA" "$B" "$A" 0x1001 7
	ping_none "another key" "$OB" "$IA4" 3
	COUNT=3
}

# The trace goes on from a mark that no other case has: an instance of its own
# takes the kernel seconds to make.
trace_start() # reason
{
	MARK="drops.sh $$ $1"
	trace_event xvti/xvti_drop
	echo "$MARK" >"$TRACEFS/trace_marker"
}

trace() { sed "1,/$MARK/d" "$TRACEFS/trace" | grep xvti_drop:; }

traced() # regex
{
	trace | grep -cE "xvti_drop: $1"
}

check_traced() # reason count
{
	local fields="protocol=0x(0800|86dd|88b5) len=[1-9][0-9]*\$"

	check_eq "$1: traced, for whatever reason" "$(traced "")" "$2"
	check_eq "$1: traced, of xv0" "$(traced "dev=xv0 reason=$1 skb=[^ ]+ $fields")" "$2" ||
		note "$(trace)"
}

# What "show -s" says of drops, as ethtool would.
shown_drops()
{
	in_ns "$OA" xvti -j -s show xv0 | jq -r '.[0].stats | to_entries[] |
		select(.key | test("^[tr]x_(bytes|packets|errors|dropped)$") | not) |
		select(.key | test("^[tr]x_")) | select(.value != 0) |
		"\(.key):\(.value)"'
}

check_seen() # reason count
{
	check_dropped "ethtool -S" "$OA" xv0 "$1" "$2"
	check_eq "xvti -j -s show" "$(shown_drops)" "$1:$2"
	check "xvti -s show" grep -qx " *${1//_/-} $2" <<<"$(in_ns "$OA" xvti -s show xv0)"
	check_eq "drops of the interface" "$(link_stat "$OA" xv0 "${1%%_*}_dropped")" "$2"
	check_traced "$1" "$2"
}

seen() # reason
{
	trace_start "$1"
	"provoke_$1"
	check_seen "$1" "$COUNT"
}

for reason in "${REASONS[@]}"; do
	eval "case_$reason() { seen $reason; }"
done

# The counters of the cache alone are not of drops.
case_complete()
{
	setup_ns UA
	must ip -n "$UA" link add xv0 type xvti
	check_eq "reasons that ethtool knows and that have a case" \
		"$(in_ns "$UA" ethtool -S xv0 | sed -n 's/^ *\([a-z_]*\): .*/\1/p' | xargs)" \
		"${REASONS[*]} cache_miss cache_flush cache_stale"
}

need_module
has_tracing || skip_all "this kernel has no tracepoints"
run_cases "${REASONS[@]}" complete
