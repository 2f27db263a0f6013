#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
#
# What a listener is told: every change of a device, in the namespace where it
# lives, as the device is then.
#
#   OA: xv0 10.8.0.1                     OB: xv0 10.8.0.2
#        :                                    :
#   UA: 192.0.2.1 --------- v0 --------- UB: 192.0.2.2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# Listens in a namespace, with -n from outside of it, or -j. EVENTS is what was
# heard since the last "anew".
monitor() # netns [option...]
{
	local ns=$1

	shift
	EVENTS=$TMP/events-$ns
	background "$EVENTS" xvti -n "$ns" "$@" monitor
	MONITOR=$BG_PID
	# It is ready when it hears of something.
	await "monitor in $ns" heard_probe "$ns"
	await "the end of the probes in $ns" grep -q 'Deleted probe1\|"deleted".*"probe1"' "$EVENTS"
	anew
}

heard_probe() # netns
{
	ip_batch "$1" <<-END
		link add probe0 type xvti
		link del probe0
	END
	grep -q probe0 "$EVENTS" || return 1
	ip_batch "$1" <<-END
		link add probe1 type xvti
		link del probe1
	END
}

anew() { KNOWN=$(wc -l <"$EVENTS"); }

# Each event on a line of its own.
heard() { tail -n +$((KNOWN + 1)) "$EVENTS" | sed -z 's/\n    / /g'; }

# In this order, other events may come in between.
in_order() # regex...
{
	local regex lines

	lines=$(heard)
	for regex; do
		grep -qE -- "$regex" <<<"$lines" || return 1
		lines=$(sed -n "\\~$regex~,\$p" -E <<<"$lines" | tail -n +2)
	done
}

expect() # what regex...
{
	local what=$1

	shift
	busywait "$XVTI_WAIT" in_order "$@" ||
		fail "$what: wanted '$*', heard: $(heard)"
	anew
}

case_life()
{
	setup_ns UA
	monitor "$UA"
	must ip -n "$UA" link add xv0 type xvti
	expect "created" '^Created xv0: down, not configured'
	must ip -n "$UA" link set xv0 up
	expect "up" '^xv0: up'
	must ip -n "$UA" link set xv0 down
	expect "down" '^xv0: down'
	must ip -n "$UA" link set xv0 name xv1
	expect "renamed" '^Renamed xv0 xv1: down'
	must ip -n "$UA" link del xv1
	expect "deleted" '^Deleted xv1$'
	must ip -n "$UA" link add d0 type veth peer name d1
	must ip -n "$UA" link del d0
	must ip -n "$UA" link add xv2 type xvti
	expect "the next of our kind" '^Created xv2: '
	check_eq "other kinds" "$(grep -cE 'd0|d1' "$EVENTS")" 0
}

# With everything that xvti add and set can do in one step.
case_configuration()
{
	setup_hosts flat
	monitor "$UA"
	must in_ns "$UA" xvti add xv0 local "$A4" remote "$B4" reqid 7 up
	expect "add" '^Created xv0: ' "^xv0: .*local $A4 remote $B4 reqid 7"
	must in_ns "$UA" xvti set xv0 remote 192.0.2.9 mark 6
	expect "set" '^xv0: .*remote 192.0.2.9 reqid 7 mark 0x6'
	refused "a bad set" '0x100/0xff' in_ns "$UA" xvti set xv0 mark 0x100/0xff
	must in_ns "$UA" xvti set xv0 queue 5
	expect "set again" '^xv0: .*queue 5'
	must in_ns "$UA" xvti del xv0
	expect "del" '^Deleted xv0$'
}

case_mtu()
{
	setup_hosts flat
	must in_ns "$UA" xvti add xv0 local "$A4" remote "$B4" reqid 7 up
	await "estimate" is '"estimate"' dev_value "$UA" xv0 mtu_source
	monitor "$UA"
	must in_ns "$UA" xvti set xv0 mtu 1300
	expect "set" 'mtu +1300 '
	must in_ns "$UA" xvti set xv0 mtu auto
	expect "auto" 'mtu +14[0-9]* \(auto'
	must ip -n "$UA" link set v0 mtu 1400
	expect "the lower device's" 'mtu +13[0-9]* \(auto'
	must ip -n "$UA" link set xv0 mtu 1290
	expect "set by ip" 'mtu +1290 '
}

case_sa()
{
	setup_hosts
	setup_tunnel 4 reqid 7 carrier sa
	cipher gcm
	monitor "$OA"
	sa_add "$UA" "$A" "$B" 0x1000 7
	expect "SA out" 'xv0: up, no carrier'
	await "SA out is told" sa_told '1 out 0 in'
	sa_add "$UA" "$A" "$B" 0x2000 8
	sa_add "$UA" "$B" "$A" 0x1001 7
	expect "carrier" 'xv0: up, running'
	await "SA in is told" sa_told '1 out 1 in'
	sa_del "$UA" "$A" 0x1001
	expect "no carrier" 'xv0: up, no carrier'
	await "SA in is gone" sa_told '1 out 0 in'
	check_eq "SAs of others" "$(grep -cE 'sa +2 out' "$EVENTS")" 0
}

# The newest line of the kind.
sa_told() # text
{
	grep -E '^ +sa ' "$EVENTS" | tail -n 1 | grep -qE "^ +sa +$1"
}

# A device is told of where it lives, and nowhere else.
case_move()
{
	local here there

	setup_hosts
	setup_tunnel 4
	setup_ns N1
	monitor "$N1"
	there=$EVENTS
	monitor "$OA"
	here=$EVENTS
	must in_ns "$OA" xvti set xv0 queue 7
	expect "here" '^xv0: .*queue 7'
	check_eq "told there" "$(grep -c xv0 "$there")" 0
	must ip -n "$OA" link set xv0 netns "$N1"
	expect "gone from here" '^Deleted xv0$'
	EVENTS=$there KNOWN=0
	expect "come there" '^Created xv0: '
	must in_ns "$N1" xvti set xv0 queue 8
	expect "there" '^xv0: .*queue 8'
	check_eq "told here afterwards" "$(grep -c 'queue 8' "$here")" 0
	must ip netns del "$UA"
	await "it goes" no_dev "$N1" xv0
	expect "with its underlay" '^Deleted xv0$'
}

# Each line is an object that tells what happened.
case_json()
{
	local before

	setup_ns UA
	monitor "$UA" -j -p
	before=$KNOWN
	ip_batch "$UA" <<-END
		link add xv0 type xvti
		link set xv0 name xv1
	END
	must in_ns "$UA" xvti set xv1 local 192.0.2.1 remote 192.0.2.2 reqid 7
	await "the set is told" grep -q '"reqid": *7' "$EVENTS"
	must ip -n "$UA" link del xv1
	expect "the last of them" '"deleted": *true'
	check_eq "events" "$(jq -r '[.created // "-", .renamed_from // "-",
		.deleted // "-", .ifname] | join(" ")' < <(sed 1,"$before"d "$EVENTS") | uniq | xargs)" \
		"true - - xv0 - xv0 - xv1 - - - xv1 - - true xv1"
	check_eq "index of the deleted" "$(jq -s '.[-1].ifindex == .[-2].ifindex' "$EVENTS")" true
}

# Messages that found no room in a socket of this namespace.
refused_messages()
{
	# shellcheck disable=SC2016 # for awk
	in_ns "$1" awk '{ n += $9 } END { print n + 0 }' /proc/net/netlink
}

# Changes of the device, until the reader's socket has no room for more: many
# at once are one event.
overflow() # netns
{
	local round

	for round in {1..300}; do
		printf 'set xv0 queue %s\n' {1..9} "$((round + 10))" |
			in_ns "$1" xvti -b - || return
		[ "$(refused_messages "$1")" -eq 0 ] || return 0
	done
	return 1
}

# When there is more than a reader takes it is told so, and goes on.
case_lost()
{
	setup_ns UA
	must in_ns "$UA" xvti add xv0 local 192.0.2.1 remote 192.0.2.2 reqid 7
	monitor "$UA" -j
	kill -STOP "$MONITOR"
	defer kill -CONT "$MONITOR"
	overflow "$UA" || fail "the reader takes all there is"
	must ip -n "$UA" link del xv0
	must in_ns "$UA" xvti add xv1 local 192.0.2.1 remote 192.0.2.2 reqid 7
	kill -CONT "$MONITOR"
	await "lost" grep -q '"lost":true' "$EVENTS"
	must in_ns "$UA" xvti set xv1 queue 77
	await "the next event" grep -q '"ifname":"xv1".*"queue":77' "$EVENTS"
}

# What was told before something was lost is old by then.
case_lost_links()
{
	local round

	setup_ns UA
	must in_ns "$UA" xvti add xv0 local 192.0.2.1 remote 192.0.2.2 reqid 7
	monitor "$UA" -j
	kill -STOP "$MONITOR"
	defer kill -CONT "$MONITOR"
	for round in {1..60}; do
		printf 'link set xv0 %s\n' up down up down up down up down up down |
			ip_batch "$UA"
	done
	[ "$(refused_messages "$UA")" -gt 0 ] || fail "the reader takes all there is"
	kill -CONT "$MONITOR"
	await "lost" grep -q '"lost":true' "$EVENTS"
	must in_ns "$UA" xvti set xv0 queue 77
	await "the next event" grep -q '"queue":77' "$EVENTS"
	check_eq "what is old" "$(sed '1,/"lost":true/d' "$EVENTS" | grep -c '"up":true')" 0
}

need_module
run_cases life configuration mtu sa move json lost lost_links
