#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=600
#
# Packets that wait for the first SA. The numbers of echo requests show which
# of them were delivered, and in which order.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

setup() # [option...]
{
	setup_hosts
	NO_QUEUE=()
	setup_tunnel 4 reqid 7 "$@"
	cipher gcm
}

# The counter of drops whose reason is one of the queue's.
queue_drops() { drops "$OA" xv0 | xargs; }

tx_packets() { link_stat "$OA" xv0 tx_packets; }

# So many numbered packets that wait for an answer, in the background. By
# itself ping has room for a few in its socket only.
send() # address count
{
	background "$TMP/ping" in_ns "$OA" ping -n -S 65536 -i 0.01 -c "$2" -W 20 "$1"
	SEND_PID=$BG_PID
}

# The SAs, of A's host last: its packets leave with them.
sa_come()
{
	local ns

	for ns in "$UB" "$UA"; do
		ip_batch "$ns" <<-END
			$(sa_line "$B" "$A" 0x1001 7)
			$(sa_line "$A" "$B" 0x1000 7)
		END
	done
}

# Which of them were answered, in the order of the answers.
check_answered() # what numbers
{
	wait "$SEND_PID"
	check_eq "$1, in this order" \
		"$(sed -n 's/.*bytes from.*icmp_seq=\([0-9]*\) ttl.*/\1/p' "$TMP/ping" | xargs)" "$2"
}

# As many as the queue takes leave in their order when the SA comes; of those
# that found it full each is counted at once.
in_order() # what address outer-family
{
	setup_hosts
	NO_QUEUE=()
	setup_tunnel "$3" reqid 7 queue 5
	cipher gcm
	send "$2" 8
	await "$1: what finds no room" is "tx_no_sa:3" queue_drops
	check_eq "$1: sent without an SA" "$(tx_packets)" 0
	sa_come
	check_answered "$1: delivered" "1 2 3 4 5"
	check_eq "$1: packets sent" "$(tx_packets)" 5
	check_eq "$1: packets received" "$(link_stat "$OB" xv0 rx_packets)" 5
	check_dropped "$1" "$OA" xv0 tx_no_sa 3
	ping_ok "$1: afterwards" "$OA" "$2"
}

case_order_4() { in_order "IPv4" "$IB4" 6; }
case_order_6() { in_order "IPv6" "$IB6" 4; }

# Both families share the queue.
case_both_families()
{
	setup queue 4
	background "$TMP/ping4" in_ns "$OA" ping -n -q -i 0.01 -c 2 -W 20 "$IB4"
	background "$TMP/ping6" in_ns "$OA" ping -n -q -i 0.01 -c 3 -W 20 "$IB6"
	await "one of five finds no room" is "tx_no_sa:1" queue_drops
	sa_come
	await "sent when the SA is there" is 4 tx_packets
	await "received" is 4 link_stat "$OB" xv0 rx_packets
}

# The reqid is yet to be learned from the SA that the packets wait for, which
# is the last to come, as from a daemon.
learned() # "binding" "SA option" "option of the SA in"
{
	local -a bind out in

	read -ra bind <<<"$1"
	read -ra out <<<"$2"
	read -ra in <<<"$3"
	setup_hosts
	NO_QUEUE=()
	setup_tunnel 4 "${bind[@]}" queue 4
	cipher gcm
	listen_for_acquires "$UA"
	wait_for_reqid 42 1
	# A daemon that was restarted has a new reqid: what was learned is wrong.
	must ip -n "$UA" xfrm state flush
	must ip -n "$UB" xfrm state flush
	await "SAs are gone" is '[0,0]' sa_counts
	wait_for_reqid 43 2
}

# Uses the arrays "out" and "in" of its caller. Every time one of five packets
# finds no room.
wait_for_reqid() # reqid round
{
	local host

	send "$IB4" 5
	await "reqid $1: four are waiting" is "tx_no_sa:$2" queue_drops
	# nor has anybody been asked for the reqid that was
	check_eq "reqid $1: SAs meanwhile" "$(state_count "$UA")" 0
	for host in "$UB $B $A 0x1001 0x1000" "$UA $A $B 0x1000 0x1001"; do
		# shellcheck disable=SC2086 # words
		set -- "$1" "$2" $host
		sa_add "$3" "$5" "$4" "$7" "$1" "${in[@]}"
		sa_add "$3" "$4" "$5" "$6" "$1" "${out[@]}"
	done
	check_answered "reqid $1: delivered" "1 2 3 4"
	check_eq "reqid $1: drops" "$(queue_drops)" "tx_no_sa:$2"
}

case_learned_mark() { learned "mark 6" "mark 6" ""; }
case_learned_mark_both() { learned "mark 6" "mark 6" "mark 6"; }

case_learned_if_id()
{
	need_if_id
	learned "if_id 5" "if_id 5" "if_id 5"
}

# After ten seconds nobody wants the answer any more.
case_timeout()
{
	local start

	setup queue 3
	start=${EPOCHREALTIME/./}
	ping_none "no SA" "$OA" "$IB4" 3
	check_no_drops "$OA" xv0
	await "dropped" is "tx_queue:3" queue_drops
	check_ge "milliseconds that they waited" $(((${EPOCHREALTIME/./} - start) / 1000)) 9900
	sa_come
	ping_ok "later" "$OA" "$IB4"
	check_eq "packets sent" "$(tx_packets)" 3
}

case_down()
{
	setup queue 3
	ping_none "no SA" "$OA" "$IB4" 3
	must ip -n "$OA" link set xv0 down
	check_dropped "down" "$OA" xv0 tx_queue 3
	must ip -n "$OA" link set xv0 up
	add_addr "$OA" xv0 "$IA6"/64
	ping_none "up again" "$OA" "$IB4" 2
	check_eq "drops" "$(queue_drops)" "tx_queue:3"
	sa_come
	await "sent when the SA is there" is 2 tx_packets
}

# A device that goes away with packets that wait must not take long, and
# leave nothing.
case_deleted()
{
	setup queue 3
	ping_none "no SA" "$OA" "$IB4" 3
	must ip -n "$OA" link del xv0
	check "it is gone" no_dev "$OA" xv0
}

case_none()
{
	setup queue 0
	ping_none "no SA" "$OA" "$IB4" 3
	check_dropped "at once" "$OA" xv0 tx_no_sa 3
}

case_default()
{
	setup
	check_eq "queue" "$(dev_value "$OA" xv0 queue)" 16
	send "$IB4" 20
	await "what finds no room" is "tx_no_sa:4" queue_drops
	sa_come
	check_answered "delivered" "$(seq -s ' ' 16)"
}

# What waits stays while the queue gets larger. Nothing here may take as long as
# a packet waits.
case_set()
{
	setup queue 2
	send "$IB4" 3
	await "one of three finds no room" is "tx_no_sa:1" queue_drops
	must in_ns "$OA" xvti set xv0 queue 4
	send "$IB4" 3
	await "one more of three" is "tx_no_sa:2" queue_drops
	sa_come
	await "sent when the SA is there" is 4 tx_packets
	refused "1025" 'queue|1024' in_ns "$OA" xvti set xv0 queue 1025
	check_eq "queue" "$(dev_value "$OA" xv0 queue)" 4
}

need_module
run_cases order_4 order_6 both_families learned_mark learned_mark_both \
	learned_if_id timeout down deleted none default set
