#!/usr/bin/env python3
"""Go against Python, `eval` and `predict` over the validation pictures: the whole process, start-up included, by the clock
and in processor time, which other programs disturb least.

    reference-env/bin/python bench/evaluate.py --data DIR [--rounds 5] [--threads 2] [--old PROGRAM]

Python is bench/evaluate_python.py: torchvision's ResNet18 with the exported .pth, a DataLoader with as many workers as Go
has goroutines that decode (--threads), inference_mode. --old adds an older build of the program to each round. Below 1
Go is faster.
"""
import argparse
import os
import sys
import tempfile

from common import ROOT, checkpoint, count, in_turn, photographs, program, programs, report_all, seconds


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", type=photographs, required=True)
    p.add_argument("--rounds", type=count, default=5)
    p.add_argument("--threads", default="2")
    p.add_argument("--old", type=program)
    o = p.parse_args()
    val = os.path.join(o.data, "val")
    print(f"{o.threads} threads, {o.threads} workers, {o.rounds} rounds; medians (minimum to maximum)")
    with tempfile.TemporaryDirectory() as tmp:
        best, pth = checkpoint(o.data, tmp)
        for job, what in {"eval": ["--data", o.data], "predict": [val]}.items():
            sides = {"Python": [sys.executable, os.path.join(ROOT, "bench", "evaluate_python.py"), job, pth, val, o.threads]}
            for name, path in programs(o.old).items():
                sides[name] = [path, job, "--device", "cpu", "--checkpoint", best, "--threads", o.threads] + what
                sides[name + " --fast"] = sides[name] + ["--fast"]
            report_all(f"{job:7}", sides, in_turn(o.rounds + 1, sides, seconds)[1:])  # the first one fills the page cache


if __name__ == "__main__":
    main()
