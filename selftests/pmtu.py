#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""One UDP datagram that may not be fragmented.

pmtu.py ADDRESS SIZE [DEVICE]    sends a packet of SIZE octets, headers
                        included, by DEVICE if it is given, and prints "sent",
                        or "refused" and the path MTU that the sender is told
"""

import errno
import os
import socket
import sys
import time

PORT = 9
DISCOVER_DO = 2
# level, option to discover, option that tells, octets of headers
OPTIONS = {
    socket.AF_INET: (socket.IPPROTO_IP, 10, 14, 28),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 23, 24, 48),
}
IPV6_DONTFRAG = 62


def main(address, size, device=None):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    level, discover, told, headers = OPTIONS[family]
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if device:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE,
                        device.encode())
    sock.setsockopt(level, discover, DISCOVER_DO)
    if family == socket.AF_INET6:
        sock.setsockopt(level, IPV6_DONTFRAG, 1)
    sock.connect((address, PORT))
    code = 0
    try:
        sock.send(bytes(int(size) - headers))
        # the refusal may be an ICMP error, which comes a little later
        for _ in range(20):
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                break
            time.sleep(0.05)
    except OSError as error:
        code = error.errno
    if code and code != errno.EMSGSIZE:
        sys.exit(os.strerror(code))
    # older kernels tell by the route that the socket had before
    sock.connect((address, PORT))
    print(f"refused {sock.getsockopt(level, told)}" if code else "sent")


if __name__ == "__main__":
    main(*sys.argv[1:])
