#!/usr/bin/env python3
"""What checkpoints cost: trainings that write last.safetensors, against a build of a commit before checkpoints.

    bench/checkpoints.py --data DIR --weights FILE --old PROGRAM [--rounds 5] [--epochs 3] [--threads 2] [--workers 4]

--old is a build of the commit before last.safetensors: git worktree add OLD 7d88f8b^; make -C OLD build; --old
OLD/bin/hymenoptera. Both run in turn. "wall" is the whole process, "cpu" its processor time; above 1 checkpoints cost time.
"""
import argparse
import tempfile

from common import PROGRAM, count, in_turn, photographs, program, report_all, seconds, weights

JOBS = {"fine-tuned": [], "fine-tuned --fast": ["--fast"], "frozen": ["--freeze"], "frozen --fast": ["--freeze", "--fast"]}


def figures(command):
    with tempfile.TemporaryDirectory() as out:
        return seconds([*command, "--out", out])


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", type=photographs, required=True)
    p.add_argument("--weights", type=weights, required=True)
    p.add_argument("--old", type=program, required=True)
    p.add_argument("--rounds", type=count, default=5)
    p.add_argument("--epochs", default="3")
    p.add_argument("--threads", default="2")
    p.add_argument("--workers", default="4")
    o = p.parse_args()
    options = ["train", "--device", "cpu", "--data", o.data, "--weights", o.weights, "--epochs", o.epochs, "--threads", o.threads, "--workers", o.workers]
    print(f"{o.epochs} epochs, {o.threads} threads, {o.workers} workers, {o.rounds} rounds; medians (minimum to maximum)")
    for job, extra in JOBS.items():
        sides = {name: [path, *options, *extra] for name, path in (("without", o.old), ("with", PROGRAM))}
        report_all(f"{job:17}", sides, in_turn(o.rounds, sides, figures))


if __name__ == "__main__":
    main()
