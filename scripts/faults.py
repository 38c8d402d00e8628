#!/usr/bin/env python3
"""Puts one-line faults into a copy of the tree and shows which test catches each.

    python3 scripts/faults.py        (after make setup; takes some minutes)

It fails when a fault is caught by no test, or when the line that it spoils is not there any more.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
CURVES = "./cmd/hymenoptera"
FAULTS = [
    ("crop: width rounded up at half", "transforms/crop.go",
     "cw := int(math.RoundToEven(math.Sqrt(float64(target * ratio))))", "cw := int(math.Ceil(math.Sqrt(float64(target * ratio))))"),
    ("resize: passes always horizontal first", "transforms/resize.go",
     "case verticalFirst(w, h, p.Width, p.Height):", "case false && verticalFirst(w, h, p.Width, p.Height):"),
    ("flip drawn before the crop", "transforms/transform.go",
     "\tif t.Random {\n", "\tif t.Random {\n\t\tflip := RandomFlip(rng)\n\t\treturn Plan{Crop: RandomResizedCrop(rng, w, h), Width: t.Size, Height: t.Size, Window: image.Rect(0, 0, t.Size, t.Size), Flip: flip}\n"),
    ("momentum: first buffer damped", "torch/optim/sgd.go",
     "o.buffers[i] = torch.Clone(o.scope, grad)\n\t} else", "o.buffers[i] = torch.MulScalarInPlace(torch.Clone(o.scope, grad), 1-o.cfg.Momentum)\n\t} else"),
    ("StepLR: an epoch late", "torch/optim/schedule.go",
     "if l.epoch%l.stepSize == 0 {", "if l.epoch%l.stepSize == 1%l.stepSize && l.epoch > 1 {"),
    ("running loss: last batch counts as a full one", "trainer/phase.go",
     "runningLoss += loss * float64(b.N)", "runningLoss += loss * float64(r.slots[0].Shape()[0])"),
    ("BatchNorm: momentum 0.01", "torch/nn/batchnorm.go", "const momentum = 0.1", "const momentum = 0.01"),
    ("with weights: no seed before the head", "cmd/hymenoptera/job.go",
     "\t\ttorch.ManualSeed(j.Seed)\n\t\tzoo.ReplaceHead", "\t\tzoo.ReplaceHead"),
    ("with weights: nothing is frozen", "cmd/hymenoptera/job.go",
     "\t\t\tnn.SetRequiresGrad(j.model, false)\n\t\t}\n\t\ttorch.ManualSeed", "\t\t}\n\t\ttorch.ManualSeed"),
]
PACKAGES = ["./transforms", "./dataset", "./torch/nn", "./torch/optim", "./zoo", "./trainer", CURVES]


def failing_tests(folder):
    out = subprocess.run(["go", "test", "-p", "1", "-short", *PACKAGES], cwd=folder, capture_output=True, text=True)
    text = out.stdout + out.stderr
    tests = re.findall(r"^\s*--- FAIL: (\S+)", text, re.M)
    broken = re.findall(r"^FAIL\s+(\S+) \[build failed\]", text, re.M)
    return tests, broken, text


def main():
    missed = 0
    for name, path, good, bad in FAULTS:
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            copy = os.path.join(folder, "tree")
            shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("runs", "data", "bin", ".git"))
            target = os.path.join(copy, path)
            with open(target) as f:
                source = f.read()
            if source.count(good) != 1:
                sys.exit(f"{name}: the line to spoil is {source.count(good)} times in {path}: {good}")
            with open(target, "w") as f:
                f.write(source.replace(good, bad))
            tests, broken, text = failing_tests(copy)
        if broken:
            sys.exit(f"{name}: the spoilt tree does not build:\n{text}")
        missed += not tests
        print(f"{name}\n    " + ("\n    ".join(tests) if tests else "NOT CAUGHT"), flush=True)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
