#!/usr/bin/env python3
"""Go against Python, the same training on the same machine: ratios of one epoch's time.

    reference-env/bin/python bench/epoch.py --data DIR --weights FILE [--rounds 5] [--threads 2] [--workers 4] [--old PROGRAM]

Python, Go and Go's fast mode run in turn, and each ratio to Python is of one such round, so that a machine
whose speed drifts disturbs all alike. --old adds an older build of the program to each round. "epoch" is what both write into history.jsonl: train and val phase, without
start-up. "wall" is the whole process, "cpu" its processor time with that of its workers, which other programs disturb
least. Below 1 Go is faster.
"""

import argparse
import json
import os
import sys
import tempfile

from common import REFERENCE, count, in_turn, photographs, program, programs, report_all, seconds, weights

JOBS = {"fine-tuned": [], "frozen": ["--freeze"]}


def figures(command):
    with tempfile.TemporaryDirectory() as out:
        process = seconds([*command, "--out", out])
        with open(os.path.join(out, "history.jsonl")) as f:
            phases = {p["phase"]: p["seconds"] for p in map(json.loads, f)}
    return dict(train=phases["train"], val=phases["val"], epoch=sum(phases.values()), **process)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", type=photographs, required=True)
    p.add_argument("--weights", type=weights, required=True)
    p.add_argument("--rounds", type=count, default=5)
    p.add_argument("--threads", default="2")
    p.add_argument("--workers", default="4")
    p.add_argument("--old", type=program)
    o = p.parse_args()
    options = ["--data", o.data, "--weights", o.weights, "--epochs", "1", "--threads", o.threads, "--workers", o.workers]
    print(f"{o.threads} threads, {o.workers} workers, {o.rounds} rounds; medians (minimum to maximum)")
    for job, extra in JOBS.items():
        sides = {"Python": [sys.executable, REFERENCE] + options + extra}
        for name, path in programs(o.old).items():
            sides[name] = [path, "train", "--device", "cpu"] + options + extra
            sides[name + " --fast"] = sides[name] + ["--fast"]
        report_all(f"{job:10}", sides, in_turn(o.rounds, sides, figures))


if __name__ == "__main__":
    main()
