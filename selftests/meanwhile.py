#!/usr/bin/env -S python3 -IBS
# SPDX-License-Identifier: GPL-2.0
"""An SA comes at the moment when a packet finds none.

meanwhile.py send FILE ROUNDS DEVICE ADDRESS         in the overlay
meanwhile.py add FILE ROUNDS DST SPI MARK SEED       in the underlay

The first sends a packet by DEVICE to ADDRESS in each round. At a moment that
SEED draws, the second adds the SA, which is there at the start, and gone before
each packet; each on a processor of its own. They tell each other by FILE, of
two octets of 0, which round it is. The first prints how many packets were sent,
and exits 1 if one was not within SECONDS.
"""

import os
import random
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import xfrmnl

# A packet that nobody thinks of waits for ten; a busy machine may take some.
SECONDS = 6
# The SA comes up to so many microseconds after the packet was let go, half of the
# rounds within the square root of that.
LONGEST = 4096


# Where in the file each of them writes its round. No pipe: whoever sleeps is late.
ADDER, SENDER = 0, 1


def tell(shared, place, number):
    os.pwrite(shared, bytes([number % 256]), place)


def await_round(shared, place, number):
    end = time.monotonic() + 2 * SECONDS
    while os.pread(shared, 1, place) != bytes([number % 256]):
        if time.monotonic() > end:
            sys.exit(f"the other is not in round {number}")
        os.sched_yield()


def pause(microseconds):
    end = time.perf_counter_ns() + 1000 * microseconds
    while time.perf_counter_ns() < end:
        pass


def add_sas(shared, rounds, dst, spi, mark, seed):
    """In each round: no SA, let the packet go, and then the SA."""
    random.seed(int(seed, 0))
    os.sched_setaffinity(0, {os.cpu_count() - 1})
    with xfrmnl.open_socket() as sock:
        info, attributes = xfrmnl.get_sa(sock, dst, int(spi, 0), int(mark))
        for number in range(1, rounds + 1):
            xfrmnl.talk(sock, xfrmnl.XFRM_MSG_FLUSHSA, xfrmnl.NLM_F_ACK,
                        struct.pack("=B", socket.IPPROTO_ESP))
            delay = int(LONGEST ** random.random())
            tell(shared, ADDER, number)
            pause(delay)
            xfrmnl.talk(sock, xfrmnl.XFRM_MSG_NEWSA, xfrmnl.NLM_F_ACK,
                        info + xfrmnl.present(attributes))
            await_round(shared, SENDER, number)


def tx_packets(device):
    with open("/proc/self/net/dev", encoding="ascii") as file:
        for line in file:
            name, _, numbers = line.partition(":")
            if name.strip() == device:
                return int(numbers.split()[9])
    return sys.exit(device + ": no such device")


def sent_within(device, packets):
    end = time.monotonic() + SECONDS
    while tx_packets(device) < packets:
        if time.monotonic() > end:
            return False
        time.sleep(0.0002)
    return True


def send_packets(shared, rounds, device, address):
    """Stops at the first packet that was not sent."""
    os.sched_setaffinity(0, {0})
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    before = tx_packets(device)
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        for number in range(1, rounds + 1):
            await_round(shared, ADDER, number)
            sock.sendto(b"meanwhile", (address, 9))
            if not sent_within(device, before + number):
                break
            tell(shared, SENDER, number)
    sent = tx_packets(device) - before
    print(sent)
    sys.exit(sent != rounds)


def main(action, path, rounds, *rest):
    with open(path, "r+b") as file:
        action(file.fileno(), int(rounds), *rest)


if __name__ == "__main__":
    if sys.argv[1:2] == ["send"] and len(sys.argv) == 6:
        main(send_packets, *sys.argv[2:])
    elif sys.argv[1:2] == ["add"] and len(sys.argv) == 8:
        main(add_sas, *sys.argv[2:])
    else:
        sys.exit(__doc__)
