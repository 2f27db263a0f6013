#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=900
# kernels=one,last
#
# Netlink messages made up from the specification, sound, flawed and noise, from
# two sides at once, while devices, SAs, namespaces and traffic come and go.
# XVTI_MESSAGES says how many, and XVTI_SEED which; "make fuzz" sends a million.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

: "${XVTI_MESSAGES:=8000}"
: "${XVTI_SEED:=$((0x5eed))}"

# What the devices are, for the fuzzer changes all of it.
make_devices() # name...
{
	local name

	for name; do
		echo "link add $name type xvti"
		echo "link set $name addrgenmode none up"
	done | ip_batch "$UA"
}

# The SAs that a binding may find, with the reqids, marks and addresses that the
# fuzzer uses.
sa_lines()
{
	local spi=0x100 reqid

	for reqid in 1 2 3 4 5; do
		sa_line 192.0.2.1 192.0.2.2 $((spi++)) "$reqid"
		sa_line 192.0.2.2 192.0.2.1 $((spi++)) "$reqid"
		sa_line 2001:db8::1 2001:db8::2 $((spi++)) "$reqid" mark 0x1
		sa_line 2001:db8::2 2001:db8::1 $((spi++)) "$reqid"
	done
}

# What is sent to the devices all the time, by whichever SA: one from each device of
# the far end, which has the SAs for good.
start_senders()
{
	local reqid spi=0x100

	outer 4
	for reqid in 1 2 3 4 5; do
		sa_line "$A" "$B" $((spi)) "$reqid"
		sa_line "$B" "$A" $((spi + 1)) "$reqid"
		spi=$((spi + 4))
	done | ip_batch "$UB"
	for reqid in 1 2 3 4 5; do
		add_dev "$UB" "$OB" "s$reqid" "$B" "$A" reqid "$reqid" -- "10.7.$reqid.1/24"
		background /dev/null in_ns "$OB" ping -n -q -i 0.1 "10.7.$reqid.2"
	done
}

# One round of what happens meanwhile, as commands of ip in the underlay. What
# fails, as the fuzzer was there first, does not matter.
churn_lines()
{
	cat <<-END
		netns add $PASSING
		link del fz3
		link add fz3 type xvti
		link set fz3 addrgenmode none up
		link set fz2 netns $PASSING
		link add low0 type dummy
		link set low0 up
		addr add 198.51.100.1/24 dev low0
		route add 192.0.2.2/32 dev low0
		$(sa_lines)
		xfrm state flush
		$(sa_lines)
		netns del $PASSING
		link add fz2 type xvti
		link set fz2 addrgenmode none up
		link del low0
		link set v0 down
		link set v0 up
		xfrm policy flush
	END
}

# Goes on until it is told that it is enough, and counts its rounds.
churn()
{
	local rounds=0

	while [ ! -e "$TMP/enough" ]; do
		nap 1
		ip_batch_force "$UA" <"$TMP/churn" >/dev/null 2>&1
		echo $((++rounds)) >"$TMP/rounds"
	done
}

start_churn()
{
	PASSING=passing-$RANDOM
	cipher null
	churn_lines >"$TMP/churn"
	churn &
	CHURN=$!
	defer ip netns del "$PASSING"
	defer stop "$CHURN"
	# to wherever the device sends it at that time
	background /dev/null in_ns "$UA" ping -n -q -i 0.1 -I fz0 "$IB4"
	background /dev/null in_ns "$OA" ping -n -q -i 0.1 -I fz4 "$IB6"
}

# The report of one fuzzer, and what it has to say of the kernel.
SENT=0 ACCEPTED=0
check_report() # what pid file
{
	wait "$2" || fail "$1: $(grep -v 'accepted=[1-9].*refused=[1-9]' "$3")"
	note "$1: $(tail -n 1 "$3")"
	[[ $(tail -n 1 "$3") =~ messages=([0-9]+)\ accepted=([0-9]+) ]] ||
		fail "$1: no report"
	SENT=$((SENT + BASH_REMATCH[1])) ACCEPTED=$((ACCEPTED + BASH_REMATCH[2]))
}

# Traffic has gone both ways, by one of the devices or another.
check_traffic()
{
	local what count dev

	for what in rx tx; do
		count=0
		for dev in "$UA fz0" "$UA fz1" "$OA fz4" "$OA fz5"; do
			# shellcheck disable=SC2086 # words
			count=$((count + $(link_stat $dev ${what}_packets)))
		done
		check_ge "$what packets" "$count" 1
		note "$what packets: $count"
	done
}

case_netlink()
{
	local first second

	setup_hosts
	make_devices fz0 fz1 fz2 fz3 fz4 fz5
	ip_batch "$UA" <<-END
		link set fz4 netns $OA
		link set fz5 netns $OA
	END
	add_addr "$UA" fz0 "$IA4"/24
	ip_batch "$OA" <<-END
		link set fz4 addrgenmode none up
		addr add $IA6/64 dev fz4 nodad
	END
	start_churn
	start_senders
	note "seed $XVTI_SEED"
	in_ns "$UA" "$SELFTESTS/nlfuzz" -t -s "$XVTI_SEED" \
		-n $((XVTI_MESSAGES * 3 / 4)) fz0 fz1 fz2 fz3 >"$TMP/first" 2>&1 &
	first=$!
	in_ns "$OA" "$SELFTESTS/nlfuzz" -s $((XVTI_SEED + 1)) \
		-n $((XVTI_MESSAGES / 4)) fz4 fz5 >"$TMP/second" 2>&1 &
	second=$!
	check_report "underlay" "$first" "$TMP/first"
	check_report "overlay" "$second" "$TMP/second"
	touch "$TMP/enough"
	wait "$CHURN"
	check_ge "messages" "$SENT" "$XVTI_MESSAGES"
	check_ge "accepted" "$ACCEPTED" $((XVTI_MESSAGES / 10))
	check_traffic
	check_ge "rounds of what happened meanwhile" "$(cat "$TMP/rounds")" 1
	note "$(cat "$TMP/rounds") rounds"
	after_all
}

# A device that was through all this is one like any other.
after_all()
{
	local reqid

	for reqid in 1 2 3 4 5; do
		echo "link del s$reqid"
	done | ip_batch "$OB"
	ip_batch "$UA" <<<"xfrm state flush"
	ip_batch "$UB" <<<"xfrm state flush"
	ip_batch_force "$UA" <<-END >/dev/null 2>&1
		link del fz0
		link del fz1
		link del fz2
		link del fz3
		link del low0
		link set v0 up
	END
	ip_batch "$OA" <<-END
		link del fz4
		link del fz5
	END
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	both_families "after all"
}

need_module
run_cases netlink
