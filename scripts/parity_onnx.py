#!/usr/bin/env python3
"""Compares exported ONNX files, run by onnxruntime, with `hymenoptera predict`, picture by picture.

    parity_onnx.py --data DIR [--checkpoint FILE …] [--threads 2]

For each network: onnx.checker finds nothing in the files; a prepared tensor gives the logits of predict within 1e-4, one
by one and in batches of 32; a picture as it is gives the same class, and probabilities within 0.01. Without a checkpoint, a
ResNet18 and a GoogLeNet with random weights are trained for an epoch, their heads only. Every other network of the program
goes through onnx.checker with random weights, as does the golden file of the tests. The time of each is printed too.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
from PIL import Image

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
BINARY = os.path.join(ROOT, "bin", "hymenoptera")


def run(*args):
    return subprocess.run([BINARY, *map(str, args)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def train(model, data, folder):
    out = os.path.join(folder, model)
    run("train", "-q", "--device", "cpu", "--model", model, "--weights", "none", "--freeze", "--epochs", 1, "--image-size", 64, "--data", data, "--out", out)
    return os.path.join(out, "best.safetensors")


def session(path, threads):
    onnx.checker.check_model(path, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options)


def prepared(picture, how):
    """The tensor 3×S×S that torchvision's Resize, CenterCrop, ToTensor and Normalize make."""
    short, size = how["resize"], how["crop"]
    w, h = picture.size
    w, h = (short, int(short * h / w)) if w <= h else (int(short * w / h), short)
    left, top = int(round((w - size) / 2.0)), int(round((h - size) / 2.0))
    picture = picture.resize((w, h), Image.Resampling.BILINEAR).crop((left, top, left + size, top + size))
    x = np.asarray(picture, dtype=np.float32) / np.float32(255)
    return ((x - np.float32(how["mean"])) / np.float32(how["std"])).transpose(2, 0, 1)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def compare(checkpoint, data, threads, folder):
    card = json.loads(run("inspect", "--json", checkpoint))["metadata"]
    how = json.loads(card["preprocessing"])
    files = {kind: os.path.join(folder, f"{kind}.onnx") for kind in ("tensor", "picture")}
    begun = time.time()
    for kind, path in files.items():
        run("export", "--checkpoint", checkpoint, "--out", path, "--input", kind, "--overwrite")
    seconds = (time.time() - begun) / 2
    tensor, picture = (session(path, threads) for path in files.values())
    begun = time.time()
    lines = run("predict", "--device", "cpu", "--checkpoint", checkpoint, "--json", "--threads", threads, "--batch-size", 1, os.path.join(data, "val"))
    lines = [json.loads(line) for line in lines.splitlines()]
    want = np.array([line["logits"] for line in lines])
    pictures = [Image.open(line["file"]).convert("RGB") for line in lines]
    inputs = np.stack([prepared(p, how) for p in pictures])

    one = np.concatenate([tensor.run(["logits"], {"tensor": x[None]})[0] for x in inputs])
    many = np.concatenate([tensor.run(["logits"], {"tensor": inputs[i : i + 32]})[0] for i in range(0, len(inputs), 32)])
    begun = time.time()
    whole = [picture.run(["logits", "probabilities"], {"picture": np.asarray(p)}) for p in pictures]
    rate = len(pictures) / (time.time() - begun)
    logits, probabilities = (np.concatenate(v) for v in zip(*whole))
    classes = (logits.argmax(1) == want.argmax(1)).sum()
    figures = abs(one - want).max(), abs(many - want).max(), abs(probabilities - softmax(want)).max()
    print(f"{card['model']}: {len(want)} pictures, logits of a tensor within {figures[0]:.1e}, in batches of 32 within {figures[1]:.1e}; "
          f"of a picture the same class for {classes}, probabilities within {figures[2]:.1e}; {rate:.0f} pictures per second; "
          f"{os.path.getsize(files['picture']) / 1e6:.1f} MB, exported in {seconds:.1f} s", flush=True)
    return figures[0] <= 1e-4 and figures[1] <= 1e-4 and figures[2] <= 0.01 and classes == len(want)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", required=True)
    p.add_argument("--checkpoint", action="append", default=[])
    p.add_argument("--threads", type=int, default=2)
    o = p.parse_args()
    onnx.checker.check_model(os.path.join(ROOT, "onnx", "testdata", "tiny.onnx"), full_check=True)
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = o.checkpoint or [train(model, o.data, folder) for model in ("resnet18", "googlenet")]
        equal = all([compare(c, o.data, o.threads, folder) for c in checkpoints])
        insects = os.path.join(ROOT, "cmd", "hymenoptera", "testdata", "insects")
        for model in ("resnet34", "resnet50", "resnet101", "resnet152"):
            path = os.path.join(folder, "other.onnx")
            run("export", "--checkpoint", train(model, insects, folder), "--out", path, "--overwrite")
            session(path, o.threads)
            print(f"{model}: taken by onnx.checker and onnxruntime", flush=True)
    if not equal:
        sys.exit("the answers differ by more than they may")


if __name__ == "__main__":
    main()
