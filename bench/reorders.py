#!/usr/bin/env python3
"""How often oneDNN copies a tensor into another layout: in one training step and one validation step of a full batch.

    reference-env/bin/python bench/reorders.py --data DIR [--weights none] [--threads 2]

It trains an epoch with ONEDNN_VERBOSE=1 and takes a step of each phase: what oneDNN computes from one call of the
first convolution to the next. A shape that goes from one layout to another and back within the step is a tensor that was
copied there and back. oneDNN does not report the copies that PyTorch makes itself.
"""
import argparse
import collections
import os
import subprocess
import tempfile

from common import PROGRAM, photographs, weights


def executed(command):
    """What oneDNN computed, in order: (primitive, kind of pass, layouts, shape, milliseconds)."""
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(command + ["--out", out], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              env={**os.environ, "ONEDNN_VERBOSE": "1"})
    for line in done.stdout.splitlines():
        f = line.split(",")
        if f[0] == "onednn_verbose" and "exec" in f:
            primitive, _, kind, layouts = f[5:9]
            yield primitive, kind, layouts, f[-2], float(f[-1])


def steps(lines):
    """The steps of a full batch, in order: each begins with the first convolution."""
    starts = [i for i, l in enumerate(lines) if l[0] == "convolution" and l[1].startswith("forward") and "_ic3oc64_" in l[3]]
    return [lines[a:b] for a, b in zip(starts, starts[1:]) if lines[a][3].startswith("mb32_")]


def layout(text):
    """abcd of src:f32::blocked:abcd::f0."""
    return text.split("blocked:")[1].split(":")[0]


def show(name, lines):
    reorders = collections.Counter()
    for primitive, _, layouts, shape, ms in lines:
        if primitive == "reorder":
            source, destination = map(layout, layouts.split(" "))
            reorders[shape, source, destination] += 1
    time = lambda keep: sum(l[4] for l in lines if keep(l[0]))
    activations = sum(n for (shape, _, _), n in reorders.items() if shape.startswith("32x"))
    back = sum(min(n, reorders[shape, b, a]) for (shape, a, b), n in reorders.items() if a < b)
    total = sum(reorders.values())
    share = time(lambda p: p == "reorder") / time(lambda p: True)
    print(f"{name}: {sum(l[0] == 'convolution' for l in lines)} convolutions, {total} reorders ({100 * share:.1f} % of oneDNN's time):"
          f" {total - activations} of weights, {activations} of activations; {back} there and back", flush=True)
    for (shape, source, destination), n in sorted(reorders.items(), key=lambda r: -r[1])[:4]:
        print(f"    {n:3} x  {shape:16}  {source} -> {destination}")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", type=photographs, required=True)
    p.add_argument("--weights", type=weights, default="none")
    p.add_argument("--threads", default="2")
    o = p.parse_args()
    train = [PROGRAM, "train", "--device", "cpu", "--data", o.data, "--weights", o.weights, "--epochs", "1", "--threads", o.threads]
    for mode, extra in {"exact": [], "--fast": ["--fast"]}.items():
        full = steps(list(executed(train + extra)))
        show(f"{mode}, training step", full[1])
        show(f"{mode}, validation step", full[-2])


if __name__ == "__main__":
    main()
