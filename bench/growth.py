#!/usr/bin/env python3
"""How time grows with a set: listing a folder of 1,000 to 100,000 files, and the data path over 250 to 25,000 pictures.

    reference-env/bin/python bench/growth.py --data DIR [--rounds 3]

The sets are hard links to copies of 25 of the photographs. Listing is by the clock, beside torchvision's ImageFolder in the
same round. The data path is one thread's processor time per sample, without a cache, over as many samples at each size.
"""
import argparse
import os
import shutil
import subprocess
import tempfile
import time

from torchvision.datasets import ImageFolder

from common import build, count, in_turn, photographs, report

CLASSES = 10


def make(root, photographs, n):
    """Makes a set of n pictures in classes of equal size, each photograph as often as any other."""
    for i in range(n):
        folder = os.path.join(root, f"class{i % CLASSES}")
        os.makedirs(folder, exist_ok=True)
        os.link(photographs[i // CLASSES % len(photographs)], os.path.join(folder, f"{i:06}.jpg"))


def listing(tool):
    def microseconds(folder):
        n, wall, _ = map(float, subprocess.run([tool, "--list", "--data", folder], check=True, capture_output=True).stdout.split())
        return 1e6 * wall / n

    return microseconds


def python_listing(folder):
    began = time.perf_counter()
    n = len(ImageFolder(folder))
    return 1e6 * (time.perf_counter() - began) / n


def sample(tool):
    def milliseconds(side):
        folder, passes = side
        out = subprocess.run([tool, "--data", folder, "--passes", str(passes)], check=True, capture_output=True,
                             text=True, env={**os.environ, "GOMAXPROCS": "1"}).stdout
        passes = [list(map(float, line.split())) for line in out.splitlines()]
        return 1000 * sum(cpu for _, _, cpu in passes) / sum(n for n, _, _ in passes)

    return milliseconds


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", type=photographs, required=True)
    p.add_argument("--rounds", type=count, default=3)
    o = p.parse_args()
    print(f"{o.rounds} rounds; medians (minimum to maximum)")
    with tempfile.TemporaryDirectory() as tmp:
        tool = build("datapath", tmp)
        folder = os.path.join(o.data, "val")
        folder = os.path.join(folder, sorted(os.listdir(folder))[0])
        photographs = [shutil.copy(os.path.join(folder, name), tmp) for name in sorted(os.listdir(folder))[:25]]
        for n in 1_000, 10_000, 100_000:
            root = os.path.join(tmp, f"list{n}")
            make(root, photographs, n)
            run = {"Python": lambda: python_listing(root), "Go": lambda: listing(tool)(root)}
            report(f"listing {n:7,} files", run, in_turn(o.rounds + 1, run, lambda f: f())[1:], "{:6.2f} µs a file")
        sides = {}
        for n in 250, 2_500, 25_000:
            root = os.path.join(tmp, f"set{n}")
            make(os.path.join(root, "train"), photographs, n)
            make(os.path.join(root, "val"), photographs, CLASSES)
            sides[f"{n:,} pictures"] = root, 25_000 // n
        report("data path", sides, in_turn(o.rounds, sides, sample(tool)), "{:.3f} ms a sample")


if __name__ == "__main__":
    main()
