#!/usr/bin/env python3
"""The answers that are not "unsure": thresholds come from one half of a validation set, and are measured on the other half.

    bench/unsure.py --data DIR --weights FILE [--seeds 1,2,3] [--precisions 0.9,0.95,0.99] [OPTION of train …]

Every second validation image of a class is held back. A training validates with the rest, and fits its temperature and thresholds
to them. eval measures on the images held back.
"""
import argparse
import json
import os
import subprocess
import tempfile

from common import PROGRAM, photographs, weights


def halves(data, out):
    """Makes out/data with half of data's validation images, and out/held/val with the others."""
    os.makedirs(f"{out}/data")
    os.symlink(os.path.abspath(f"{data}/train"), f"{out}/data/train")
    for c in sorted(os.listdir(f"{data}/val")):
        for i, name in enumerate(sorted(os.listdir(f"{data}/val/{c}"))):
            folder = f"{out}/{('data', 'held')[i % 2]}/val/{c}"
            os.makedirs(folder, exist_ok=True)
            os.symlink(os.path.abspath(f"{data}/val/{c}/{name}"), f"{folder}/{name}")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", type=photographs, required=True)
    p.add_argument("--weights", type=weights, required=True)
    p.add_argument("--seeds", default="1,2,3")
    p.add_argument("--precisions", default="0.9,0.95,0.99")
    o, options = p.parse_known_args()
    for seed in o.seeds.split(","):
        with tempfile.TemporaryDirectory() as out:
            halves(o.data, out)
            subprocess.run([PROGRAM, "train", "-q", "--data", f"{out}/data", "--weights", o.weights, "--seed", seed, "--out", f"{out}/run", *options],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for precision in o.precisions.split(","):
                done = subprocess.run([PROGRAM, "eval", "--checkpoint", f"{out}/run", "--data", f"{out}/held", "--precision", precision, "--json"], capture_output=True, text=True)
                if done.returncode:
                    print(f"seed {seed}, precision {precision}: {done.stderr.strip().splitlines()[-1]}")
                    continue
                e = json.loads(done.stdout)
                s = e["sure"]
                promised = [line for line in done.stderr.splitlines() if "unsure below" in line][0]
                print(f"seed {seed}, precision {precision}: {promised}; held back: {s['n']} of {e['n']} ({100 * s['coverage']:.1f} %), "
                      f"{100 * s['precision']:.1f} % right; all {100 * e['acc']:.1f} %; ECE {e['ece']:.3f}, at T = {e['temperature']:.3f} {e['calibrated_ece']:.3f}", flush=True)


if __name__ == "__main__":
    main()
