#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scale.sh - in a guest whose clock counts instructions: many devices of one
# kind. What it takes to create, dump and delete them, in guest time and
# memory, and what a packet costs when packets are spread over all of them.
# Prints a line of JSON for each measurement. Called by run.sh, which has SCALE
# in the environment: the numbers of devices.

# shellcheck source=topology.sh
. "$(dirname "$(readlink -f "$0")")/topology.sh"
# shellcheck source=many.sh
. "$BENCH/many.sh"

# One by one is slow for any device, so it is done for so many at most.
ONE_BY_ONE=1000
# Where it has no delay of its own, a namespace's end is waited for so long.
WAIT=600

available()
{
	local name kib

	while read -r name kib _; do
		[[ $name != MemAvailable: ]] || echo $((kib * 1024))
	done </proc/meminfo
}

# What has been freed is really free only a little later.
still()
{
	sleep 5
}

result() # kind count what value
{
	printf '{"scale":"%s","devices":%d,"what":"%s","value":%s}\n' "$@"
}

# Runs a command; BUSY and TAKEN are the milliseconds of work and of guest time.
timed() # command...
{
	benchload time "$@" >"$TMP/time" 2>"$TMP/out" ||
		die "$*: $(head -n 3 "$TMP/out")"
	read -r BUSY TAKEN <"$TMP/time"
}

devices()
{
	ip -n ba -o link show group 7 | wc -l
}

# The namespace is gone when its veth's other end is.
delete_netns()
{
	# shellcheck disable=SC2016 # for the inner shell
	timed bash -c '
		ip netns del ba
		for ((t = 0; t < $1 * 50; t++)); do
			ip -n bg link show g0 >/dev/null 2>&1 || exit 0
			sleep 0.02
		done
		exit 1' - "$WAIT"
}

create() # kind
{
	create_command "$1"
	timed "${COMMAND[@]}"
}

populate() # kind count
{
	fill "$@"
	create "$1"
	[[ $1 == xfrmi ]] || each "$2" line_group | batch ba
	(($(devices) == $2)) || die "$(devices) devices of $2"
}

life() # kind count
{
	local kind=$1 count=$2 before

	fill "$kind" "$count"
	still
	before=$(available)
	create "$kind"
	result "$kind" "$count" create "$BUSY"
	still
	result "$kind" "$count" memory $((before - $(available)))
	timed ip -n ba -d link show
	result "$kind" "$count" dump "$BUSY"
	[[ $kind == xfrmi ]] || each "$count" line_group | batch ba
	(($(devices) == count)) || die "$(devices) devices of $count"
	timed ip -n ba link del group 7
	result "$kind" "$count" delete-batch "$BUSY"
	result "$kind" "$count" delete-batch-wall "$TAKEN"
	topology_end

	populate "$kind" "$count"
	delete_netns
	result "$kind" "$count" delete-netns "$BUSY"
	topology_end

	((count <= ONE_BY_ONE)) || return 0
	populate "$kind" "$count"
	each "$count" line_delete >"$TMP/delete"
	timed ip -n ba -batch "$TMP/delete"
	result "$kind" "$count" delete-each "$BUSY"
	result "$kind" "$count" delete-each-wall "$TAKEN"
	topology_end
}

# With two SAs for each device; packets go round over all of them.
traffic() # kind count
{
	local kind=$1 count=$2 counts=(500 1000 3000) n delivered busy own
	local out last=0 first=0

	((count <= 500)) || counts=("$count" "$count" $((2 * count)))
	fill "$kind" "$count"
	each "$count" lines_sas "$kind" | batch ba
	create "$kind"
	result "$kind" "$count" create-with-sas "$BUSY"
	each "$count" lines_up | batch ba
	address 10.64 "$count"
	out=$(benchload pktgen bg g0 $MAC_A 10.1.0.2 "10.64.0.1-$ADDRESS" 64 \
		ba u0 "${counts[@]}") ||
		die "no traffic"
	while read -r n delivered busy own; do
		((n == delivered)) || die "$kind: $delivered packets of $n"
		((IDLE_KNOWN)) || busy=$own
		first=$last
		last=$busy
	done <<<"$out"
	result "$kind" "$count" packet \
		$(((last - first) / (counts[2] - counts[1])))
	topology_end
}

begin
mapfile -t KINDS < <(kinds)
# A device has a neighbour of its own.
for threshold in 1 2 3; do
	echo 65536 >/proc/sys/net/ipv4/neigh/default/gc_thresh$threshold
done
# Programs that are read from the host in the middle make time pass.
for kind in "${KINDS[@]}"; do
	ROW="first $kind"
	life "$kind" 2 >/dev/null
done
# The table of neighbours grows with traffic and stays so, and is walked for each
# device that goes: so traffic comes last.
for what in life traffic; do
	for count in $SCALE; do
		for kind in "${KINDS[@]}"; do
			ROW="$count $kind"
			"$what" "$kind" "$count"
		done
	done
done
