#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: GPL-2.0
"""Numbered datagrams: what was lost, repeated or came out of order.

udpseq.py recv ADDRESS PORT          prints "ready", then a report when a
                                     sender has said that it is done
udpseq.py send ADDRESS PORT RATE     sends so many a second, or fewer if it has
                                     no time, until SIGTERM, then says so until
                                     it is heard
"""

import signal
import socket
import struct
import sys
import time

# Room for what a receiver without time leaves there; it takes privilege.
SO_RCVBUFFORCE = 33
DATA = 0
END = 1
FORMAT = "!BQ"


def open_socket(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.socket(family, socket.SOCK_DGRAM)


def receive(address, port):
    """Counts datagrams until the end is announced, and acknowledges that."""
    sock = open_socket(address)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
    sock.bind((address, port))
    print("ready", flush=True)
    seen = set()
    repeated = 0
    while True:
        try:
            data, peer = sock.recvfrom(2048)
        except socket.timeout:
            break
        kind, number = struct.unpack_from(FORMAT, data)
        if kind == END:
            sock.sendto(data, peer)
            # what the end has overtaken on its way
            end = number
            sock.settimeout(1)
            continue
        if number in seen:
            repeated += 1
        seen.add(number)
    missing = sorted(set(range(end)) - seen)
    if missing:
        print(f"missing: {missing[:50]}")
    print(f"sent={end} received={len(seen)} "
          f"lost={len(missing)} repeated={repeated}", flush=True)


def send(address, port, rate):
    """Sends at an even rate until told to stop."""
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    sock = open_socket(address)
    sock.settimeout(0.2)
    number = 0
    start = time.monotonic()
    while not stopped:
        try:
            sock.sendto(struct.pack(FORMAT, DATA, number) + bytes(64),
                        (address, port))
        except OSError:
            pass    # counts as sent, hence as lost
        number += 1
        delay = start + number / rate - time.monotonic()
        if delay > 0:
            time.sleep(delay)
        else:
            start -= delay
    for _ in range(50):
        try:
            sock.sendto(struct.pack(FORMAT, END, number), (address, port))
            sock.recv(2048)
            return
        except OSError:
            continue
    sys.exit("the receiver does not answer")


def main(args):
    if len(args) == 3 and args[0] == "recv":
        receive(args[1], int(args[2]))
    elif len(args) == 4 and args[0] == "send":
        send(args[1], int(args[2]), float(args[3]))
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
