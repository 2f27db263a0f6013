#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: GPL-2.0
"""SAs as the daemon of a netlink port makes them, which iproute2 does not name.

owned.py PORT again DST SPI          deletes an ESP SA, and adds it again
owned.py PORT complete DST SPI NEW   gives the SPI reserved as NEW what the SA has
"""

import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import xfrmnl

XFRM_MSG_DELSA = 17
XFRM_MSG_UPDSA = 26

# in struct xfrm_usersa_info: struct xfrm_id, whose address the SPI follows, and
# the outer family
ID = 56
SPI = ID + 16
PROTO = SPI + 4
FAMILY = 212


def main(port, verb, dst, spi, new=None):
    sock = xfrmnl.open_socket()
    info, more = xfrmnl.get_sa(sock, dst, int(spi, 0))
    more = xfrmnl.present(more)
    if verb == "again":
        sa = struct.pack("=20sHBx", info[ID:PROTO],
                         struct.unpack_from("=H", info, FAMILY)[0], info[PROTO])
        xfrmnl.talk(sock, XFRM_MSG_DELSA, xfrmnl.NLM_F_ACK, sa, port)
        xfrmnl.talk(sock, xfrmnl.XFRM_MSG_NEWSA, xfrmnl.NLM_F_ACK, info + more, port)
    elif verb == "complete":
        info = info[:SPI] + struct.pack(">I", int(new, 0)) + info[PROTO:]
        xfrmnl.talk(sock, XFRM_MSG_UPDSA, xfrmnl.NLM_F_ACK, info + more, port)
    else:
        sys.exit(__doc__)


if len(sys.argv) not in (5, 6):
    sys.exit(__doc__)
main(int(sys.argv[1]), *sys.argv[2:])
