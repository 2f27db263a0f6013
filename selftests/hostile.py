#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: GPL-2.0
"""Hostile ESP packets, and what becomes of them.

hostile.py GROUP UNDERLAY OVERLAY

Sends a group of packets over the wire v0 to the devices of two other namespaces:
xv0, whose outer packets are IPv4, and then xv1, whose are IPv6. After each step
there has to be as much as it says, and nothing else: of packets on the devices,
octet by octet, of the devices' rx_ counters, of the underlay's XfrmIn counters, and
of datagrams at a socket of the overlay. Prints a line for whatever is different,
and how many packets there were.

The SAs are without encryption, so that anything can be put in a valid ESP packet;
hostile.sh says what they are. What ends a step is a datagram by one of them: when
it has arrived, so has all that was sent before it, on the same processor.
"""

import array
import fcntl
import hashlib
import os
import socket
import struct
import sys
import time

# as in lib.sh
PEERS = {4: ("192.0.2.2", "192.0.2.1", "192.0.2.11"),
         6: ("2001:db8::2", "2001:db8::1", "2001:db8::11")}
INNER = {4: ("10.8.0.2", "10.8.0.1"), 6: ("fd08::2", "fd08::1")}
KEY32 = bytes(range(32))
MAC = bytes.fromhex("020000000001")
ENCAP_PORT, UDP_ENCAP, UDP_ENCAP_ESPINUDP = 4500, 100, 2
DEVICES = {4: "xv0", 6: "xv1"}

# the SPIs, with the inner family added where the SA has a selector
PLAIN, AUTH, HOSTS, PORTS, PROTO = 0x2001, 0x2002, 0x2010, 0x2020, 0x2030
OTHER_REQID, OTHER_MARK, MARKED, TRANSPORT = 0x2041, 0x2051, 0x2061, 0x2071
OTHER_PEER, OTHER_ADDRESS, ENCAP, UNCOMPRESSED = 0x2081, 0x2091, 0x20a1, 0x20b1

ESP, UDP, IPIP, IPV6, FRAGMENT, NONE = 50, 17, 4, 41, 44, 59
HOPOPTS, ROUTING, DSTOPTS = 0, 43, 60
PORT = 7009
ETH_P_ALL, ETH_P_IP, ETH_P_IPV6, PACKET_OUTGOING = 3, 0x0800, 0x86DD, 4
SO_RCVBUFFORCE = 33
WAIT = int(os.environ.get("XVTI_WAIT", "30"))
KERNEL = tuple(int(part) for part in os.uname().release.split(".")[:2])


def address(text):
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    return socket.inet_pton(family, text)


def checksum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H",
                              bytes(data) + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(src, dst, proto, payload, **field):
    """An IPv4 packet; its fields can be given other values."""
    header = bytearray(struct.pack(
        "!BBHHHBBH4s4s", field.get("version", 4) << 4 | field.get("ihl", 5),
        field.get("tos", 0),
        field.get("length", 20 + len(payload)), field.get("ident", 0),
        field.get("fragment", 0), field.get("ttl", 64), proto, 0,
        address(src), address(dst)))
    struct.pack_into("!H", header, 10, checksum(header))
    return bytes(header) + payload


def ipv6(src, dst, proto, payload, **field):
    return struct.pack("!IHBB16s16s",
                       field.get("version", 6) << 28 | field.get("tos", 0) << 20,
                       field.get("length", len(payload)), proto,
                       field.get("ttl", 64), address(src),
                       address(dst)) + payload


def ip(family, src, dst, proto, payload, **field):
    make = ipv4 if family == 4 else ipv6
    return make(src, dst, proto, payload, **field)


def udp(src, dst, data=b"\xff" * 12, port=PORT):
    """A datagram from one address to another, with its checksum."""
    size = 8 + len(data)
    pseudo = address(src) + address(dst) + struct.pack("!II", size, UDP)
    header = struct.pack("!HHHH", PORT, port, size & 0xFFFF, 0)
    return header[:6] + struct.pack("!H", checksum(pseudo + header + data)
                                    or 0xFFFF) + data


def inner(family, data=b"\xff" * 12, src=None, dst=None, **field):
    """An honest packet, unless told otherwise."""
    src, dst = src or INNER[family][0], dst or INNER[family][1]
    return ip(family, src, dst, UDP, udp(src, dst, data), **field)


def of_size(family, size):
    """An honest packet of so many octets in all."""
    return inner(family, bytes(size - (28 if family == 4 else 48)))


def icv(data):
    pads = [bytes(octet ^ mask for octet in KEY32.ljust(64, b"\0"))
            for mask in (0x36, 0x5C)]
    digest = hashlib.sha256(pads[0] + data).digest()
    return hashlib.sha256(pads[1] + digest).digest()[:16]


def esp(packet, spi=PLAIN, seq=1, proto=None, padding=None):
    """A packet in ESP; what it is called there is what it looks like."""
    if proto is None:
        proto = IPV6 if packet[0] >> 4 == 6 else IPIP
    if padding is None:
        padding = bytes(range(1, 1 + -(len(packet) + 2) % 4))
    data = struct.pack("!II", spi, seq) + packet + padding + \
        bytes((len(padding) & 0xFF, proto))
    return data + (icv(data) if spi == AUTH else b"")


class Counters:
    """What the devices have in ethtool, and the underlay in xfrm_stat."""

    SIOCETHTOOL, SET_INFO, STRINGS, STATS = 0x8946, 0x37, 0x1B, 0x1D

    def __init__(self, xfrm_stat):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.xfrm_stat = xfrm_stat
        self.names = {}

    def ethtool(self, device, request):
        request = array.array("B", request)
        fcntl.ioctl(self.sock, self.SIOCETHTOOL,
                    struct.pack("16sP16x", device.encode(),
                                request.buffer_info()[0]))
        return request.tobytes()

    def device(self, device):
        if device not in self.names:
            info = self.ethtool(device, struct.pack("=IIQI", self.SET_INFO, 0, 2, 0))
            count = struct.unpack_from("=I", info, 16)[0]
            text = self.ethtool(device, struct.pack("=III", self.STRINGS, 1, count)
                                + bytes(32 * count))[12:]
            self.names[device] = [text[at:at + 32].rstrip(b"\0").decode()
                                  for at in range(0, len(text), 32)]
        names = self.names[device]
        data = self.ethtool(device, struct.pack("=II", self.STATS, len(names))
                            + bytes(8 * len(names)))
        return dict(zip(names, struct.unpack_from(f"={len(names)}Q", data, 8)))

    def read(self, devices):
        counts = {}
        for device in devices:
            for name, value in self.device(device).items():
                if name.startswith("rx_"):
                    counts[f"{device} {name}"] = value
        text = os.pread(self.xfrm_stat, 65536, 0).decode()
        for line in text.splitlines():
            name, value = line.split()
            if name.startswith("XfrmIn"):
                counts[name] = int(value)
        return counts


class Lab:
    """Sends packets, and looks."""

    def __init__(self, outer, devices, sender, xfrm_stat):
        self.outer = outer
        self.name = DEVICES[outer]
        self.devices = devices
        self.sender = sender
        self.src, self.dst, self.dst2 = PEERS[outer]
        self.counters = Counters(xfrm_stat)
        self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                 socket.htons(ETH_P_ALL))
        self.tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 25)
        self.sockets = [socket.socket(family, socket.SOCK_DGRAM)
                        for family in (socket.AF_INET, socket.AF_INET6)]
        self.sockets[1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        for sock in self.sockets:
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 25)
            sock.bind(("", PORT))
        # of what ends a step: the SA, and the inner family
        self.spi, self.inner = PLAIN, 4
        self.number = self.problems = self.sent = self.seq = 0
        self.ident = 1000 * outer

    def close(self):
        for sock in [self.tap, self.counters.sock] + self.sockets:
            sock.close()

    def ip(self, payload, src=None, dst=None, proto=ESP, **field):
        """An outer packet."""
        return ip(self.outer, src or self.src, dst or self.dst, proto, payload,
                  **field)

    def wrap(self, payloads, **field):
        return [self.ip(payload, **field) for payload in payloads]

    def auth(self, packet):
        """A packet in ESP with an ICV, and a sequence number not used before."""
        self.seq += 1
        return esp(packet, AUTH, self.seq)

    def next(self):
        """What the parts of the next packet are known by."""
        self.ident += 1
        return self.ident

    def fragment(self, offset, data, more):
        """A part of an outer packet."""
        if self.outer == 4:
            return self.ip(data, ident=self.ident,
                           fragment=more << 13 | offset >> 3)
        return self.ip(struct.pack("!BBHI", ESP, 0, offset | more, self.ident)
                       + data, proto=FRAGMENT)

    def fragments(self, payload, size):
        """An outer packet in parts of so many octets."""
        self.next()
        return [self.fragment(at, payload[at:at + size], at + size < len(payload))
                for at in range(0, len(payload), size)]

    def send(self, packet):
        kind = ETH_P_IP if packet[0] >> 4 == 4 else ETH_P_IPV6
        self.sender.send(MAC + MAC + struct.pack("!H", kind) + packet)

    def datagrams(self):
        """All that has come to the sockets."""
        found = []
        for sock in self.sockets:
            try:
                while True:
                    found.append(sock.recv(1 << 16, socket.MSG_DONTWAIT))
            except BlockingIOError:
                pass
        return found

    def captured(self):
        """All that the devices have received, as pairs of device and packet."""
        found = []
        try:
            while True:
                packet, where = self.tap.recvfrom(1 << 17, socket.MSG_DONTWAIT)
                if where[0] in self.devices and where[2] != PACKET_OUTGOING:
                    found.append((where[0], packet))
        except BlockingIOError:
            return found

    def settle(self, wanted):
        """Until the last packet has arrived, and as many as there should be."""
        self.number += 1
        mark = b"step %d" % self.number
        self.send(self.ip(esp(inner(self.inner, mark), self.spi)))
        packets, data = [], []
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            data += self.datagrams()
            packets += self.captured()
            if mark in data and len(packets) > wanted:
                break
            if mark in data and time.monotonic() > end - WAIT + 3:
                break
            time.sleep(0.001)
        packets = [packet for packet in packets if mark not in packet[1]]
        return packets, len(data) - data.count(mark), mark in data

    def problem(self, step, text):
        self.problems += 1
        print(f"IPv{self.outer}: {step}: {text}")

    def step(self, step, packets, delivered=(), *, device=None, arrived=None,
             host=0, maybe=False, **counts):
        """Sends packets.

        delivered   packets on the device, or on the one named
        arrived     datagrams at the socket: all, or so many; -1 for any number
        host        how many of the host's XfrmIn counters have to be; -1 for any
        maybe       all or part of that or nothing, whatever is counted of it
        others      the device's counters
        """
        device = device or self.name
        delivered = [packet if isinstance(packet, tuple) else (device, packet)
                     for packet in delivered]
        arrived = len(delivered) if arrived is None else arrived
        before = self.counters.read(self.devices)
        for packet in packets:
            self.send(packet)
        self.sent += len(packets)
        got, data, marked = self.settle(0 if maybe else len(delivered))
        after = self.counters.read(self.devices)
        if not marked:
            sys.exit(f"IPv{self.outer}: {step}: nothing arrives any more")
        self.compare(step, got, delivered, maybe)
        if data != arrived and arrived >= 0 and not (maybe and data < arrived):
            self.problem(step, f"{data} datagrams have arrived, not {arrived}")
        wanted = {f"{device} {name}": count for name, count in counts.items()}
        self.compare_counts(step, {name: after[name] - before[name]
                                   for name in after}, wanted, host, maybe)

    def compare(self, step, got, wanted, maybe):
        rest = list(wanted)
        for packet in got:
            if packet in rest:
                rest.remove(packet)
            else:
                self.problem(step, f"on {packet[0]}: {packet[1][:80].hex()}, "
                             f"{len(packet[1])} octets")
        if rest and not maybe:
            self.problem(step, f"{len(rest)} of {len(wanted)} not delivered, "
                         f"first {rest[0][1][:80].hex()}")

    def compare_counts(self, step, counts, wanted, host, maybe):
        xfrm = {name: count for name, count in counts.items()
                if count and name.startswith("XfrmIn")}
        device = {name: count for name, count in counts.items()
                  if count and not name.startswith("XfrmIn")}
        if maybe:
            device = {name: count for name, count in device.items()
                      if not name.endswith("rx_error")}
        if device != wanted:
            self.problem(step, f"counted {device}, not {wanted}")
        if sum(xfrm.values()) != host and host >= 0 and not maybe:
            self.problem(step, f"counted {xfrm}, not {host} in all")

    def failed(self, step, packets, **more):
        """What the core gives up once it knows the SA: counted in both places."""
        self.step(step, packets, host=len(packets), rx_error=len(packets), **more)


def truncated(lab, spi=PLAIN, **where):
    """ESP cut off behind each octet."""
    for family in (4, 6):
        for kind in (spi, AUTH) if spi == PLAIN else (spi,):
            packet = inner(family)
            full = lab.auth(packet) if kind == AUTH else esp(packet, kind)
            cut = lab.wrap(full[:size] for size in range(len(full)))
            lab.step(f"no ESP header, IPv{family}", cut[:8], host=8, **where)
            lab.failed(f"SPI {kind:#x} cut off, IPv{family}", cut[8:], **where)
            lab.step(f"SPI {kind:#x} whole, IPv{family}", lab.wrap([full]),
                     [packet], **where)


def altered(lab):
    """Each bit of ESP, in turn."""
    for family in (4, 6):
        packet = inner(family)
        full = lab.auth(packet)
        flipped = []
        for bit in range(8 * len(full)):
            data = bytearray(full)
            data[bit // 8] ^= 1 << bit % 8
            flipped.append(bytes(data))
        lab.step(f"SPI altered, IPv{family}", lab.wrap(flipped[:32]), host=32)
        lab.failed(f"the rest altered, IPv{family}", lab.wrap(flipped[32:]))
        lab.step(f"not altered, IPv{family}", lab.wrap([full]), [packet])
        lab.failed("without the ICV", lab.wrap([esp(packet, AUTH, lab.seq + 1)[:-16]]))


def unknown(lab):
    """SPIs that nobody has."""
    for spi in 0, 1, 255, 256, PLAIN - 1, PLAIN << 16, 0xFFFFFFFF:
        lab.step(f"SPI {spi:#x}", lab.wrap([esp(inner(4), spi), esp(inner(6), spi)]),
                 host=2)


def replayed(lab):
    """The window is of 32 packets."""
    packet = inner(4)

    def numbered(*numbers):
        return lab.wrap(esp(packet, AUTH, number) for number in numbers)

    lab.step("first", numbered(1000), [packet])
    lab.failed("again", numbered(1000, 1000, 1000))
    lab.step("at the end of the window", numbered(969), [packet])
    lab.failed("that again", numbered(969))
    lab.failed("before the window", numbered(968, 1, 0))
    lab.step("far ahead", numbered(1 << 31), [packet])
    lab.failed("then those before it", numbered(1000, 1001))


def fragments(lab):
    """What is sent in parts arrives whole or not at all."""
    old = lab.outer == 6 and KERNEL < (5, 0)
    for family in (4, 6):
        packet = inner(family, bytes(200))
        for size in 8, 16, 24, 64, 128, 256:
            for name, order in ("in order", 1), ("last first", -1):
                lab.step(f"parts of {size}, {name}, IPv{family}",
                         lab.fragments(lab.auth(packet), size)[::order], [packet],
                         maybe=old)
        for left_out in range(4):
            parts = lab.fragments(lab.auth(packet), 80)
            del parts[left_out]
            lab.step(f"without part {left_out}, IPv{family}", parts)
        other = inner(family, bytes(100))
        mixed = [lab.fragments(lab.auth(packet), 64),
                 lab.fragments(lab.auth(other), 64)]
        lab.step(f"two at once, IPv{family}",
                 [part for pair in zip(*mixed) for part in pair]
                 + mixed[0][len(mixed[1]):] + mixed[1][len(mixed[0]):],
                 [packet, other], maybe=old)
        overlapping(lab, packet)
    lab.next()
    lab.step("more than 65535 octets", [
        lab.fragment(at, bytes(1048), at < 64512) for at in range(0, 65536, 1048 - 24)])


def overlapping(lab, packet):
    """With the right octets or with others: only the right ones may arrive."""
    for name, other in ("the same", lambda data: data), \
            ("other octets", lambda data: bytes(octet ^ 0x55 for octet in data)):
        for at, size in (0, 8), (0, 80), (40, 80), (80, 160), (160, 400):
            for first in False, True:
                data = lab.auth(packet)
                parts = lab.fragments(data, 80)
                extra = other(data[at:at + size])
                extra = lab.fragment(at, extra, at + size < len(data))
                order = [extra] + parts if first else \
                    parts[:2] + [extra] + parts[2:]
                lab.step(f"overlapping at {at}, {name}", order, [packet], maybe=True)


def inner4(lab):
    """Malformed IPv4, and what is no IP."""
    packet = inner(4)
    for version in (0, 1, 5, 6, 15):
        lab.step(f"version {version}", lab.wrap([
            esp(inner(4, version=version), proto=IPIP)]), rx_selector=1)
    for ihl in range(5):
        lab.step(f"header of {ihl} words", lab.wrap([esp(inner(4, ihl=ihl))]),
                 rx_selector=1)
    for ihl in range(6, 16):
        bad = inner(4, ihl=ihl)
        lab.step(f"header of {ihl} words", lab.wrap([esp(bad)]), [bad], arrived=0)
    for length in 0, 1, 19, 20, len(packet) - 1, len(packet) + 1, 65535:
        bad = inner(4, length=length)
        lab.step(f"length {length}", lab.wrap([esp(bad)]), [bad], arrived=0)
    long = packet + bytes(100)
    lab.step("octets behind it", lab.wrap([esp(long)]), [long])
    for proto in 0, 1, 6, UDP, FRAGMENT, ESP, NONE, 255:
        lab.failed(f"next header {proto}", lab.wrap([esp(packet, proto=proto)]))
    lab.failed("empty", lab.wrap([esp(b"", proto=IPIP), esp(b"", proto=NONE),
                                  esp(b"", proto=IPV6)]))
    short = [packet[:size] for size in range(1, len(packet))]
    lab.failed("less than a header", lab.wrap(
        esp(part, proto=IPIP) for part in short[:19]))
    lab.step("little more than a header", lab.wrap(
        esp(part, proto=IPIP) for part in short[19:]), short[19:], arrived=0)
    parts = parts4(lab.next())
    lab.step("in parts", lab.wrap(map(esp, parts)), parts, arrived=1)
    parts = parts4(lab.next())[1:]
    lab.step("all parts but one", lab.wrap(map(esp, parts)), parts, arrived=0)


def parts4(ident):
    """An honest packet of IPv4 in parts."""
    data = udp(*INNER[4])
    return [ipv4(*INNER[4], UDP, data[at:at + 8], ident=ident,
                 fragment=(at + 8 < len(data)) << 13 | at >> 3)
            for at in range(0, len(data), 8)]


def parts6(ident, proto=UDP):
    data = udp(*INNER[6])
    return [extended(proto, (FRAGMENT, struct.pack(
        "!BHI", 0, at | (at + 8 < len(data)), ident)), payload=data[at:at + 8])
            for at in range(0, len(data), 8)]


def extended(proto, *headers, payload=None, **field):
    """An IPv6 packet with extension headers, each its octets past the first."""
    src, dst = INNER[6]
    data = udp(src, dst) if payload is None else payload
    kinds = [header[0] for header in headers]
    for (kind, rest), after in reversed(list(zip(headers, kinds[1:] + [proto]))):
        data = bytes((after,)) + rest + data
    return ipv6(src, dst, kinds[0] if kinds else proto, data, **field)


EMPTY = b"\0\1\4\0\0\0\0"


def inner6(lab):
    """Malformed IPv6."""
    packet = inner(6)
    for version in 0, 4, 5, 15:
        lab.step(f"version {version}", lab.wrap([
            esp(inner(6, version=version), proto=IPV6)]), rx_selector=1)
    lab.step("IPv4 that is called IPv6", lab.wrap([
        esp(inner(4, bytes(40)), proto=IPV6)]), rx_selector=1)
    for length in 0, 1, 7, len(packet) - 41, len(packet) - 39, 65535:
        bad = inner(6, length=length)
        lab.step(f"length {length}", lab.wrap([esp(bad)]), [bad], arrived=0)
    long = packet + bytes(100)
    lab.step("octets behind it", lab.wrap([esp(long)]), [long])
    short = [packet[:size] for size in range(1, len(packet))]
    lab.failed("less than a header", lab.wrap(
        esp(part, proto=IPV6) for part in short[:39]))
    lab.step("little more than a header", lab.wrap(
        esp(part, proto=IPV6) for part in short[39:]), short[39:], arrived=0)
    good = extended(UDP, (HOPOPTS, EMPTY), (DSTOPTS, EMPTY))
    lab.step("with options", lab.wrap([esp(good)]), [good])
    for kind in HOPOPTS, DSTOPTS, ROUTING, FRAGMENT:
        bad = [extended(UDP, (kind, b"\xff" + EMPTY[1:])) if kind != FRAGMENT
               else extended(kind, payload=b"\0" * 5)]
        bad += [extended(kind, payload=bytes(size)) for size in range(8)]
        lab.step(f"extension header {kind} cut off", lab.wrap(map(esp, bad)), bad,
                 arrived=0)
    bad = extended(NONE, *[(DSTOPTS, EMPTY)] * 100)
    lab.step("a hundred options and nothing", lab.wrap([esp(bad)]), [bad], arrived=0)


def selectors(lab):
    """SAs that are for UDP between two hosts, to one port, or for UDP alone."""
    for family in (4, 6):
        packet = inner(family)
        header = len(packet) - 20
        for kind in HOSTS, PORTS, PROTO:
            lab.step(f"SPI {kind + family:#x}",
                     lab.wrap([esp(packet, kind + family)]), [packet])
        short = [packet[:size] for size in range(header, header + 8)]
        lab.step(f"ports cut off, IPv{family}", lab.wrap(
            esp(part, PORTS + family) for part in short[:4]), rx_selector=4)
        lab.step(f"UDP cut off, IPv{family}", lab.wrap(
            esp(part, PORTS + family) for part in short[4:]), short[4:], arrived=0)
        bad = ip(family, *INNER[family], UDP, udp(*INNER[family], port=PORT + 1))
        lab.step(f"another port, IPv{family}", lab.wrap([esp(bad, PORTS + family)]),
                 rx_selector=1)
        bad = ip(family, *INNER[family], 6, udp(*INNER[family]))
        lab.step(f"another protocol, IPv{family}", lab.wrap([
            esp(bad, PORTS + family), esp(bad, PROTO + family)]), rx_selector=2)
    bad = [inner(4, ihl=ihl) for ihl in range(6, 16)]
    lab.step("longer header, IPv4", lab.wrap(
        esp(packet, PORTS + 4) for packet in bad), rx_selector=len(bad))
    parts = parts4(lab.next())
    lab.step("parts, IPv4", lab.wrap(esp(part, PORTS + 4) for part in parts),
             rx_selector=len(parts))
    lab.step("parts of UDP, IPv4", lab.wrap(esp(part, PROTO + 4) for part in parts),
             parts, arrived=1)
    selectors6(lab)


def selectors6(lab):
    """The protocol and the ports are behind the extension headers."""
    options = (HOPOPTS, EMPTY), (DSTOPTS, EMPTY), (ROUTING, b"\0\0\0" + bytes(4))
    good = extended(UDP, *options[:2])
    lab.step("options before UDP", lab.wrap([esp(good, PORTS + 6),
                                             esp(good, PROTO + 6)]), [good] * 2)
    bad = [extended(6, *options), extended(NONE, *options),
           extended(HOPOPTS, payload=b""), extended(DSTOPTS, payload=b"\x11"),
           extended(FRAGMENT, payload=b"\x11\0\0")]
    lab.step("no UDP behind options", lab.wrap(
        esp(packet, spi + 6) for packet in bad for spi in (PORTS, PROTO)),
        rx_selector=2 * len(bad))
    bad = extended(UDP, (DSTOPTS, b"\xff" + EMPTY[1:]))
    lab.step("UDP past the end", lab.wrap([esp(bad, PORTS + 6)]), rx_selector=1)
    parts = parts6(lab.next())
    lab.step("parts but the first, IPv6", lab.wrap(
        esp(part, PORTS + 6) for part in parts[1:]), rx_selector=len(parts) - 1)
    lab.step("parts of UDP, IPv6", lab.wrap(esp(part, PROTO + 6) for part in parts),
             parts, arrived=-1 if KERNEL < (5, 0) else 1)
    parts = parts6(lab.next(), 6)
    lab.step("parts of another protocol, IPv6", lab.wrap(
        esp(part, PROTO + 6) for part in parts), rx_selector=len(parts))


def spoofed(lab):
    """The peer may not speak for others where the SA says who it is; where not,
    the overlay's own rules against strange addresses hold.
    """
    for src in INNER[4][1], "127.0.0.1", "224.0.0.1", "255.255.255.255", \
            "0.0.0.0", PEERS[4][0], PEERS[4][1]:
        bad = inner(4, src=src)
        lab.step(f"from {src}", lab.wrap([esp(bad)]), [bad], arrived=0)
        lab.step(f"from {src}, and the SA is for others",
                 lab.wrap([esp(bad, HOSTS + 4)]), rx_selector=1)
    for src in INNER[6][1], "::1", "ff02::1", PEERS[6][0], PEERS[6][1]:
        bad = inner(6, src=src)
        # what an own address may do is the host's own affair
        lab.step(f"from {src}", lab.wrap([esp(bad)]), [bad],
                 arrived=0 if src in ("::1", "ff02::1") else -1)
        lab.step(f"from {src}, and the SA is for others",
                 lab.wrap([esp(bad, HOSTS + 6)]), rx_selector=1)
    for family, dst in (4, "127.0.0.1"), (6, "::1"):
        bad = inner(family, dst=dst)
        lab.step(f"to {dst}", lab.wrap([esp(bad)]), [bad], arrived=0)
        lab.step(f"to {dst}, and the SA is for others",
                 lab.wrap([esp(bad, HOSTS + family)]), rx_selector=1)
    spoofed_outer(lab)


def spoofed_outer(lab):
    """ESP says itself who has sent it; the outer source says nothing."""
    elsewhere = {4: "198.51.100.7", 6: "2001:db8:7::7"}[lab.outer]
    packet = inner(4)
    lab.step("outer packet from elsewhere", lab.wrap(
        [lab.auth(packet)], src=elsewhere), [packet])
    strange = {4: (PEERS[4][1], "127.0.0.1", "224.0.0.1", "0.0.0.0"),
               6: ("::1", "ff02::1")}[lab.outer]
    for src in strange:
        lab.step(f"outer packet from {src}", lab.wrap([lab.auth(packet)], src=src))
    nobody = {4: "192.0.2.99", 6: "2001:db8::99"}[lab.outer]
    lab.step("outer packet to another host", lab.wrap([lab.auth(packet)], dst=nobody))


def sizes(lab):
    """As small and as large as they can be, and with any padding."""
    head = 20 if lab.outer == 4 else 40
    room = 1500 - head - 10
    largest = 65535 - 10 - (head if lab.outer == 4 else 0)
    for family in (4, 6):
        least = 28 if family == 4 else 48
        packets = [of_size(family, size) for size in range(least, 69)]
        lab.step(f"small, IPv{family}", lab.wrap(
            esp(packet, padding=b"") for packet in packets), packets)
        packets = [of_size(family, size) for size in
                   (1279, 1280, 1281, room - 2, room - 1, room)]
        lab.step(f"as the link, IPv{family}", lab.wrap(
            esp(packet, padding=b"") for packet in packets), packets)
        for size in room + 1, room + 2, 9000, largest - 1, largest:
            packet = of_size(family, size)
            lab.step(f"{size} octets, IPv{family}", lab.fragments(
                esp(packet, padding=b""), 1448), [packet])
        packet = inner(family)
        for size in 0, 1, 2, 7, 254, 255:
            lab.step(f"padding of {size}, IPv{family}", lab.wrap([
                esp(packet, padding=bytes(size))]), [packet])
        full = esp(packet, padding=b"")
        lab.failed(f"padding that is not there, IPv{family}", lab.wrap(
            full[:-2] + bytes((size, full[-1]))
            for size in range(len(packet), 256)))


def foreign(lab):
    """SAs that are the device's neighbour's, or nobody's."""
    packet = inner(4)
    other = {4: "xv2", 6: "xv3"}[lab.outer]
    marked = {4: "xv4", 6: "xv5"}[lab.outer]
    lab.step("the same SPI at another address", lab.wrap(
        [esp(packet)], dst=lab.dst2), [packet], device=other)
    lab.step("an SPI of another address", lab.wrap([esp(packet, OTHER_ADDRESS)]),
             host=1)
    lab.step("another reqid", lab.wrap([esp(packet, OTHER_REQID)]), host=-1)
    lab.step("another peer's SA", lab.wrap([esp(packet, OTHER_PEER)]), host=-1)
    lab.step("another mark", lab.wrap([esp(packet, OTHER_MARK)]), host=1)
    lab.step("transport mode", lab.wrap([esp(packet[20:], TRANSPORT, proto=UDP)]),
             rx_mode=1)
    lab.step("transport mode with a tunnel in it", lab.wrap([
        esp(packet, TRANSPORT)]), rx_mode=1)
    lab.step("the mark of another device", lab.wrap([esp(packet, MARKED)]),
             [packet], device=marked)
    truncated(lab, MARKED, device=marked)


def nested(lab):
    """ESP within ESP, for the devices themselves."""
    for depth in 1, 2, 8, 20:
        packets, devices, family = [inner(4)], [], lab.outer
        for level in range(depth):
            # by turns in IPv4 and in IPv6
            family = 10 - family if level % 2 else family
            devices.append(DEVICES[family])
            packets.append(ip(family, *PEERS[family][:2], ESP, esp(packets[-1])))
        devices.append(lab.name)
        lab.step(f"{depth} deep", lab.wrap([esp(packets[-1])]),
                 list(zip(devices, packets)), arrived=1)
    for what, data in ("an unknown SPI", esp(inner(4), 0x2999)), \
            ("half an ESP header", bytes(5)):
        bad = ip(lab.outer, lab.src, lab.dst, ESP, data)
        lab.step(f"{what} within", lab.wrap([esp(bad)]), [bad], arrived=0, host=1)


def looping(lab):
    """What both ends route into the tunnel goes to and fro until its time is up."""
    hosts = "10.77.0.1", "10.66.0.1"
    seen = [ipv4(*hosts, UDP, udp(*hosts), ttl=ttl) for ttl in range(20, 1, -2)]
    lab.step("to and fro", lab.wrap([esp(seen[0])]),
             seen[:1] + [("xv0", packet) for packet in seen[1:]], arrived=0)


def uncompressed(lab):
    """IP in IP that IPComp has left alone, in transport mode. The outer header tells
    of congestion, and its DSCP is copied.
    """
    # up to 5.10 an SA in transport mode is for one family alone
    lab.spi, lab.inner = UNCOMPRESSED, lab.outer
    least, proto = (20, IPIP) if lab.outer == 4 else (40, IPV6)

    def wrap(packets, proto):
        return lab.wrap([esp(packet, UNCOMPRESSED, proto=proto)
                         for packet in packets], tos=0xbb)

    def honest(**field):
        return inner(lab.outer, **field)

    # of IPv6, the SA that is beside IPComp's is not told to copy it
    dscp = 0xb8 if lab.outer == 4 else 0
    packet = honest(tos=dscp)
    lab.step("whole", wrap([honest(), honest(tos=1)], proto),
             [packet, honest(tos=dscp | 3)])
    cut = [packet[:size] for size in range(1, len(packet))]
    lab.step("less than a header", wrap(cut[:least - 1], proto), rx_selector=least - 1)
    lab.step("little more than a header", wrap(cut[least - 1:], proto),
             cut[least - 1:], arrived=0)
    lab.failed("empty", wrap([b""], proto))
    bad = [honest(version=version) for version in (0, 5, 10 - lab.outer, 15)]
    lab.step("other versions", wrap(bad, proto), rx_selector=4)
    lab.step("called what it is not", wrap([packet], IPIP + IPV6 - proto),
             rx_selector=1)
    for other in 0, UDP, 255:
        lab.step(f"next header {other}", wrap([packet], other), rx_mode=1)
    lab.failed("a dummy", wrap([packet], NONE))
    # whose SPI is the first of the inner packet's octets
    lab.step("ESP within", wrap([packet], ESP), host=1)


def encapsulated(lab):
    """ESP in UDP."""
    if lab.outer == 6:
        return

    def wrap(payloads, port=ENCAP_PORT):
        return [lab.ip(struct.pack("!HHHH", port, ENCAP_PORT, 8 + len(payload), 0)
                       + payload, proto=UDP) for payload in payloads]

    packet = inner(4)
    full = esp(packet, ENCAP)
    lab.step("whole", wrap([full]), [packet])
    lab.step("for the daemon", wrap(full[:size] for size in range(9)))
    lab.step("for the daemon", wrap([b"\xff", bytes(4), bytes(4) + full]))
    # the core takes what is shorter than an IP header for none of anybody's
    lab.step("cut off early", wrap(full[:size] for size in range(9, 20)), maybe=True)
    lab.failed("cut off", wrap(full[:size] for size in range(20, len(full))))
    lab.step("from another port", wrap([full], 5000), [packet])
    lab.step("an unknown SPI", wrap([esp(packet, 0x2999)]), host=1)
    lab.failed("without UDP", lab.wrap([full]))
    lab.failed("an SA that is not for UDP", wrap([esp(packet)]))


def kinds(four, six):
    """Packets with what they are called below IP."""
    return [(ETH_P_IP, packet) for packet in four] + \
        [(ETH_P_IPV6, packet) for packet in six]


def bad_packets():
    """What may not be sent: no IP header, or half of one."""
    four = [inner(4, version=version) for version in (0, 5, 6, 15)]
    four += [inner(4, ihl=ihl) for ihl in range(5)]
    four += [inner(4)[:size] for size in (1, 10, 19)]
    six = [inner(6)[:size] for size in (1, 20, 39)]
    return kinds(four, six + [inner(6, version=5), inner(4, bytes(40))])


def odd_packets():
    """What has an IP header, and little else that is right."""
    four = [inner(4, ihl=15), inner(4, length=0), inner(4, length=65535),
            inner(4)[:20], inner(4)[:21], inner(4, ttl=0),
            inner(4, src="127.0.0.1")] + parts4(1)[1:]
    six = [inner(6)[:40], inner(6)[:41], inner(6, length=65535),
           extended(HOPOPTS, payload=b""), extended(FRAGMENT, payload=b"\x11"),
           extended(UDP, (DSTOPTS, b"\xff" + EMPTY[1:]))] + parts6(1)[1:]
    return kinds(four, six)


def transmitted(lab, odd="tx_packets", large="tx_too_big"):
    """By a socket of AF_PACKET, hence without a route, as tc and BPF do it."""
    path = f"/sys/class/net/{lab.name}/statistics/tx_packets"
    # from here: whoever it says has sent them is told
    hosts = {family: tuple(reversed(INNER[family])) for family in INNER}
    groups = (bad_packets(), "tx_protocol"), (odd_packets(), odd), (kinds(
        [ipv4(*hosts[4], UDP, bytes(1460), fragment=1 << 14)],
        [ipv6(*hosts[6], UDP, bytes(1440))]), large)
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as sock, \
            open(path, "rb", buffering=0) as tx_packets:

        def counts():
            found = lab.counters.device(lab.name)
            found["tx_packets"] = int(os.pread(tx_packets.fileno(), 20, 0))
            return found

        for packets, name in groups:
            before = counts()
            for kind, packet in packets:
                sock.sendto(packet, (lab.name, kind))
            lab.sent += len(packets)
            changed = {key: value - before[key] for key, value in counts().items()
                       if value != before[key] and key.startswith("tx_")}
            if changed != {name: len(packets)}:
                lab.problem(name, f"counted {changed}, not {len(packets)}")


def unsent(lab):
    """There is no SA."""
    transmitted(lab, "tx_no_sa", "tx_no_sa")


def unallowed(lab):
    """There is no policy."""
    transmitted(lab, "tx_policy", "tx_policy")


GROUPS = {function.__name__: function for function in (
    truncated, altered, unknown, replayed, fragments, inner4, inner6, selectors,
    spoofed, sizes, foreign, nested, looping, uncompressed, encapsulated, transmitted, unsent,
    unallowed)}


def in_netns(netns, *args):
    """Goes on in another namespace; what is open stays so."""
    # the file may be compiled, and elsewhere
    here = os.environ.get("SELFTESTS") or os.path.dirname(os.path.abspath(__file__))
    inns = os.path.join(here, "inns")
    python = [sys.executable, "-IS", os.path.abspath(__file__)]
    os.execv(inns, [inns, netns, *python, *args])


def inherited(file):
    os.set_inheritable(file, True)
    return str(file)


def in_sender(group, underlay, overlay):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind(("v0", 0))
    in_netns(underlay, "-u", group, overlay, inherited(sock.detach()))


def in_underlay(group, overlay, sender):
    if group == "encapsulated":
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP)
        sock.bind((PEERS[4][1], ENCAP_PORT))
        inherited(sock.detach())
    stat = os.open("/proc/self/net/xfrm_stat", os.O_RDONLY)
    in_netns(overlay, "-o", group, sender, inherited(stat))


def in_overlay(group, sender, xfrm_stat):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    sender = socket.socket(fileno=int(sender))
    devices = [name for _, name in socket.if_nameindex() if name.startswith("xv")]
    problems = sent = 0
    for outer in 4, 6:
        lab = Lab(outer, devices, sender, int(xfrm_stat))
        GROUPS[group](lab)
        lab.close()
        problems += lab.problems
        sent += lab.sent
    print(f"{group}: {sent} packets, {problems} problems")
    sys.exit(problems > 0)


def main(args):
    # the stages in the other namespaces are this program's own
    stage = {"-u": in_underlay, "-o": in_overlay}.get(args[0] if args else "")
    if stage:
        stage(*args[1:])
    elif len(args) == 3 and args[0] in GROUPS:
        in_sender(*args)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
