#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The JSON writer, read back by a parser that is not ours.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"
strings=$(dirname "$0")/json-strings

# read_back ARGS...: parses, and compares with what json-strings.c wrote
read_back() {
	"$strings" "$@" | python3 -c '
import json, sys
want = [{
    "plain": "xv0", "quoted": "a\"b\\c", "control": "\x01\x1b\x7f\t",
    "utf8": "\u00e9\u20ac\U0001f600",
    "bad": "a\ufffd\ufffd(" + "\ufffd" * 6 + "z", "cut": "a\ufffd\ufffd",
    "json only": "yes", "max": 2**64 - 1, "min": -1, "hex": 2**32 - 1,
    "no": False, "nested": {}, "list": [{}, {"yes": True}, "item \"1\"", "\x1b"],
}]
got = json.loads(sys.stdin.buffer.read().decode("utf-8"))
for key in want[0]:
    if got[0].get(key) != want[0][key]:
        print(f"# {key}: want {want[0][key]!a}, got {got[0].get(key)!a}")
sys.exit(got != want)'
}

ktap_start
if [ ! -x "$strings" ] || ! command -v python3 >/dev/null; then
	result 0 "json # SKIP needs json-strings and python3"
	finish
	exit
fi
read_back json
result $? "JSON"
[ "$("$strings" json | wc -l)" -eq 1 ]
result $? "JSON is one line"
read_back json pretty
result $? "pretty JSON"
"$strings" | grep -aqF 'xv0 a"b\c ???? ' && "$strings" | grep -aqF ' text only 1844'
result $? "text has no control characters"
finish
