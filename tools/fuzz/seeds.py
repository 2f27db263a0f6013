#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Writes what the fuzzers begin with: the examples of the documentation, lines
of the tests, and answers as a kernel would give them.

seeds.py DIRECTORY
"""

import re
import struct
import sys
from ipaddress import ip_address
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
FAMILY = 0x20
DEV_GET, DEV_NTF = 1, 3
NEWLINK, DELLINK, NEWROUTE, NEWNSID = 16, 17, 24, 88
NEWSA, NEWPOLICY, NLMSG_ERROR = 16, 19, 2
K_DEV, K_LINK, K_ROUTE, K_NSID, K_SA, K_POLICY, K_DEV_NTF, K_LINK_NTF = range(8)
K_MORE = 0x80
# as answers.c numbers them, and its options
COMMANDS = {"show": 0, "one": 1, "explain": 2, "from": 3, "monitor": 4,
            "export": 5, "delete": 6, "set": 7}
JSON, STATS, DETAILS = 0x80, 0x40, 0x20

L4, R4 = "192.0.2.1", "192.0.2.2"
L6, R6 = "2001:db8::1", "2001:db8::2"


def message(kind, payload, flags=0):
    length = 16 + len(payload)
    return struct.pack("=IHHII", length, kind, flags, 0, 0) + payload + bytes(-length % 4)


def attr(kind, payload):
    length = 4 + len(payload)
    return struct.pack("=HH", length, kind) + payload + bytes(-length % 4)


def u32(kind, value):
    return attr(kind, struct.pack("=I", value))


def u64(kind, value):
    return attr(kind, struct.pack("=Q", value))


def addr(kind, text):
    return attr(kind, ip_address(text).packed)


def record(kind, *messages):
    data = b"".join(messages)
    return struct.pack("=BH", kind, len(data)) + data


def link(index=7, name=b"xv0", kind=b"xvti", up=1, master=0, event=NEWLINK):
    return message(event, struct.pack("=BBHiII", 0, 0, 1, index, up, 0)
                   + attr(3, name + b"\0") + u32(10, master)
                   + attr(23, struct.pack("=24Q", *range(24)))
                   + attr(18, attr(1, kind)))


def dev(*more, index=7, name=b"xv0", local=L4, remote=R4, cmd=DEV_GET):
    return message(FAMILY, struct.pack("=BBH", cmd, 1, 0)
                   + u32(1, index) + attr(2, name + b"\0")
                   + addr(4, local) + addr(5, remote) + u32(6, 7)
                   + u32(11, 0) + u32(12, 0) + u32(13, 1400) + u32(14, 1)
                   + u32(15, 1500) + u32(16, 16) + attr(17, b"\1")
                   + u32(18, 1) + u32(19, 1) + addr(20, remote) + u32(21, 7)
                   + attr(22, b"".join(u64(n, n) for n in range(1, 22)))
                   + u64(23, 1700000000) + u32(24, 3) + u64(25, 1700000001)
                   + b"".join(more))


def selector(family, length=0, proto=0):
    return struct.pack("=16s16sHHHHHBBB3xii", bytes(16), bytes(16), 0, 0, 0, 0,
                       family, length, length, proto, 0, 0)


def end(text):
    return ip_address(text).packed.ljust(16, b"\0")


def sa(src, dst, family=2, mode=1, proto=50):
    return message(NEWSA, selector(family) + struct.pack(
        "=16s4sB3x16s8Q4Q3IIIHBBB7x", end(dst), b"\0\0\x10\0", proto, end(src),
        *[2 ** 64 - 1] * 4, 3000, 3600, 0, 0, 9000, 90, 1700000000, 0,
        0, 0, 0, 0, 7, family, mode, 32, 0)
        + attr(18, b"rfc4106(gcm(aes))".ljust(72, b"\0") + bytes(24))
        + attr(1, b"hmac(sha256)".ljust(72, b"\0"))
        + attr(21, struct.pack("=II", 6, 0xff)) + u32(31, 9)
        + attr(28, struct.pack("=iB3x", 2, 4)) + attr(4, bytes(24)))


def policy(src, dst, out=1, length=0):
    template = struct.pack("=16s4sB3xH2x16sIBBBxIII", end(dst), bytes(4), 50, 2,
                           end(src), 7, 1, 0, 0, 0, 0, 0)
    return message(NEWPOLICY, selector(2, length, 6) + bytes(96)
                   + struct.pack("=IIBBBB4x", 100, 8, out, 0, 0, 0)
                   + attr(5, template) + attr(21, struct.pack("=II", 6, 0xff))
                   + u32(31, 9))


def route(oif=7, source="10.8.0.1", kind=1):
    return message(NEWROUTE, struct.pack("=BBBBBBBBI", 2, 32, 0, 0, 254, 0, 0,
                                         kind, 0)
                   + u32(4, oif) + addr(7, source) + addr(5, "10.8.0.9"))


def refusal(code, text):
    return message(NLMSG_ERROR, struct.pack("=i16s", code, bytes(16))
                   + attr(1, text + b"\0") + u32(2, 20) + u32(5, 6), 0x300)


def under(number):
    return u32(3, number)


def worlds():
    """Devices with all that belongs to them, by name."""
    pair = record(K_SA, sa(L4, R4), sa(R4, L4), sa(L4, R4, mode=0))
    rules = record(K_POLICY, policy(L4, R4), policy(R4, L4, 0, 8))
    ways = b"".join(record(K_ROUTE, route(*r)) for r in
                    ((7,), (2, L4), (7, "10.8.0.1", 2), (3, "10.8.0.1", 7)))
    links = b"".join(record(K_LINK, m) for m in
                     (link(), link(2, b"eth0", b"veth"), link(9, b"red", b"vrf")))
    yield "one", record(K_DEV, dev()) + pair + rules + links + ways
    yield "six", (record(K_DEV, dev(local=L6, remote=R6)) + links
                  + record(K_SA, sa(L6, R6, 10), sa(R6, L6, 10)))
    for number in range(8):
        yield f"under{number}", (record(K_DEV, dev(under(number), u32(10, 2)))
                                 + links + pair)
    yield "marks", record(K_DEV, dev(u32(7, 6), u32(8, 255), u32(9, 9))) + links
    yield "any", record(K_DEV, dev(remote="0.0.0.0")) + links + ways
    yield "names", (record(K_DEV | K_MORE, dev(name=b"a b", index=8),
                           dev(name=b"-j", index=3))
                    + record(K_DEV, dev(name=b"\xe9\x1b[m'\"#", index=5))
                    + record(K_LINK, link(8, b"a b"), link(5, b"\xe9\x1b[m'\"#")))
    yield "refused", record(K_DEV, refusal(-22, b"no such thing"))
    yield "no-errno", record(K_DEV, refusal(-2 ** 31, b"no such thing"))
    # of a length that leaves what follows without alignment for 64 bit
    odd = message(NEWSA, bytes(4))
    yield "odd", (record(K_DEV, dev()) + record(K_SA, odd, sa(L4, R4))
                  + record(K_POLICY, odd, policy(L4, R4)) + links)
    yield "vrf", (record(K_DEV, dev()) + record(K_LINK, link(master=9))
                  + record(K_LINK, link(9, b"red", b"vrf")) + ways)


# Where the messages of a kind have their attributes, and which the tool reads;
# a command that asks for them, and what else it has to be told.
KINDS = {
    "dev": (K_DEV, FAMILY, bytes([DEV_GET, 1, 0, 0]), range(1, 26), "one"),
    "link": (K_LINK, NEWLINK, link()[16:32], (3, 10, 18, 23), "one"),
    "route": (K_ROUTE, NEWROUTE, route()[16:28], (4, 5, 7), "explain"),
    "sa": (K_SA, NEWSA, sa(L4, R4)[16:240], (1, 4, 18, 20, 21, 28, 31), "explain"),
    "policy": (K_POLICY, NEWPOLICY, policy(L4, R4)[16:184], (5, 21, 31), "explain"),
}


def odd():
    """Attributes of any length, and headers cut short, at the end of what is
    received: nothing behind them is to be read."""
    rest = record(K_DEV, dev()) + record(K_LINK, link())
    for name, (kind, number, header, attributes, command) in KINDS.items():
        payloads = [(f"{a}-{length}", header + attr(a, b"x" * length))
                    for a in attributes for length in (0, 1, 3, 4, 8, 12, 15, 40, 300)]
        payloads += [(f"short-{length}", header[:length])
                     for length in range(0, len(header), 12)]
        for which, payload in payloads:
            data = bytes([COMMANDS[command] | JSON | STATS])
            data += record(kind, message(number, payload))
            yield f"odd-{name}-{which}", data + rest
    for a in (1, 2, 5):
        for length in (0, 1, 3, 300):
            error = message(NLMSG_ERROR, struct.pack("=i16s", -22, bytes(16))
                            + attr(a, b"x" * length), 0x300)
            yield (f"odd-error-{a}-{length}",
                   bytes([COMMANDS["set"]]) + record(K_DEV, error) + rest)


def answers():
    yield from odd()
    for name, world in worlds():
        for command, number in COMMANDS.items():
            for options in (0, JSON | STATS | DETAILS, STATS | DETAILS):
                yield (f"{name}-{command}-{options}",
                       bytes([number | options]) + world)
    events = (record(K_LINK_NTF, link()) + record(K_DEV_NTF, dev(cmd=DEV_NTF))
              + record(K_LINK_NTF, link(name=b"xv1"), link(event=DELLINK))
              + record(K_LINK_NTF) + record(K_DEV_NTF)
              + record(K_LINK, link()) + record(K_DEV, dev()))
    yield "events", bytes([COMMANDS["monitor"] | JSON]) + events
    yield "events-text", bytes([COMMANDS["monitor"] | STATS]) + events


def texts():
    """Commands, one a line, wherever there are any."""
    for page in ("xvti.8", "xvti.conf.5"):
        text = (TOP / "tools" / page).read_text().replace("\\-", "-")
        for number, example in enumerate(re.findall(r"\.EX\n(.*?)\.EE", text, re.S)):
            yield f"{page}-{number}", example.replace("\\e", "\\")
    for path in (TOP / "Documentation/examples").rglob("*"):
        if path.is_file():
            yield path.name, path.read_text()
    yield "words", "del" + " a" * 300
    for name in ("args.sh", "batch.sh", "load.sh"):
        lines = (TOP / "tools/tests" / name).read_text().split("\n")
        for number in range(0, len(lines), 12):
            yield f"{name}-{number}", "\n".join(lines[number:number + 12])


def loads():
    """A configuration, and devices that are as it says, or not quite."""
    line = b"add xv0 local 192.0.2.1 remote 192.0.2.2 reqid %s\n"
    there = b"".join(record(K_LINK, link()) for _ in range(3))
    for name, words in (("same", b"7 mtu 1400"), ("mtu", b"7 mtu auto"),
                        ("mark", b"8 mark 6/0xff carrier sa queue 4"),
                        ("dev", b"7 dev xv0"), ("moved", b"7 netns other up"),
                        ("six", b"7 mode policy if_id 3")):
        text = line % words
        yield f"there-{name}", text + bytes(4) + there + record(K_DEV, dev()) * 2
        yield (f"two-{name}", text + line.replace(b"xv0", b"xv1") % b"9 up"
               + bytes(4) + record(K_LINK, link()) + record(K_DEV, dev()))
        yield (f"refused-{name}", text + bytes(4) + record(K_LINK, link())
               + record(K_DEV, dev()) + record(K_DEV, refusal(-22, b"no")))
    yield "foreign", line % b"7" + bytes(4) + record(K_LINK, link(kind=b"dummy"))


def values():
    """A value for each word, by the word's number in names.h."""
    examples = (("192.0.2.1", L6, "::ffff:1.2.3.4", "fe80::1%lo"),
                ("192.0.2.2", "any", R6), ("7", "none", "0xffffffff"),
                ("6", "0x6/0xff", "none", "1//1"), ("9", "4294967296"),
                ("eth0", "none", "a/b"), ("direct", "policy"),
                ("always", "sa"), ("auto", "1400", "576"), ("16", "0x10"),
                ("blue",))
    for word, several in enumerate(examples):
        for number, value in enumerate(several):
            yield f"{word}-{number}", bytes([word]) + value.encode()


def strings():
    yield from (("plain", b"xv0"), ("quotes", b'a"b\\c'), ("control", b"\x01\x1b\x7f\t"),
                ("utf8", "é€😀".encode()), ("bad", b"\xff\xc3(\xc0\x80\xed\xa0\x80\xf5"),
                ("cut", b"a\xe2\x82"))


def write(directory, seeds):
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in seeds:
        (directory / name).write_bytes(data)


def main(top):
    lines = [(name, text.encode()) for name, text in texts()]
    write(top / "batch", lines)
    # what the lines of examples look like without "xvti"
    write(top / "load", [(n, re.sub(rb"(?m)^.*?xvti (?=add)", b"", t))
                         for n, t in lines])
    write(top / "load", loads())
    write(top / "words", values())
    write(top / "strings", strings())
    write(top / "answers", answers())


main(Path(sys.argv[1]))
