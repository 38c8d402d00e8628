#!/usr/bin/env python3
"""Compares the logits of `hymenoptera predict` with torchvision's on the exported .pth, image by image, bit by bit.

    parity_predict.py --data DIR [--checkpoint FILE …] [--batches 32,1] [--threads 2,1] [--tta flip]

The pictures are those of DIR/val, in the same batches and with the same threads on both sides. Without a
checkpoint, a ResNet18 and a GoogLeNet with random weights are trained for an epoch, only their heads.
"""

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile

import torch
import torchvision
from PIL import Image, ImageOps
from torchvision import transforms

BINARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bin", "hymenoptera")


def run(*args):
    return subprocess.run([BINARY, *map(str, args)], check=True, stdout=subprocess.PIPE, text=True).stdout


def load(checkpoint, folder):
    """The network as a user of PyTorch loads it, with the card that came with it."""
    pth = os.path.join(folder, "exported.pth")
    run("export", "--checkpoint", checkpoint, "--out", pth, "--overwrite")
    card = json.loads(run("inspect", "--json", checkpoint))["metadata"]
    classes = json.loads(card["classes"])
    options = {"num_classes": len(classes)}
    if card["model"] == "googlenet":
        options |= {"aux_logits": False, "init_weights": False, "transform_input": card["transform_input"] == "true"}
    model = getattr(torchvision.models, card["model"])(**options)
    model.load_state_dict(torch.load(pth, weights_only=True), strict=True)
    return model.eval(), card, classes


def preprocessing(card):
    how = json.loads(card["preprocessing"])
    return transforms.Compose(
        [
            transforms.Resize(how["resize"]),
            transforms.CenterCrop(how["crop"]),
            transforms.ToTensor(),
            transforms.Normalize(how["mean"], how["std"]),
        ]
    )


def picture(path, card):
    image = Image.open(path)
    if json.loads(card["preprocessing"]).get("exif_rotate"):
        image = ImageOps.exif_transpose(image)
    return image.convert("RGB")


def in_python(model, samples, batch, card, flip):
    logits, transform = {}, preprocessing(card)
    with torch.no_grad():
        for i in range(0, len(samples), batch):
            images = torch.stack([transform(picture(p, card)) for p, _ in samples[i : i + batch]])
            outputs = (model(images) + model(images.flip(3))) / 2 if flip else model(images)
            for (path, _), row in zip(samples[i : i + batch], outputs.tolist()):
                logits[path] = row
    return logits


def in_go(checkpoint, folder, batch, threads, tta):
    out = run("predict", "--device", "cpu", "--checkpoint", checkpoint, "--json", "--batch-size", batch, "--threads", threads, "--tta", tta, folder)
    return {line["file"]: line["logits"] for line in map(json.loads, out.splitlines())}


def bits(row):
    return [struct.pack("<f", x) for x in row]


def compare(checkpoint, o, batches, threads, folder):
    model, card, classes = load(checkpoint, folder)
    val = torchvision.datasets.ImageFolder(os.path.join(o.data, "val"))
    assert val.classes == classes, (val.classes, classes)
    equal = True
    for t in threads:
        torch.set_num_threads(t)
        for b in batches:
            python = in_python(model, val.samples, b, card, o.tta == "flip")
            go = in_go(checkpoint, os.path.join(o.data, "val"), b, t, o.tta)
            if python.keys() != go.keys():
                sys.exit(f"{len(python)} images in Python, {len(go)} in Go")
            differ = [p for p in python if bits(python[p]) != bits(go[p])]
            equal &= not differ
            print(f"{card['model']}, batches of {b}, {t} threads: {len(python) - len(differ)} of {len(python)} images equal", flush=True)
            for p in differ[:3]:
                print(f"  {p}: {python[p]} in Python, {go[p]} in Go")
    return equal


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", required=True)
    p.add_argument("--checkpoint", action="append", default=[])
    p.add_argument("--batches", default="32,1")
    p.add_argument("--threads", default="2,1")
    p.add_argument("--tta", default="none", choices=["none", "flip"])
    o = p.parse_args()
    batches, threads = ([int(n) for n in s.split(",")] for s in (o.batches, o.threads))
    with tempfile.TemporaryDirectory() as folder:
        if not o.checkpoint:
            for model in ("resnet18", "googlenet"):
                out = os.path.join(folder, model)
                run("train", "-q", "--device", "cpu", "--model", model, "--weights", "none", "--freeze", "--epochs", 1, "--data", o.data, "--out", out)
                o.checkpoint.append(os.path.join(out, "best.safetensors"))
        if not all([compare(c, o, batches, threads, folder) for c in o.checkpoint]):
            sys.exit("the logits differ")


if __name__ == "__main__":
    main()
