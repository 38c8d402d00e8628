#!/usr/bin/env python3
"""Go against Python, the same training on the same machine: ratios of one epoch's time.

    reference-env/bin/python bench/epoch.py --data DIR --weights FILE [--pairs 5] [--threads 2] [--workers 4]

The two run in turn, Python, Go, Python, Go, …, and each ratio is of one such pair, so that a machine whose
speed drifts disturbs both alike. "epoch" is what both write into history.jsonl: train and val phase, without
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
    return f"{statistics.median(values):6.3f}  ({min(values):.3f} to {max(values):.3f})"


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", required=True)
    p.add_argument("--weights", required=True)
    p.add_argument("--pairs", type=int, default=5)
    p.add_argument("--threads", default="2")
    p.add_argument("--workers", default="4")
    o = p.parse_args()
    common = ["--data", o.data, "--weights", o.weights, "--epochs", "1", "--threads", o.threads, "--workers", o.workers]
    python = [sys.executable, os.path.join(ROOT, "scripts", "reference.py")]
    go = [os.path.join(ROOT, "bin", "hymenoptera"), "train", "--device", "cpu"]
    print(f"{o.threads} threads, {o.workers} workers, {o.pairs} pairs; medians (minimum to maximum)")
    for job, extra in JOBS.items():
        pairs = []
        for _ in range(o.pairs):
            with tempfile.TemporaryDirectory() as out:
                pairs.append([seconds(c + common + extra, os.path.join(out, n)) for n, c in (("py", python), ("go", go))])
        for figure in pairs[0][0]:
            print(
                f"{job:10} {figure:5}  Python {statistics.median(a[figure] for a, _ in pairs):6.2f} s"
                f"  Go {statistics.median(b[figure] for _, b in pairs):6.2f} s"
                f"  Go/Python {spread([b[figure] / a[figure] for a, b in pairs])}",
                flush=True,
            )


if __name__ == "__main__":
    main()
