#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: GPL-2.0
"""What other users of IPsec do, and what they are told.

neighbours.py echo ADDRESS PORT     answers datagrams; prints "ready"
neighbours.py raw ADDRESS PROTO...  sends packets of IPsec protocols that belong to
                                    no SA, and prints which ICMP errors come back
neighbours.py policy ADDRESS PORT   asks for policies of a socket as IKE daemons
                                    do, with and without privileges, and prints
                                    what setsockopt() says; then sends datagrams
                                    by that socket, and prints how many are
                                    answered
"""

import errno
import os
import socket
import struct
import sys

IP_IPSEC_POLICY, IP_XFRM_POLICY = 16, 17
IPV6_IPSEC_POLICY, IPV6_XFRM_POLICY = 34, 35
IN, OUT, FWD = 0, 1, 2
ALLOW, BLOCK = 0, 1
TRANSPORT = 0
ESP = 50
INFINITE = (1 << 64) - 1
REQID = 99
# ICMP's types, of both families
ERRORS = {socket.AF_INET: (3, 4, 11, 12), socket.AF_INET6: (1, 2, 3, 4)}
NOBODY = 65534


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def template(family, proto=ESP):
    """struct xfrm_user_tmpl: any addresses, any algorithms"""
    return struct.pack("=16sIB3xH2x16sIBBBxIII", b"", 0, proto, family, b"",
                       REQID, TRANSPORT, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


def policy(family, direction, *templates, action=ALLOW):
    """struct xfrm_userpolicy_info for all packets, and its templates"""
    selector = struct.pack("=32s8sHBBB3xiI", b"", b"", family, 0, 0, 0, 0, 0)
    limits = struct.pack("=8Q", *[INFINITE] * 4, 0, 0, 0, 0)
    return selector + limits + bytes(32) + struct.pack(
        "=IIBBBB4x", 0, 0, direction, action, 0, 0) + b"".join(templates)


def pfkey_bypass(direction):
    """struct sadb_x_policy"""
    return struct.pack("=HHHBBII", 2, 18, 4, direction + 1, 0, 0, 0)


def ask(sock, option, data):
    """What setsockopt() says."""
    level = socket.IPPROTO_IP if sock.family == socket.AF_INET else \
        socket.IPPROTO_IPV6
    try:
        if data is None:
            sock.setsockopt(level, option, None, 0)
        else:
            sock.setsockopt(level, option, data)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"


def requests(family):
    """What there is to ask for: name, option, data."""
    xfrm, pfkey = IP_XFRM_POLICY, IP_IPSEC_POLICY
    if family == socket.AF_INET6:
        xfrm, pfkey = IPV6_XFRM_POLICY, IPV6_IPSEC_POLICY
    esp = template(family)
    good = policy(family, OUT, esp)
    other = socket.AF_INET if family == socket.AF_INET6 else socket.AF_INET6
    return [
        ("out", xfrm, good), ("in", xfrm, policy(family, IN, esp)),
        ("forward", xfrm, policy(family, FWD, esp)),
        ("direction 3", xfrm, policy(family, 3, esp)),
        ("action 7", xfrm, policy(family, OUT, esp, action=7)),
        ("block", xfrm, policy(family, OUT, action=BLOCK)),
        ("bypass", xfrm, policy(family, OUT)),
        ("7 templates", xfrm, policy(family, OUT, *[esp] * 7)),
        ("protocol 99", xfrm, policy(family, OUT, template(family, 99))),
        ("other family", xfrm, policy(other, OUT, template(other))),
        ("an octet less", xfrm, good[:-1]), ("half", xfrm, good[:100]),
        ("nothing", xfrm, b""), ("one octet", xfrm, b"x"),
        # as large as what the module hands to itself
        *((f"{size} octets", xfrm, bytes(size)) for size in range(48, 80, 4)),
        ("PF_KEY's bypass", pfkey, pfkey_bypass(OUT)),
        ("PF_KEY's to XFRM", xfrm, pfkey_bypass(OUT)),
        ("XFRM's to PF_KEY", pfkey, good), ("none", xfrm, None)]


def unprivileged(family):
    """The same, asked by nobody; what is different from EPERM."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            for name, option, data in requests(family):
                print(f"nobody: {name}: {ask(sock, option, data)}")
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)


def talk(sock, address, port, what):
    answered = 0
    sock.settimeout(5)
    for number in range(5):
        sock.sendto(b"%d" % number, (address, port))
        try:
            answered += sock.recv(100) == b"%d" % number
        except socket.timeout:
            pass
    print(f"{what}: {answered} answers")


def run_policy(address, port):
    family = family_of(address)
    port = int(port)
    xfrm = IP_XFRM_POLICY if family == socket.AF_INET else IPV6_XFRM_POLICY
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        for name, option, data in requests(family):
            print(f"{name}: {ask(sock, option, data)}")
    unprivileged(family)
    esp = template(family)
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        talk(sock, address, port, "without a policy")
        print("out:", ask(sock, xfrm, policy(family, OUT, esp)))
        talk(sock, address, port, "with ESP out")
        print("in:", ask(sock, xfrm, policy(family, IN, esp)))
        talk(sock, address, port, "with ESP in and out")
        print("out:", ask(sock, xfrm, policy(family, OUT)))
        talk(sock, address, port, "with a bypass out")
        print("none:", ask(sock, xfrm, None))
        talk(sock, address, port, "without")


def run_echo(address, port):
    sock = socket.socket(family_of(address), socket.SOCK_DGRAM)
    sock.bind((address, int(port)))
    print("ready", flush=True)
    while True:
        data, peer = sock.recvfrom(100)
        sock.sendto(data, peer)


def errors(sock):
    """ICMP errors that have come, by type and code."""
    seen = {}
    sock.settimeout(0.5)
    while True:
        try:
            data = sock.recv(2048)
        except socket.timeout:
            break
        at = (data[0] & 15) * 4 if sock.family == socket.AF_INET else 0
        kind = data[at], data[at + 1]
        if kind[0] in ERRORS[sock.family]:
            seen[kind] = seen.get(kind, 0) + 1
    return sorted(seen.items())


def run_raw(address, *protocols):
    family = family_of(address)
    icmp = socket.IPPROTO_ICMP if family == socket.AF_INET else \
        socket.IPPROTO_ICMPV6
    listener = socket.socket(family, socket.SOCK_RAW, icmp)
    for proto in map(int, protocols):
        with socket.socket(family, socket.SOCK_RAW, proto) as sock:
            for data in b"", b"\0" * 7, b"\0\0\x77\x77" + bytes(60), b"\xff" * 64:
                try:
                    sock.sendto(data, (address, 0))
                except OSError as error:
                    print(f"protocol {proto}: {error}")
        print(f"protocol {proto}: {errors(listener)}")


def main(args):
    commands = {"echo": run_echo, "raw": run_raw, "policy": run_policy}
    if len(args) < 3 or args[0] not in commands:
        sys.exit(__doc__)
    commands[args[0]](*args[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
