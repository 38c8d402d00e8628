#!/usr/bin/env python3
"""How far training is from the limit: FLOP/s of ResNet18's convolutions alone, and of an epoch in Go.

    reference-env/bin/python bench/convolutions.py --data DIR [--weights none] [--threads 2] [--dtype float32] [--rounds 3]

Each shape is computed forward, a batch of 32, in the two layouts; the limit is the fastest one. All is by processor time, so
that other programs disturb little: GFLOP per second of one core, the best of all rounds.

A training step computes three times what its forward pass does, less the first convolution's gradient towards the pictures,
which nobody needs. The epoch is a whole process: training, validation, start-up, data path, report. Only
convolutions count as work. --dtype bfloat16 is for processors that multiply it, where --fast does.
"""
import argparse
import json
import os
import tempfile
import time

import torch

from common import PROGRAM, count, photographs, seconds, weights

#         in, out, kernel, stride, pixels a side, how often
SHAPES = [
    (3, 64, 7, 2, 224, 1),
    (64, 64, 3, 1, 56, 4),
    (64, 128, 3, 2, 56, 1),
    (64, 128, 1, 2, 56, 1),
    (128, 128, 3, 1, 28, 3),
    (128, 256, 3, 2, 28, 1),
    (128, 256, 1, 2, 28, 1),
    (256, 256, 3, 1, 14, 3),
    (256, 512, 3, 2, 14, 1),
    (256, 512, 1, 2, 14, 1),
    (512, 512, 3, 1, 7, 3),
]
LAYOUTS = {"NCHW": torch.contiguous_format, "NHWC": torch.channels_last}


def work(shape):
    """GFLOP per image."""
    cin, cout, k, stride, side, _ = shape
    return 2 * cin * cout * k * k * (side // stride) ** 2 / 1e9


def speed(shape, layout, dtype):
    """GFLOP/s of a core, the best of five."""
    cin, cout, k, stride, side, _ = shape
    conv = torch.nn.Conv2d(cin, cout, k, stride, k // 2, bias=False).to(dtype=dtype, memory_format=layout)
    x = torch.rand(32, cin, side, side).to(dtype=dtype, memory_format=layout)
    times = []
    with torch.no_grad():
        for _ in range(6):
            began = time.process_time()
            conv(x)
            times.append(time.process_time() - began)
    return 32 * work(shape) / min(times[1:])


def epoch(command):
    """GFLOP/s of a core."""
    forward = sum(s[-1] * work(s) for s in SHAPES)
    with tempfile.TemporaryDirectory() as out:
        cpu = seconds([*command, "--out", out])["cpu"]
        with open(os.path.join(out, "history.jsonl")) as f:
            n = {p["phase"]: p["n"] for p in map(json.loads, f)}
    return (n["train"] * (3 * forward - work(SHAPES[0])) + n["val"] * forward) / cpu


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", type=photographs, required=True)
    p.add_argument("--weights", type=weights, default="none")
    p.add_argument("--threads", default="2")
    p.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    p.add_argument("--rounds", type=count, default=3)
    o = p.parse_args()
    torch.set_num_threads(int(o.threads))
    dtype = getattr(torch, o.dtype)
    print(f"{o.threads} threads, {o.dtype}, the best of {o.rounds} rounds; GFLOP a second of one core")
    best = {(s, name): 0 for s in SHAPES for name in LAYOUTS}
    for _ in range(o.rounds):
        for s, name in best:
            best[s, name] = max(best[s, name], speed(s, LAYOUTS[name], dtype))
    for s in SHAPES:
        line = "{0:3} -> {1:3}, {2}x{2}, stride {3}, {4:3} pixels, {5} times".format(*s)
        print(line, *(f" {name} {best[s, name]:6.1f}" for name in LAYOUTS), flush=True)
    limit = max(best.values())
    print(f"the fastest {limit:.1f}", flush=True)
    train = [PROGRAM, "train", "--device", "cpu", "--data", o.data, "--weights", o.weights, "--epochs", "1", "--threads", o.threads]
    for name, extra in {"exact": [], "--fast": ["--fast"]}.items():
        reached = max(epoch(train + extra) for _ in range(o.rounds))
        print(f"epoch {name:6} {reached:6.1f}, {reached / limit:.2f} of it", flush=True)


if __name__ == "__main__":
    main()
