#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: GPL-2.0
"""The socket that an IKE daemon has for ESP in UDP (RFC 3948).

udpencap.py ADDRESS PORT    prints "ready" when it is open, and keeps it so
"""

import signal
import socket
import sys

UDP_ENCAP = 100
UDP_ENCAP_ESPINUDP = 2


def main(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP)
    sock.bind((address, int(port)))
    print("ready", flush=True)
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
