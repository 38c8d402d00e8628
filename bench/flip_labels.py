#!/usr/bin/env python3
"""Copies a folder of images and moves a share of its training images into other classes: docs/own-pictures.md.

    flip_labels.py DATA OUT [--share 0.1] [--seed 1]
"""
import argparse
import os
import random
import shutil


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("data")
    p.add_argument("out", help="a folder that does not exist")
    p.add_argument("--share", type=float, default=0.1, help="of the training images")
    p.add_argument("--seed", type=int, default=1)
    o = p.parse_args()
    shutil.copytree(o.data, o.out)
    train = os.path.join(o.out, "train")
    classes = sorted(os.listdir(train))
    images = [(c, name) for c in classes for name in sorted(os.listdir(os.path.join(train, c)))]
    draw = random.Random(o.seed)
    flipped = draw.sample(images, round(o.share * len(images)))
    for c, name in flipped:
        other = draw.choice([k for k in classes if k != c])
        os.rename(os.path.join(train, c, name), os.path.join(train, other, f"{c}-{name}"))
    print(f"{o.out}: {len(flipped)} of {len(images)} training images in another class")


if __name__ == "__main__":
    main()
