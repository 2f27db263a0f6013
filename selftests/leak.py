#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: GPL-2.0
"""Looks for inner addresses in captures of the public side.

leak.py FILE... -- ADDRESS...    prints how many packets show one of them, and
                                 describes the first few on stderr

An address is one of IPv4, or one of IPv6 that may end in "::" and then stands
for all that begin so. It is searched for in the whole packet, headers, what an
error quotes and payload. Of ESP only IPv6 is looked for past the header: four
octets are there by chance in some megabytes of it.
"""

import ipaddress
import struct
import sys

# link type: length of its header, where the protocol is
LINKS = {1: (14, 12), 113: (16, 14), 276: (20, 0)}
IPV4, IPV6, ESP = 0x0800, 0x86dd, 50


def packets(path):
    """Protocol and octets from the network header on, of each packet."""
    with open(path, "rb") as file:
        header = file.read(24)
        magic, link = struct.unpack("<I16xI", header)
        if magic not in (0xa1b2c3d4, 0xa1b23c4d) or link not in LINKS:
            sys.exit(f"{path}: no capture that is understood")
        length, at = LINKS[link]
        while True:
            head = file.read(16)
            if len(head) < 16:
                return
            data = file.read(struct.unpack("<8xI4x", head)[0])
            protocol, = struct.unpack_from("!H", data, at)
            yield protocol, data[length:]


def is_esp(protocol, data):
    if protocol == IPV4 and len(data) > 20:
        return data[9] == ESP
    return protocol == IPV6 and len(data) > 40 and data[6] == ESP


def patterns(addresses):
    short, long = [], []
    for address in addresses:
        octets = ipaddress.ip_address(address).packed
        if len(octets) == 4:
            short.append(octets)
        else:
            long.append(octets.rstrip(b"\0") if address.endswith("::")
                        else octets)
    return short, long


def main(args):
    if "--" not in args[1:] or args[-1] == "--":
        sys.exit(__doc__)
    at = args.index("--")
    short, long = patterns(args[at + 1:])
    found = 0
    for path in args[:at]:
        for protocol, data in packets(path):
            wanted = long if is_esp(protocol, data) else short + long
            if any(pattern in data for pattern in wanted):
                found += 1
                if found <= 5:
                    print(f"{path}: {protocol:#06x} {data[:80].hex()}",
                          file=sys.stderr)
    print(found)


main(sys.argv[1:])
