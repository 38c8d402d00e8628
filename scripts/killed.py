"""Compares small trainings that were killed and resumed with ones never killed, for resume_check.py and restart_check.py."""

import collections
import json
import os
import shutil
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
BINARY = os.path.join(ROOT, "bin", "hymenoptera")
DATA = os.path.join(ROOT, "cmd", "hymenoptera", "testdata", "insects")
VARYING = ("seconds", "wait", "report_seconds", "peak_memory")


class Fault(Exception):
    pass


def without_times(value):
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in VARYING}
    return value


def left(folder):
    """Returns the files and values of a run that must be equal."""
    def read(name, mode="r"):
        with open(os.path.join(folder, name), mode) as f:
            return f.read()

    return {
        "files": sorted(os.listdir(folder)),
        "history.jsonl": [without_times(json.loads(line)) for line in read("history.jsonl").splitlines()],
        "result.json": without_times(json.loads(read("result.json"))),
        "predictions.json": read("predictions.json"),
        "best.safetensors": read("best.safetensors", "rb"),
    }


def compare(modes, runs, train, kill):
    """Trains each mode once by train(options, out), and runs times, spread over the modes, by kill(n, options, out, duration,
    counts), which counts pairs of what happened and where. Fails at the first run with another result."""
    folder = tempfile.mkdtemp(prefix="killed-")
    whole = os.path.join(folder, "never-killed")
    total = collections.Counter()
    for i, mode in enumerate(modes[:runs]):
        began = time.time()
        train(mode.split(), whole)
        duration = time.time() - began
        want = left(whole)
        counts = collections.Counter()
        mine = range(i, runs, len(modes))
        for n in mine:
            out = os.path.join(folder, f"run-{n}")
            try:
                kill(n, mode.split(), out, duration, counts)
                got = left(out)
                for part in want:
                    if got[part] != want[part]:
                        raise Fault(f"{part} differs from {whole}'s")
            except Fault as fault:
                sys.exit(f"{mode}: {out}: {fault}")
            shutil.rmtree(out)
        shutil.rmtree(whole)
        total += counts
        signals = sum(n for (what, _), n in counts.items() if what.startswith("SIG"))
        print(f"{len(mine):3} equal after {signals:3} signals: {mode}", flush=True)
    shutil.rmtree(folder)
    for (what, where), n in sorted(total.items()):
        print(f"{n:4} {what} {where}")
    print(f"{runs} of {runs} runs ended as the one never killed")
