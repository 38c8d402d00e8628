#!/usr/bin/env python3
"""Writes torch/vision/testdata/crops.json: torchvision's resized_crop and hflip of tensors of bytes.

    python scripts/make_vision_goldens.py

The picture has numbers that any language can compute, so it is not written.
"""

import json
import os

import numpy as np
import torch
from torchvision.transforms import functional as F

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "torch", "vision", "testdata", "crops.json")
HEIGHT, WIDTH, SIZE = 61, 83, 12
# left, top, width, height: smaller, larger, of the same size, of one row and one column, and the whole picture
CROPS = [(5, 7, 40, 31), (0, 0, 83, 61), (70, 50, 6, 9), (11, 13, 12, 12), (3, 4, 70, 1), (30, 2, 1, 50), (1, 2, 80, 12)]


def picture():
    i = np.arange(3 * HEIGHT * WIDTH, dtype=np.uint64)
    words = (i * 2654435761 + i // WIDTH * 40503) % 2**32
    return torch.from_numpy((words >> 24).astype(np.uint8)).reshape(3, HEIGHT, WIDTH)


def main():
    cases = []
    for k, (left, top, width, height) in enumerate(CROPS):
        out = F.resized_crop(picture(), top, left, height, width, [SIZE, SIZE], antialias=True)
        flip = k % 2 == 1
        if flip:
            out = F.hflip(out)
        cases.append({"crop": [left, top, width, height], "flip": flip, "pixels": out.flatten().tolist()})
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    with open(OUT, "w") as f:
        json.dump({"height": HEIGHT, "width": WIDTH, "size": SIZE, "cases": cases}, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
