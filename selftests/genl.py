#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: GPL-2.0
"""A bare client of the xvti generic-netlink family, for what the xvti command
would never send.

genl.py get|set [ATTRIBUTE=VALUE...]
genl.py dump [COMMAND]
genl.py look ATTRIBUTE=VALUE...
genl.py forge ATTRIBUTE=VALUE...
genl.py lent PID ATTRIBUTE=VALUE...

ATTRIBUTE is a name as in the specification or a number. VALUE is by the type
of the attribute, or hex:OCTETS to send exactly these octets. Prints "ok", or
"error NAME attribute=NAME missing=NAME TEXT" with what the kernel said, and
exits 1 then. A dump prints the names of all devices, a line for each part that
the kernel sends, and "interrupted" if it says that devices changed meanwhile;
after each part the shell runs COMMAND, with the part's number in PART. To look
is to get, and to print all attributes of the answer in hexadecimal. What is forged
is an event, sent to all other sockets of generic netlink in this namespace. To set
by a lent socket is to send by one that the root of the process's user namespace has
opened in its network namespace.
"""

# The module socket takes four times as long to import as all the rest, and
# subprocess as well.
import _socket as socket
import errno
import struct
import sys

SOL_NETLINK = 270
NETLINK_CAP_ACK = 10
NETLINK_EXT_ACK = 11
NETLINK_GENERIC = 16

NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST = 1
NLM_F_ACK = 4
NLM_F_DUMP_INTR = 0x10
NLM_F_DUMP = 0x300
NLM_F_ACK_TLVS = 0x200
NLMSGERR_ATTR_MSG = 1
NLMSGERR_ATTR_OFFS = 2
NLMSGERR_ATTR_MISS_TYPE = 5

GENL_ID_CTRL = 16
CTRL_CMD_GETFAMILY = 3
CTRL_ATTR_FAMILY_ID = 1
CTRL_ATTR_FAMILY_NAME = 2

COMMANDS = {"get": 1, "set": 2}
EVENT = 3
ATTRIBUTES = {
    name: (number, kind) for number, (name, kind) in enumerate((
        ("pad", "hex"), ("ifindex", "u32"), ("ifname", "string"),
        ("underlay-netnsid", "u32"), ("local", "address"),
        ("remote", "address"), ("reqid", "u32"), ("mark", "u32"),
        ("mark-mask", "u32"), ("if-id", "u32"), ("link", "u32"),
        ("mode", "u32"), ("carrier", "u32"), ("mtu", "u32"),
        ("mtu-source", "u32"), ("lower-mtu", "u32"), ("queue", "u32"),
        ("running", "u8"), ("sa-out", "u32"), ("sa-in", "u32"),
        ("peer", "address"), ("peer-reqid", "u32"), ("stats", "hex"),
        ("since", "u64"), ("drop-reason", "u32"), ("drop-time", "u64")))
}
NAMES = {number: name for name, (number, _) in ATTRIBUTES.items()}
ENCODE = {
    "u8": lambda v: struct.pack("=B", int(v, 0)),
    "u32": lambda v: struct.pack("=I", int(v, 0)),
    "u64": lambda v: struct.pack("=Q", int(v, 0)),
    "string": lambda v: v.encode() + b"\0",
    "address": lambda v: socket.inet_pton(
        socket.AF_INET6 if ":" in v else socket.AF_INET, v),
    "hex": bytes.fromhex,
}


def attribute(kind, payload):
    """One attribute, padded."""
    length = 4 + len(payload)
    return struct.pack("=HH", length, kind) + payload + bytes(-length % 4)


def attributes(data):
    """The attributes of a message as a dictionary."""
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        found[kind & 0x3fff] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


def encode(argument):
    """ATTRIBUTE=VALUE to octets."""
    name, _, value = argument.partition("=")
    number, kind = ATTRIBUTES.get(name) or (int(name, 0), "hex")
    if value.startswith("hex:"):
        kind, value = "hex", value[4:]
    return attribute(number, ENCODE[kind](value))


class Refused(Exception):
    """The kernel's answer was an error."""


def explain(request, code, tlvs):
    """An error and its extended acknowledgement in one line."""
    text = f"error {errno.errorcode.get(code, code)}"
    if NLMSGERR_ATTR_OFFS in tlvs:
        offset, = struct.unpack("=I", tlvs[NLMSGERR_ATTR_OFFS])
        _, kind = struct.unpack_from("=HH", request, offset)
        text += f" attribute={NAMES.get(kind & 0x3fff, kind & 0x3fff)}"
    if NLMSGERR_ATTR_MISS_TYPE in tlvs:
        kind, = struct.unpack("=I", tlvs[NLMSGERR_ATTR_MISS_TYPE])
        text += f" missing={NAMES.get(kind, kind)}"
    if NLMSGERR_ATTR_MSG in tlvs:
        text += " " + tlvs[NLMSGERR_ATTR_MSG].rstrip(b"\0").decode()
    return text


def call(sock, family, command, payload):
    """Sends a request; the payload of the answer, up to the acknowledgement."""
    request = struct.pack("=IHHIIBBH", 20 + len(payload), family,
                          NLM_F_REQUEST | NLM_F_ACK, 1, 0, command, 1, 0)
    request += payload
    sock.send(request)
    answer = b""
    while True:
        data = sock.recv(65536)
        while data:
            length, kind, flags = struct.unpack_from("=IHH", data)
            message, data = data[16:length], data[(length + 3) & ~3:]
            if kind != NLMSG_ERROR:
                answer = message[4:]
                continue
            code = -struct.unpack_from("=i", message)[0]
            if code == 0:
                return answer
            tlvs = {}
            if flags & NLM_F_ACK_TLVS:
                # Only the header of the request is echoed: NETLINK_CAP_ACK.
                tlvs = attributes(message[20:])
            raise Refused(explain(request, code, tlvs))


def connection():
    """A socket that gets extended acknowledgements."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
    sock.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
    sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
    sock.bind((0, 0))
    return sock


def dump(family, command):
    """Prints all devices, part by part; the command runs in between."""
    import os
    import subprocess

    # the kernel makes parts as large as anything read from a socket before
    sock = connection()
    sock.send(struct.pack("=IHHIIBBH", 20, family, NLM_F_REQUEST | NLM_F_DUMP,
                          2, 0, COMMANDS["get"], 1, 0))
    interrupted = done = False
    part = 0
    while not done:
        # small, so that there are many parts
        data = sock.recv(4096)
        part += 1
        names = []
        while data:
            length, kind, flags = struct.unpack_from("=IHH", data)
            interrupted |= bool(flags & NLM_F_DUMP_INTR)
            if kind in (NLMSG_DONE, NLMSG_ERROR):
                done = True
            else:
                name = attributes(data[20:length])[ATTRIBUTES["ifname"][0]]
                names.append(name.rstrip(b"\0").decode())
            data = data[(length + 3) & ~3:]
        print(*names)
        if command:
            subprocess.run(command, shell=True, check=True,
                           env=dict(os.environ, PART=str(part)))
    if interrupted:
        print("interrupted")


def forge(sock, family, payload):
    """Sends an event to every socket of the namespace but this one."""
    event = struct.pack("=IHHIIBBH", 20 + len(payload), family, 0, 0, 0, EVENT,
                        1, 0) + payload
    with open("/proc/net/netlink", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    for row in rows:
        port = int(row[2])
        if int(row[1]) == NETLINK_GENERIC and port not in (0, sock.getsockname()[0]):
            sock.sendto(event, (port, 0))


def lent(pid):
    """A socket of the namespaces of a process, opened there by another."""
    import os

    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        os.set_inheritable(theirs.fileno(), True)
        os.execvp("nsenter", ("nsenter", "-t", pid, "-U", "-n", sys.argv[0],
                              "lend", str(theirs.fileno())))
    theirs.close()
    _, control, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(4))
    if not control:
        sys.exit("nobody has lent a socket")
    return socket.socket(fileno=struct.unpack("=i", control[0][2])[0])


def lend(fileno):
    """Sends a socket over another."""
    sock = connection()
    socket.socket(fileno=int(fileno)).sendmsg([b"."], [
        (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("=i", sock.fileno()))])


def main(args):
    if args[:1] == ["lend"]:
        lend(args[1])
        return
    if not args or args[0] not in (*COMMANDS, "dump", "look", "forge", "lent"):
        sys.exit(__doc__)
    sock = lent(args.pop(1)) if args[0] == "lent" else connection()
    try:
        answer = call(sock, GENL_ID_CTRL, CTRL_CMD_GETFAMILY,
                      attribute(CTRL_ATTR_FAMILY_NAME, b"xvti\0"))
        family, = struct.unpack("=H", attributes(answer)[CTRL_ATTR_FAMILY_ID])
        if args[0] == "dump":
            dump(family, " ".join(args[1:]))
            return
        payload = b"".join(encode(argument) for argument in args[1:])
        if args[0] == "forge":
            forge(sock, family, payload)
            return
        answer = call(sock, family, COMMANDS[{"look": "get", "lent": "set"}.get(args[0], args[0])],
                      payload)
    except Refused as refusal:
        print(refusal)
        sys.exit(1)
    if args[0] == "look":
        for kind, value in attributes(answer).items():
            print(NAMES.get(kind, kind), value.hex())
    print("ok")


main(sys.argv[1:])
