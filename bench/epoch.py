#!/usr/bin/env python3
"""Go against Python, the same training on the same machine: ratios of one epoch's time.

    reference-env/bin/python bench/epoch.py --data DIR --weights FILE [--rounds 5] [--threads 2] [--workers 4]

Python, Go and Go's fast mode run in turn, and each ratio to Python is of one such round, so that a machine
whose speed drifts disturbs all alike. "epoch" is what both write into history.jsonl: train and val phase, without
start-up. "wall" is the whole process. Below 1 Go is faster.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
JOBS = {"fine-tuned": [], "frozen": ["--freeze"]}


def seconds(command, out):
    began = time.time()
    subprocess.run(command + ["--out", out], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.time() - began
    with open(os.path.join(out, "history.jsonl")) as f:
        phases = {p["phase"]: p["seconds"] for p in map(json.loads, f)}
    return dict(train=phases["train"], val=phases["val"], epoch=sum(phases.values()), wall=wall)


def spread(values):
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", required=True)
    p.add_argument("--weights", required=True)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--threads", default="2")
    p.add_argument("--workers", default="4")
    o = p.parse_args()
    common = ["--data", o.data, "--weights", o.weights, "--epochs", "1", "--threads", o.threads, "--workers", o.workers]
    go = [os.path.join(ROOT, "bin", "hymenoptera"), "train", "--device", "cpu"]
    sides = {"Python": [sys.executable, os.path.join(ROOT, "scripts", "reference.py")], "Go": go, "Go --fast": go + ["--fast"]}
    print(f"{o.threads} threads, {o.workers} workers, {o.rounds} rounds; medians (minimum to maximum)")
    for job, extra in JOBS.items():
        rounds = []
        for _ in range(o.rounds):
            with tempfile.TemporaryDirectory() as out:
                rounds.append([seconds(c + common + extra, os.path.join(out, n)) for n, c in sides.items()])
        for figure in rounds[0][0]:
            line = f"{job:10} {figure:5}"
            for i, name in enumerate(sides):
                line += f"  {name} {statistics.median(r[i][figure] for r in rounds):6.2f} s"
                if i:
                    line += f", ratio {spread([r[i][figure] / r[0][figure] for r in rounds])}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
