#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# long
# timeout=3600
#
# The floods of overload.sh, of a million packets.

export XVTI_FLOOD=1000000
exec "$(dirname "$(readlink -f "$0")")/overload.sh"
