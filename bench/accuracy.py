#!/usr/bin/env python3
"""What --fast costs in accuracy: the same trainings with and without it, paired by seed.

    python3 bench/accuracy.py --data DIR --weights FILE [--seeds 5] [--epochs 8] [--device cuda] [--freeze] [--svg FILE]

Both sides of a pair begin with the same head and draw the same crops. On a GPU the exact side is --deterministic. It
prints the mean differences (fast minus exact) of the last epoch's validation loss and accuracy with their 95 %
intervals (Student's t), and draws the validation curves of all trainings.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import tempfile

BINARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bin", "hymenoptera")
# Student's t, 0.975, by degrees of freedom.
T975 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 14: 2.145, 19: 2.093, 24: 2.064, 29: 2.045}
COLORS = {"exact": "#1f77b4", "fast": "#d62728"}


def train(o, seed, flags):
    """The validation phases of one training."""
    with tempfile.TemporaryDirectory() as out:
        command = [BINARY, "train", "--data", o.data, "--weights", o.weights, "--epochs", str(o.epochs), "--seed", str(seed),
                   "--device", o.device, "--out", os.path.join(out, "run")] + (["--freeze"] if o.freeze else [])
        subprocess.run(command + flags, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(os.path.join(out, "run", "history.jsonl")) as f:
            return [p for p in map(json.loads, f) if p["phase"] == "val"]


def interval(values):
    half = T975[len(values) - 1] * statistics.stdev(values) / math.sqrt(len(values))
    mean = statistics.mean(values)
    return f"{mean:+.4f}, 95 % interval {mean - half:+.4f} to {mean + half:+.4f}"


def panel(curves, figure, left):
    """One set of axes: every training's curve of a figure, thin, and each mode's mean, thick."""
    values = [p[figure] for runs in curves.values() for run in runs for p in run]
    low, high = min(values), max(values)
    epochs = len(next(iter(curves.values()))[0])
    x = lambda e: left + 44 + 300 * e / max(1, epochs - 1)
    y = lambda v: 230 - 190 * (v - low) / ((high - low) or 1)
    line = lambda points, style: f'<polyline fill="none" {style} points="' + " ".join(f"{x(e):.1f},{y(v):.1f}" for e, v in enumerate(points)) + '"/>'
    svg = [f'<text x="{left + 44}" y="26" font-weight="bold">validation {figure}</text>',
           f'<path d="M{left + 44} 40V230H{left + 344}" fill="none" stroke="#888"/>']
    for v in (low, (low + high) / 2, high):
        svg.append(f'<text x="{left + 38}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.3f}</text>')
    for e in range(epochs):
        svg.append(f'<text x="{x(e):.1f}" y="246" text-anchor="middle">{e}</text>')
    for mode, runs in curves.items():
        color = COLORS[mode]
        svg += [line([p[figure] for p in run], f'stroke="{color}" stroke-width="1" opacity="0.35"') for run in runs]
        svg.append(line([statistics.mean(run[e][figure] for run in runs) for e in range(epochs)], f'stroke="{color}" stroke-width="2.5"'))
    return svg


def draw(curves, path):
    svg = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 740 285" font-family="sans-serif" font-size="11">',
           '<rect width="740" height="285" fill="white"/>']
    svg += panel(curves, "loss", 0) + panel(curves, "acc", 370)
    for i, mode in enumerate(curves):
        svg.append(f'<path d="M{44 + 150 * i} 270h24" stroke="{COLORS[mode]}" stroke-width="2.5"/><text x="{74 + 150 * i}" y="274">{mode}, by epoch</text>')
    with open(path, "w") as f:
        f.write("\n".join(svg + ["</svg>\n"]))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", required=True)
    p.add_argument("--weights", required=True)
    p.add_argument("--seeds", type=int, default=5, choices=[n + 1 for n in T975])
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--device", default="cpu")
    p.add_argument("--freeze", action="store_true")
    p.add_argument("--svg", help="file for the curves")
    o = p.parse_args()
    modes = {"exact": ["--deterministic"] if o.device != "cpu" else [], "fast": ["--fast"]}
    curves = {mode: [] for mode in modes}
    for seed in range(o.seeds):
        for mode, flags in modes.items():
            curves[mode].append(train(o, seed, flags))
        print(f"seed {seed}:" + ",".join(f"  {m} loss {c[-1][-1]['loss']:.4f} acc {c[-1][-1]['acc']:.4f}" for m, c in curves.items()), flush=True)
    for figure in ("loss", "acc"):
        differences = [f[-1][figure] - e[-1][figure] for e, f in zip(curves["exact"], curves["fast"])]
        print(f"final val {figure}, fast minus exact: {interval(differences)}")
    if o.svg:
        draw(curves, o.svg)


if __name__ == "__main__":
    main()
