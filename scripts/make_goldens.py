#!/usr/bin/env python3
"""Writes what PyTorch, torchvision and Pillow draw, crop, resize and normalise, for the tests in Go.

    scripts/make_goldens.py             needs torch 2.11.0, torchvision 0.26.0, Pillow 13.0.0

transforms/testdata/             resized pictures, crops and normalised values
internal/mt19937/testdata/       random draws
dataset/testdata/shares.json      the samples of each of several processes
dataset/testdata/shards.json      the samples of each of several processes, from shards
"""
import hashlib
import json
import os
import random

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DistributedSampler
from torchvision import transforms as T

from reference_shards import ShardSampler

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def dump(value, *parts):
    path = os.path.join(ROOT, *parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(v) for v in value) + "\n]\n")


def sha(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def pattern(w, h):
    """A picture that Go makes too: see pattern in transforms/golden_test.go."""
    y, x = np.mgrid[0:h, 0:w].astype(np.uint32)
    c = np.arange(3, dtype=np.uint32)
    v = (x[..., None] * 2654435761 + y[..., None] * 2246822519 + (c + 1) * 3266489917) & 0xFFFFFFFF
    v ^= v >> 15
    return Image.fromarray(((v * 2246822519 & 0xFFFFFFFF) >> 24).astype(np.uint8))


def resizes():
    rng = random.Random(7)
    cases = [(1, 1, 5, 5), (1, 40, 7, 9), (40, 1, 9, 7), (5, 5, 5, 5), (9, 5, 9, 3), (5, 9, 3, 9), (300, 2, 3, 50)]
    cases += [(2, 300, 50, 3), (600, 500, 1, 1), (64, 48, 224, 224), (500, 375, 341, 256), (333, 500, 256, 384)]
    for _ in range(300):
        w, h = (int(2 ** rng.uniform(0, 8.3)) for _ in range(2))
        ow = oh = rng.choice([7, 16, 32, 63, 64])
        if rng.random() < 0.3:
            ow, oh = rng.randrange(1, 90), rng.randrange(1, 90)
        cases.append((w, h, ow, oh))
    out = []
    for w, h, ow, oh in cases:
        done = pattern(w, h).resize((ow, oh), Image.Resampling.BILINEAR)
        out.append({"in": [w, h], "out": [ow, oh], "sha256": sha(np.array(done))})
    # 20,000 weights per output: their rounding errors add up, and Pillow clamps.
    long = [(20000, 2, 1, 1), (2, 20000, 1, 1), (60000, 1, 3, 1)]
    for w, h, ow, oh in long:
        white = Image.new("RGB", (w, h), (255, 254, 0)).resize((ow, oh), Image.Resampling.BILINEAR)
        out.append({"in": [w, h], "out": [ow, oh], "white": True, "sha256": sha(np.array(white))})
    dump(out, "transforms/testdata/resize.json")


def crops():
    out = []
    sizes = [(500, 375), (333, 500), (1, 50), (50, 1), (1, 1), (10, 400), (1000, 20), (3, 3), (1024, 768), (2, 90)]
    for i, (w, h) in enumerate(sizes):
        torch.manual_seed(i)
        im = Image.new("RGB", (w, h))
        draws = []
        for _ in range(20):
            top, left, ch, cw = T.RandomResizedCrop.get_params(im, [0.08, 1.0], [3 / 4, 4 / 3])
            draws.append([left, top, cw, ch, int(torch.rand(1).item() < 0.5)])
        out.append({"seed": i, "size": [w, h], "draws": draws})
    for i, (scale, ratio, p) in enumerate([((0.5, 0.9), (0.5, 2.0), 0.5), ((0.08, 1.0), (1.0, 1.0), 0.1), ((0.3, 0.3), (3 / 4, 4 / 3), 1.0), ((1.0, 1.0), (0.1, 7.5), 0.0)]):
        for w, h in sizes:
            torch.manual_seed(100 + i)
            im = Image.new("RGB", (w, h))
            draws = []
            for _ in range(10):
                top, left, ch, cw = T.RandomResizedCrop.get_params(im, list(scale), list(ratio))
                draws.append([left, top, cw, ch, int(p > 0 and torch.rand(1).item() < p)])  # p 0: the flip is left out
            out.append({"seed": 100 + i, "size": [w, h], "scale": scale, "ratio": ratio, "flip": p, "draws": draws})
    dump(out, "transforms/testdata/crops.json")
    evals = []
    for w, h in sizes + [(256, 256), (257, 256), (300, 301), (640, 427), (427, 640), (768, 1024)]:
        for size in (224, 64, 33, 1):
            short = size * 256 // 224
            rw, rh = T.functional._compute_resized_output_size((h, w), [short])[::-1]
            left, top = int(round((rw - size) / 2.0)), int(round((rh - size) / 2.0))
            evals.append({"size": [w, h], "crop": size, "resized": [rw, rh], "window": [left, top]})
    dump(evals, "transforms/testdata/evals.json")
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, 2))
    t = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])(T.ToTensor()(ramp))
    dump([{"sha256": sha(t.numpy())}], "transforms/testdata/normalize.json")


SIZES = [(32, 32), (33, 33), (31, 20), (17, 40), (2, 2), (1, 1)]


def augmentations():
    """Each augmentation's results for pictures (noise of all values and of few, square and not), and one word drawn after it."""
    jitters = [dict(brightness=0.4), dict(contrast=0.4), dict(saturation=1.5), dict(hue=0.5), dict(hue=0.05),
               dict(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1), dict(brightness=1.5, contrast=1.5, saturation=1.5)]
    cases = [("ColorJitter", j, T.ColorJitter(**j), 12) for j in jitters]
    cases += [("RandomRotation", dict(degrees=d), T.RandomRotation(d), 25) for d in (15, 180)]
    cases += [("TrivialAugmentWide", {}, T.TrivialAugmentWide(), 1500)]
    out = []
    for name, options, augment, seeds in cases:
        made, following = [], []
        for seed in range(seeds):
            w, h = SIZES[seed % len(SIZES)]
            picture = pattern(w, h)
            if seed // len(SIZES) % 2:
                picture = picture.point(lambda v: 40 + v // 3)
            torch.manual_seed(seed)
            made.append(sha(np.array(augment(picture)))[:8])
            following.append(torch.randint(0, 1 << 24, (1,)).item())
        out.append({"name": name, **options, "sizes": SIZES, "sha256": made, "next": following})
    dump(out, "transforms/testdata/augmentations.json")
    out = []
    for i, (p, scale, ratio) in enumerate([(0.5, (0.02, 0.33), (0.3, 3.3)), (1.0, (0.02, 0.33), (0.3, 3.3)), (0.9, (0.5, 1.0), (0.3, 10.0))]):
        for size in (224, 32, 3, 1):
            torch.manual_seed(i)
            draws = []
            for _ in range(20):
                erased = T.RandomErasing(p, scale, ratio)(torch.ones(1, size, size))[0].numpy() == 0
                rows, columns = np.flatnonzero(erased.any(1)), np.flatnonzero(erased.any(0))
                draws.append([int(v) for v in (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)] if len(rows) else [0, 0, 0, 0])
            out.append({"p": p, "scale": scale, "ratio": ratio, "size": size, "seed": i, "draws": draws, "next": torch.randint(0, 1 << 24, (1,)).item()})
    dump(out, "transforms/testdata/erasing.json")


def draws():
    out = []
    for seed in (0, 1, 42, 123456789, 2**32 + 42, 2**63 - 1):
        g = torch.Generator().manual_seed(seed)
        entry = {"seed": str(seed)}
        entry["random"] = [str(torch.empty((), dtype=torch.int64).random_(generator=g).item()) for _ in range(3)]
        entry["rand"] = [torch.rand(1, generator=g).item().hex() for _ in range(700)][-5:]
        entry["uniform"] = [torch.empty(1).uniform_(0.08, 1, generator=g).item().hex() for _ in range(300)]
        entry["uniform2"] = [torch.empty(1).uniform_(-0.3, 0.7, generator=g).item().hex() for _ in range(100)]
        entry["randint"] = [torch.randint(0, n, (1,), generator=g).item() for n in (1, 2, 7, 1000, 2**27, 2**28, 2**40)]
        entry["randperm"] = torch.randperm(50, generator=g).tolist()
        counts = [5, 11, 2]  # of three classes
        weights = [1 / n for n in counts for _ in range(n)]
        entry["multinomial"] = torch.multinomial(torch.as_tensor(weights, dtype=torch.double), 40, True, generator=g).tolist()
        rng = random.Random(seed)
        entry["python"] = [rng.randrange(n) for n in (1, 2, 7, 10, 1000, 2**31, 2**32 - 1) for _ in range(3)]
        entry["after"] = torch.randint(0, 1000, (1,), generator=g).item()
        out.append(entry)
    dump(out, "internal/mt19937/testdata/draws.json")


def shares():
    out = []
    for n, world, seed, epoch in [(48, 2, 42, 0), (50, 4, 42, 1), (10, 3, 0, 7), (3, 5, 1, 2), (1, 4, 9, 0), (101, 7, 2**40 + 3, 11)]:
        ranks = []
        for rank in range(world):
            sampler = DistributedSampler(range(n), world, rank, seed=seed)
            sampler.set_epoch(epoch)
            ranks.append(list(sampler))
        out.append(dict(samples=n, world=world, seed=seed, epoch=epoch, ranks=ranks))
    dump(out, "dataset/testdata/shares.json")


def shards():
    out = []
    for ends, world, seed, epoch, buffer in [([5], 1, 0, 0, 10_000), ([3, 4, 11, 20], 1, 42, 3, 10_000), ([3, 4, 11, 20], 1, 42, 4, 4),
                                             (list(range(7, 100, 7)), 3, 2**40 + 3, 1, 10), ([2, 3], 4, 1, 0, 1)]:
        ranks = []
        for rank in range(world):
            sampler = ShardSampler(ends, seed, rank, world, buffer)
            sampler.set_epoch(epoch)
            ranks.append(list(sampler))
        out.append(dict(ends=ends, world=world, seed=seed, epoch=epoch, buffer=buffer, ranks=ranks))
    dump(out, "dataset/testdata/shards.json")


def main():
    draws()
    shares()
    shards()
    crops()
    resizes()
    augmentations()


if __name__ == "__main__":
    main()
