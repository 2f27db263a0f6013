#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What cannot be is refused, by name, and changes nothing.
#
#   OA: xv0 10.8.0.1                     OB: xv0 10.8.0.2
#        :                                    :
#   UA: 192.0.2.1 --------- v0 --------- UB: 192.0.2.2
#
# The xvti command refuses most of this before the kernel is asked; genl.py
# asks the kernel what the command would not.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

genl()
{
	in_ns "$OA" "$SELFTESTS/genl.py" "$@"
}

# The configuration, as far as a set can change it.
state()
{
	dev_json "$OA" xv0 'map(del(.stats))'
}

setup()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "before" "$OA" "$IB4"
	INDEX=$(dev_attr "$OA" xv0 ifindex)
	BEFORE=$(state)
	[ -n "$BEFORE" ] || die "xvti show says nothing"
}

# The kernel must name the attribute, or where it takes several to be wrong say
# which, and keep its state.
kernel_refuses() # what attribute errno attribute=value...
{
	local what=$1 attr=$2 errno=$3

	shift 3
	refused "$what" "^error ($errno) ((attribute|missing)=($attr) .*[a-z]|.*($attr))" \
		genl set ifindex="$INDEX" "$@"
	check_eq "state after refused $what" "$(state)" "$BEFORE"
}

tool_refuses() # what regex word...
{
	local what=$1 regex=$2

	shift 2
	refused "$what" "$regex" in_ns "$OA" xvti set xv0 "$@"
	check_eq "state after refused $what" "$(state)" "$BEFORE"
}

still_works()
{
	ping_ok "after the refusals" "$OA" "$IB4"
	check_no_drops "$OA" xv0
}

case_addresses()
{
	setup
	kernel_refuses "mixed families" 'local|remote' EINVAL local="$A6"
	kernel_refuses "mixed families" 'local|remote' EINVAL local="$A4" remote="$B6"
	kernel_refuses "unspecified local" local EINVAL local=0.0.0.0
	kernel_refuses "unspecified local" local EINVAL local=:: remote="$B6"
	kernel_refuses "multicast local" local EINVAL local=224.0.0.5
	kernel_refuses "multicast remote" remote EINVAL remote=239.1.2.3
	kernel_refuses "multicast remote" remote EINVAL local="$A6" remote=ff02::5
	kernel_refuses "broadcast remote" remote EINVAL remote=255.255.255.255
	kernel_refuses "address of 5 octets" local 'EINVAL|ERANGE' local=hex:c000020101
	kernel_refuses "address of 0 octets" remote 'EINVAL|ERANGE' remote=hex:
	tool_refuses "mixed families" "$A6" local "$A6"
	tool_refuses "unspecified local" '0\.0\.0\.0' local 0.0.0.0
	tool_refuses "multicast remote" '224\.0\.0\.5' remote 224.0.0.5
	tool_refuses "no address" '192\.0\.2\.300' remote 192.0.2.300
	still_works
}

case_binding()
{
	setup
	kernel_refuses "no binding" reqid EINVAL reqid=0
	kernel_refuses "mark outside its mask" 'mark|mark-mask' EINVAL mark=0x101 mark-mask=0xff
	kernel_refuses "mark without mask" 'mark|mark-mask' EINVAL mark=6
	tool_refuses "reqid 0" '"?0"?' reqid 0
	tool_refuses "reqid too large" 4294967296 reqid 4294967296
	tool_refuses "mark outside its mask" '0x101/0xff' mark 0x101/0xff
	tool_refuses "if_id 0" '"?0"?' if_id 0
	tool_refuses "no binding" 'reqid|binding' reqid none
	still_works
}

# The same endpoints and binding twice in one underlay, also from another
# overlay; in another underlay the same is fine.
case_duplicate()
{
	local other

	setup
	refused "same overlay" 'reqid|remote|local|binding|exist' in_ns "$UA" \
		xvti add xv1 local "$A4" remote "$B4" reqid 7
	no_dev "$UA" xv1 || fail "xv1 stayed"
	must in_ns "$UA" xvti add xv1 local "$A4" remote "$B4" reqid 8 netns "$OA"
	kernel_refuses "xv0 becomes xv1" 'endpoints.*binding' EEXIST reqid=8
	other=$INDEX
	INDEX=$(dev_attr "$OA" xv1 ifindex)
	refused "xv1 becomes xv0" '^error EEXIST .*endpoints.*binding' \
		genl set ifindex="$INDEX" reqid=7
	INDEX=$other
	check_eq "state of xv0" "$(state)" "$BEFORE"
	check_eq "reqid of xv1" "$(dev_json "$OA" xv1 '.[0].reqid')" 8
	setup_ns UC
	check "another underlay" in_ns "$UC" xvti add xv0 local "$A4" remote "$B4" reqid 7
	still_works
}

case_link()
{
	setup
	kernel_refuses "no such link" link 'ENODEV|EINVAL' link=4242
	tool_refuses "no such link" 'nosuchdev' dev nosuchdev
	check "a link that exists" in_ns "$OA" "$SELFTESTS/genl.py" set \
		ifindex="$INDEX" link="$(dev_attr "$UA" v0 ifindex)"
	still_works
}

case_mtu()
{
	setup
	kernel_refuses "MTU 575" mtu 'ERANGE|EINVAL' mtu=575
	kernel_refuses "MTU 1" mtu 'ERANGE|EINVAL' mtu=1
	kernel_refuses "MTU 65536" mtu 'ERANGE|EINVAL' mtu=65536
	kernel_refuses "carrier 2" carrier 'ERANGE|EINVAL' carrier=2
	tool_refuses "MTU 575" '575' mtu 575
	tool_refuses "MTU of letters" 'big' mtu big
	tool_refuses "carrier maybe" 'maybe' carrier maybe
	still_works
}

# What no program of good will would send.
case_malformed()
{
	setup
	kernel_refuses "reqid of 2 octets" reqid 'ERANGE|EINVAL' reqid=hex:0700
	kernel_refuses "unknown attribute" 99 EINVAL 99=hex:00000000
	kernel_refuses "attribute that is not to be set" sa-out EINVAL sa-out=1
	refused "no device" '^error [A-Z]+ missing=ifindex |^error EINVAL .*[a-z]' genl set reqid=9
	refused "unknown device" '^error ENODEV attribute=ifindex ' genl set ifindex=4242 reqid=9
	refused "lo" '^error [A-Z]+ attribute=ifindex .*[a-z]' genl set ifindex=1 reqid=9
	refused "get of lo" '^error [A-Z]+ attribute=ifindex .*[a-z]' genl get ifindex=1
	tool_refuses "unknown word" 'colour' colour blue
	tool_refuses "word without value" 'reqid' reqid
	check_eq "state" "$(state)" "$BEFORE"
	still_works
}

# Root in a user namespace has no say over this one's devices.
case_user_namespace()
{
	setup
	refused "set" 'EPERM|permi' in_ns "$OA" unshare -Ur \
		"$SELFTESTS/genl.py" set ifindex="$INDEX" reqid=9
	check_eq "state" "$(state)" "$BEFORE"
	refused "add" 'permi' in_ns "$OA" unshare -Ur ip link add xv9 type xvti
	check "get" in_ns "$OA" unshare -Ur "$SELFTESTS/genl.py" get ifindex="$INDEX"
	still_works
}

# A set reaches those who listen, and shows at once.
case_set()
{
	setup
	background "$TMP/events" ip netns exec "$OA" xvti monitor
	# The monitor is ready when it shows a change; until then change something.
	await "monitor" seen_by_monitor
	: >"$TMP/events"
	check "set" in_ns "$OA" xvti set xv0 reqid 21 remote 192.0.2.9
	await "event for reqid 21" grep -q 'xv0.*reqid 21' "$TMP/events"
	check "shown" dev_json "$OA" xv0 '.[0] |
		if .reqid == 21 and .remote == "192.0.2.9" and .local == "'"$A4"'"
		then . else error("\(.)") end'
	ping_none "no SA for reqid 21" "$OA" "$IB4" 2
	check "set back" in_ns "$OA" xvti set xv0 reqid 7 remote "$B4"
	check_eq "state" "$(state)" "$BEFORE"
	ping_ok "after setting it back" "$OA" "$IB4"
}

seen_by_monitor()
{
	in_ns "$OA" xvti set xv0 mtu 1300
	in_ns "$OA" xvti set xv0 mtu auto
	grep -q xv0 "$TMP/events"
}

need_module
run_cases addresses binding duplicate link mtu malformed user_namespace set
