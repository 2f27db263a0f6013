#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Probes over all paths at once: what was lost, and when.

probe.py echo ADDRESS...                  answers probes to these addresses
probe.py send PORTS FROM TO [FROM TO...]  sends up to RATE probes a second for each
                                          pair, and prints each half second

    NOW SENT LOST LAST

until SIGTERM: how many probes were sent and how many of them lost so far, and
when the last of those that were lost had been sent, or 0. A probe counts as lost
while there is no answer after a second; what a guest without time answers later
was not. Where too many are under way, no more are sent: a guest that is slow would
lose what it has no time for. Each pair of addresses is probed from so many ports in
turn, so that all paths are used where routes have several next hops. A kernel that
is slow by design, as XVTI_SLOW says, gets fewer, and more time to answer: it has to
have time for its daemons as well.
"""

import os
import select
import signal
import socket
import struct
import sys
import time

PORT = 7007
SLOW = int(os.environ.get("XVTI_SLOW", 1))
RATE = 24 / SLOW ** 2
PATIENCE = 1.0 * SLOW
WINDOW = 32
FORMAT = "!Q"


def open_socket(address, port=0):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind((address, port))
    return sock


def drain(sock):
    """All that a socket has received."""
    while True:
        try:
            yield sock.recvfrom(2048)
        except BlockingIOError:
            return
        except OSError:
            continue    # an ICMP error, for an earlier probe


def echo(addresses):
    poll = select.poll()
    socks = {}
    for address in addresses:
        sock = open_socket(address, PORT)
        socks[sock.fileno()] = sock
        poll.register(sock, select.POLLIN)
    print("ready", flush=True)
    while True:
        for number, _ in poll.poll():
            for data, peer in drain(socks[number]):
                try:
                    socks[number].sendto(data, peer)
                except OSError:
                    pass    # no way back counts as lost


class Sender:
    """Numbers the probes of all flows, and keeps those that are under way."""

    def __init__(self, ports, pairs):
        # as there are many sockets, of which few have something to read
        self.poll = select.epoll()
        self.flows = []
        self.socks = {}
        # when those without an answer were sent, by their numbers
        self.waiting = {}
        self.lost = {}
        self.sent = 0
        for source, target in pairs:
            for _ in range(ports):
                sock = open_socket(source)
                self.socks[sock.fileno()] = sock
                self.poll.register(sock, select.EPOLLIN)
                self.flows.append((sock, (target, PORT)))

    def send(self, flow):
        sock, target = flow
        self.waiting[self.sent] = time.time()
        try:
            sock.sendto(struct.pack(FORMAT, self.sent) + bytes(64), target)
        except OSError:
            pass    # counts as sent, hence as lost
        self.sent += 1

    def receive(self, seconds):
        for number, _ in self.poll.poll(max(0, seconds)):
            for data, _ in drain(self.socks[number]):
                probe = struct.unpack_from(FORMAT, data)[0]
                self.waiting.pop(probe, None)
                self.lost.pop(probe, None)

    def expire(self):
        """Gives up what is too late; dicts keep the order of sending."""
        limit = time.time() - PATIENCE
        for number, when in list(self.waiting.items()):
            if when > limit:
                break
            del self.waiting[number]
            self.lost[number] = when

    def report(self):
        self.expire()
        last = next(reversed(self.lost.values()), 0.0)
        print(f"{time.time():.3f} {self.sent} {len(self.lost)} {last:.3f}",
              flush=True)


def send(ports, pairs):
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    sender = Sender(ports, pairs)
    step = 1 / (RATE * len(pairs))
    due = report = time.monotonic()
    number = 0
    while not stopped:
        if len(sender.waiting) < WINDOW:
            sender.send(sender.flows[number % len(sender.flows)])
            number += 1
        due = max(due + step, time.monotonic() - 0.05)
        while due > time.monotonic():
            sender.receive(due - time.monotonic())
        sender.receive(0)
        if time.monotonic() > report:
            sender.report()
            report += 0.5
    end = time.monotonic() + PATIENCE * SLOW + 0.1
    while time.monotonic() < end and (sender.waiting or sender.lost):
        sender.receive(0.05)
    sender.report()


def main(args):
    if len(args) > 1 and args[0] == "echo":
        echo(args[1:])
    elif len(args) > 3 and args[0] == "send" and len(args) % 2 == 0:
        send(int(args[1]), list(zip(args[2::2], args[3::2])))
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
