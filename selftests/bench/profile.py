#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Trace every instruction of one run in a guest, and say by function where
they went.

usage: profile.py DIRECTORY PACKETS

The directory has the sockets of QEMU's monitor and of the guest's second
serial line, by which the guest says when the run starts and stops. QEMU then
runs and logs the guest instruction by instruction, so that the counts are
exact. Standard input is what the guest prints; its lines "symbol ADDRESS NAME"
are the kernel's symbols.
"""

import bisect
import collections
import os
import re
import socket
import sys
import threading
import time

# how many to show
FUNCTIONS = int(os.environ.get("FUNCTIONS") or "60")
# one logged instruction: Trace 0: HOST [CS-BASE/PC/FLAGS/CFLAGS] SYMBOL
TRACE = re.compile(rb"^Trace \d+: 0x[0-9a-f]+ \[[0-9a-f]+/([0-9a-f]+)/")


def connect(path):
    """QEMU makes its sockets when it starts."""
    while True:
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect(path)
            return link
        except OSError:
            link.close()
            time.sleep(0.1)


class Monitor:
    """QEMU's human monitor; a command is done when the prompt is back."""

    def __init__(self, path):
        self.link = connect(path)
        self.wait()

    def wait(self):
        text = b""
        while not text.endswith(b"(qemu) "):
            text += self.link.recv(4096)

    def command(self, text):
        self.link.sendall(text.encode() + b"\n")
        self.wait()


def serve(directory):
    """Start and stop tracing when the guest says so."""
    monitor = Monitor(directory + "/monitor")
    serial = connect(directory + "/serial").makefile("rwb", buffering=0)
    for line in serial:
        if line.strip() == b"start":
            monitor.command(f"logfile {directory}/trace")
            # the one or the other, by QEMU's version
            monitor.command("singlestep on")
            monitor.command("one-insn-per-tb on")
            monitor.command("log exec,nochain")
        elif line.strip() == b"stop":
            monitor.command("log none")
            monitor.command("singlestep off")
            monitor.command("one-insn-per-tb off")
        serial.write(b"\n")


def read_symbols(stream):
    symbols = []
    for line in stream:
        if line.startswith("symbol "):
            _, address, name = line.split()
            symbols.append((int(address, 16), name))
        else:
            print(line, end="", file=sys.stderr)
    return sorted(symbols)


def count(trace, symbols):
    """Instructions and entries of each function."""
    addresses = [address for address, _ in symbols]
    pcs = collections.Counter()
    with open(trace, "rb") as file:
        for line in file:
            match = TRACE.match(line)
            if match:
                pcs[match.group(1)] += 1
    instructions = collections.Counter()
    entries = collections.Counter()
    for text, number in pcs.items():
        pc = int(text, 16)
        index = bisect.bisect_right(addresses, pc) - 1
        kernel = index >= 0 and pc >> 63
        name = symbols[index][1] if kernel else "(user space)"
        instructions[name] += number
        if kernel and addresses[index] == pc:
            entries[name] += number
    return instructions, entries


def main():
    directory, packets = sys.argv[1], int(sys.argv[2])
    threading.Thread(target=serve, args=(directory,), daemon=True).start()
    symbols = read_symbols(sys.stdin)
    if not symbols:
        sys.exit("the guest has not told its symbols")
    instructions, entries = count(directory + "/trace", symbols)
    total = sum(instructions.values())
    print(f"{total / packets:12,.0f} per packet, in all")
    print(f"{'instructions':>12} {'calls':>8}")
    for name, number in instructions.most_common(FUNCTIONS):
        print(f"{number / packets:12,.1f} {entries[name] / packets:8.2f}"
              f"  {name}")


if __name__ == "__main__":
    main()
