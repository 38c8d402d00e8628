#!/usr/bin/env python3
"""Go against Python on a GPU: the whole of a training, from the start of the process to its end.

    python3 bench/gpu.py --data DIR --weights FILE [--epochs 25] [--rounds 5] [--freeze]

The notebook (scripts/reference.py), Go and Go's fast mode run in turn on the same GPU; Go's time includes the report.
"epochs" is what each writes into history.jsonl, of which the first one is slow: libraries are loaded, and cuDNN tries
its algorithms out where it is asked to. Below 1 Go is faster.
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


def run(command, out):
    began = time.time()
    subprocess.run(command + ["--out", out], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.time() - began
    with open(os.path.join(out, "history.jsonl")) as f:
        phases = [json.loads(line) for line in f]
    epochs = [sum(p["seconds"] for p in phases if p["epoch"] == e) for e in range(phases[-1]["epoch"] + 1)]
    figures = {"whole": wall, "epochs": sum(epochs), "first epoch": epochs[0], "each other": statistics.mean(epochs[1:] or [0])}
    best = max(p["acc"] for p in phases if p["phase"] == "val")
    return figures, best


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", required=True)
    p.add_argument("--weights", required=True)
    p.add_argument("--epochs", type=int, default=25)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--freeze", action="store_true")
    o = p.parse_args()
    common = ["--data", o.data, "--weights", o.weights, "--epochs", str(o.epochs), "--device", "cuda"] + ["--freeze"] * o.freeze
    go = [os.path.join(ROOT, "bin", "hymenoptera"), "train"] + common
    sides = {
        "Python": [sys.executable, os.path.join(ROOT, "scripts", "reference.py")] + common,
        "Go": go,
        "Go --fast": go + ["--fast"],
    }
    rounds = []
    for _ in range(o.rounds):
        with tempfile.TemporaryDirectory() as out:
            rounds.append({name: run(c, os.path.join(out, str(i))) for i, (name, c) in enumerate(sides.items())})
    print(f"{o.epochs} epochs, {o.rounds} rounds; medians (minimum to maximum)")
    for name in sides:
        accuracies = ", ".join(f"{r[name][1]:.4f}" for r in rounds)
        print(f"{name:10} best val accuracies {accuracies}")
        for figure in rounds[0][name][0]:
            values = [r[name][0][figure] for r in rounds]
            line = f"{name:10} {figure:12} {statistics.median(values):7.3f} s ({min(values):.3f} to {max(values):.3f})"
            if name != "Python":
                line += f", ratio {statistics.median(r[name][0][figure] / r['Python'][0][figure] for r in rounds):.3f}"
            print(line)


if __name__ == "__main__":
    main()
