#!/usr/bin/env python3
"""Checks that package checkpoint and Python read each other's files, bit for bit.

    python scripts/parity_files.py [--time FILE]        needs torch 2.11.0 and go

Python writes every type and every layout (scripts/make_checkpoints.py) in the zip, legacy and
safetensors formats; Go reads each and writes .pth and safetensors; torch.load(weights_only=True) and a plain
parser of safetensors read those. Names, order, types, shapes, bits, and which tensors are parameters must be
the same, and Go's digest of the values must be Python's.

With --time it also times torch.load and checkpoint.Read on FILE, warm, in pairs of processes' own loops.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import OrderedDict

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import make_checkpoints as make  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def build(folder):
    tool = os.path.join(folder, "ckptconvert")
    subprocess.run(["go", "build", "-o", tool, "./internal/tools/ckptconvert"], cwd=ROOT, check=True)
    return tool


def run(tool, *args):
    return subprocess.run([tool, *args], check=True, capture_output=True, text=True).stdout


def differences(got, want, parameters):
    """Says how two state dicts differ."""
    if type(got) is not OrderedDict:
        yield f"it is a {type(got).__name__}"
    if list(got) != list(want):
        yield f"the names are {list(got)}, not {list(want)}"
        return
    for key, w in want.items():
        g = got[key]
        if g.dtype != w.dtype or g.shape != w.shape:
            yield f"{key} is {g.dtype} {tuple(g.shape)}, not {w.dtype} {tuple(w.shape)}"
        elif make.raw(g) != make.raw(w):
            yield f"{key} has other bits"
        elif parameters and (type(g) is not type(w) or g.requires_grad != w.requires_grad):
            yield f"{key} is a {type(g).__name__} with requires_grad={g.requires_grad}"


def check(tool, folder):
    torch.manual_seed(1)
    net = make.net()
    large = OrderedDict((f"{make.name(d)}.random", torch.randint(0, 256, (9000,), dtype=torch.uint8).view(d) if d != torch.bool
                         else torch.randint(0, 2, (9000,)).bool()) for d in make.DTYPES)
    dicts = {"dtypes": make.all_dtypes(), "layouts": make.layouts(), "parameters": make.parameters(), "module": net.state_dict(),
             "large": large, "names": OrderedDict([("é \"<&>' \\", torch.ones(1)), ("a" * 300, torch.ones(2))]), "nothing": OrderedDict()}
    writers = {"zip": make.save_zip, "legacy": make.save_legacy, "safetensors": make.save_safetensors}
    checked = tensors = bad = 0
    for stem, sd in dicts.items():
        for form, write in writers.items():
            source = os.path.join(folder, f"{stem}-{form}")
            write(source, sd)
            for ending in ("pth", "safetensors"):
                out = os.path.join(folder, f"out.{ending}")
                digest = run(tool, source, out).strip()
                if ending == "pth":
                    got = torch.load(out, weights_only=True)
                    assert zipfile.ZipFile(out).testzip() is None
                else:
                    got, _ = make.load_safetensors(out, aligned=True)
                found = list(differences(got, sd, parameters=ending == "pth" and form != "safetensors"))
                if digest != make.digest(sd):
                    found.append(f"Go's digest is {digest}, Python's {make.digest(sd)}")
                checked, tensors, bad = checked + 1, tensors + len(sd), bad + bool(found)
                for line in found:
                    print(f"{stem}: Python {form} -> Go -> {ending}: {line}")
    print(f"{checked} conversions of {tensors} tensors of {len(make.DTYPES)} types, {bad} with differences")
    return bad == 0


def measure(tool, file, pairs=7):
    """Times torch.load and checkpoint.Read in turn, each warm: after a read that does not count."""
    torch.load(file, weights_only=True)
    go, py, ratios, heap = [], [], [], 0
    for _ in range(pairs):
        start = time.perf_counter()
        torch.load(file, weights_only=True)
        py.append((time.perf_counter() - start) * 1e3)
        out = json.loads(run(tool, "-time", "2", file))
        go.append(out["ms"][-1])
        heap = max(heap, out["heap"])
        ratios.append(go[-1] / py[-1])
    ratio, size = statistics.median(ratios), os.path.getsize(file)
    print(f"torch.load {statistics.median(py):.1f} ms, checkpoint.Read {statistics.median(go):.1f} ms, median of {pairs} ratios {ratio:.2f} (target 0.70)")
    print(f"Go's heap: {(heap - size) / 2**20:.1f} MiB beside the file's {size / 2**20:.1f} (target 32)")
    return ratio <= 0.7 and heap <= size + (32 << 20)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time", metavar="FILE", help="a .pth file to time both readers on")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tool = build(folder)
        good = check(tool, folder)
        if args.time:
            good = measure(tool, args.time) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
