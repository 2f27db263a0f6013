#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
# debug=core
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
	program "$OA" genl "$@"
}

# The configuration, as far as a set can change it.
state()
{
	in_ns "$OA" xvti -j show xv0
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
	check_eq "reqid of xv1" "$(dev_value "$OA" xv1 reqid)" 8
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
	check "set" in_ns "$OA" xvti set xv0 reqid 21 remote 192.0.2.9
	check_eq "shown" "$(dev_value "$OA" xv0 local remote reqid)" \
		"[\"$A4\",\"192.0.2.9\",21]"
	ping_none "no SA for reqid 21" "$OA" "$IB4" 2
	check "set back" in_ns "$OA" xvti set xv0 reqid 7 remote "$B4"
	check_eq "state" "$(state)" "$BEFORE"
	ping_ok "after setting it back" "$OA" "$IB4"
}

# What is refused, a command a line, after the words that the refusal has to
# name it with. xv1 has the same endpoints as xv0, and reqid 8.
refusals()
{
	cat <<-END
		reqid "none".*no binding	set xv0 reqid none
		name: "xv9": needs a binding	add xv9 local $A4 remote $B4
		reqid "7".*another device	set xv1 reqid 7
		remote "$B4" reqid "7".*another device	add xv9 local $A4 remote $B4 reqid 7
		"$A6"	set xv0 local $A6
		"$B6"	add xv9 local $A4 remote $B6 reqid 9
		remote: "224.0.0.5": is multicast	set xv0 remote 224.0.0.5
		remote: "ff02::5": is multicast	add xv9 local $A6 remote ff02::5 reqid 9
		local: "239.1.2.3": is multicast	set xv0 local 239.1.2.3
		local: "0.0.0.0": is unspecified	set xv0 local 0.0.0.0
		remote: "0.0.0.0": is unspecified	set xv0 remote 0.0.0.0
		remote: "::": is unspecified	add xv9 local $A6 remote :: reqid 9
		remote: "255.255.255.255": is the broadcast	set xv0 remote 255.255.255.255
		remote: "192.0.2.300"	set xv0 remote 192.0.2.300
		reqid: "0"	set xv0 reqid 0
		reqid: "4294967296"	add xv9 local $A4 remote $B4 reqid 4294967296
		if_id: "0"	set xv0 if_id 0
		mark: "0x101/0xff"	set xv0 mark 0x101/0xff
		mark: "6/0"	add xv9 local $A4 remote $B4 mark 6/0
		mtu: "575"	set xv0 mtu 575
		mtu: "65536"	set xv0 mtu 65536
		mtu: "0"	add xv9 local $A4 remote $B4 reqid 9 mtu 0
		dev: "nosuchdev"	set xv0 dev nosuchdev
		dev: "nosuchdev"	add xv9 local $A4 remote $B4 reqid 9 dev nosuchdev
		netns: "nosuchnetns"	set xv0 netns nosuchnetns
		netns: "nosuchnetns"	add xv9 local $A4 remote $B4 reqid 9 netns nosuchnetns
		queue: "1025"	set xv0 queue 1025
		queue: "-1"	set xv0 queue -1
		carrier: "maybe"	set xv0 carrier maybe
		mode: "magic"	set xv0 mode magic
		mode "policy".*mark	set xv0 mode policy
		remote "192.0.2.9" reqid "none".*no binding	set xv0 remote 192.0.2.9 reqid none
		xv0.*exist	add xv0 local $A4 remote $B4 reqid 9
		xv9: No such device	set xv9 queue 1
		"a/b"	add a/b local $A4 remote $B4 reqid 9
	END
}

# Everything that the command can show of all devices.
shown() # netns...
{
	local ns

	for ns; do
		xvti -n "$ns" -d -j show
	done
}

# Each comes as the second line of a batch, which stops there and says so.
case_refusals()
{
	local before regex command out said='mtu|range'

	setup_hosts flat
	setup_tunnel 4
	must in_ns "$UA" xvti add xv1 local "$A4" remote "$B4" reqid 8 queue 3 mtu 1400
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "before" "$OA" "$IB4"
	before=$(shown "$UA")
	while IFS=$'\t' read -r regex command; do
		out=$(printf 'show xv0\n%s\nset xv0 queue 9\n' "$command" |
			xvti -n "$UA" -b - 2>&1)
		grep -q "^Error: .*$regex" <<<"$out" ||
			fail "$command: wanted '$regex', got: $out"
		check_eq "where $command stopped" "$(tail -n 1 <<<"$out")" "Command failed -:2"
		check_eq "state after $command" "$(shown "$UA")" "$before" || break
	done < <(refusals)
	refused "MTU by ip" 'mtu|invalid' ip -n "$UA" link set xv0 mtu 575
	# 4.19's core refuses it by itself, and does not say why
	[[ $(uname -r) != 4.19.* ]] || said='invalid'
	refused "MTU by ip" "$said" ip -n "$UA" link add xv9 mtu 575 type xvti
	check_eq "state after ip" "$(shown "$UA")" "$before"
	ping_ok "after the refusals" "$OA" "$IB4"
	check_no_drops "$OA" xv0
}

# What came before a bad line stays, what comes after it is not done.
case_batch()
{
	local out

	setup_ns UA
	cat >"$TMP/lines" <<-END
		# three commands, the second on lines 3 and 4
		add xv1 local $A4 remote $B4 reqid 1
		add xv2 local $A4 remote $B4 \\
			reqid 1
		add xv3 local $A4 remote $B4 reqid 3
	END
	out=$(xvti -n "$UA" -b "$TMP/lines" 2>&1)
	check_eq "exit code" $? 2
	check_eq "where" "$(tail -n 1 <<<"$out")" "Command failed $TMP/lines:3"
	check_eq "devices" "$(xvti -n "$UA" -j show | jq -c '[.[].ifname]')" '["xv1"]'
	refused "with force" 'xv9' xvti -n "$UA" -f -b - <<-END
		set xv9 reqid 4
		set xv1 reqid 4
	END
	check_eq "the line after it" "$(dev_value "$UA" xv1 reqid)" 4
}

# Devices with everything that can be set, in two namespaces of one underlay.
make_devices()
{
	in_ns "$UA" xvti -b - <<-END || die "batch"
		add xv0 local $A4 remote $B4 reqid 7 mark 0x600/0xff00 dev v0 carrier sa mtu 1400 queue 5 netns $OA up
		add xv1 local $A6 remote any mark 6 mode policy queue 0 netns $OA
		add xv2 local $A4 remote $B4 reqid 9 up
		add 'x#3' local $A6 remote $B6 reqid 4294967295 mark 4294967295 mtu 65535
	END
	in_ns "$UA" xvti add xv4 local "$A4" remote any if_id 0xffffffff 2>"$TMP/err" ||
		check "a kernel without if_id" grep -q 'no if_id' "$TMP/err"
}

# All that a user has said, and what follows from it; not what a new device
# has anew.
configuration() { shown "$UA" "$OA" | jq -cS 'map(del(.ifindex))'; }

# A line names the namespaces that are not the one it is to be run in.
export_all() { xvti -n "$UA" export && xvti -n "$OA" export; }

restore() { xvti -n "$UA" -b "$TMP/saved"; }

case_export()
{
	local before

	setup_hosts
	make_devices
	# MTUs follow a moment later
	await "estimate" is '"estimate"' dev_value "$UA" xv2 mtu_source
	before=$(configuration)
	check "export" export_all
	export_all >"$TMP/saved"
	must xvti -n "$OA" del xv0 xv1
	must xvti -n "$UA" del xv2 'x#3'
	! dev_exists "$UA" xv4 || must xvti -n "$UA" del xv4
	check_eq "nothing is left" "$(shown "$UA" "$OA" | xargs)" "[] []"
	check "restore" restore
	await "everything is as before" is "$before" configuration
	check_eq "exported again" "$(export_all)" "$(<"$TMP/saved")"
	check_eq "one device" "$(xvti -n "$OA" export xv0)" "$(grep -w xv0 "$TMP/saved")"
	refused "restored twice" 'exist' restore
	check_eq "state after that" "$(configuration)" "$before"
}

# -n, -j and -p with each command, before and after it.
case_options()
{
	setup_ns UA
	must xvti -n "$UA" -j -p add xv0 local "$A4" remote "$B4" reqid 7
	must xvti set -json xv0 -pretty reqid 8 -netns "$UA"
	check_eq "show" "$(xvti -n "$UA" -j show | jq -c 'map(.reqid)')" '[8]'
	check_eq "pretty" "$(xvti show xv0 -p -j -n "$UA" | jq -cS .)" "$(dev_json "$UA" xv0)"
	check_ge "lines of it" "$(xvti -j -p -n "$UA" show | wc -l)" 10
	check_eq "lines without -p" "$(xvti -j -n "$UA" show | wc -l)" 1
	check_eq "no command" "$(xvti -n "$UA" -j)" "$(xvti -n "$UA" -j show)"
	check_eq "explain" "$(xvti -j -p explain xv0 to 10.2.0.1 -n "$UA" | jq -r '.[-1].check')" verdict
	check_eq "export" "$(xvti -n "$UA" export | grep -c '^add xv0 ')" 1
	refused "export in JSON" 'JSON use show' xvti -n "$UA" -j export
	refused "a bad name" 'bad/name' xvti -n "$UA" del xv0 bad/name
	check "and a good one stays" dev_exists "$UA" xv0
	refused "a namespace that is not there" '-n: "nosuchnetns"' xvti -n nosuchnetns show
	check "of a process" xvti -n $$ show
	must xvti -n "$UA" -j del xv0
	check_eq "nothing to show" "$(xvti -n "$UA" -j show)" '[]'
}

# Each of a command's answers is lost once; the kernel may have done it, or not.
each_loss() # what before after command...
{
	local what=$1 before=$2 after=$3 nth left=0

	shift 3
	for ((nth = 1; left == 0; nth++)); do
		$before
		check "$what, answer $nth is lost" env LOSE_NTH="$nth" LOSE_REPORT="$TMP/left" \
			LD_PRELOAD="$SELFTESTS/losenth" "$@"
		$after "$what, answer $nth is lost"
		read -r left <"$TMP/left"
	done
	check_ge "$what: answers" $((nth - 2)) 3
}

lost_none() { :; }
lost_add() { must xvti -n "$UA" add xv9 local "$A4" remote "$B4" reqid 9 netns "$OA"; }

is_in() # what netns reqid
{
	check_eq "$1: settings" "$(dev_value "$2" xv9 local remote reqid up)" \
		"[\"$A4\",\"$B4\",$3,true]"
	check_eq "$1: elsewhere" "$(ip -n "$UA" -br link show type xvti)" ""
	must ip -n "$2" link del xv9
}

added() { is_in "$1" "$OA" 9; }
moved() { is_in "$1" "$OB" 8; }
deleted() { check "$1" no_dev "$OA" xv9; }

case_lost_answers()
{
	local nth

	setup_ns UA OA OB
	each_loss "add" lost_none added xvti -n "$UA" add xv9 local "$A4" remote "$B4" \
		reqid 9 netns "$OA" up
	each_loss "set" lost_add moved xvti -n "$OA" set xv9 reqid 8 netns "$OB" up
	each_loss "del" lost_add deleted xvti -n "$OA" del xv9
	# what was there before is not taken for what was made
	must xvti -n "$UA" add xv9 local "$A4" remote "$B4" reqid 7
	for nth in 1 2 3; do
		refused "one that is there, answer $nth is lost" "File exists" \
			env LOSE_NTH="$nth" LD_PRELOAD="$SELFTESTS/losenth" \
			xvti -n "$UA" add xv9 local "$A4" remote 192.0.2.9 reqid 9
	done
	check_eq "and stays" "$(dev_value "$UA" xv9 remote reqid)" "[\"$B4\",7]"
}

need_module
run_cases addresses binding duplicate link mtu malformed user_namespace set \
	refusals batch export options lost_answers
