# SPDX-License-Identifier: GPL-2.0
"""Messages about SAs that iproute2 is too old or too slow for. A module of the
programs beside it, which run isolated and so have to say where it is."""

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
XFRM_MSG_FLUSHSA = 28

XFRMA_REPLAY_VAL = 10
XFRMA_LASTUSED = 15
XFRMA_MARK = 21

# struct xfrm_usersa_info
INFO_SIZE = 224


def open_socket():
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM)


def talk(sock, kind, flags, payload, port=0):
    """One message, which says that it is of this port; what follows the header of
    its answer. Exits with what the kernel says to it."""
    sock.send(struct.pack("=IHHII", 16 + len(payload), kind,
                          NLM_F_REQUEST | flags, 1, port) + payload)
    reply = sock.recv(65536)
    size, kind = struct.unpack_from("=IH", reply)
    error = struct.unpack_from("=i", reply, 16)[0] if kind == NLMSG_ERROR else 0
    if error:
        sys.exit(os.strerror(-error))
    return reply[16:size]


def attributes(data):
    """Each attribute: its kind, and all of it with what fills it up."""
    while data:
        size, kind = struct.unpack_from("=HH", data)
        size = (size + 3) & ~3
        yield kind, data[:size]
        data = data[size:]


def get_sa(sock, dst, spi, mark=0):
    """An SA as the kernel tells it, keys and all: its struct and attributes. It is
    found by what a packet of this mark would use."""
    family = socket.AF_INET6 if ":" in dst else socket.AF_INET
    address = socket.inet_pton(family, dst).ljust(16, b"\0")
    info = talk(sock, XFRM_MSG_GETSA, 0, address + struct.pack(
        ">I", spi) + struct.pack("=HBxHHII", family, socket.IPPROTO_ESP,
                                 12, XFRMA_MARK, mark, 0xffffffff))
    return info[:INFO_SIZE], info[INFO_SIZE:]


def present(data):
    """The attributes of an SA but for those that tell its past, which none can
    be made with."""
    return b"".join(attribute for kind, attribute in attributes(data)
                    if kind not in (XFRMA_REPLAY_VAL, XFRMA_LASTUSED))
