#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: GPL-2.0
"""Sends captured frames once more.

reinject.py FILE DEVICE [TOS]    sends the IPv4 and IPv6 packets with ESP that
                                 are in a capture file out of DEVICE again, in
                                 order, with TOS as their outer traffic class
                                 if it is given; prints how many there were
"""

import socket
import struct
import sys

ETH_HEADER = 14
ETH_P_IP = 0x0800
ETH_P_IPV6 = 0x86DD
PCAP_HEADER = 24
PCAP_RECORD = 16


def frames(data):
    """The frames of a capture file, as bytearrays."""
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    pos = PCAP_HEADER
    while pos + PCAP_RECORD <= len(data):
        length = struct.unpack_from(order + "I", data, pos + 8)[0]
        pos += PCAP_RECORD
        yield bytearray(data[pos:pos + length])
        pos += length


def esp(frame):
    """The family of a frame that carries ESP, or None."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == ETH_P_IP and frame[ETH_HEADER + 9] == socket.IPPROTO_ESP:
        return socket.AF_INET
    if kind == ETH_P_IPV6 and frame[ETH_HEADER + 6] == socket.IPPROTO_ESP:
        return socket.AF_INET6
    return None


def ip_checksum(header):
    """The Internet checksum of an IPv4 header whose own field is zero."""
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def set_tos(frame, family, tos):
    """Gives the outer header another traffic class."""
    if family == socket.AF_INET6:
        word = struct.unpack_from("!I", frame, ETH_HEADER)[0]
        word = word & ~0x0FF00000 | tos << 20
        struct.pack_into("!I", frame, ETH_HEADER, word)
        return
    size = (frame[ETH_HEADER] & 15) * 4
    frame[ETH_HEADER + 1] = tos
    struct.pack_into("!H", frame, ETH_HEADER + 10, 0)
    struct.pack_into("!H", frame, ETH_HEADER + 10,
                     ip_checksum(frame[ETH_HEADER:ETH_HEADER + size]))


def main(path, device, tos=None):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((device, 0))
    with open(path, "rb") as file:
        packets = [frame for frame in frames(file.read()) if esp(frame)]
    for frame in packets:
        if tos is not None:
            set_tos(frame, esp(frame), int(tos, 0))
        sock.send(frame)
    print(len(packets))


if __name__ == "__main__":
    main(*sys.argv[1:])
