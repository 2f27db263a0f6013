#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=900
# kernels=one
#
# The dumps of dump.sh, with as many devices as the module is made for.

export XVTI_DEVICES=10000
exec "$(dirname "$(readlink -f "$0")")/dump.sh"
