#!/usr/bin/env python3
"""Kills processes of small trainings by several, which launch starts again, and compares them with trainings never killed.

    restart_check.py [--runs 20] [--processes 2] [--seed 1]

One process, of each rank in turn, is ended with SIGKILL at a moment drawn over the time that the training takes. All are
started again and go on from the last checkpoint. At the end a run must hold what resume_check.py compares, equal to that
of the training never killed.
"""

import argparse
import collections
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from resume_check import BINARY, DATA, left

SMALL = ["--data", DATA, "--weights", "none", "--device", "cpu", "--batch-size", "4", "--image-size", "32"]
MODES = [
    "--epochs 3",
    "--epochs 3 --fast",
    "--epochs 4 --freeze --optimizer adam --scheduler exponential",
    "--epochs 3 --model googlenet --workers 1",
    "--epochs 4 --ema 0.9 --best macro-f1 --patience 2 --lr 0.05",
]


def children(pid):
    """The processes of a launcher, by rank."""
    found = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as f:
            for child in f.read().split():
                with open(f"/proc/{child}/environ", "rb") as e:
                    rank = re.search(rb"\0RANK=(\d+)\0", b"\0" + e.read())
                if rank:
                    found[int(rank[1])] = int(child)
    return found


def train(o, options, out, rank=None, moment=None):
    """Trains, and kills a rank at a moment. Returns whether that was in time, and what was written to standard error."""
    command = [BINARY, "launch", "--nproc", str(o.processes), "--max-restarts", "3", "train", *SMALL, *options, "--resume", "auto", "--out", out]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    killed = False
    if rank is not None:
        time.sleep(moment)
        try:
            os.kill(children(process.pid)[rank], signal.SIGKILL)
            killed = True
        except (KeyError, ProcessLookupError, FileNotFoundError):
            pass  # it has ended, or not begun
    _, stderr = process.communicate(timeout=300)
    if process.returncode != 0:
        sys.exit(f"{out} ended with {process.returncode}: {stderr}")
    return killed, stderr


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--runs", type=int, default=20)
    p.add_argument("--processes", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    o = p.parse_args()
    rng = random.Random(o.seed)
    folder = tempfile.mkdtemp(prefix="restart-check-")
    counts = collections.Counter()
    for i, mode in enumerate(MODES):
        runs = range(i, o.runs, len(MODES))
        if not runs:
            break
        whole = os.path.join(folder, "never-killed")
        began = time.time()
        train(o, mode.split(), whole)
        duration = time.time() - began
        want = left(whole)
        for n in runs:
            out = os.path.join(folder, f"run-{n}")
            rank = n // len(MODES) % o.processes
            killed = False
            while not killed:
                shutil.rmtree(out, ignore_errors=True)
                options = [*mode.split(), "--checkpoint-every", str(rng.choice([0, 1, 3]))]
                killed, stderr = train(o, options, out, rank, rng.uniform(0, duration))
            counts[f"kills of rank {rank}"] += 1
            counts["went on from a checkpoint"] += "continuing" in stderr
            got = left(out)
            for part in want:
                if got[part] != want[part]:
                    sys.exit(f"{mode}: {out}: {part} differs from {whole}'s after a kill of rank {rank}:\n{stderr}")
            shutil.rmtree(out)
        shutil.rmtree(whole)
        print(f"{len(runs):3} equal: {mode}", flush=True)
    shutil.rmtree(folder)
    for what, n in sorted(counts.items()):
        print(f"{n:4} {what}")
    print(f"{o.runs} of {o.runs} runs of {o.processes} processes ended as the one never killed")


if __name__ == "__main__":
    main()
