#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the command says where there is no module, or no device of its kind.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"

ktap_start
expect 2 "Error: lo: is not an xvti device." del lo
expect 2 "Error: lo: is not an xvti device." set lo up
expect 2 "Error: lo: is not an xvti device.
Error: nosuchdev: No such device." del lo nosuchdev

missing='the xvti module is not loaded, try "modprobe xvti".'
if [ -d /sys/module/xvti ] || modinfo xvti >/dev/null 2>&1; then
	result 0 "no module # SKIP xvti can be loaded here"
else
	for verb in show "show xv0" "explain xv0 to 192.0.2.1" "-j show" \
		export monitor; do
		name=
		[[ $verb == *" xv0"* ]] && name="xv0: "
		# shellcheck disable=SC2086 # several words
		expect 2 "Error: $name$missing" $verb
	done
fi
finish
