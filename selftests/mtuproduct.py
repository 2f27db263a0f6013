#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: GPL-2.0
"""Every cipher, link MTU and inner family: is the MTU exact?

mtuproduct.py UA UB OB OUTER A B plain|udp

Runs in the overlay of the sender, with xv0 in place on both sides and no SA.
UA and UB are the underlays, OB is the overlay of the receiver, A and B are the
outer addresses, OUTER is 4 or 6. For udp a socket has to take the packets off
the wire at UB. For each cell a packet of exactly what fits has to leave as one
outer packet that the link holds, and an octet more has to be refused with the
right number, or, where the MTU is at the least that IPv6 allows, to leave in
outer fragments. Prints one line for each cell that is wrong, and the
number of cells at the end.
"""

import errno
import socket
import struct
import subprocess
import sys
import time

LINKS = (1280, 1400, 1500, 9000)
IPV6_LEAST = 1280
UDP = 8
SENTINEL = "link show dev lo"

# RFC 4303 by cipher: name, algorithms, octets of IV and ICV, and what the
# payload with its two trailer octets is padded to.
KEY = {n: "0x" + "42" * n for n in (16, 20, 32, 36, 48, 64)}


def gcm(icv):
    return (f"aead rfc4106(gcm(aes)) {KEY[20]} {icv * 8}", 8, icv, 4)


def cbc(digest, octets, icv):
    return (f"auth-trunc hmac({digest}) {KEY[octets]} {icv * 8} "
            f"enc cbc(aes) {KEY[16]}", 16, icv, 16)


CIPHERS = {
    "gcm8": gcm(8),
    "gcm12": gcm(12),
    "gcm16": gcm(16),
    "cbc-sha1": cbc("sha1", 20, 12),
    "cbc-sha256": cbc("sha256", 32, 16),
    "cbc-sha384": cbc("sha384", 48, 24),
    "cbc-sha512": cbc("sha512", 64, 32),
    "chacha20": (f"aead rfc7539esp(chacha20,poly1305) {KEY[36]} 128", 8, 16, 4),
    "null": ("enc ecb(cipher_null) ''", 0, 0, 4),
}


class Ip:
    """ip in batch mode in a namespace, for as long as the test takes."""

    def __init__(self, netns):
        self.netns = netns
        self.proc = subprocess.Popen(
            ["stdbuf", "-oL", "ip", "-o", "-n", netns, "-batch", "-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.run()

    def run(self, *commands):
        """All of these are done when this returns."""
        self.proc.stdin.write("\n".join(commands + (SENTINEL,)) + "\n")
        self.proc.stdin.flush()
        if not self.proc.stdout.readline():
            sys.exit(f"ip in {self.netns} gave up on: {commands}")

    def counters(self, device):
        """As /proc/net/dev has them: received are 0 to 7, sent 8 to 15."""
        with open(f"/proc/{self.proc.pid}/net/dev", encoding="ascii") as table:
            for line in table:
                name, _, numbers = line.partition(":")
                if name.strip() == device:
                    return [int(number) for number in numbers.split()]
        sys.exit(f"{self.netns} has no {device}")

    def sent(self, device):
        """Packets, and octets without the Ethernet headers."""
        octets, packets = self.counters(device)[8:10]
        return packets, octets - 14 * packets

    def received(self, device):
        return self.counters(device)[1]


def fits(link, outer, encap, cipher):
    """The largest inner packet by RFC 4303."""
    _, iv, icv, block = CIPHERS[cipher]
    room = link - (20 if outer == 4 else 40) - encap - 8 - iv - icv
    return room - room % block - 2


def sender(family):
    """A socket for echo replies, which nobody answers, with DF set."""
    if family == 4:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        sock.setsockopt(socket.IPPROTO_IP, 10, 2)
    else:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        sock.setsockopt(socket.IPPROTO_IPV6, 23, 2)
        sock.setsockopt(socket.IPPROTO_IPV6, 62, 1)
    sock.settimeout(0)
    return sock


def error_of(sock, patience):
    """What an ICMP error has told the socket, within so many seconds."""
    end = time.monotonic() + patience
    while True:
        told = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if told or time.monotonic() > end:
            return told
        time.sleep(0.001)


def send(family, address, size, patience):
    """Send so many octets in all; the path MTU if they were refused, or None."""
    sock = sender(family)
    body = size - (20 if family == 4 else 40)
    kind = 0 if family == 4 else 129
    data = struct.pack("!BBHHH", kind, 0, 0, 0, 0) + bytes(body - 8)
    sock.connect((address, 0))
    try:
        sock.send(data)
        told = error_of(sock, patience)
    except OSError as error:
        if error.errno != errno.EMSGSIZE:
            raise
        told = errno.EMSGSIZE
    if not told:
        return None
    level, option = ((socket.IPPROTO_IP, 14) if family == 4 else
                     (socket.IPPROTO_IPV6, 24))
    return sock.getsockopt(level, option)


class Product:
    def __init__(self, ua, ub, ob, outer, a, b, encap):
        self.ua, self.ub, self.ob = Ip(ua), Ip(ub), Ip(ob)
        self.outer, self.a, self.b = int(outer), a, b
        self.udp = encap == "udp"
        self.cells = 0
        self.delivered = 0
        self.spi = 0x1000

    def sa(self, cipher):
        """Another SA, in place of the one before."""
        algo = CIPHERS[cipher][0]
        encap = "encap espinudp 4500 4500 0.0.0.0" if self.udp else ""
        self.spi += 1
        add = (f"xfrm state add src {self.a} dst {self.b} proto esp "
               f"spi {self.spi} reqid 7 mode tunnel flag af-unspec {algo} {encap}")
        delete = f"xfrm state delete dst {self.b} proto esp spi {self.spi - 1}"
        commands = [add] if self.spi == 0x1001 else [add, delete]
        self.ua.run(*commands)
        self.ub.run(*commands)

    def link(self, mtu):
        self.ub.run(f"link set v0 mtu {mtu}")
        self.ua.run(f"link set v0 mtu {mtu}")

    def address(self, family):
        """A path of its own for each cell, so that none is remembered."""
        number = self.cells + 1
        if family == 4:
            return f"10.9.{number >> 8}.{number & 255}"
        return f"fd09::{number:x}"

    def mtu_is(self, want):
        """The MTU follows a little later."""
        end = time.monotonic() + 30
        while True:
            with open("/sys/class/net/xv0/mtu", encoding="ascii") as file:
                mtu = int(file.read())
            if mtu == want or time.monotonic() > end:
                return mtu
            time.sleep(0.01)

    def measure(self, family, size, patience=0):
        """Packets and octets on the wire for one of this size, and refusal, which
        is waited for where one is wanted."""
        packets, octets = self.ua.sent("v0")
        told = send(family, self.address(family), size, patience)
        now = self.ua.sent("v0")
        self.delivered += not told
        return now[0] - packets, now[1] - octets, told

    def lost(self):
        """How many of those that were sent have not arrived."""
        end = time.monotonic() + 30
        while (self.ob.received("xv0") < self.delivered and
               time.monotonic() < end):
            time.sleep(0.01)
        return self.delivered - self.ob.received("xv0")

    def cell(self, cipher, link, family):
        encap = UDP if self.udp else 0
        fit = fits(link, self.outer, encap, cipher)
        mtu = max(fit, IPV6_LEAST)
        wrong = []
        got = self.mtu_is(mtu)
        if got != mtu:
            wrong.append(f"MTU is {got}, not {mtu}")
        packets, octets, told = self.measure(family, fit)
        slack = CIPHERS[cipher][3]
        if packets != 1 or told or not link - slack < octets <= link:
            wrong.append(f"{fit} octets: {packets} packets of {octets}, told {told}")
        if family == 6 and fit < mtu:
            packets, octets, told = self.measure(family, mtu)
            if packets != 2 or told:
                wrong.append(f"{mtu} octets: {packets} packets, told {told}")
        limit = fit if family == 4 else mtu
        packets, octets, told = self.measure(family, limit + 1, 1)
        if packets or told != limit:
            wrong.append(f"{limit + 1} octets: {packets} packets, told {told}")
        lost = self.lost()
        if lost:
            wrong.append(f"{lost} packets have not arrived")
            self.delivered -= lost
        self.cells += 1
        for what in wrong:
            print(f"{cipher} link {link} IPv{family}: {what}")

    def run(self):
        for cipher in CIPHERS:
            self.sa(cipher)
            for link in LINKS:
                self.link(link)
                for family in (4, 6):
                    self.cell(cipher, link, family)
        print(self.cells)


if __name__ == "__main__":
    Product(*sys.argv[1:]).run()
