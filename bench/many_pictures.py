#!/usr/bin/env python3
"""Makes a folder of many different pictures from others, to measure `hymenoptera check`: docs/check.md.

    many_pictures.py OUT FOLDER… [--n 10000] [--seed 1]

Each picture is a part of one, a quarter to two fifths of its sides, turned and mirrored at random, 320 pixels wide.
"""
import argparse
import pathlib
import random

from PIL import Image


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("out", type=pathlib.Path, help="a folder that does not exist")
    p.add_argument("folders", nargs="+", type=pathlib.Path)
    p.add_argument("--n", type=int, default=10000)
    p.add_argument("--seed", type=int, default=1)
    o = p.parse_args()
    draw = random.Random(o.seed)
    sources = sorted(f for folder in o.folders for f in folder.rglob("*.jpg"))
    for i in range(o.n):
        image = Image.open(sources[i % len(sources)]).convert("RGB")
        w, h = image.size
        cw, ch = int(w * draw.uniform(0.25, 0.4)), int(h * draw.uniform(0.25, 0.4))
        x, y = draw.randint(0, w - cw), draw.randint(0, h - ch)
        image = image.crop((x, y, x + cw, y + ch)).resize((320, 240), Image.BICUBIC)
        if turn := draw.choice([None, *Image.Transpose]):
            image = image.transpose(turn)
        target = o.out / ("val" if i % 5 == 0 else "train") / f"class{i % 7}" / f"{draw.getrandbits(64):016x}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        image.save(target, quality=88)


if __name__ == "__main__":
    main()
