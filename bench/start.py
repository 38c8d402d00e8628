#!/usr/bin/env python3
"""Go against Python, from the start of the process to its first result: a prediction, a training step.

    reference-env/bin/python bench/start.py --data DIR [--weights none] [--rounds 5] [--threads 2] [--workers 4]

Prediction: Python imports torch and torchvision, loads an exported .pth and predicts one picture; Go is `hymenoptera
predict`. Training: the first step begins when the first batch is in the network, which is when oneDNN computes for the
first time. Both programs report it with ONEDNN_VERBOSE=1, and are killed then. All run once before, which
fills the page cache. Below 1 Go is faster.
"""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time

from common import PROGRAM, REFERENCE, checkpoint, count, in_turn, photographs, report, seconds, weights

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


def until_first_step(command):
    with tempfile.TemporaryDirectory() as out:
        began = time.time()
        process = subprocess.Popen(command + ["--out", out], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   start_new_session=True, env={**os.environ, "ONEDNN_VERBOSE": "1"})
        for line in process.stdout:
            if line.startswith(b"onednn_verbose") and b",exec," in line:
                took = time.time() - began
                os.killpg(process.pid, signal.SIGKILL)  # Python's workers too
                process.wait()
                return took
    sys.exit(f"{command} ended with {process.wait()} before its first step")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", type=photographs, required=True)
    p.add_argument("--weights", type=weights, default="none")
    p.add_argument("--rounds", type=count, default=5)
    p.add_argument("--threads", default="2")
    p.add_argument("--workers", default="4")
    o = p.parse_args()
    folder = os.path.join(o.data, "val")
    for _ in range(2):  # the first class, its first picture
        folder = os.path.join(folder, sorted(os.listdir(folder))[0])
    print(f"{o.threads} threads, {o.workers} workers, {o.rounds} pairs; medians (minimum to maximum)")
    with tempfile.TemporaryDirectory() as tmp:
        best, pth = checkpoint(o.data, tmp)
        sides = {
            "Python": [sys.executable, "-c", PYTHON, pth, folder, o.threads],
            "Go": [PROGRAM, "predict", "--checkpoint", best, "--threads", o.threads, folder],
        }
        report("start to first prediction", sides, in_turn(o.rounds + 1, sides, lambda c: seconds(c)["wall"])[1:])
    options = ["--data", o.data, "--weights", o.weights, "--threads", o.threads, "--workers", o.workers]
    go = [PROGRAM, "train", "--device", "cpu"] + options
    sides = {"Python": [sys.executable, REFERENCE] + options, "Go": go, "Go --fast": go + ["--fast"]}
    report("start to first step", sides, in_turn(o.rounds + 1, sides, until_first_step)[1:])


if __name__ == "__main__":
    main()
