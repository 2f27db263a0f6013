#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# How -b reads its lines. "version" stands for a command that succeeds and
# needs no kernel, a bad reqid for one that fails.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"

bad='set xv0 reqid 0'
error='Error: reqid: "0": must be 1 to 4294967295.'

# batch NAME CODE COUNT STDERR [OPTIONS...]: lines on stdin, of which COUNT
# print a version
batch() {
	local name=$1 code=$2 count=$3 want=$4 rc=0 got lines
	shift 4

	lines=$(mktemp) || exit 1
	got=$("$XVTI" "$@" -b - 2>&1 >"$lines") || rc=$?
	count=$((count - $(grep -c '^xvti ' "$lines")))
	rm -f "$lines"
	if [ "$rc" -eq "$code" ] && [ "$got" = "$want" ] && [ $count -eq 0 ]; then
		result 0 "$name"
		return
	fi
	result 1 "$name"
	printf '# want %s: %s\n# got  %s: %s\n# missing lines: %s\n' \
		"$code" "$want" "$rc" "$got" "$count"
}

ktap_start
batch "empty" 0 0 "" </dev/null
batch "comments and blank lines" 0 2 "" <<<$'# one\n\n \t\nversion # two\n  #three\nv'
batch "no newline at the end" 0 1 "" < <(printf version)
batch "carriage returns" 0 2 "" <<<$'version\r\nversion\r'
batch "a bad line stops" 1 1 "$error
Command failed -:2" <<<$'version\n'"$bad"$'\nversion'
batch "-force goes on" 1 2 "$error
Command failed -:2" -force <<<$'version\n'"$bad"$'\nversion'
batch "a continued line has the number it began on" 1 1 "$error
Command failed -:3" <<<$'# comment\nversion\nset xv0 \\\n  reqid 0'
batch "lines after a continued one" 1 1 "$error
Command failed -:3" <<<$'version \\\n#\n'"$bad"
batch "quotes join" 1 0 'Error: name: "a b#c": must not contain "/", ":" or white space.
Command failed -:1' <<<"show 'a '\"b#\"c"
batch "empty word" 1 0 'Error: name: "": is an empty name.
Command failed -:1' <<<"show ''"
batch "open quote" 1 0 'Error: a quotation mark is left open.
Command failed -:1' <<<"show 'a"
batch "no batch in a batch" 1 0 'Error: options -batch and -force: not in a batch.
Command failed -:1' <<<"-b - show"
batch "an option is for its line only" 1 1 'Error: -n: "nosuchnetns": no such network namespace.
Command failed -:1' -force <<<$'-n nosuchnetns show\nversion'
batch "many words" 1 0 'Error: more than 256 words in one command.
Command failed -:1' < <(printf 'del'; printf ' a%s' {1..300})

batch "NUL" 1 1 'Error: a NUL character in a command.
Command failed -:2' < <(printf 'version\nversion\0 5\n')
batch "no control characters" 1 0 'Error: name: "a?[1mb?": must not contain "/", ":" or white space.
Command failed -:1' <<<$'show "a\e[1mb\v"'
expect 1 'Error: -b: "/": cannot be read: Is a directory.' -b /

file=$(mktemp) || exit 1
echo "$bad" >"$file"
expect 1 "$error
Command failed $file:1" -b "$file"
rm -f "$file"
finish
