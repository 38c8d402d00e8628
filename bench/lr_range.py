#!/usr/bin/env python3
"""A learning-rate range test: AdamW over 80 steps of 16 images, the rate rising from 1e-6 to 0.3 (docs/own-pictures.md).

    lr_range.py DATA WEIGHTS [--size 128] [--seeds 2]       WEIGHTS is a .pth file of ResNet18, or none

Prints the rate at which the smoothed loss was least.
"""
import argparse

import torch
from torchvision import datasets, models, transforms

from common import count

STEPS, LOWEST, HIGHEST = 80, 1e-6, 0.3


def smoothed_losses(images, weights):
    net = models.resnet18()
    if weights != "none":
        net.load_state_dict(torch.load(weights, weights_only=True))
    net.fc = torch.nn.Linear(net.fc.in_features, len(images.classes))
    optimizer = torch.optim.AdamW(net.parameters(), lr=LOWEST, weight_decay=0.01)
    loader = torch.utils.data.DataLoader(images, 16, shuffle=True, drop_last=True)
    average, losses = 0.0, []
    while True:
        for inputs, labels in loader:
            rate = LOWEST * (HIGHEST / LOWEST) ** (len(losses) / (STEPS - 1))
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(inputs), labels)
            loss.backward()
            optimizer.step()
            average = 0.9 * average + 0.1 * loss.item()
            losses.append((average / (1 - 0.9 ** (len(losses) + 1)), rate))
            if len(losses) == STEPS or len(losses) > 10 and losses[-1][0] > 3 * min(losses)[0]:
                return losses


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("data")
    p.add_argument("weights")
    p.add_argument("--size", type=count, default=128)
    p.add_argument("--seeds", type=count, default=2)
    o = p.parse_args()
    transform = transforms.Compose([transforms.RandomResizedCrop(o.size), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
                                    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    images = datasets.ImageFolder(f"{o.data}/train", transform)
    for seed in range(1, o.seeds + 1):
        torch.manual_seed(seed)
        loss, rate = min(smoothed_losses(images, o.weights))
        print(f"seed {seed}: least loss {loss:.3f} at rate {rate:.1e}", flush=True)


if __name__ == "__main__":
    main()
