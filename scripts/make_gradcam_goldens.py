#!/usr/bin/env python3
"""Writes gradcam/testdata/goldens.json: Grad-CAM by PyTorch's hooks on torchvision's networks.

    python scripts/make_gradcam_goldens.py

The networks have random weights of a seed; their BatchNorm statistics come from ten passes in training mode.
The gradients come from a whole backward pass, at the last block.
"""

import json
import os

import numpy as np
import torch
from torch.nn import functional as F
from torchvision import models

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gradcam", "testdata", "goldens.json")
N, SIDE, LARGE = 3, 128, 32


def images():
    """N images of numbers between -2 and 2 that any language can compute."""
    i = np.arange(N * 3 * SIDE * SIDE, dtype=np.uint64)
    words = (i * 2654435761 + i // SIDE * 40503) % 2**32
    return torch.from_numpy((words.astype(np.float64) / 2**32 * 4 - 2).astype(np.float32)).reshape(N, 3, SIDE, SIDE)


def grad_cam(model, block, x, classes):
    caught = {}

    def forward(_, __, out):
        caught["features"] = out
        out.register_hook(lambda g: caught.__setitem__("grads", g))

    handle = block.register_forward_hook(forward)
    logits = model(x)
    handle.remove()
    logits[torch.arange(len(classes)), torch.tensor(classes)].sum().backward()
    weights = caught["grads"].mean(dim=(2, 3), keepdim=True)
    return F.relu((weights * caught["features"]).sum(1, keepdim=True)).detach()  # N×1×h×w


def main():
    torch.set_num_threads(1)
    cases = []
    for name, make, last in [
        ("resnet18", lambda: models.resnet18(num_classes=5), "layer4"),
        ("googlenet", lambda: models.googlenet(num_classes=5, aux_logits=False, init_weights=True), "inception5b"),
    ]:
        torch.manual_seed(7)
        model = make()
        for m in model.modules():
            if isinstance(m, torch.nn.Dropout):
                m.p = 0.0
        x, classes = images(), [4, 0, 2]
        with torch.no_grad():
            for _ in range(10):
                model(x)
        model.eval()
        cam = grad_cam(model, getattr(model, last), x, classes)
        peak = cam.amax(dim=(1, 2, 3), keepdim=True)
        scaled = torch.where(peak > 0, cam / peak, cam)
        large = F.interpolate(scaled, size=(LARGE, LARGE), mode="bilinear", align_corners=False)
        cases.append({
            "model": name, "seed": 7, "side": SIDE, "classes": classes, "map": list(cam.shape[2:]),
            "peaks": peak.flatten().tolist(), "values": scaled.flatten(1).tolist(), "large": large[0].flatten().tolist(),
        })
        print(name, cam.shape, [round(p, 6) for p in peak.flatten().tolist()])
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    with open(OUT, "w") as f:
        json.dump(cases, f)
        f.write("\n")


if __name__ == "__main__":
    main()
