#!/usr/bin/env python3
"""Go against Python, from the start of the process to the first prediction: one picture, a ResNet18.

    reference-env/bin/python bench/start.py --data DIR [--pairs 5] [--threads 2]

Both are started in turn, after one start each that fills the page cache. Python imports torch and torchvision, loads the
exported .pth and predicts; Go is `hymenoptera predict`. Below 1 Go is faster.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PROGRAM = os.path.join(ROOT, "bin", "hymenoptera")

PYTHON = """
import sys
import torch
from PIL import Image
from torchvision import models, transforms
path, picture, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
model = models.resnet18(num_classes=2)
model.load_state_dict(torch.load(path, weights_only=True))
model.eval()
prepare = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(),
                              transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
with torch.inference_mode():
    print(model(prepare(Image.open(picture).convert("RGB")).unsqueeze(0)).softmax(1).tolist())
"""


def seconds(command):
    began = time.time()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.time() - began


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", required=True)
    p.add_argument("--pairs", type=int, default=5)
    p.add_argument("--threads", default="2")
    o = p.parse_args()
    folder = os.path.join(o.data, "val")
    for _ in range(2):  # the first class, its first picture
        folder = os.path.join(folder, sorted(os.listdir(folder))[0])
    with tempfile.TemporaryDirectory() as tmp:
        best, pth = tmp + "/run/best.safetensors", tmp + "/model.pth"
        train = [PROGRAM, "train", "-q", "--device", "cpu", "--weights", "none", "--freeze", "--epochs", "1", "--image-size", "224"]
        subprocess.run(train + ["--data", o.data, "--out", tmp + "/run"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([PROGRAM, "export", "--checkpoint", best, "--out", pth], check=True, stdout=subprocess.DEVNULL)
        sides = {
            "Python": [sys.executable, "-c", PYTHON, pth, folder, o.threads],
            "Go": [PROGRAM, "predict", "--checkpoint", best, "--threads", o.threads, folder],
        }
        pairs = [[seconds(command) for command in sides.values()] for _ in range(o.pairs + 1)][1:]
    ratios = [go / python for python, go in pairs]
    print(
        f"start to first prediction, {o.pairs} pairs: Python {statistics.median(p for p, _ in pairs):.2f} s, Go {statistics.median(g for _, g in pairs):.2f} s,"
        f" ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
    )


if __name__ == "__main__":
    main()
