#!/usr/bin/env python3
"""Prints a line for every batch that PyTorch's DataLoader makes of an ants-and-bees folder.

    seed epoch phase workers batch sha256

The hash is over the bytes of the images (float32, N x 3 x H x W) and then of the labels (int64).
internal/tools/batches prints the same lines from Go; `make parity-batches` compares them.

For each seed and number of workers the main generator is seeded once; then come the epochs, each a
train and a val phase, as in the notebook.
"""
import argparse
import hashlib
import os
import sys
import warnings

import torch
from torchvision import datasets, transforms

from reference import AUGMENTATIONS, NORMALIZE, augmented


def transform(phase, size, augment):
    if phase == "train":
        return transforms.Compose(augmented(size, augment))
    return transforms.Compose([transforms.Resize(size * 256 // 224), transforms.CenterCrop(size), *NORMALIZE])


def numbers(text):
    return [int(n) for n in text.split(",")]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, help="folder with train and val")
    p.add_argument("--seeds", type=numbers, default=[0, 1, 42], help="comma-separated")
    p.add_argument("--workers", type=numbers, default=[0, 1, 2, 4], help="comma-separated")
    p.add_argument("--epochs", type=int, default=2)
    p.add_argument("--batch-size", type=int, default=32)
    p.add_argument("--image-size", type=int, default=224)
    p.add_argument("--no-shuffle", action="store_true")
    p.add_argument("--augment", default="flip", choices=AUGMENTATIONS)
    args = p.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message=".*[Tt]ransparency")
    warnings.filterwarnings("ignore", message=".*suggested max number of worker")

    phases = {
        phase: datasets.ImageFolder(os.path.join(args.data, phase), transform(phase, args.image_size, args.augment))
        for phase in ("train", "val")
    }
    for seed in args.seeds:
        for workers in args.workers:
            torch.manual_seed(seed)
            for epoch in range(args.epochs):
                for phase, samples in phases.items():
                    loader = torch.utils.data.DataLoader(
                        samples, batch_size=args.batch_size, shuffle=not args.no_shuffle, num_workers=workers
                    )
                    for i, (images, labels) in enumerate(loader):
                        digest = hashlib.sha256(images.contiguous().numpy().tobytes())
                        digest.update(labels.numpy().tobytes())
                        print(seed, epoch, phase, workers, i, digest.hexdigest())
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
