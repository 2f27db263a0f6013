#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What load refuses before it asks the kernel for anything: each bad line by
# its file and number, all of them at once.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
good='add xv0 local 192.0.2.1 remote 192.0.2.2 reqid 7'

# lines NAME: a file of the configuration, from standard input
lines() {
	cat >"$dir/$1"
}

# bad TEXT LINE: a line that is refused so, after one that is good
bad() {
	printf '%s\n%s\n' "$good" "$2" >"$dir/a.conf"
	expect 1 "Error: $1.
Command failed $dir/a.conf:2
Nothing was changed." load "$dir/a.conf"
}

ktap_start
bad '"set": a configuration has no other command than add' 'set xv0 mtu 1400'
bad '"del": a configuration has no other command than add' 'del xv0'
bad '"load": a configuration has no other command than add' 'load'
bad '"show": a configuration has no other command than add' '-d show'
bad 'missing command' '-j'
bad 'options -batch, -force, -Version and -help: not in a configuration' "-f $good"
bad 'name: "xv1": needs a local address' 'add xv1 reqid 8'
bad 'reqid: "0": must be 1 to 4294967295' "${good/7/0}"
bad '"colour": unknown word, try "xvti help"' "$good colour blue"
bad '-n: "nosuchnetns": no such network namespace' "-n nosuchnetns $good"
bad 'netns: "nosuchnetns": no such network namespace' "$good netns nosuchnetns"
bad 'a quotation mark is left open' "add 'xv1"

lines b.conf <<<"add xv1"
lines z.conf~ <<<"nor this"
lines .z.conf <<<"nor this"
lines README <<<"not this"
lines a.conf <<END
# two bad lines
add xv0 mtu 1
$good
add \\
	xv2
END
expect 1 "Error: mtu: \"1\": must be auto or 576 to 65535.
Command failed $dir/a.conf:2
Error: name: \"xv2\": needs a local address.
Command failed $dir/a.conf:4
Error: name: \"xv1\": needs a local address.
Command failed $dir/b.conf:1
Nothing was changed." load "$dir"
expect 1 "Error: name: \"xv1\": needs a local address.
Command failed $dir/b.conf:1
Error: mtu: \"1\": must be auto or 576 to 65535.
Command failed $dir/a.conf:2
Error: name: \"xv2\": needs a local address.
Command failed $dir/a.conf:4
Nothing was changed." load "$dir/b.conf" "$dir/a.conf"
expect 1 "Error: load: \"$dir/none\": No such file or directory." load "$dir/none"
expect 1 "Error: load: \"$dir/none\": No such file or directory." load "$dir/a.conf" "$dir/none"
said=$("$XVTI" load - <<<"add xv1" 2>&1)
[ "$said" = 'Error: name: "xv1": needs a local address.
Command failed -:1
Nothing was changed.' ]
result $? "standard input"
finish
