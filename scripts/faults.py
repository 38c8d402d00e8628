#!/usr/bin/env python3
"""Puts one-line faults into a copy of the tree and shows which test catches each.

    python3 scripts/faults.py        (after make setup; takes some minutes)

scripts/faults.json lists the faults. It fails if one is caught by no test; a Go test in internal/layering fails if a line to
spoil is not there exactly once.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
PACKAGES = ["./transforms", "./dataset", "./torch/nn", "./torch/optim", "./zoo", "./trainer"]
# The tests of the command that compare numbers with PyTorch's. All of its tests take minutes per fault.
CURVES = ["-run", "TestCurvesEqualPyTorch|TestFastIsCloseToExact", "./cmd/hymenoptera"]
with open(os.path.join(ROOT, "scripts", "faults.json")) as f:
    FAULTS = [(x["name"], x["file"], x["good"], x["bad"]) for x in json.load(f)]


def failing_tests(folder):
    text = ""
    for args in (PACKAGES, CURVES):
        out = subprocess.run(["go", "test", "-p", "1", "-short", *args], cwd=folder, capture_output=True, text=True)
        text += out.stdout + out.stderr
    tests = re.findall(r"^\s*--- FAIL: (\S+)", text, re.M)
    broken = re.findall(r"^FAIL\s+(\S+) \[build failed\]", text, re.M)
    return tests, broken, text


def main():
    for name, path, good, _ in FAULTS:
        with open(os.path.join(ROOT, path)) as f:
            n = f.read().count(good)
        if n != 1:
            sys.exit(f"{name}: the line to spoil is {n} times in {path}: {good}")
    missed = 0
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        copy = os.path.join(folder, "tree")
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("runs", "data", "bin", ".git"))
        for name, path, good, bad in FAULTS:
            target = os.path.join(copy, path)
            with open(target) as f:
                source = f.read()
            with open(target, "w") as f:
                f.write(source.replace(good, bad))
            tests, broken, text = failing_tests(copy)
            with open(target, "w") as f:
                f.write(source)
            if broken:
                sys.exit(f"{name}: the spoilt tree does not build:\n{text}")
            missed += not tests
            print(f"{name}\n    " + ("\n    ".join(tests) if tests else "NOT CAUGHT"), flush=True)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
