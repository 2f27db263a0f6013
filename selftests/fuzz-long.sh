#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# long
# timeout=5400
#
# The messages of fuzz.sh, a million of them.

export XVTI_MESSAGES=1000000
exec "$(dirname "$(readlink -f "$0")")/fuzz.sh"
