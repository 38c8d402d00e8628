#!/usr/bin/env python3
"""Images per second of two processes with a thread each, against one process with two threads, and against
DistributedDataParallel with gloo under torchrun.

    ddp.py DATA WEIGHTS [--rounds 3] [--epochs 2] [-- options of train]

In each round all trainings run one after another. It counts the training phases after the first epoch.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.path.join(HERE, "..", "bin", "hymenoptera")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("data")
    p.add_argument("weights")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--epochs", type=int, default=2)
    o, options = p.parse_known_args()
    options = [x for x in options if x != "--"] + ["--data", o.data, "--weights", o.weights, "--epochs", str(o.epochs), "--device", "cpu"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    reference = os.path.join(HERE, "..", "scripts", "reference.py")
    commands = {
        "Go, 1 process x 2 threads": [BINARY, "train", "--threads", "2"],
        "Go, 2 processes x 1 thread": [BINARY, "launch", "--nproc", "2", "train", "--threads", "1", "--batch-size", "16"],
        "PyTorch, 2 processes x 1 thread": torchrun + [reference, "--threads", "1", "--batch-size", "16"],
    }
    environment = dict(os.environ, GLOO_SOCKET_IFNAME="lo")
    rates = {name: [] for name in commands}
    for _ in range(o.rounds):
        for name, command in commands.items():
            threads = "2" if "x 2" in name else "1"
            with tempfile.TemporaryDirectory() as out:
                run = subprocess.run([*command, *options, "--out", out + "/run"], env=dict(environment, OMP_NUM_THREADS=threads), capture_output=True, text=True)
                if run.returncode != 0:
                    sys.exit(f"{name}: {run.stderr}")
                with open(out + "/run/history.jsonl") as f:
                    phases = [json.loads(line) for line in f]
            train = [h for h in phases if h["phase"] == "train" and h["epoch"] > 0]
            rates[name].append(sum(h["n"] for h in train) / sum(h["seconds"] for h in train))
            print(f"{name}: {rates[name][-1]:.2f} images per second", flush=True)
    first = rates["Go, 1 process x 2 threads"]
    ours = rates["Go, 2 processes x 1 thread"]
    theirs = rates["PyTorch, 2 processes x 1 thread"]
    for name, values in (("2 processes x 1 thread to 1 x 2", first), ("Go to PyTorch, 2 processes", theirs)):
        ratios = [a / b for a, b in zip(ours, values)]
        print(f"{name}: {min(ratios):.3f} {statistics.median(ratios):.3f} {max(ratios):.3f} (min, median, max of {o.rounds} rounds)")


if __name__ == "__main__":
    main()
