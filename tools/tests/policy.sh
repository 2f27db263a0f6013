#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Which policies belong to a device, and which takes a packet.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"
match=$(dirname "$0")/policy-match

ktap_start
if [ -x "$match" ]; then
	"$match"
	result $? "policies"
else
	result 0 "policies # SKIP needs policy-match"
fi
finish
