#!/usr/bin/env python3
"""Writes onnx/testdata/tiny.onnx, the golden file of package onnx, and compares it with PyTorch.

    scripts/make_onnx_golden.py         needs torch 2.11.0, onnx, onnxruntime, Go

The file comes from the test that compares with it. Its network is made here too, in PyTorch: what onnxruntime answers
for a picture must be what PyTorch answers.
"""
import os
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from PIL import Image
from torchvision import transforms

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PATH = os.path.join(ROOT, "onnx", "testdata", "tiny.onnx")


def weights():
    """The weights of tiny in onnx/onnx_test.go, in its order."""
    state = 1

    def draw(shape, positive):
        nonlocal state
        values = []
        for _ in range(int(np.prod(shape))):
            state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
            values.append((state >> 8) / (1 << 24) - 0.5 + positive)
        return torch.tensor(values, dtype=torch.float32).reshape(shape)

    made = {}

    def conv(name, norm, *shape):
        made[name] = draw(shape, 0)
        gamma, beta, mean, var = (draw((2,), p) for p in (1, 0, 0, 1))
        made[norm] = (mean, var, gamma, beta)

    conv("conv1", "bn1", 2, 3, 7, 7)
    for layer in range(1, 5):
        for c in (1, 2):
            conv(f"layer{layer}.conv{c}", f"layer{layer}.bn{c}", 2, 2, 3, 3)
        if layer > 1:
            conv(f"layer{layer}.down", f"layer{layer}.downbn", 2, 2, 1, 1)
    made["fc"] = draw((3, 2), 0), draw((3,), 0)
    return made


def forward(w, x):
    def layer(x, conv, norm, stride, padding):
        return F.batch_norm(F.conv2d(x, w[conv], stride=stride, padding=padding), *w[norm], eps=1e-5)

    x = F.max_pool2d(F.relu(layer(x, "conv1", "bn1", 2, 3)), 3, 2, 1)
    for n in range(1, 5):
        stride = 1 if n == 1 else 2
        y = layer(F.relu(layer(x, f"layer{n}.conv1", f"layer{n}.bn1", stride, 1)), f"layer{n}.conv2", f"layer{n}.bn2", 1, 1)
        x = F.relu(y + (layer(x, f"layer{n}.down", f"layer{n}.downbn", stride, 0) if n > 1 else x))
    return F.linear(x.mean((2, 3)), *w["fc"])


def main():
    subprocess.run(["go", "test", "./onnx", "-run", "TestTinyIsAsCommitted", "-update"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    onnx.checker.check_model(PATH, full_check=True)
    session = onnxruntime.InferenceSession(PATH)
    prepare = transforms.Compose([transforms.Resize(64 * 256 // 224), transforms.CenterCrop(64), transforms.ToTensor(),
                                  transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    y, x = np.mgrid[0:120, 0:161]
    picture = np.stack([x, y, x + y], 2).astype(np.uint8)
    want = forward(weights(), prepare(Image.fromarray(picture))[None]).numpy()
    got = session.run(["logits"], {"picture": picture})[0]
    if abs(got - want).max() > 1e-3:
        sys.exit(f"onnxruntime answers {got}, PyTorch {want}")


if __name__ == "__main__":
    main()
