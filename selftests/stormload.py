#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: GPL-2.0
"""Traffic that nothing stops: UDP and TCP to each of some addresses.

stormload.py CPU RATE ADDRESS...    RATE rounds a second, on that processor if
                                    there is one, until SIGTERM; then prints
                                    what was sent and received, and at SIGUSR1

Both ends run it: each also receives what the other sends. Addresses and routes
come and go meanwhile, and so do the devices: an error only ends a connection,
which is made anew.
"""

import os
import select
import signal
import socket
import struct
import sys
import time

PORT = 7100
# octets written in each round, and seconds until a connection is replaced
PIECE = 2000
LIFE = 4


def open_socket(kind):
    """Both families in one socket."""
    sock = socket.socket(socket.AF_INET6, kind)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # what is closed is gone, and holds on to no namespace
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    sock.setblocking(False)
    return sock


class Connection:
    """A TCP connection that is there most of the time."""

    def __init__(self, address):
        self.address = address
        self.sock = None
        self.until = 0

    def write(self, now):
        """Returns how much could be written."""
        try:
            if self.sock and now >= self.until:
                self.sock.close()
                self.sock = None
            if not self.sock:
                self.sock = open_socket(socket.SOCK_STREAM)
                self.until = now + LIFE
                self.sock.connect_ex((self.address, PORT))
                return 0
            return self.sock.send(bytes(PIECE))
        except BlockingIOError:
            return 0
        except OSError:
            if self.sock:
                self.sock.close()
            self.sock = None
            return 0


class Load:
    """All sockets of one end."""

    def __init__(self, addresses):
        self.addresses = [a if ":" in a else f"::ffff:{a}" for a in addresses]
        self.udp = open_socket(socket.SOCK_DGRAM)
        self.udp.bind(("::", PORT))
        self.listener = open_socket(socket.SOCK_STREAM)
        self.listener.bind(("::", PORT))
        self.listener.listen(16)
        self.peers = []
        self.connections = [Connection(a) for a in self.addresses]
        self.sent = self.received = self.octets = 0

    def send(self, now):
        """One round."""
        for address in self.addresses:
            try:
                self.udp.sendto(bytes(200), (address, PORT))
                self.sent += 1
            except OSError:
                pass
        for connection in self.connections:
            connection.write(now)

    def receive_udp(self):
        """All that is there."""
        while True:
            try:
                self.udp.recv(2048)
                self.received += 1
            except BlockingIOError:
                return
            except OSError:
                # what an ICMP error had to say
                pass

    def receive(self, ready):
        """What select() has found."""
        for sock in ready:
            try:
                if sock is self.udp:
                    self.receive_udp()
                    continue
                if sock is self.listener:
                    peer = sock.accept()[0]
                    peer.setblocking(False)
                    self.peers.append(peer)
                    continue
                data = sock.recv(65536)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            self.octets += len(data)
            if not data and sock in self.peers:
                self.peers.remove(sock)
                sock.close()
        # those whose other end has vanished
        while len(self.peers) > 64:
            self.peers.pop(0).close()

    def report(self):
        """What there was until now."""
        print(f"sent={self.sent} received={self.received} octets={self.octets}",
              flush=True)

    def run(self, rate, stopped):
        """Until it is stopped."""
        following = time.monotonic()
        while not stopped:
            now = time.monotonic()
            if now >= following:
                self.send(now)
                following = max(following + 1 / rate, now)
            sockets = [self.udp, self.listener] + self.peers
            self.receive(select.select(sockets, [], [],
                                       max(following - now, 0))[0])


def main(args):
    if len(args) < 3:
        sys.exit(__doc__)
    if int(args[0]) in os.sched_getaffinity(0):
        os.sched_setaffinity(0, [int(args[0])])
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    load = Load(args[2:])
    signal.signal(signal.SIGUSR1, lambda *_: load.report())
    print("ready", flush=True)
    load.run(float(args[1]), stopped)
    load.report()


main(sys.argv[1:])
