#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The specification of the netlink family is one that the kernel's own tools
# take: it is valid by their schema, and their client, which knows nothing else
# of the family, drives it. And these tests are run by the kernel's own rules.
#
# YNL=<tools/net/ynl of a kernel tree> in the environment says where it is.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

TREE=/usr/lib/xvti/linux
: "${YNL:=$TREE/tools/net/ynl}"
SPEC=/usr/share/xvti/xvti.yaml
[ -e "$SPEC" ] || SPEC=$SELFTESTS/../Documentation/netlink/specs/xvti.yaml
CLI=

# The client in a namespace; what it prints is JSON.
ynl() # netns argument...
{
	in_ns "$1" python3 "$CLI" --spec "$SPEC" --schema "$SCHEMA" --output-json "${@:2}"
}

need_ynl()
{
	local file

	for file in "$YNL/pyynl/cli.py" "$YNL/cli.py"; do
		[ ! -e "$file" ] || CLI=$file
	done
	[ -n "$CLI" ] || skip "there is no YNL, it came with Linux 6.3"
	SCHEMA=$YNL/../../../Documentation/netlink/genetlink.yaml
}

# The schema has to refuse what is wrong.
validates() # spec
{
	(cd "$(dirname "$CLI")" && python3 - "$1" "$SCHEMA" <<-'END'
		import sys, yaml, jsonschema
		spec, schema = (yaml.safe_load(open(name)) for name in sys.argv[1:])
		jsonschema.validate(spec, schema)
	END
	)
}

case_schema()
{
	need_ynl
	check "the specification" validates "$SPEC"
	sed 's/type: u32/type: u33/' "$SPEC" >"$TMP/wrong.yaml"
	refused "a type that does not exist" "u33" validates "$TMP/wrong.yaml"
	sed 's/enum: carrier/enumeration: carrier/' "$SPEC" >"$TMP/wrong.yaml"
	refused "an unknown property" "enumeration" validates "$TMP/wrong.yaml"
}

case_get()
{
	need_ynl
	setup_hosts flat
	must in_ns "$UA" xvti add xv0 local "$A4" remote "$B4" reqid 7 carrier sa mtu 1400
	must in_ns "$UA" xvti add xv1 local "$A6" remote "$B6" mark 6/0xff mode policy
	check_eq "one" "$(ynl "$UA" --do dev-get --json '{"ifname": "xv0"}' |
		jq -c '[.reqid, .carrier, .mtu, ."mtu-source", .mode, .running]')" \
		'[7,"sa",1400,"user","direct",0]'
	check_eq "addresses" "$(ynl "$UA" --do dev-get --json '{"ifname": "xv1"}' |
		jq -c '[.local, .mark, ."mark-mask", .mode]' | tr -d ' ')" \
		'["20010db8000000000000000000000001",6,255,"policy"]'
	check_eq "counters" "$(ynl "$UA" --do dev-get --json '{"ifname": "xv0"}' |
		jq '.stats | length')" "$(in_ns "$UA" ethtool -S xv0 | grep -c ': [0-9]')"
	check_eq "dump" "$(ynl "$UA" --dump dev-get | jq -r '.[].ifname' | sort | xargs)" "xv0 xv1"
	refused "no such device" "no such device" ynl "$UA" --do dev-get --json '{"ifname": "xv9"}'
}

case_set()
{
	local index

	need_ynl
	setup_hosts flat
	must in_ns "$UA" xvti add xv0 local "$A4" remote "$B4" reqid 7
	index=$(dev_attr "$UA" xv0 ifindex)
	check "set" ynl "$UA" --do dev-set \
		--json "{\"ifindex\": $index, \"reqid\": 21, \"carrier\": \"sa\", \"mtu\": 1300, \"queue\": 3}"
	check_eq "what it is now" "$(xvti -n "$UA" export)" \
		"add xv0 local $A4 remote $B4 reqid 21 mode direct carrier sa mtu 1300 queue 3"
	refused "a value that is refused" "mtu" ynl "$UA" --do dev-set \
		--json "{\"ifindex\": $index, \"mtu\": 1}"
}

# An event is told as the specification says.
case_event()
{
	need_ynl
	setup_hosts flat
	must in_ns "$UA" xvti add xv0 local "$A4" remote "$B4" reqid 7
	background "$TMP/events" in_ns "$UA" python3 -u "$CLI" --spec "$SPEC" \
		--schema "$SCHEMA" --output-json --subscribe events --sleep 5
	# it takes a while to listen, and does not say when it does
	while kill -0 "$BG_PID" 2>/dev/null; do
		must in_ns "$UA" xvti set xv0 reqid 33
		must in_ns "$UA" xvti set xv0 reqid 34
		sleep 0.5
	done
	check_eq "events" "$(jq -c '[.[] | select(.name == "dev-ntf") | [.msg.ifname, .msg.reqid]] |
		unique' "$TMP/events" 2>&1)" '[["xv0",33],["xv0",34]]'
}

# As tools/testing/selftests/xvti of a kernel tree: one test, by the rules of
# that tree, where it is and where it was installed; and built elsewhere.
case_kselftest()
{
	local tests=$TREE/tools/testing/selftests out count

	[ -e "$tests/lib.mk" ] || skip "there is no source of a kernel with its selftests"
	cp -r "$SELFTESTS" "$tests/xvti"
	defer rm -rf "$tests/xvti"
	# shellcheck disable=SC2031 # for the tests that are run by it
	export XVTI_CASES=adds
	out=$(make -C "$tests" TARGETS=xvti TEST_PROGS=load.sh run_tests 2>&1)
	grep -q '^ok 1 selftests: xvti: load.sh' <<<"$out" || fail "run_tests: $out"
	check "install" make -s -C "$tests" TARGETS=xvti install INSTALL_PATH="$TMP/installed"
	count=$(grep -c '^xvti:' "$TMP/installed/kselftest-list.txt")
	check_eq "installed tests" "$count" "$(make -s -C "$SELFTESTS" list-tests | wc -l)"
	must mkdir "$TMP/built"
	check "build elsewhere" make -s -C "$tests" TARGETS=xvti O="$TMP/built"
	check "a program" test -x "$TMP/built/kselftest/xvti/nlfuzz"
	out=$("$TMP/installed/run_kselftest.sh" -t xvti:load.sh 2>&1)
	grep -q '^ok 1 selftests: xvti: load.sh' <<<"$out" || fail "run_kselftest.sh: $out"
}

need_module
run_cases schema get set event kselftest
