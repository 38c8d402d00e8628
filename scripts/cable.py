#!/usr/bin/env python3
"""Connects two network namespaces by a cable that delays and loses packets.

    cable.py A B DELAY LOSS        seconds each way, and the share of packets

A gets the address 10.77.0.1 and B 10.77.0.2 on a device hymeth. The cable exists until the process ends. Needs root.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000


def plug(namespace, address):
    """Makes the device in a namespace, and returns its file."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/var/run/netns/{namespace}") as f:
        if libc.setns(f.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH14x", b"hymeth", IFF_TUN | IFF_NO_PI))
    for words in (["addr", "add", address + "/24", "dev", "hymeth"], ["link", "set", "hymeth", "up"], ["link", "set", "lo", "up"]):
        subprocess.run(["ip", *words], check=True)
    return device


def main():
    a, b, delay, loss = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
    ends = [plug(a, "10.77.0.1"), plug(b, "10.77.0.2")]
    rng = random.Random(1)
    under_way, count = [], 0  # (time of arrival, number, where to, packet)
    while True:
        wait = max(0, under_way[0][0] - time.monotonic()) if under_way else None
        for end in select.select(ends, [], [], wait)[0]:
            try:
                for _ in range(64):
                    packet = os.read(end, 65536)
                    if rng.random() >= loss:
                        count += 1
                        heapq.heappush(under_way, (time.monotonic() + delay, count, ends[end == ends[0]], packet))
            except BlockingIOError:
                pass
        while under_way and under_way[0][0] <= time.monotonic():
            _, _, end, packet = heapq.heappop(under_way)
            try:
                os.write(end, packet)
            except BlockingIOError:
                pass  # lost


if __name__ == "__main__":
    main()
