#!/usr/bin/env python3
"""Go against Python, the data path alone: decode, crop, resize, normalise, no network.

    reference-env/bin/python bench/data.py --data DIR [--pairs 5] [--workers 0,1,2,4]

PyTorch's DataLoader and this project's loader read the same set in turn, a warm-up pass and then a measured
one. Without workers both are one thread, and the ratio is of processor time, which other programs disturb
least; with workers it is of wall time. Above 1 Go is faster.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(ROOT, "scripts"))


def python_passes(data, phase, workers, passes):
    """Prints what internal/tools/datapath prints, from PyTorch."""
    import torch
    from torchvision import datasets

    from reference_batches import transform

    torch.set_num_threads(1)
    torch.manual_seed(42)
    samples = datasets.ImageFolder(os.path.join(data, phase), transform(phase, 224))
    loader = torch.utils.data.DataLoader(samples, batch_size=32, shuffle=True, num_workers=workers)

    def processor():
        use = resource.getrusage(resource.RUSAGE_SELF)
        return use.ru_utime + use.ru_stime

    for _ in range(passes):
        began, cpu = time.time(), processor()
        n = sum(len(labels) for _, labels in loader)
        print(n, time.time() - began, processor() - cpu, flush=True)


def rate(command, workers):
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    n, wall, cpu = map(float, out.splitlines()[-1].split())
    return n / (wall if workers else cpu)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", required=True)
    p.add_argument("--pairs", type=int, default=5)
    p.add_argument("--workers", default="0,1,2,4")
    p.add_argument("--python", nargs=3, metavar=("PHASE", "WORKERS", "PASSES"), help=argparse.SUPPRESS)
    o = p.parse_args()
    if o.python:
        phase, workers, passes = o.python
        return python_passes(o.data, phase, int(workers), int(passes))
    with tempfile.TemporaryDirectory() as folder:
        tool = os.path.join(folder, "datapath")
        subprocess.run(["go", "build", "-o", tool, "./internal/tools/datapath"], check=True, cwd=ROOT)
        print(f"{o.pairs} pairs; medians (minimum to maximum)")
        for workers in map(int, o.workers.split(",")):
            for phase in "train", "val":
                go = [tool, "--data", o.data, "--phase", phase, "--workers", str(workers), "--passes", "2"]
                python = [sys.executable, "-W", "ignore", __file__, "--data", o.data, "--python", phase, str(workers), "2"]
                pairs = [(rate(python, workers), rate(go, workers)) for _ in range(o.pairs)]
                ratios = [g / p for p, g in pairs]
                print(
                    f"{workers} workers  {phase:5}  Python {statistics.median(p for p, _ in pairs):6.1f} images/s"
                    f"  Go {statistics.median(g for _, g in pairs):6.1f}"
                    f"  Go/Python {statistics.median(ratios):5.2f}  ({min(ratios):.2f} to {max(ratios):.2f})"
                    f"{'' if workers else '  processor time'}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
