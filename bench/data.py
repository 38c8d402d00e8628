#!/usr/bin/env python3
"""Go against Python, the data path alone: decode, crop, resize, normalise, no network.

    reference-env/bin/python bench/data.py --data DIR [--rounds 5] [--workers 0,1,2,4]

PyTorch's DataLoader and this project's loader, without and with its cache of decoded pictures, read the same set in turn.

warm  a second pass, with the files in the page cache. Without workers all are one thread, and times are of the
      processor, which other programs disturb least; with workers they are of the clock.
cold  the first pass of a process, by the clock, after the kernel was asked to forget the files (posix_fadvise). A layer
      below it, such as the host of a virtual machine, may still have them.

Times are per image. Below 1 Go is faster.
"""
import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time

from common import ROOT, build, count, in_turn, photographs, report

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


def forget(folder):
    """Asks the kernel to drop a folder's files from the page cache."""
    for root, _, files in os.walk(folder):
        for name in files:
            fd = os.open(os.path.join(root, name), os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


def last_pass(command, by_clock):
    """Milliseconds per image."""
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    n, wall, cpu = map(float, out.splitlines()[-1].split())
    return 1000 * (wall if by_clock else cpu) / n


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", type=photographs, required=True)
    p.add_argument("--rounds", type=count, default=5)
    p.add_argument("--workers", default="0,1,2,4")
    p.add_argument("--python", nargs=3, metavar=("PHASE", "WORKERS", "PASSES"), help=argparse.SUPPRESS)
    o = p.parse_args()
    if o.python:
        phase, workers, passes = o.python
        return python_passes(o.data, phase, int(workers), int(passes))
    print(f"{o.rounds} rounds; medians (minimum to maximum)")
    with tempfile.TemporaryDirectory() as folder:
        tool = build("datapath", folder)
        for workers in o.workers.split(","):
            for phase in "train", "val":

                def sides(passes):
                    go = [tool, "--data", o.data, "--phase", phase, "--workers", workers, "--passes", passes]
                    python = [sys.executable, "-W", "ignore", __file__, "--data", o.data, "--python", phase, workers, passes]
                    return {"Python": python, "Go": go, "Go cached": go + ["--cache"]}

                def cold(command):
                    forget(os.path.join(o.data, phase))
                    return last_pass(command, by_clock=True)

                title, form = f"{workers} workers  {phase:5}", "{:6.3f} ms"
                warm = sides("2")
                report(title + " warm", warm, in_turn(o.rounds, warm, lambda c: last_pass(c, workers != "0")), form)
                once = sides("1")
                del once["Go cached"]
                report(title + " cold", once, in_turn(o.rounds, once, cold), form)


if __name__ == "__main__":
    main()
