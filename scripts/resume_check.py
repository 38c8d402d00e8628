#!/usr/bin/env python3
"""Kills small trainings at random moments, resumes them until they end, and compares them with trainings never killed.

    resume_check.py [--runs 20] [--seed 1]
    resume_check.py --photographs DATA WEIGHTS [--epochs 25] [--runs KILLS] [--every SECONDS]

Each mode is trained once without a kill. Its other runs are ended with SIGKILL at a moment drawn over the time that
this took, from the start of the process to its end, and started again with --resume; half of these are ended too, by
SIGKILL or SIGTERM. At the end a run must hold the same files as the one never killed; best.safetensors and
predictions.json must be equal byte by byte, history.jsonl and result.json in all but times and memory. The script fails
at the first difference and keeps that run's folder.

With --photographs the training is that of docs/logs/parity-25-epochs.txt, or its first epochs. It is killed KILLS times,
every SECONDS seconds on average, and its history must be PyTorch's, which that file holds.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from killed import BINARY, DATA, ROOT, Fault, compare

CURVE = os.path.join(ROOT, "docs", "logs", "parity-25-epochs.txt")
SMALL = ["train", "--data", DATA, "--weights", "none", "--device", "cpu", "--threads", "1", "--batch-size", "8", "--image-size", "32"]
MODES = [
    "--epochs 3",
    "--epochs 3 --fast",
    "--epochs 4 --freeze",
    "--epochs 4 --freeze --fast --scheduler exponential",
    "--epochs 4 --freeze --probe",
    "--epochs 4 --freeze --probe --views 2 --optimizer adam",
    "--epochs 3 --model googlenet --workers 1",
    "--epochs 3 --model googlenet --fast --freeze",
    "--epochs 3 --optimizer adam --scheduler exponential",
    "--epochs 3 --optimizer adamw --weight-decay 0.01 --scheduler cosine --warmup 5",
    "--epochs 4 --scheduler cosine --nesterov --clip-grad-norm 1",
    "--epochs 4 --scheduler step --step-size 2 --lr 0.01 --workers 0",
    "--epochs 3 --ema 0.9 --fast",
    "--epochs 4 --ema 0.9 --best loss --patience 1 --lr 0.05",
    "--epochs 4 --best macro-f1 --patience 2 --lr 0.05",
    "--epochs 3 --balance sampling --workers 3",
    "--epochs 3 --balance weights --label-smoothing 0.1 --workers 1",
    "--epochs 3 --head-epochs 1 --layer-decay 0.5 --optimizer adamw",
    "--epochs 3 --augment trivial --workers 3 --cache off",
    "--epochs 3 --recipe auto --image-size 48 --workers 0",
]


def files(folder):
    """The files of a run, some of which may be in its hidden folder until it replaces an old run."""
    return {os.path.join(path, name) for path, _, names in os.walk(folder) for name in names}


def named(paths, start):
    return any(os.path.basename(path).startswith(start) for path in paths)


def state(before, after):
    """Where a signal met a run, by its files before and after the process."""
    new = after - before
    if named(new, ".last.safetensors"):
        return "in the writing of last.safetensors"
    if named(new, "."):
        return "in the writing of another file"
    if named(after, "result.json"):
        return "after result.json"
    return "between writes" if named(after, "last.safetensors") else "before the first checkpoint"


def train(options, moment=None, end=signal.SIGKILL):
    """Trains, or ends that at a moment by a signal. Returns the exit code, and what the training wrote to standard error."""
    process = subprocess.Popen([BINARY, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _, stderr = process.communicate(timeout=moment)
    except subprocess.TimeoutExpired:
        process.send_signal(end)
        _, stderr = process.communicate()
    if process.returncode not in (0, -end, 128 + end):
        raise Fault(f"it ended with {process.returncode}: {stderr}")
    return process.returncode, stderr


def run(rng, options, out, duration, counts):
    """Trains and kills until the end. Counts where each signal met it, and where it resumed."""
    killed = resumed = False
    while True:
        moment = rng.uniform(0, duration) if not killed or rng.random() < 0.5 else None
        end = rng.choice([signal.SIGKILL, signal.SIGTERM]) if killed else signal.SIGKILL
        before = files(out)
        begun = named(before, "last.safetensors")
        resume = ["--resume", rng.choice([out, "auto"]) if begun else "auto"]
        code, stderr = train([*SMALL, *options, "--checkpoint-every", str(rng.choice([0, 1, 3])), *resume, "--out", out], moment, end)
        went_on = re.search(r"continuing .* from epoch \d+(.*)|is finished", stderr)
        if begun and not went_on and not code:
            raise Fault(f"it began anew: {stderr}")
        if went_on and went_on[1] is not None:
            phase = "a validation phase" if "validation" in went_on[1] else "a training phase"
            counts["resumed", "in " + phase if went_on[1] else "between epochs"] += 1
            resumed = True
        if code:
            where = state(before, files(out))
            if code > 0 and "writing" in where:
                raise Fault(f"it ended by itself and left half a file: {files(out) - before}")
            counts[end.name, where] += 1
            killed = True
        elif killed:
            counts["runs", "that were resumed"] += resumed
            return
        else:  # it ended before its moment
            shutil.rmtree(out)


def photographs(o, rng, folder):
    """Kills and resumes the training of CURVE, and compares it with that."""
    with open(CURVE) as f:
        rows = [line.split() for line in f]
    want = [(int(r[0]), r[1], float(r[2]), int(r[5])) for r in rows if len(r) == 8 and r[0].isdigit() and int(r[0]) < o.epochs]
    out = os.path.join(folder, "photographs")
    data, weights = o.photographs
    options = ["train", "--device", "cpu", "--data", data, "--weights", weights, "--epochs", str(o.epochs), "--checkpoint-every", "1",
               *rows[0][rows[0].index("--threads"):], "--resume", "auto", "--out", out]
    kills = 0
    while True:
        code, stderr = train(options, rng.uniform(0, 2 * o.every) if kills < o.runs else None)
        print("\n".join(line for line in stderr.splitlines() if line.startswith("continuing")) or f"started {out}", flush=True)
        if not code:
            break
        kills += 1
    with open(os.path.join(out, "history.jsonl")) as f:
        got = [(p["epoch"], p["phase"], p["loss"], p["corrects"]) for p in map(json.loads, f)]
    if got != want:
        sys.exit(f"{out}/history.jsonl differs from {CURVE}")
    print(f"killed {kills} times; {len(got)} phases equal to PyTorch's in {os.path.relpath(CURVE, ROOT)}")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--runs", type=int, default=20)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--photographs", nargs=2, metavar=("DATA", "WEIGHTS"))
    p.add_argument("--epochs", type=int, default=25)
    p.add_argument("--every", type=float, default=60)
    o = p.parse_args()
    rng = random.Random(o.seed)
    if o.photographs:
        folder = tempfile.mkdtemp(prefix="resume-check-")
        photographs(o, rng, folder)
        shutil.rmtree(folder)
        return
    print(f"{o.runs} runs, seed {o.seed}")
    compare(MODES, o.runs, lambda options, out: train([*SMALL, *options, "--out", out]),
            lambda n, options, out, duration, counts: run(rng, options, out, duration, counts))


if __name__ == "__main__":
    main()
