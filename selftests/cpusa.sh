#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# SAs for the packets of one CPU, which kernels from 6.13 know: each CPU sends by
# its own, where there is one, at once.
#
#   OA: xv0 10.8.0.1                     OB: xv0 10.8.0.2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#
# The SA for all CPUs has SPI 0x1000, that for CPU n 0x2000 + n.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

CPUS=$(nproc)
readonly CPUS

need_cpu_sas()
{
	sa_add "$UA" "$A" "$B" 0x10 70
	in_ns "$UA" "$SELFTESTS/cpusa.py" "$B" 0x10 0x11 0 >"$TMP/why" 2>&1 ||
		skip "no SAs for one CPU: $(cat "$TMP/why")"
	sa_del "$UA" "$B" 0x10
	sa_del "$UA" "$B" 0x11
}

# One for the packets of CPU n from A to B.
cpu_sa() # cpu
{
	sa_add "$UB" "$A" "$B" $((0x2000 + $1)) 7
	must in_ns "$UA" "$SELFTESTS/cpusa.py" "$B" 0x1000 $((0x2000 + $1)) "$1"
}

from_cpu() # what cpu address
{
	check "$1: CPU $2" in_ns "$OA" taskset -c "$2" \
		ping -n -q -l 3 -i "$XVTI_INTERVAL" -c 3 -w 20 "$3"
}

# By which SA each CPU's packets have gone since they were last asked for.
by_cpu() # what spi-of-CPU-0 [spi-of-CPU-1...]
{
	local what=$1 cpu=0 spi before

	shift
	for spi; do
		before=$(sa_packets "$UA" "$B" "$spi")
		from_cpu "$what" "$cpu" "$IB4"
		from_cpu "$what" "$cpu" "$IB6"
		check_eq "$what: packets of CPU $cpu by SPI $spi" \
			$(($(sa_packets "$UA" "$B" "$spi") - before)) 6
		cpu=$((cpu + 1))
	done
}

# The arguments of by_cpu where CPUs up to n have SAs of their own.
spis() # last-cpu
{
	local cpu

	for ((cpu = 0; cpu < CPUS; cpu++)); do
		if ((cpu <= $1)); then
			echo $((0x2000 + cpu))
		else
			echo $((0x1000))
		fi
	done
}

each_outer() # outer-family
{
	local cpu
	local -a list

	setup_tunnel "$1"
	sa_pair 7 0x1000
	mapfile -t list < <(spis -1)
	by_cpu "IPv$1: none" "${list[@]}"
	for ((cpu = 0; cpu < CPUS; cpu++)); do
		cpu_sa "$cpu"
		mapfile -t list < <(spis "$cpu")
		by_cpu "IPv$1: up to CPU $cpu" "${list[@]}"
	done
	await "IPv$1: SAs" is "[$((CPUS + 1)),1]" sa_counts
	for ((cpu = CPUS - 1; cpu >= 0; cpu--)); do
		sa_del "$UA" "$B" $((0x2000 + cpu))
		mapfile -t list < <(spis $((cpu - 1)))
		by_cpu "IPv$1: down to CPU $cpu" "${list[@]}"
	done
	check_no_drops "$OA" xv0
	check_no_drops "$OB" xv0
	must ip -n "$UA" xfrm state flush
	must ip -n "$UB" xfrm state flush
	del_tunnel
}

case_transmit()
{
	local outer

	setup_hosts
	cipher gcm
	outer 4
	need_cpu_sas
	for outer in 4 6; do
		each_outer "$outer"
	done
}

# A tunnel that also has an SA of a CPU that may come to this host, and has not.
setup_other_cpu()
{
	setup_hosts
	cipher gcm
	outer 4
	need_cpu_sas
	setup_tunnel 4
	sa_pair 7 0x1000
	must in_ns "$UA" "$SELFTESTS/cpusa.py" "$B" 0x1000 0x2100 "$CPUS"
}

# Those of other CPUs alone are not for this one's packets.
case_others_alone()
{
	local last=$((CPUS - 1))

	setup_other_cpu
	from_cpu "beside one for all" "$last" "$IB4"
	sa_del "$UA" "$B" 0x1000
	ping_none "alone" "$OA" "$IB4" 3
	check_dropped "alone" "$OA" xv0 tx_no_sa 3
	sa_add "$UA" "$A" "$B" 0x1000 7
	from_cpu "beside one for all again" "$last" "$IB4"
}

# Nor are they held on to when the peer asks for a rekey: only that CPU could send.
case_rekey()
{
	setup_other_cpu
	reserve_spi "$UA" "$B" "$A" 0x3001 7
	ip_batch "$UA" <<<"$(sa_line "$B" "$A" 0x3001 7 | as_updates)"
	from_cpu "the peer is not ready" $((CPUS - 1)) "$IB4"
	from_cpu "the peer is not ready" $((CPUS - 1)) "$IB6"
	check_eq "packets by the SA for all" "$(sa_packets "$UA" "$B" 0x1000)" 6
	check_no_drops "$OA" xv0
}

need_module
run_cases transmit others_alone rekey
