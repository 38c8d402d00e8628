#!/usr/bin/env python3
"""Writes torch/nn/testdata/modules.json: the outputs of PyTorch's layers without tensors.

    python scripts/make_module_goldens.py

The input, 2×3×7×9, has numbers that any language can compute, so it is not written.
"""

import json
import os

import torch
from torch import nn

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "torch", "nn", "testdata", "modules.json")
SHAPE = (2, 3, 7, 9)
MODULES = {
    "relu": nn.ReLU(),
    "flatten": nn.Flatten(),
    "max 2": nn.MaxPool2d(2),
    "max 3 stride 2 padding 1": nn.MaxPool2d(3, stride=2, padding=1),
    "max 3 stride 2 ceil": nn.MaxPool2d(3, stride=2, ceil_mode=True),
    "avg 2": nn.AvgPool2d(2),
    "avg 3 stride 2 padding 1": nn.AvgPool2d(3, stride=2, padding=1),
}


def main():
    n = torch.tensor(SHAPE).prod().item()
    x = ((torch.arange(n) * 7919 % 257 - 128) / 8).reshape(SHAPE)
    cases = {}
    for name, module in MODULES.items():
        y = module(x)
        cases[name] = {"shape": list(y.shape), "values": y.flatten().tolist()}
    with open(OUT, "w") as f:
        json.dump(cases, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
