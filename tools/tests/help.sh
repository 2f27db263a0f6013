#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What `make help` prints is all that make can be asked for: each target, and
# each variable that a user may give.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"
top=$(dirname "$0")/../..
# what make says and is told as a part of another does not belong here
unset MAKEFLAGS MFLAGS MAKELEVEL

# same NAME GOT WANTED: lists, of one entry a line
same() {
	[ "$2" = "$3" ]
	result $? "$1"
	[ "$2" = "$3" ] || diff <(echo "$3") <(echo "$2") | grep '^[<>]' | sed 's/^/# /'
}

targets() {
	awk '/^\.PHONY:/ { on = 1 } on { print } on && !/\\$/ { exit }' "$top/Makefile" |
		sed 's/^\.PHONY://; s/\\$//' | xargs -n 1 | sort
}

# Names in capitals that the Makefile reads but neither it nor make sets.
variables() {
	local own

	own=$(sed -nE 's/^(override |export )?([A-Z_]+) *:?=.*/\2/p' "$top/Makefile")
	grep -oE '\$\(([a-z]+ )?[A-Z_]+[),]' "$top/Makefile" | grep -oE '[A-Z_]+' |
		grep -vxF -e MAKE -e CURDIR -e MAKEFILE_LIST -e MAKEOVERRIDES -e "$own" |
		cat - <(sed -nE 's/^([A-Z]+) \?=.*/\1/p' "$top/Makefile") | sort -u
}

ktap_start
said=$(make -s --no-print-directory -C "$top" help)
same "targets" "$(sed -nE '/^variables:/q; s/^  ([a-z-]+) .*/\1/p' <<<"$said" | sort)" \
	"$(targets)"
told=$(sed -n '/^variables:/,$p' <<<"$said" | grep -oE '\<[A-Z]+(_[A-Z]+)*\>' | sort -u)
missing=$(variables | grep -vxF "$told")
same "variables" "$missing" ""
# those that are named beside a target
missing=$(sed '1d; /^variables:/q' <<<"$said" |
	grep -oE '\<[A-Z]+=|; [A-Z]+(, [A-Z]+)*$' | grep -oE '[A-Z]+' | sort -u |
	grep -vxF "$told")
same "variables of targets" "$missing" ""
missing=$(awk 'length > 80' <<<"$said")
same "width" "$missing" ""
if [ -d "$top/selftests/qemu" ]; then
	missing=
	while IFS='"' read -r _ releases _; do
		grep -qE "^ +check[a-z-]* +$releases\$" <<<"$said" || missing+=" '$releases'"
	done < <(grep -hE '^[A-Z]+_RELEASES="' "$top"/selftests/qemu/*.sh)
	same "releases" "$missing" ""
else
	result 0 "releases # SKIP the guests' scripts are not here"
fi
finish
