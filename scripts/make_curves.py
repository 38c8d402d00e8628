#!/usr/bin/env python3
"""Writes cmd/hymenoptera/testdata/curves.json: what PyTorch makes of small trainings.

    reference-env/bin/python scripts/make_curves.py

Each is a run of scripts/reference.py on the committed set. The environment pins what would let two
machines take different code paths, so that the same bits come out of any with AVX2; the Go test sets the
same. docs/parity.md says what each variable does.
"""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TESTDATA = os.path.join(HERE, "..", "cmd", "hymenoptera", "testdata")
PINNED = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"}
COMMON = "--weights none --epochs 2 --batch-size 10 --image-size 32 --lr 0.01"
RUNS = {
    "resnet18": "--threads 2 --workers 2",
    "resnet18 one thread": "--threads 1 --workers 1 --seed 1",
    "resnet18 no workers": "--threads 2 --workers 0",
    "resnet18 frozen": "--threads 2 --workers 2 --freeze",
    "resnet18 frozen no workers": "--threads 1 --workers 0 --freeze --seed 7",
    "resnet18 nesterov cosine": "--threads 2 --workers 1 --nesterov --weight-decay 0.001 --scheduler cosine",
    "resnet18 adam exponential": "--threads 2 --workers 2 --optimizer adam --lr 0.001 --scheduler exponential --gamma 0.5",
    "resnet18 adamw smoothing": "--threads 2 --workers 2 --optimizer adamw --lr 0.001 --weight-decay 0.05"
    " --label-smoothing 0.1 --class-weights 1,2.5 --step-size 1",
    "resnet18 last batch of one": "--threads 2 --workers 2 --batch-size 47 --image-size 64 --freeze",
    "resnet18 batch over the set": "--threads 2 --workers 4 --batch-size 64",
    "googlenet": "--model googlenet --threads 2 --workers 2",
    "googlenet frozen": "--model googlenet --threads 2 --workers 0 --freeze",
}


def main():
    curves = {"environment": PINNED, "runs": []}
    for name, extra in RUNS.items():
        options = COMMON.split() + extra.split()
        with tempfile.TemporaryDirectory() as out:
            command = [sys.executable, os.path.join(HERE, "reference.py"), "--data", os.path.join(TESTDATA, "insects")]
            subprocess.run(command + options + ["--out", out], check=True, env=os.environ | PINNED, stdout=subprocess.DEVNULL)
            with open(os.path.join(out, "history.jsonl")) as f:
                history = [json.loads(line) for line in f]
            with open(os.path.join(out, "digests.json")) as f:
                digests = json.load(f)
        for phase in history:
            del phase["seconds"]
        curves["runs"].append(dict(name=name, options=options, history=history, final=digests["final"], best=digests["best"]))
        print(name, [round(p["loss"], 4) for p in history], flush=True)
    with open(os.path.join(TESTDATA, "curves.json"), "w") as f:
        json.dump(curves, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
