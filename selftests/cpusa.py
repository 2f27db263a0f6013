#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: GPL-2.0
"""Adds an outbound SA for the packets of one CPU, of which iproute2 does not
know yet: a copy of another SA but for its SPI and CPU.

cpusa.py DST SPI NEWSPI CPU

Prints "ok", or what the kernel said, and exits 1 then.
"""

import os
import socket
import struct
import sys

NETLINK_XFRM = 6
NLMSG_ERROR = 2
NLM_F_REQUEST = 1
NLM_F_ACK = 4
XFRM_MSG_NEWSA = 16
XFRM_MSG_GETSA = 18

XFRMA_REPLAY_VAL = 10
XFRMA_LASTUSED = 15
XFRMA_SA_DIR = 33
XFRMA_SA_PCPU = 35
XFRM_SA_DIR_OUT = 2

# struct xfrm_usersa_info: where the SPI is, and the whole
SPI_AT = 72
INFO_SIZE = 224


def align(size):
    return (size + 3) & ~3


def talk(sock, kind, flags, payload):
    """One message and its answer: the kind and what follows the header."""
    sock.send(struct.pack("=IHHII", 16 + len(payload), kind,
                          NLM_F_REQUEST | flags, 1, 0) + payload)
    reply = sock.recv(65536)
    size, kind = struct.unpack_from("=IH", reply)
    return kind, reply[16:size]


def checked(kind, payload):
    error = struct.unpack_from("=i", payload)[0] if kind == NLMSG_ERROR else 0
    if error:
        sys.exit(os.strerror(-error))
    return payload


def get(sock, dst, spi):
    """An SA as the kernel tells it, keys and all."""
    family = socket.AF_INET6 if ":" in dst else socket.AF_INET
    address = socket.inet_pton(family, dst).ljust(16, b"\0")
    return checked(*talk(sock, XFRM_MSG_GETSA, 0, address + struct.pack(
        ">I", spi) + struct.pack("=HBx", family, socket.IPPROTO_ESP)))


def attributes(data):
    """Those of an SA that do not tell its past."""
    kept = b""
    while data:
        size, kind = struct.unpack_from("=HH", data)
        if kind not in (XFRMA_REPLAY_VAL, XFRMA_LASTUSED):
            kept += data[:align(size)]
        data = data[align(size):]
    return kept


def cpu_of(data):
    """The CPU that the attributes of an SA name: an older kernel ignores it."""
    while data:
        size, kind = struct.unpack_from("=HH", data)
        if kind == XFRMA_SA_PCPU:
            return struct.unpack_from("=I", data, 4)[0]
        data = data[align(size):]
    return None


def main(dst, spi, new_spi, cpu):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                       NETLINK_XFRM) as sock:
        info = get(sock, dst, int(spi, 0))
        info = (info[:SPI_AT] + struct.pack(">I", int(new_spi, 0)) +
                info[SPI_AT + 4:INFO_SIZE] + attributes(info[INFO_SIZE:]) +
                struct.pack("=HHB3x", 5, XFRMA_SA_DIR, XFRM_SA_DIR_OUT) +
                struct.pack("=HHI", 8, XFRMA_SA_PCPU, int(cpu)))
        checked(*talk(sock, XFRM_MSG_NEWSA, NLM_F_ACK, info))
        info = get(sock, dst, int(new_spi, 0))
        if cpu_of(info[INFO_SIZE:]) != int(cpu):
            sys.exit("the kernel does not know SAs of one CPU")
    print("ok")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
