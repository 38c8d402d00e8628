#!/usr/bin/env python3
"""Writes what PyTorch computes into the testdata of torch/nn, torch/optim and zoo.

    python scripts/make_network_goldens.py

Floats are written so that they read back to the same bits; digests are those of scripts/reference.py.
"""

import hashlib
import json
import os

import torch
from torch import nn, optim
from torch.optim import lr_scheduler
from torchvision import models

from reference import digest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def write(path, value):
    path = os.path.join(ROOT, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        json.dump(value, f, indent=1)
        f.write("\n")


def capability():
    return torch.backends.cpu.get_cpu_capability()


def optimizers():
    """Six steps of each optimizer on 3x5 weights, with gradients that anyone can compute."""
    kinds = {
        "sgd": lambda p: optim.SGD(p, lr=0.1),
        "sgd momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
        "sgd nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        "sgd decay": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
        "adam": lambda p: optim.Adam(p, lr=0.01),
        "adam decay": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1),
        "adamw": lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.1),
        "sgd rows": lambda p: optim.SGD(rates(p, 0.1, 0.03), momentum=0.9, weight_decay=0.01),
        "adam rows": lambda p: optim.Adam(rates(p, 0.01, 0.003), weight_decay=0.1),
        "adamw rows": lambda p: optim.AdamW(rates(p, 0.01, 0.003), weight_decay=0.1),
    }
    results = {}
    for name, make in kinds.items():
        start = torch.arange(15, dtype=torch.float32).reshape(3, 5) / 7 - 1
        params = [nn.Parameter(row.clone()) for row in (start if name.endswith("rows") else [start])]
        o = make(params)
        for step in range(6):
            o.zero_grad()
            for p in params:
                (p * p * (step + 1) / 3).sum().backward()
            o.step()
        results[name] = torch.cat([p.detach().flatten() for p in params]).tolist()
    return results


def rates(params, first, others):
    """Two groups: the first row, and the others."""
    return [{"params": params[:1], "lr": first}, {"params": params[1:], "lr": others}]


def schedules():
    """The rate in each of 30 epochs."""
    kinds = {
        "step 7 0.1": lambda o: lr_scheduler.StepLR(o, 7, 0.1),
        "step 1 0.5": lambda o: lr_scheduler.StepLR(o, 1, 0.5),
        "exponential 0.9": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
        "cosine 30": lambda o: lr_scheduler.CosineAnnealingLR(o, 30),
        "cosine 10": lambda o: lr_scheduler.CosineAnnealingLR(o, 10),
        "warm-up 5 cosine 20": lambda o: warm_up(o, 5, lr_scheduler.CosineAnnealingLR(o, 20)),
        "warm-up 1 step 7 0.1": lambda o: warm_up(o, 1, lr_scheduler.StepLR(o, 7, 0.1)),
    }
    results = {}
    for name, make in kinds.items():
        o = optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.001)
        s = make(o)
        rates = []
        for _ in range(30):
            rates.append(o.param_groups[0]["lr"])
            o.step()
            s.step()
        results[name] = rates
    return results


def warm_up(o, steps, then):
    return lr_scheduler.SequentialLR(o, [lr_scheduler.LinearLR(o, 0.1, total_iters=steps), then], milestones=[steps])


def layers():
    """Digests of freshly made layers, seed 3."""
    kinds = {
        "linear 512 2": lambda: nn.Linear(512, 2),
        "linear 7 3": lambda: nn.Linear(7, 3),
        "conv 3 8 7": lambda: nn.Conv2d(3, 8, 7, stride=2, padding=3, bias=False),
        "conv 4 6 3 bias": lambda: nn.Conv2d(4, 6, 3, padding=1),
        "batchnorm 9": lambda: nn.BatchNorm2d(9),
    }
    results = {}
    for name, make in kinds.items():
        torch.manual_seed(3)
        results[name] = digest(make().state_dict())
    torch.manual_seed(3)
    results["dropout of ones"] = nn.Dropout(0.2)(torch.ones(40)).tolist()
    return results


def networks():
    """Keys, initial weights and logits of each network: seed 5, 4 classes, 2 images of 64x64."""
    results = {}
    for name in ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "googlenet"]:
        extra = dict(aux_logits=False, transform_input=False, init_weights=True) if name == "googlenet" else {}
        torch.manual_seed(5)
        net = getattr(models, name)(weights=None, num_classes=4, **extra)
        state = net.state_dict()
        keys = "".join(f"{k} {list(v.shape)}\n" for k, v in state.items())
        result = dict(entries=len(state), keys=hashlib.sha256(keys.encode()).hexdigest(), init=digest(state))
        x = torch.rand(2, 3, 64, 64)
        result["next"] = torch.rand(1).item()  # shows that exactly as many words were drawn
        with torch.no_grad():
            net.eval()
            result["eval"] = net(x).flatten().tolist()
            net.train()
            torch.manual_seed(6)
            result["train"] = net(x).flatten().tolist()
        results[name] = result
    return results


def pretrained_googlenet():
    """GoogLeNet as googlenet(weights=...) builds it before loading, and its logits without the auxiliary heads."""
    torch.manual_seed(5)
    net = models.googlenet(weights=None, num_classes=4, aux_logits=True, transform_input=True, init_weights=False)
    state = net.state_dict()
    x = torch.rand(2, 3, 64, 64)
    net.aux_logits, net.aux1, net.aux2 = False, None, None
    net.eval()
    with torch.no_grad():
        return dict(entries=len(state), init=digest(state), eval=net(x).flatten().tolist())


def main():
    torch.set_num_threads(1)
    write("torch/optim/testdata/optim.json", dict(cpu=capability(), optimizers=optimizers(), schedules=schedules()))
    write("torch/nn/testdata/layers.json", dict(cpu=capability(), layers=layers()))
    write("zoo/testdata/networks.json", dict(cpu=capability(), networks=networks(), pretrained=pretrained_googlenet()))


if __name__ == "__main__":
    main()
