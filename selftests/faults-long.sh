#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# long
# timeout=3600
#
# The faults of faults.sh, every one.

export XVTI_STEP=1
exec "$(dirname "$(readlink -f "$0")")/faults.sh"
