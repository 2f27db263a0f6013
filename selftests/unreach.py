#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: GPL-2.0
"""What a host answers to a packet of an IP protocol.

unreach.py ADDRESS PROTOCOL    prints the name of the error that the ICMP
                               answer stands for, or "silence"
"""

import errno
import socket
import sys

WAIT = 3
AH = 51
WITHIN = 108


def raw_socket(address, protocol):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_RAW, protocol)
    sock.settimeout(WAIT)
    sock.connect((address, 0))
    return sock


def main(address, protocol):
    protocol = int(protocol)
    sender = receiver = raw_socket(address, protocol)
    # in IPv6 an error about AH is told to what is within it
    if protocol == AH and ":" in address:
        receiver = raw_socket(address, WITHIN)
    # an AH header of 12 octets, if it is taken for one
    sender.send(bytes([WITHIN, 1]) + bytes(62))
    try:
        receiver.recv(256)
    except socket.timeout:
        print("silence")
    except OSError as error:
        print(errno.errorcode[error.errno])


if __name__ == "__main__":
    main(*sys.argv[1:])
