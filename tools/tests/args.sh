#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the command refuses by itself, with the words it does it in. All of
# this comes before the first netlink message, so no module is needed and
# nothing is changed where there is one.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"

ids="must be 1 to 4294967295"
marks="must be VALUE or VALUE/MASK, each 0 to 0xffffffff"
mtus="must be auto or 576 to 65535"
queues="must be 0 to 1024"
chars='must not contain "/", ":" or white space'
absent=/nonexistent/netns

# refuse WORD VALUE TEXT ARGS...
refuse() {
	local word=$1 value=$2 text=$3
	shift 3
	expect 1 "Error: $word: \"$value\": $text." "$@"
}

# usage TEXT ARGS...
usage() {
	local text=$1
	shift
	expect 1 "Error: $text." "$@"
}

# bad WORD VALUE TEXT: the same in add and in set
bad() {
	local add=(add xv0 local 192.0.2.1 remote 192.0.2.2)

	case $1 in
	local) add=(add xv0 remote 192.0.2.2 reqid 7) ;;
	remote) add=(add xv0 local 192.0.2.1 reqid 7) ;;
	reqid | mark | if_id) ;;
	*) add+=(reqid 7) ;;
	esac
	refuse "$1" "$2" "$3" "${add[@]}" "$1" "$2"
	refuse "$1" "$2" "$3" set xv0 "$1" "$2"
}

# good ARGS...: read to the end, as the last word, an absent netns, shows
good() {
	refuse netns $absent "no such network namespace" "$@" netns $absent
}

names() {
	refuse name "" "is an empty name" add ""
	refuse name abcdefghijklmnop "is longer than 15 characters" \
		add abcdefghijklmnop
	refuse name a/b "$chars" add a/b
	refuse name a:b "$chars" add a:b
	refuse name "a b" "$chars" add "a b"
	refuse name .. "is not a device name" add ..
	refuse name . "is not a device name" set . reqid 7
	refuse name xv%d 'must not contain "%"' add xv%d
	refuse name a/b "$chars" show a/b
	refuse name a/b "$chars" export a/b
	usage "add: missing device name" add
	usage "set: missing device name" set
	usage "del: missing device name" del
	good add abcdefghijklmno local 192.0.2.1 remote 192.0.2.2 reqid 7
}

addresses() {
	local word value

	for word in local remote; do
		for value in 192.0.2 192.0.2.256 192.0.2.1/24 2001:db8::g \
			example.org 1 ""; do
			bad $word "$value" "is not an IPv4 or IPv6 address"
		done
		bad $word 224.0.0.1 "is multicast"
		bad $word 239.255.255.255 "is multicast"
		bad $word ff02::1 "is multicast"
		bad $word 255.255.255.255 "is the broadcast address"
		bad $word fe80::1%eth0 \
			"takes no scope, name the interface with dev"
		bad $word ::ffff:192.0.2.1 \
			"is an IPv4 address in IPv6 form, write it as IPv4"
	done
	bad local 0.0.0.0 "is unspecified"
	bad local :: "is unspecified"
	bad local any "is not an IPv4 or IPv6 address"
	value='is unspecified, write "any" for a peer to be learned'
	bad remote 0.0.0.0 "$value"
	bad remote :: "$value"
	good add xv0 local 127.0.0.1 remote 127.0.0.2 reqid 7
	good add xv0 local ::1 remote 2001:db8::1 reqid 7
	good add xv0 remote any local 192.0.2.1 reqid 7
	good add xv0 local 2001:db8::1 remote any reqid 7
	good set xv0 remote any
}

families() {
	refuse remote 2001:db8::2 \
		'is not of the address family of local "192.0.2.1"' \
		add xv0 local 192.0.2.1 remote 2001:db8::2 reqid 7
	refuse remote 192.0.2.2 \
		'is not of the address family of local "2001:db8::1"' \
		set xv0 remote 192.0.2.2 local 2001:db8::1
}

bindings() {
	local word value

	for word in reqid if_id; do
		for value in 0 0x0 -1 +1 " 1" 1x 0x 4294967296 0x100000000 \
			99999999999999999999 seven ""; do
			bad $word "$value" "$ids"
		done
		for value in 1 4294967295 0xffffffff none; do
			good set xv0 $word "$value"
		done
	done
	for value in -1 +1 1x "" /1 1/ 1/x 1/-1 1//1 0x100000000 1/0x100000000; do
		bad mark "$value" "$marks"
	done
	bad mark 00000000000000001 "must be VALUE or VALUE/MASK"
	bad mark 0/0 "the mask must not be 0"
	bad mark 1/0 "the mask must not be 0"
	bad mark 0x100/0xff "the value has bits outside the mask"
	for value in 0 6 0x6 0/1 0x6/0xff 0xffffffff none; do
		good set xv0 mark "$value"
	done
}

requirements() {
	local value="needs a binding: reqid, mark or if_id"

	refuse name xv0 "$value" add xv0 local 192.0.2.1 remote 192.0.2.2
	refuse name xv0 "$value" \
		add xv0 local 192.0.2.1 remote 192.0.2.2 reqid none mark none
	refuse name xv0 "needs a local address" \
		add xv0 remote 192.0.2.2 reqid 7
	refuse name xv0 "needs a remote address, or remote any" \
		add xv0 local 192.0.2.1 reqid 7
	refuse name xv0 "set without a word to set" set xv0
}

others() {
	local value

	for value in 0 575 65536 -1 +1400 1400x automatic ""; do
		bad mtu "$value" "$mtus"
	done
	for value in 576 1400 65535 auto; do
		good set xv0 mtu "$value"
	done
	for value in 1025 -1 +1 16x "" auto none 4294967312; do
		bad queue "$value" "$queues"
	done
	for value in 0 16 1024 0x10; do
		good set xv0 queue "$value"
	done
	for value in d directly any none ""; do
		bad mode "$value" "must be direct or policy"
	done
	good set xv0 mode direct
	good set xv0 mode policy
	bad carrier never "must be always or sa"
	bad carrier s "must be always or sa"
	good set xv0 carrier sa
	good set xv0 carrier always
	bad dev a/b "$chars"
	bad dev abcdefghijklmnop "is longer than 15 characters"
	bad dev xv0 "is the device itself"
	good set xv0 dev none
	bad netns "" "is an empty name"
	bad netns nosuchnetns "no such network namespace"
	bad netns .. "no such network namespace"
	bad netns 4194305 "no such network namespace"
	bad netns /dev/null "is not a network namespace"
	refuse -n nosuchnetns "no such network namespace" -n nosuchnetns show
}

explain() {
	local word value

	usage "explain: missing device name" explain
	usage '"frob": unknown word, try "xvti help"' explain xv0 frob
	refuse name a/b "$chars" explain a/b to 192.0.2.1
	refuse name xv0 'explain needs "to ADDR"' explain xv0
	refuse name xv0 'explain needs "to ADDR"' explain xv0 from 192.0.2.1
	for word in to from; do
		usage "$word: missing argument" explain xv0 $word
		for value in 192.0.2 192.0.2.1/24 example.org any ""; do
			refuse $word "$value" "is not an IPv4 or IPv6 address" \
				explain xv0 $word "$value"
		done
		refuse $word fe80::1%lo "takes no scope" \
			explain xv0 $word fe80::1%lo
		refuse $word 224.0.0.5 "is multicast" explain xv0 $word 224.0.0.5
		refuse $word ff02::1 "is multicast" explain xv0 $word ff02::1
		refuse $word :: "is unspecified" explain xv0 $word ::
		refuse $word 192.0.2.2 "given twice" \
			explain xv0 $word 192.0.2.1 $word 192.0.2.2
	done
	refuse from 2001:db8::1 'is not of the address family of to "192.0.2.1"' \
		explain xv0 to 192.0.2.1 from 2001:db8::1
	usage "iif: missing argument" explain xv0 iif
	refuse iif a/b "$chars" explain xv0 to 192.0.2.1 iif a/b
	refuse iif lo "given twice" explain xv0 iif eth0 iif lo
	refuse iif lo "needs the address that packets are from" \
		explain xv0 to 192.0.2.1 iif lo
	value="no such network namespace"
	refuse -n $absent "$value" -n $absent explain xv0 to 192.0.2.1
	refuse -n $absent "$value" \
		-n $absent expl xv0 f 2001:db8::1 t 2001:db8::2 i lo
}

words() {
	local word value="given twice"

	usage '"foo": unknown word, try "xvti help"' set xv0 foo
	usage '"": unknown word, try "xvti help"' set xv0 ""
	usage '"uplink": unknown word, try "xvti help"' set xv0 uplink
	usage '"re": is short for both remote and reqid' set xv0 re 7
	usage '"m": is short for both mark and mode' set xv0 m 7
	for word in local remote reqid mark if_id dev mode carrier mtu \
		queue netns; do
		usage "$word: missing argument" set xv0 $word
	done
	usage "up: $value" set xv0 up up
	refuse reqid 8 "$value" set xv0 reqid 7 reqid 8
	refuse reqid 7 "$value" set xv0 reqid 7 req 7
	refuse mark 1 "$value" set xv0 mark none mark 1
	good a xv0 l 192.0.2.1 rem 192.0.2.2 req 7 ma 6 i 8 mo direct c sa mt auto q 4 u
	good se xv0 local 192.0.2.1
}

options() {
	local first="must stand before the command"

	usage '"frob": unknown command, try "xvti help"' frob
	usage '"": unknown command, try "xvti help"' ""
	usage 'option "-x" is unknown, try "xvti help"' -x
	usage 'option "--" is unknown, try "xvti help"' --
	usage '"-": unknown command, try "xvti help"' -
	usage 'option "-jp" is unknown, try "xvti help"' -jp show
	usage 'option "-n": missing argument' -n
	usage 'option "-b": missing argument' -b
	usage "option \"-b\": $first" show -b -
	usage "option \"-V\": $first" show -V
	usage '"y": unexpected word' show x y
	usage '"x": unexpected word' monitor x
	usage '"x": unexpected word' help x
	usage '"x": unexpected word' -b - x
	usage "export prints commands, for JSON use show" -j export
	refuse -b $absent "No such file or directory" -b $absent
	good -j -p -s -d set xv0 reqid 7
	good set -json xv0 -pretty reqid 7 --details
	expect 0 "" help
	expect 0 "" -help
	expect 0 "" -V
	expect 0 "" v
}

ktap_start
names
addresses
families
bindings
requirements
others
explain
words
options
finish
