#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
#
# xvti show: state, since when and why, what is in use, what was dropped last;
# in JSON as the schema says.
#
#   OA: xv0 10.8.0.1                     OB: xv0 10.8.0.2
#        :                                    :
#   UA: 192.0.2.1 --------- v0 --------- UB: 192.0.2.2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

SCHEMA=/usr/share/xvti/show.schema.json
[ -e "$SCHEMA" ] || SCHEMA=$SELFTESTS/../tools/show.schema.json

# Text must match; the device is xv0.
shows() # what netns regex [option...]
{
	local text

	text=$(in_ns "$2" xvti "${@:4}" show xv0)
	grep -qE -- "$3" <<<"$text" || fail "$1: no '$3' in: $text"
}

state_of() { dev_value "$1" xv0 state; }

valid() # what netns option...
{
	local wrong

	wrong=$(xvti -n "$2" "${@:3}" -j show | jq -r --slurpfile schema "$SCHEMA" \
		-f "$SELFTESTS/schema.jq" 2>&1)
	check_eq "$1: what is wrong by the schema" "$wrong" ""
}

# A time must lie between the case's start and now.
recent() # what time start
{
	check_ge "$1: time" "$2" "$3"
	check_le "$1: time" "$2" "$(date +%s)"
}

case_states()
{
	local start

	start=$(date +%s)
	setup_hosts flat
	must ip -n "$UA" link add xv0 type xvti
	shows "new" "$UA" '^xv0: down, not configured$'
	shows "new" "$UA" '^    state    not configured'
	check_eq "new" "$(state_of "$UA")" '"unconfigured"'
	must ip -n "$UA" link del xv0
	must in_ns "$UA" xvti add xv0 local "$A4" remote "$B4" reqid 7 carrier sa
	shows "configured" "$UA" '^    state    set down'
	check_eq "configured" "$(state_of "$UA")" '"down"'
	must ip -n "$UA" link set xv0 up
	shows "up" "$UA" '^xv0: up, no carrier, local 192.0.2.1 remote 192.0.2.2 reqid 7$'
	shows "up" "$UA" '^    state    no SA in either direction: ask the IKE daemon, for [0-9]+s'
	check_eq "up" "$(state_of "$UA")" '"no-sa"'
	recent "created" "$(dev_json "$UA" xv0 '.[0].since // 0')" 0
	check_eq "since is statistics" "$(dev_json "$UA" xv0 '.[0] | has("since")')" false
	recent "created" "$(in_ns "$UA" xvti -s -j show xv0 | jq '.[0].since')" "$start"
	cipher gcm
	outer 4
	sa_add "$UA" "$A4" "$B4" 0x1000 7
	await "one SA" is '"no-sa-in"' state_of "$UA"
	shows "one SA" "$UA" '^    state    no SA to receive by'
	sa_del "$UA" "$B4" 0x1000
	sa_add "$UA" "$B4" "$A4" 0x1001 7
	await "the other" is '"no-sa-out"' state_of "$UA"
	sleep 1.1
	start=$(date +%s)
	sa_add "$UA" "$A4" "$B4" 0x1000 7
	await "both" is '"up"' state_of "$UA"
	shows "both" "$UA" '^xv0: up, running,'
	shows "both" "$UA" '^    state    an SA in each direction, for [0-9]+s'
	recent "both" "$(in_ns "$UA" xvti -s -j show xv0 | jq '.[0].since')" "$start"
}

case_sas()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000 limit time-soft 3000 limit time-hard 3600
	# another's
	sa_add "$UA" "$A4" "$B4" 0x2000 8
	ping_ok "tunnel" "$OA" "$IB4"
	shows "out" "$OA" '^      out    esp spi 0x00001000 rfc4106\(gcm\(aes\)\), [0-9]+s old, rekey in (49m [0-9]+s|50m 0s), ends in .*, [1-9][0-9]* bytes 3 packets$'
	shows "in" "$OA" '^      in     esp spi 0x00001001 '
	shows "mtu" "$OA" '^    mtu      1446 \(auto: exact for the SA in use\)'
	check_eq "SAs" "$(in_ns "$OA" xvti -s -j show xv0 | jq -c '[.[0].sas[] | [.dir, .spi]] | sort')" \
		'[["in","0x00001001"],["out","0x00001000"]]'
	shows "traffic" "$OA" '^    rx       [1-9][0-9]* bytes 3 packets'
	# who may not read them sees none
	check "without privilege" in_ns "$OA" setpriv --reuid 65534 --clear-groups xvti show xv0
}

case_drops()
{
	local start drop

	setup_hosts
	setup_tunnel 4
	start=$(date +%s)
	shows "none" "$OA" '^    rx  '
	! in_ns "$OA" xvti show xv0 | grep -q ' dropped  ' || fail "a drop is shown: $(xvti -n "$OA" show)"
	ping_none "no SA" "$OA" "$IB4" 2
	shows "no SA" "$OA" '^    dropped  tx-no-sa was the last, [0-9]+s ago: there was no usable outbound SA$'
	drop=$(in_ns "$OA" xvti -s -j show xv0 | jq -c '.[0].stats | [.drop_reason, .tx_no_sa]')
	check_eq "JSON" "$drop" '["tx-no-sa",2]'
	recent "drop" "$(in_ns "$OA" xvti -s -j show xv0 | jq '.[0].stats.drop_time')" "$start"
	cipher gcm
	sa_pair 7 0x1000
	must ip -n "$OB" link set xv0 down
	ping_none "down" "$OA" "$IB4" 1
	shows "down" "$OB" '^    dropped  rx-down was the last, '
	shows "no SA still" "$OA" '^    dropped  tx-no-sa was the last, '
}

# What show prints for every kind of device is in the schema, and the schema
# tells right from wrong.
case_schema()
{
	setup_hosts
	setup_tunnel 4
	must in_ns "$UA" ip link add xv1 type xvti
	must in_ns "$UA" xvti add xv2 local "$A6" remote any mark 6/0xff mode policy dev v0 \
		mtu 1400 queue 0 carrier sa up
	must in_ns "$UA" xvti add xv3 local "$A4" remote "$B4" reqid 9 netns "$OA" dev v0
	cipher gcm
	sa_pair 7 0x1000
	must ip -n "$UA" xfrm policy add dir out src 10.0.0.0/8 dst 10.0.0.0/8 \
		tmpl src "$A4" dst "$B4" proto esp reqid 7 mode tunnel
	ping_ok "tunnel" "$OA" "$IB4"
	for ns in "$UA" "$OA"; do
		valid "plain" "$ns"
		valid "statistics" "$ns" -s
		valid "all" "$ns" -s -d -p
	done
	check_eq "a wrong one" "$(xvti -n "$OA" -j show | jq '.[0].mtu = "1400" | .[0].colour = 1 |
		.[0].carrier = "s" | del(.[0].state)' | jq -r --slurpfile schema "$SCHEMA" \
		-f "$SELFTESTS/schema.jq" | sort)" "$(sort <<-'END'
			[0].mtu: is string, not integer
			[0]: colour is not in the schema
			[0].carrier: s is none of ["always","sa"]
			[0]: no state
		END
	)"
}

# As ip: by option, never in JSON, and -color=auto for a terminal only.
case_color()
{
	local escape=$'\e['

	setup_ns UA
	must in_ns "$UA" xvti add xv0 local "$A4" remote "$B4" reqid 7 up
	check_eq "without" "$(xvti -n "$UA" show | grep -cF "$escape")" 0
	check_ge "-c" "$(xvti -n "$UA" -c show | grep -cF "$escape")" 2
	check_ge "-color=always" "$(xvti -n "$UA" -color=always show | grep -cF "$escape")" 2
	check_eq "-c=auto, no terminal" "$(xvti -n "$UA" -c=auto show | grep -cF "$escape")" 0
	check_eq "-c=never" "$(xvti -n "$UA" -c=never show | grep -cF "$escape")" 0
	check_eq "JSON" "$(xvti -n "$UA" -c -j show | grep -cF "$escape")" 0
	refused "another word" '"-c=blue": must be always, auto or never' xvti -n "$UA" -c=blue show
	check_eq "the same without colours" \
		"$(xvti -n "$UA" -c show | sed 's/\x1b\[[0-9]*m//g' | timeless)" \
		"$(xvti -n "$UA" show | timeless)"
}

# A second may pass between two of them.
timeless() { sed 's/, for [0-9]*s$/, for some seconds/'; }

# What others watch: the counters of the device, wherever they are read.
case_counters()
{
	local drops rx

	setup_hosts
	setup_tunnel 4
	ping_none "no SA" "$OA" "$IB4" 2
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "tunnel" "$OA" "$IB4"
	check_eq "ethtool -S" "$(counter "$OA" xv0 tx_no_sa)" 2
	check_eq "ip -s link" "$(ip -n "$OA" -s -j link show xv0 | jq -c '.[0].stats64 |
		[.tx.packets, .rx.packets, .tx.dropped, .rx.dropped]')" '[3,3,2,0]'
	check_eq "ip -d link" "$(ip -n "$OA" -d -j link show xv0 | jq -r '.[0].linkinfo.info_kind')" xvti
	# where SNMP daemons read ifTable: ifInOctets... ifOutDiscards
	# shellcheck disable=SC2016 # for awk
	read -r drops rx < <(in_ns "$OA" awk '$1 == "xv0:" { print $13, $3 }' /proc/net/dev)
	check_eq "/proc/net/dev" "$drops $rx" "2 3"
	check_eq "sysfs" "$(link_stat "$OA" xv0 tx_dropped)" 2
	check_eq "operstate" "$(dev_attr "$OA" xv0 operstate)" unknown
}

sas() # device
{
	in_ns "$OA" xvti -s -j show "$1" | jq -c '[.[0].sas[]?.spi]'
}

# What was asked for, or reserved, is no SA yet: it has no keys.
case_larval()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	sa_pair_del 0x1000
	reserve_spi "$UA" "$A" "$B" 0x3000 7
	ip -n "$UA" xfrm state | grep -q 'spi 0x00003000' || fail "no larval SA"
	check_eq "SAs" "$(sas xv0)" "[]"
	! in_ns "$OA" xvti explain xv0 | grep 0x00003000 ||
		fail "explain takes it for an SA"
}

# Of two devices that a mark alone tells apart each has its own.
case_marks()
{
	setup_hosts
	setup_tunnel 4 mark 1
	must in_ns "$UA" xvti add xv1 local "$A" remote "$B" mark 2 netns "$OA" up
	cipher gcm
	sa_pair 62 0x2000 mark 2
	check_eq "without SAs" "$(sas xv0)" "[]"
	check_eq "with SAs" "$(sas xv1 | tr ',' '\n' | wc -l)" 2
}

need_module
run_cases larval marks states sas drops schema color counters
