#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=900
# long
#
# The dumps of dump.sh, with as many devices as the module is made for:
# make check T=dump-many.

export XVTI_DEVICES=10000
exec "$(dirname "$(readlink -f "$0")")/dump.sh"
