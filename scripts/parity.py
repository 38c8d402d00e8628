#!/usr/bin/env python3
"""Runs the same training in Go and in Python and compares them phase by phase, bit by bit.

    parity.py [--trace] [--threads 2] … (the options of `hymenoptera train`, but for --out and --device)

It fails at the first difference. With --trace it also names the first tensor that differs.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.path.join(HERE, "..", "bin", "hymenoptera")


def ulps(a, b):
    """Distance of two finite float64 in units of the last place."""
    bits = [struct.unpack("<q", struct.pack("<d", x))[0] for x in (a, b)]
    ordered = [n if n >= 0 else -(n & 0x7FFFFFFFFFFFFFFF) for n in bits]
    return abs(ordered[0] - ordered[1])


def run_both(options, trace, folder):
    commands = {
        "python": [sys.executable, os.path.join(HERE, "reference.py")],
        "go": [BINARY, "train", "--device", "cpu"],
    }
    for name, command in commands.items():
        command += options + ["--out", os.path.join(folder, name)]
        if trace:
            command += ["--trace", os.path.join(folder, name + ".trace")]
        with open(os.path.join(folder, name + ".log"), "w") as log:
            if subprocess.run(command, stdout=log, stderr=subprocess.STDOUT).returncode != 0:
                sys.exit(f"{name} failed:\n" + open(log.name).read())


def read_json_lines(path):
    with open(path) as f:
        return [json.loads(line) for line in f]


def compare_phases(folder):
    both = [read_json_lines(os.path.join(folder, name, "history.jsonl")) for name in ("python", "go")]
    if len(both[0]) != len(both[1]):
        print(f"{len(both[0])} phases in Python, {len(both[1])} in Go")
        return False
    print(f"{'epoch':>5} {'phase':5} {'loss in Python':>22} {'loss in Go':>22} {'ulp':>5} {'corrects':>11}  rate")
    equal = True
    for p, g in zip(*both):
        same = p["corrects"] == g["corrects"] and p["lr"] == g["lr"] and p["loss"] == g["loss"]
        same &= p.get("macro_f1", 0) == g.get("macro_f1", 0)
        equal &= same
        print(
            f"{p['epoch']:5} {p['phase']:5} {p['loss']:22.17g} {g['loss']:22.17g} {ulps(p['loss'], g['loss']):5}"
            f" {p['corrects']:5} {g['corrects']:5}  {p['lr']:g}{'' if same else '   <-- differs'}"
        )
    return equal


def compare_digests(folder):
    with open(os.path.join(folder, "python", "digests.json")) as f:
        python = json.load(f)
    with open(os.path.join(folder, "go", "result.json")) as f:
        go = json.load(f)
    equal = True
    for kind in ("final", "best"):
        if kind == "best" and go["best"]["n"] == 0:
            continue  # no epoch was better than none: Python's best is the untrained model
        same = python[kind] == go[kind + "_sha256"]
        equal &= same
        print(f"{kind:5} weights {python[kind][:16]}… {go[kind + '_sha256'][:16]}… {'equal' if same else 'DIFFER'}")
    return equal


def compare_traces(folder):
    lines = [open(os.path.join(folder, name + ".trace")).read().splitlines() for name in ("python", "go")]
    for p, g in zip(*lines):
        if p != g:
            print(f"first difference: python {p}\n                  go     {g}")
            return False
    if len(lines[0]) != len(lines[1]):
        print(f"traces of {len(lines[0])} and {len(lines[1])} tensors, equal as far as both go")
        return False
    print(f"all {len(lines[0])} traced tensors equal")
    return True


def main():
    options = sys.argv[1:]
    trace = "--trace" in options
    options = [o for o in options if o != "--trace"]
    with tempfile.TemporaryDirectory(prefix="parity-") as folder:
        run_both(options, trace, folder)
        print("parity of", " ".join(options))
        equal = compare_phases(folder)
        equal &= compare_digests(folder)
        if trace:
            equal &= compare_traces(folder)
    print("EQUAL, bit for bit" if equal else "DIFFERENT")
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
