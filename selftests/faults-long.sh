#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# long
# warns=__dev_change_net_namespace|sysctl could not get directory
# timeout=3600
#
# The faults of faults.sh, every one.

export XVTI_FAULTS=0
exec "$(dirname "$(readlink -f "$0")")/faults.sh"
