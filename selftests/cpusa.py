#!/usr/bin/env -S python3 -IBS
# SPDX-License-Identifier: GPL-2.0
"""Adds an outbound SA for the packets of one CPU, of which iproute2 does not
know yet: a copy of another SA but for its SPI and CPU.

cpusa.py DST SPI NEWSPI CPU

Prints "ok", or what the kernel said, and exits 1 then.
"""

import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import xfrmnl

XFRMA_SA_DIR = 33
XFRMA_SA_PCPU = 35
XFRM_SA_DIR_OUT = 2

# where the SPI is in struct xfrm_usersa_info
SPI_AT = 72


def cpu_of(data):
    """The CPU that the attributes of an SA name: an older kernel ignores it."""
    for kind, attribute in xfrmnl.attributes(data):
        if kind == XFRMA_SA_PCPU:
            return struct.unpack_from("=I", attribute, 4)[0]
    return None


def main(dst, spi, new_spi, cpu):
    with xfrmnl.open_socket() as sock:
        info, attributes = xfrmnl.get_sa(sock, dst, int(spi, 0))
        request = (info[:SPI_AT] + struct.pack(">I", int(new_spi, 0)) +
                   info[SPI_AT + 4:] + xfrmnl.present(attributes) +
                   struct.pack("=HHB3x", 5, XFRMA_SA_DIR, XFRM_SA_DIR_OUT) +
                   struct.pack("=HHI", 8, XFRMA_SA_PCPU, int(cpu)))
        xfrmnl.talk(sock, xfrmnl.XFRM_MSG_NEWSA, xfrmnl.NLM_F_ACK, request)
        attributes = xfrmnl.get_sa(sock, dst, int(new_spi, 0))[1]
        if cpu_of(attributes) != int(cpu):
            sys.exit("the kernel does not know SAs of one CPU")
    print("ok")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
