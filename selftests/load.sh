#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
#
# xvti load: the devices become what files say, by the least that has to be
# changed, and stay as they are where that cannot be.
#
#   OA: xv0 10.8.0.1                     OB: xv0 10.8.0.2
#        :                                    :
#   UA: 192.0.2.1 --------- v0 --------- UB: 192.0.2.2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# The configuration comes from standard input. What load says is in SAID.
load() # netns [option...]
{
	local rc

	cat >"$TMP/load.conf"
	SAID=$(xvti -n "$1" "${@:2}" load "$TMP/load.conf" 2>&1)
	rc=$?
	SAID=${SAID//$TMP\//}
	return "$rc"
}

loads() # what netns said
{
	load "$2" || fail "$1: load returned $?: $SAID"
	check_eq "$1: what load says" "$SAID" "$3"
}

refuses() # what netns regex
{
	if load "$2"; then
		fail "$1: was loaded: $SAID"
	elif ! grep -qE -- "$3" <<<"$SAID"; then
		fail "$1: '$SAID' does not match '$3'"
	fi
}

line() # name reqid [word...]
{
	echo "add $1 local $A4 remote $B4 reqid $2 ${*:3}"
}

# Name, index and configuration of each device; not what follows from SAs.
devices() # netns...
{
	local ns

	for ns; do
		xvti -n "$ns" -j -d show | jq -cS '.[] | del(.mtu_source, .mtu)'
		xvti -n "$ns" export
	done
}

# One that was deleted and made again has another.
without_index() { sed 's/"ifindex":[0-9]*,//' | sort; }

names() { xvti -n "$1" -j show | jq -r '[.[].ifname] | sort | join(" ")'; }

case_adds()
{
	setup_ns UA
	loads "two" "$UA" "xv0: added"$'\n'"xv1: added" <<-END
		# comment
		$(line xv0 7 up)
		$(line xv1 8 mtu 1400 carrier sa queue 3)
	END
	check_eq "xv0" "$(dev_value "$UA" xv0 reqid up)" '[7,true]'
	check_eq "xv1" "$(dev_value "$UA" xv1 reqid mtu carrier queue up)" \
		'[8,1400,"sa",3,false]'
	loads "nothing" "$UA" "xv0: deleted"$'\n'"xv1: deleted" </dev/null
	check_eq "nothing is left" "$(names "$UA")" ""
	[ ! -e /etc/xvti ] || die "there is an /etc/xvti already"
	check "no configuration" xvti -n "$UA" load
	defer rm -rf /etc/xvti
	mkdir /etc/xvti
	line xv0 7 >/etc/xvti/b.conf
	line xv1 8 >/etc/xvti/a.conf
	line xv2 9 >/etc/xvti/c.conf.bak
	check_eq "directory" "$(xvti -n "$UA" load 2>&1)" "xv1: added"$'\n'"xv0: added"
	rm /etc/xvti/*
	check_eq "empty directory" "$(xvti -n "$UA" load 2>&1)" "xv1: deleted"$'\n'"xv0: deleted"
}

# What export writes is what is there.
case_exported()
{
	local before

	setup_hosts
	must in_ns "$UA" xvti add xv0 local "$A4" remote any mark 0x600/0xff00 \
		dev v0 carrier sa mtu 1400 queue 5
	must in_ns "$UA" xvti add xv1 local "$A6" remote "$B6" mark 6 mode policy queue 0 up
	must in_ns "$UA" xvti add xv2 local "$A4" remote "$B4" reqid 9 netns "$OA" up
	before=$(devices "$UA" "$OA")
	loads "as it is" "$UA" "" < <(xvti -n "$UA" export; xvti -n "$OA" export)
	check_eq "devices" "$(devices "$UA" "$OA")" "$before"
	# load has them now
	loads "nothing" "$UA" "$(printf '%s: deleted\n' xv0 xv1 "xv2 (netns $OA)")" </dev/null
}

# A tunnel in use does not notice that others come, change and go.
case_unchanged()
{
	local before

	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	await "MTU" is '"sa"' dev_value "$OA" xv0 mtu_source
	before=$(dev_json "$OA" xv0 'map(del(.stats))')
	loads "taken over" "$UA" "xv1: added" <<-END
		$(line xv0 7 netns "$OA" up "${NO_QUEUE[@]}")
		$(line xv1 8)
	END
	numbered "$IB4" 200
	loads "others" "$UA" "xv1: changed reqid, mtu"$'\n'"xv2: added" <<-END
		$(line xv1 18 mtu 1300)
		$(line xv2 20)
		$(line xv0 7 netns "$OA" "${NO_QUEUE[@]}")
	END
	loads "without them" "$UA" "$(printf '%s: deleted\n' xv1 xv2)" <<-END
		$(line xv0 7 netns "$OA" "${NO_QUEUE[@]}")
	END
	numbered_end
	check_eq "xv0" "$(dev_json "$OA" xv0 'map(del(.stats))')" "$before"
	check_no_drops "$OA" xv0
	must ip -n "$OA" link del xv0
	loads "it is gone" "$UA" "" </dev/null
}

# The device stays, with what is on it; what a line does not say any more is
# as in a new device.
case_changed()
{
	local index

	setup_hosts flat
	loads "first" "$UA" "xv0: added" < <(line xv0 7 dev v0 carrier sa mtu 1400 queue 0 up)
	add_addr "$UA" xv0 10.8.0.1/24
	index=$(dev_attr "$UA" xv0 ifindex)
	loads "less" "$UA" "xv0: changed reqid, mark, dev, carrier, mtu, queue" \
		<<<"add xv0 local $A4 remote $B4 mark 6"
	check_eq "index" "$(dev_attr "$UA" xv0 ifindex)" "$index"
	check_eq "words" "$(xvti -n "$UA" export)" \
		"add xv0 local $A4 remote $B4 mark 0x6/0xffffffff mode direct carrier always mtu auto queue 16 up"
	check "address" grep -q 10.8.0.1 <(ip -n "$UA" addr show dev xv0)
	loads "the other family" "$UA" "xv0: changed local, remote" \
		<<<"add xv0 local $A6 remote any mark 6"
	loads "again" "$UA" "" <<<"add xv0 local $A6 remote any mark 6"
	# a device that is down is set up if the line says so, and never down
	must ip -n "$UA" link set xv0 down
	loads "up" "$UA" "" <<<"add xv0 local $A6 remote any mark 6 up"
	check_eq "up" "$(dev_value "$UA" xv0 up)" true
	loads "nothing" "$UA" "xv0: deleted" </dev/null
}

# What somebody else has made is not deleted, but can be taken over.
case_others()
{
	setup_ns UA
	must in_ns "$UA" xvti add mine local "$A4" remote "$B4" reqid 1
	must in_ns "$UA" xvti add ours local "$A4" remote "$B4" reqid 2
	loads "one" "$UA" "ours: changed mtu" < <(line ours 2 mtu 1300)
	loads "nothing" "$UA" "ours: deleted" </dev/null
	check_eq "left" "$(names "$UA")" mine
	# one that was deleted and made by hand since
	loads "again" "$UA" "ours: added" < <(line ours 2)
	must ip -n "$UA" link del ours
	must in_ns "$UA" xvti add ours local "$A4" remote "$B4" reqid 2
	loads "nothing" "$UA" "" </dev/null
	check_eq "left" "$(names "$UA")" "mine ours"
	must ip -n "$UA" link add dum type dummy
	refuses "no device of ours" "$UA" '"dum": is the name of a device that is not of kind xvti' \
		< <(line dum 3)
}

# Bindings and names that go from one device to another.
case_exchanged()
{
	local index

	setup_ns UA
	loads "three" "$UA" "$(printf '%s: added\n' xv0 xv1 xv2)" \
		< <(line xv0 7; line xv1 8; line xv2 9)
	index=$(dev_attr "$UA" xv2 ifindex)
	# xv0 waits for xv2
	loads "handed on" "$UA" "$(printf '%s: changed reqid\n' xv2 xv0)" \
		< <(line xv0 9; line xv1 8; line xv2 10)
	check_eq "index" "$(dev_attr "$UA" xv2 ifindex)" "$index"
	loads "another name" "$UA" "xv1: deleted"$'\n'"xv5: added" \
		< <(line xv0 9; line xv5 8; line xv2 10)
	load "$UA" < <(line xv0 10; line xv5 8; line xv2 9) ||
		fail "two change places: $SAID"
	check_eq "each other's" "$(xvti -n "$UA" -j show | jq -cS '[.[] | {(.ifname): .reqid}] | add')" \
		'{"xv0":10,"xv2":9,"xv5":8}'
	loads "again" "$UA" "" < <(line xv0 10; line xv5 8; line xv2 9)
	load "$UA" </dev/null || fail "nothing: $SAID"
	check_eq "left" "$(names "$UA")" ""
}

case_namespaces()
{
	setup_ns UA OA OB
	loads "there" "$UA" "xv0 (netns $OA): added" < <(line xv0 7 netns "$OA")
	loads "elsewhere" "$UA" "xv0 (netns $OA): deleted"$'\n'"xv0 (netns $OB): added" \
		< <(line xv0 7 netns "$OB")
	check_eq "not in OA" "$(names "$OA")" ""
	loads "another underlay" "$UA" "xv0 (netns $OB): deleted"$'\n'"xv0 (netns $OB): added" \
		<<<"-n $OA $(line xv0 7 netns "$OB")"
	loads "again" "$UA" "" <<<"-n $OA $(line xv0 7 netns "$OB")"
	# its name is taken in the underlay, where it is made
	loads "at home" "$UA" "xv0: added"$'\n'"xv0 (netns $OB): deleted" < <(line xv0 7)
	loads "elsewhere by another binding" "$UA" "xv0: deleted"$'\n'"xv0 (netns $OB): added" \
		< <(line xv0 9 netns "$OB")
	must in_ns "$UA" xvti add xv1 local "$A4" remote "$B4" reqid 8 netns "$OB"
	refuses "another's underlay" "$UA" '"xv1": is the name of a device with another underlay' \
		<<<"-n $OA $(line xv1 8 netns "$OB")"
	# each namespace has its own record
	loads "in OB" "$OB" "" </dev/null
	check_eq "left" "$(names "$OB")" "xv0 xv1"
	must ip netns del "$OB"
	loads "the namespace has gone" "$UA" "" </dev/null
}

# Nothing is changed, whatever is wrong and whenever it is seen.
case_refused()
{
	local before

	setup_ns UA
	must in_ns "$UA" xvti add other local "$A4" remote "$B4" reqid 99
	loads "three" "$UA" "$(printf '%s: added\n' xv0 xv1 xv2)" \
		< <(line xv0 7 mtu 1400 up; line xv1 8; line xv2 9 mark 6)
	before=$(devices "$UA")
	refuses "a bad line" "$UA" 'mtu: "1": .*'$'\n''Command failed load.conf:2'$'\n'Nothing \
		< <(line xv0 7; line xv1 8 mtu 1)
	refuses "a name twice" "$UA" '"xv0": is given to another device at .*load.conf:1' \
		< <(line xv0 7; line xv0 8)
	refuses "a binding twice" "$UA" '"xv3": has the endpoints and binding of "xv0" at .*load.conf:1' \
		< <(line xv0 7; line xv3 7 mark 5)
	refuses "no such lower device" "$UA" 'dev: "eth9": no such device' < <(line xv0 7 dev eth9)
	check_eq "devices" "$(devices "$UA")" "$before"
	# what only the kernel knows, after a change, an addition and a deletion
	refuses "a binding of another's" "$UA" \
		'xv4: .*another device.*'$'\n'"Command failed load.conf:4"$'\n'"What had been changed was changed back" \
		< <(line xv0 17 carrier sa; line xv3 8; line xv2 9; line xv4 99)
	grep -q '^xv1: deleted' <<<"$SAID" || fail "no deletion was undone: $SAID"
	check_eq "devices after what was undone" "$(devices "$UA" | without_index)" \
		"$(without_index <<<"$before")"
	# that one is still load's own
	loads "another name after all" "$UA" "xv1: deleted"$'\n'"xv3: added" \
		< <(line xv0 7 mtu 1400; line xv3 8; line xv2 9 mark 6)
	loads "and back" "$UA" "xv3: deleted"$'\n'"xv1: added" \
		< <(line xv0 7 mtu 1400; line xv1 8; line xv2 9 mark 6)
	loads "the record is right" "$UA" "" \
		< <(line xv0 7 mtu 1400; line xv1 8; line xv2 9 mark 6)
	loads "nothing" "$UA" "$(printf '%s: deleted\n' xv0 xv1 xv2)" </dev/null
	check_eq "left" "$(names "$UA")" other
}

# At boot: the tunnels of good lines come up, and none goes.
case_force()
{
	setup_ns UA
	loads "one" "$UA" "xv9: added" < <(line xv9 9)
	! load "$UA" -force < <(line xv0 7; line xv1 0; line xv2 8) ||
		fail "a bad line did not show"
	check_eq "what load says" "$SAID" 'Error: reqid: "0": must be 1 to 4294967295.
Command failed load.conf:2
xv0: added
xv2: added'
	check_eq "devices" "$(names "$UA")" "xv0 xv2 xv9"
	# but one whose binding a good line is to have
	! load "$UA" -force < <(line xv3 8; line xv1 0) || fail "a bad line did not show"
	check_eq "devices" "$(names "$UA")" "xv0 xv3 xv9"
	loads "the name before" "$UA" "xv3: deleted"$'\n'"xv2: added" \
		< <(line xv0 7; line xv2 8; line xv9 9)
	loads "nothing" "$UA" "$(printf '%s: deleted\n' xv0 xv2 xv9)" </dev/null
}

need_module
run_cases adds exported unchanged changed others exchanged namespaces refused force
