#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# debug=core,kmemleak
#
# How devices and the module come and go.
#
#   UA (underlay)                        UB (underlay)
#   192.0.2.1 ---------- v0 ------------ 192.0.2.2
#        :                                    :
#   OA: xv0 10.8.0.1                     OB: xv0 10.8.0.2
#       xv1, xv2 ... unconfigured

. "$(dirname "$(readlink -f "$0")")/lib.sh"

refcount() { cat /sys/module/xvti/refcnt; }

case_create_by_ip()
{
	setup_ns UA
	must ip -n "$UA" link add xv0 type xvti
	check_eq "kind" "$(ip -n "$UA" -d -j link show xv0 | jq -r '.[0].linkinfo.info_kind')" xvti
	check "set up" ip -n "$UA" link set xv0 up
	check_eq "module use count" "$(refcount)" 0
	check "xvti del" in_ns "$UA" xvti del xv0
	no_dev "$UA" xv0 || fail "xv0 is still there"
	refused "deleting it again" 'xv0' in_ns "$UA" xvti del xv0
}

case_create_by_tool()
{
	setup_hosts
	check "xvti add" in_ns "$UA" xvti add xv0 local "$A4" remote "$B4" reqid 7 carrier sa
	check_eq "configured" "$(dev_value "$UA" xv0 local remote reqid carrier)" \
		"[\"$A4\",\"$B4\",7,\"sa\"]"
	refused "adding it twice" 'exist' \
		in_ns "$UA" xvti add xv0 local "$A4" remote "$B4" reqid 8
	dev_exists "$UA" xv0 || fail "a refused second add removed the first device"
	check "ip link del" ip -n "$UA" link del xv0
	no_dev "$UA" xv0 || fail "xv0 is still there"
}

case_rename()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "before" "$OA" "$IB4"
	must ip -n "$OA" link set xv0 down
	must ip -n "$OA" link set xv0 name red0
	must ip -n "$OA" link set red0 up
	no_dev "$OA" xv0 || fail "the old name is still there"
	check_eq "reqid under the new name" "$(dev_value "$OA" red0 reqid)" 7
	ping_ok "after" "$OA" "$IB4"
}

case_delete_many()
{
	local -a names=(xv0 xv1 xv2 xv3)
	local name

	setup_ns UA
	for name in "${names[@]}"; do
		must ip -n "$UA" link add "$name" type xvti
	done
	check "xvti del ${names[*]}" in_ns "$UA" xvti del "${names[@]}"
	for name in "${names[@]}"; do
		no_dev "$UA" "$name" || fail "$name is still there"
	done
}

# Nothing but our own devices may be deleted by our command.
case_delete_other()
{
	setup_hosts
	refused "lo" 'lo' in_ns "$UA" xvti del lo
	refused "a veth" 'v0' in_ns "$UA" xvti del v0
	dev_exists "$UA" v0 || fail "xvti del removed a veth"
}

# A device whose configuration is refused must not stay.
case_add_undone()
{
	setup_ns UA
	must in_ns "$UA" xvti add xv0 local "$A4" remote "$B4" reqid 7
	refused "duplicate, found by the kernel" . \
		in_ns "$UA" xvti add xv1 local "$A4" remote "$B4" reqid 7
	no_dev "$UA" xv1 || fail "xv1 stayed after the kernel's refusal"
	refused "mixed families, found by the command" . \
		in_ns "$UA" xvti add xv1 local "$A4" remote "$B6" reqid 8
	no_dev "$UA" xv1 || fail "xv1 stayed after the command's refusal"
	check_eq "the first device's reqid" "$(dev_value "$UA" xv0 reqid)" 7
}

# The module is unloaded while devices carry traffic, and loaded again.
case_unload()
{
	local round

	for round in 1 2 3 4 5; do
		reload_round "$round"
		[ "$RET" -eq 0 ] || break
	done
}

reload_round() # number
{
	local family=$((4 + $1 % 2 * 2)) dev

	must modprobe xvti
	setup_hosts
	setup_tunnel "$family"
	cipher gcm
	sa_pair 7 0x1000
	must ip -n "$UA" link add xv9 type xvti
	ping_ok "round $1" "$OA" "$IB4"
	ping_ok "round $1" "$OA" "$IB6"
	ping_on "$OA" "$IB4"
	check_eq "round $1: module use count" "$(refcount)" 0
	check "round $1" rmmod xvti
	absent /sys/module/xvti || fail "round $1: the module is still there"
	for dev in "$OA xv0" "$OB xv0" "$UA xv9"; do
		# shellcheck disable=SC2086 # two words
		no_dev $dev || fail "round $1: $dev outlived the module"
	done
	check_eq "round $1: SAs left alone" "$(state_count "$UA")" 2
	run_deferred
	must modprobe xvti
}

need_module
run_cases create_by_ip create_by_tool rename delete_many delete_other \
	add_undone unload
