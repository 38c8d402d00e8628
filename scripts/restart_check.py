#!/usr/bin/env python3
"""Kills processes of small trainings by several processes, which launch restarts, and compares them with trainings never killed.

    restart_check.py [--data FOLDER] [--runs 20] [--processes 2] [--seed 1]

One process, of each rank in turn, is ended with SIGKILL at a moment drawn over the time that the training takes. All are
started again and resume from the last checkpoint. At the end a run must hold the same as one that was never killed, as in
resume_check.py.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import time

from killed import BINARY, DATA, Fault, compare

SMALL = ["--weights", "none", "--device", "cpu", "--batch-size", "4", "--image-size", "32"]
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
    command = [BINARY, "launch", "--nproc", str(o.processes), "--max-restarts", "3", "train", "--data", o.data, *SMALL, *options, "--resume", "auto", "--out", out]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    killed = False
    if rank is not None:
        time.sleep(moment)
        try:
            os.kill(children(process.pid)[rank], signal.SIGKILL)
            killed = True
        except (KeyError, ProcessLookupError, FileNotFoundError):
            pass  # it has ended, or has not begun
    _, stderr = process.communicate(timeout=300)
    if process.returncode != 0:
        raise Fault(f"it ended with {process.returncode}: {stderr}")
    return killed, stderr


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", default=DATA, help="a folder of images or of shards")
    p.add_argument("--runs", type=int, default=20)
    p.add_argument("--processes", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    o = p.parse_args()
    rng = random.Random(o.seed)

    def kill(n, options, out, duration, counts):
        rank = n // len(MODES) % o.processes
        killed = False
        while not killed:
            shutil.rmtree(out, ignore_errors=True)
            killed, stderr = train(o, [*options, "--checkpoint-every", str(rng.choice([0, 1, 3]))], out, rank, rng.uniform(0, duration))
        counts["SIGKILL", f"of rank {rank}"] += 1
        counts["runs", "that went on from a checkpoint"] += "continuing" in stderr

    print(f"{o.runs} runs of {o.processes} processes, seed {o.seed}")
    compare(MODES, o.runs, lambda options, out: train(o, options, out), kill)


if __name__ == "__main__":
    main()
