# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# splat.sh - SPLAT, the signs of a defect in a kernel log, whoever caused it.
# Sourced by guest-tests in the guest and by dkms.sh on the host.

SPLAT='Oops|BUG:|kernel BUG at|WARNING:|Call Trace:|Kernel panic'
SPLAT+='|possible circular locking|possible recursive locking'
SPLAT+='|possible irq lock inversion|possible deadlock'
SPLAT+='|inconsistent lock state|suspicious RCU usage|held lock freed'
SPLAT+='|bad unlock balance|KASAN|KCSAN:|KFENCE|UBSAN|kmemleak: [0-9]+ new'
SPLAT+='|refcount_t:|unregister_netdevice: waiting for|ODEBUG'
SPLAT+='|leaked reference|ref_tracker:|detected (expedited )?stall|sleeping function called'
SPLAT+='|scheduling while atomic|blocked for more than|general protection'
SPLAT+='|soft lockup|hard LOCKUP|Bad page state|list_(add|del) corruption'
SPLAT+='|invalid opcode|divide error|double fault|nobody cared|segfault at'
