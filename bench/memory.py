#!/usr/bin/env python3
"""Go against Python, the peak memory of a training: PSS summed over the process tree, sampled five times per second.

    reference-env/bin/python bench/memory.py --data DIR --weights FILE [--epochs 1] [--rounds 3] [--threads 2] [--workers 4]
        [--old PROGRAM]

PSS counts a page that n processes share as 1/n in each, so that Python's workers are not charged twice for libtorch. Below
1 Go takes less. --old adds an older build of the program to each round. With more than one epoch Go keeps decoded images.
"""
import argparse
import subprocess
import sys
import tempfile
import threading

from common import REFERENCE, count, in_turn, photographs, program, programs, report, weights

JOBS = {"fine-tuned": [], "frozen": ["--freeze"]}


def tree(pid):
    """A process and all under it."""
    pids = [pid]
    for p in pids:
        try:
            with open(f"/proc/{p}/task/{p}/children") as f:
                pids += [int(child) for child in f.read().split()]
        except OSError:
            pass  # it has ended
    return pids


def pss(pid):
    total = 0
    for p in tree(pid):
        try:
            with open(f"/proc/{p}/smaps_rollup") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        except OSError:
            pass
    return total / 1000  # MB


def peak(command):
    with tempfile.TemporaryDirectory() as out:
        return peak_of(command + ["--out", out])


def peak_of(command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most, ended = 0, threading.Event()

    def look():
        nonlocal most
        while not ended.wait(0.2):
            most = max(most, pss(process.pid))

    watcher = threading.Thread(target=look)
    watcher.start()
    code = process.wait()
    ended.set()
    watcher.join()
    if code:
        sys.exit(f"{command} ended with {code}")
    return most


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", type=photographs, required=True)
    p.add_argument("--weights", type=weights, required=True)
    p.add_argument("--epochs", default="1")
    p.add_argument("--rounds", type=count, default=3)
    p.add_argument("--threads", default="2")
    p.add_argument("--workers", default="4")
    p.add_argument("--old", type=program)
    o = p.parse_args()
    options = ["--data", o.data, "--weights", o.weights, "--epochs", o.epochs, "--threads", o.threads, "--workers", o.workers]
    for job, extra in JOBS.items():
        sides = {"Python": [sys.executable, REFERENCE] + options + extra}
        for name, path in programs(o.old).items():
            sides[name] = [path, "train", "--device", "cpu"] + options + extra
            sides[name + " --fast"] = sides[name] + ["--fast"]
        report(f"{job:10} peak PSS", sides, in_turn(o.rounds, sides, peak), "{:.0f} MB")


if __name__ == "__main__":
    main()
