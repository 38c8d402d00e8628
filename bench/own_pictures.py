#!/usr/bin/env python3
"""The notebook's recipe, --recipe auto and fastai's fine_tune on sets of pictures, over several seeds.

    own_pictures.py --weights FILE NAME=DIR … [--seeds 5] [--size 128] [--epochs 8] [--sides notebook,auto,fastai] [--out DIR]

Accuracy and macro F1 are those of the validation images: of the kept epoch for this program, of the last one for fastai.
Seconds are those of the whole process. Finished runs in --out are not run again.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

from common import PROGRAM, ROOT, count, weights


def macro_f1(run):
    with open(os.path.join(run, "predictions.json")) as f:
        predictions = json.load(f)
    pairs = [(p["label"], p["predicted"]) for p in predictions]
    scores = []
    for c in sorted({label for label, _ in pairs}):
        hit = sum(label == answer == c for label, answer in pairs)
        all_of, said = sum(label == c for label, _ in pairs), sum(answer == c for _, answer in pairs)
        scores.append(2 * hit / (all_of + said))
    return statistics.mean(scores)


def measure(side, name, data, seed, o):
    out = os.path.join(o.out, f"{name}-{side}-{seed}")
    done = os.path.join(out, "figures.json")
    if os.path.exists(done):
        with open(done) as f:
            return json.load(f)
    os.makedirs(out, exist_ok=True)
    begun = time.time()
    if side == "fastai":
        command = [sys.executable, "-W", "ignore", os.path.join(ROOT, "bench", "fastai_python.py"), data, o.weights, str(o.size), str(o.epochs), str(seed)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        figures = json.loads(printed.splitlines()[-1])
    else:
        command = [PROGRAM, "train", "-q", "--device", "cpu", "--fast", "--image-size", str(o.size), "--data", data, "--weights", o.weights, "--seed", str(seed),
                   "--overwrite", "--out", out]
        command += ["--recipe", "auto"] if side == "auto" else ["--epochs", str(o.epochs)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        with open(os.path.join(out, "result.json")) as f:
            figures = {"acc": json.load(f)["best"]["acc"], "macro_f1": macro_f1(out), "seconds": time.time() - begun}
    with open(done, "w") as f:
        json.dump(figures, f)
    return figures


def interval(values):
    """Mean and half of its 95 % interval, by Student's t."""
    t = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}[len(values)] if len(values) > 1 else 0
    half = t * statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0
    return f"{statistics.mean(values):.3f} ± {half:.3f}"


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("sets", nargs="+", metavar="NAME=DIR")
    p.add_argument("--weights", type=weights, required=True)
    p.add_argument("--seeds", type=count, default=5)
    p.add_argument("--size", type=count, default=128)
    p.add_argument("--epochs", type=count, default=8)
    p.add_argument("--sides", default="notebook,auto,fastai")
    p.add_argument("--out", default="runs/own-pictures")
    o = p.parse_args()
    for name, data in (s.split("=", 1) for s in o.sets):
        figures = {side: [] for side in o.sides.split(",")}
        for seed in range(1, o.seeds + 1):
            for side, all_of in figures.items():
                all_of.append(measure(side, name, data, seed, o))
        for side, all_of in figures.items():
            print(f"{name:11} {side:9} accuracy {interval([f['acc'] for f in all_of])}, macro F1 {interval([f['macro_f1'] for f in all_of])}, "
                  f"{statistics.median(f['seconds'] for f in all_of):.0f} s", flush=True)


if __name__ == "__main__":
    main()
