#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# cores.sh - in a guest with two processors: what two flows, each on a processor
# and a tunnel of its own, come to together, as a multiple of the first alone.
# This is a ratio of packet rates, not a count of instructions; it means
# something when the host has two processors to spare. Called by run.sh.

# shellcheck source=topology.sh
. "$(dirname "$(readlink -f "$0")")/topology.sh"
# shellcheck source=many.sh
. "$BENCH/many.sh"

COUNT=10000
REPEATS=5

# Commands of pktgen, from "file command...", in one process.
pktgen()
{
	# shellcheck disable=SC2016 # for the inner shell
	ip netns exec bg bash -c 'cd /proc/net/pktgen
		while read -r file command; do
			echo "$command" >"$file" || exit
		done' || die "pktgen"
}

flow_lines() # number
{
	cat <<-END
		kpktgend_$1 rem_device_all
		kpktgend_$1 add_device g$1
		g$1 count $COUNT
		g$1 pkt_size 64
		g$1 dst_mac $MAC_A
		g$1 src_min 10.1.0.2
		g$1 dst_min 10.64.0.$(($1 + 1))
		g$1 dst_max 10.64.0.$(($1 + 1))
	END
}

sent()
{
	ip netns exec ba cat /sys/class/net/u0/statistics/tx_packets
}

# RATE is the packets per second of the flows together; all must arrive.
flows() # number...
{
	local n rate before

	before=$(sent)
	{
		printf 'kpktgend_%d rem_device_all\n' 0 1
		for n; do
			flow_lines "$n"
		done
		echo "pgctrl start"
	} | pktgen
	(($(sent) - before == COUNT * $#)) || die "packets were lost"
	RATE=0
	for n; do
		rate=$(ip netns exec bg sed -n 's/^ *\([0-9]*\)pps.*/\1/p' \
			"/proc/net/pktgen/g$n")
		RATE=$((RATE + rate))
	done
}

# The median of several, in thousandths.
ratio()
{
	local i alone all=()

	flows 0 1
	for ((i = 0; i < REPEATS; i++)); do
		flows 0
		alone=$RATE
		flows 0 1
		all+=($((RATE * 1000 / alone)))
	done
	printf '%s\n' "${all[@]}" | sort -n | sed -n $(((REPEATS + 1) / 2))p
}

measure() # kind
{
	local result

	fill "$1" 2
	batch <<-END
		link add g1 netns bg type veth peer name a1 address $MAC_A netns ba
	END
	batch bg <<<"link set g1 up"
	batch ba <<<"link set a1 up"
	each 2 lines_sas "$1" | batch ba
	create_command "$1"
	"${COMMAND[@]}" || die "could not create $1"
	each 2 lines_up | batch ba
	result=$(ratio) || exit
	printf '{"scale":"%s","devices":2,"what":"two-cores","value":%d.%03d}\n' \
		"$1" $((result / 1000)) $((result % 1000))
	topology_end
}

(($(nproc) >= 2)) || die "this needs two processors"
begin
for kind in $(kinds); do
	ROW="cores $kind"
	measure "$kind"
done
