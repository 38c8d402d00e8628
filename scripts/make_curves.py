#!/usr/bin/env python3
"""Writes cmd/hymenoptera/testdata/curves.json, or curves-arm64.json: PyTorch's results of small trainings.

    python scripts/make_curves.py

Each is a run of scripts/reference.py on the committed set. The environment pins what would let two
machines take different code paths, so that the same bits come out of any with AVX2; the Go test sets the
same. docs/parity.md says what each variable does.
"""

import ctypes
import glob
import io
import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile

import torch
import torchvision

HERE = os.path.dirname(os.path.abspath(__file__))
TESTDATA = os.path.join(HERE, "..", "cmd", "hymenoptera", "testdata")
ARM64 = platform.machine() == "aarch64"
PINNED = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"}
if ARM64:
    PINNED = {"ATEN_CPU_CAPABILITY": "default"}
COMMON = "--epochs 2 --batch-size 10 --image-size 32 --lr 0.01"
RUNS = {
    "resnet18": "--threads 2 --workers 2",
    "resnet18 one thread": "--threads 1 --workers 1 --seed 1",
    "resnet18 no workers": "--threads 2 --workers 0",
    "resnet18 frozen": "--threads 2 --workers 2 --freeze",
    "resnet18 frozen no workers": "--threads 1 --workers 0 --freeze --seed 7",
    "resnet18 nesterov cosine": "--threads 2 --workers 1 --nesterov --weight-decay 0.001 --scheduler cosine",
    "resnet18 adam exponential": "--threads 2 --workers 2 --optimizer adam --lr 0.001 --scheduler exponential --gamma 0.5",
    "resnet18 adamw smoothing": "--threads 2 --workers 2 --optimizer adamw --lr 0.001 --weight-decay 0.05"
    " --label-smoothing 0.1 --class-weights 1,2.5 --step-size 1",
    "resnet18 last batch of one": "--threads 2 --workers 2 --batch-size 47 --image-size 64 --freeze",
    "resnet18 batch over the set": "--threads 2 --workers 4 --batch-size 64",
    "googlenet": "--model googlenet --threads 2 --workers 2",
    "googlenet frozen": "--model googlenet --threads 2 --workers 0 --freeze",
    "resnet18 balanced sampling": "--threads 2 --workers 2 --balance sampling",
    "resnet18 without flips": "--threads 2 --workers 2 --no-flip",
    "resnet18 probe": "--threads 2 --workers 2 --freeze --probe",
    "googlenet probe": "--model googlenet --threads 2 --workers 0 --freeze --probe --views 2 --epochs 3",
    "resnet18 layer decay": "--threads 2 --workers 2 --layer-decay 0.5",
    "resnet18 adamw layer decay warm-up": "--threads 2 --workers 2 --optimizer adamw --lr 0.001 --weight-decay 0.05"
    " --layer-decay 0.7 --scheduler cosine --warmup 3",
    "googlenet layer decay": "--model googlenet --threads 2 --workers 1 --layer-decay 0.5",
    "resnet18 average": "--threads 2 --workers 2 --ema 0.8",
    "googlenet probe average": "--model googlenet --threads 2 --workers 1 --freeze --probe --ema 0.8",
    "resnet18 head first": "--threads 2 --workers 2 --head-epochs 1 --epochs 3",
    "googlenet adamw head first": "--model googlenet --threads 2 --workers 2 --optimizer adamw --lr 0.001 --head-epochs 1",
    "resnet18 clipped": "--threads 2 --workers 2 --clip-grad-norm 0.5",
    "resnet18 all together": "--threads 2 --workers 2 --optimizer adamw --lr 0.001 --scheduler cosine --warmup 4 --layer-decay 0.7"
    " --head-epochs 1 --ema 0.9 --clip-grad-norm 1 --epochs 3",
    "resnet18 best loss": "--threads 2 --workers 2 --best loss --patience 1 --epochs 4",
    "resnet18 best f1": "--threads 2 --workers 2 --best macro-f1 --patience 2 --epochs 6 --freeze",
    "resnet18 turned": "--threads 2 --workers 2 --exif-rotate --freeze",
    "resnet18 two processes": "--threads 1 --workers 2 --batch-size 5",
    "resnet18 five processes": "--threads 1 --workers 1 --batch-size 4 --best macro-f1 --head-epochs 1",  # which do not divide the samples
    "googlenet three processes": "--model googlenet --threads 1 --workers 1 --batch-size 4 --optimizer adam --lr 0.001 --ema 0.8"
    " --clip-grad-norm 1",
    "resnet18 shards": "--threads 2 --workers 2",
    "resnet18 shards two processes": "--threads 1 --workers 2 --batch-size 5",
    "resnet18 from weights": "--threads 2 --workers 2 --seed 3",
    "resnet18 from weights frozen": "--threads 2 --workers 1 --seed 3 --freeze",
    "googlenet from weights": "--model googlenet --threads 2 --workers 1 --seed 3",
    "googlenet from weights frozen": "--model googlenet --threads 2 --workers 2 --seed 3 --freeze",
}
if ARM64:
    # Fewer, because an emulator takes minutes for each, and only one with a worker: qemu 7.2 sometimes fails when a
    # process with threads forks, as for DataLoader's workers.
    RUNS = {
        "resnet18 one thread": "--threads 1 --workers 1 --seed 1",
        "resnet18 frozen": "--threads 2 --workers 0 --freeze",
        "resnet18 frozen one thread": "--threads 1 --workers 0 --freeze --seed 7",
        "resnet18 last batch of one": "--threads 2 --workers 0 --batch-size 47 --image-size 64 --freeze",
        "googlenet frozen": "--model googlenet --threads 1 --workers 0 --freeze",
        "resnet18 probe": "--threads 1 --workers 0 --freeze --probe",
        "resnet18 turned": "--threads 1 --workers 0 --exif-rotate --freeze",
        "resnet18 from weights frozen": "--threads 1 --workers 0 --seed 3 --freeze",
        "googlenet from weights frozen": "--model googlenet --threads 2 --workers 0 --seed 3 --freeze",
        "resnet18 adamw smoothing": "--threads 1 --workers 0 --optimizer adamw --lr 0.001 --weight-decay 0.05"
        " --label-smoothing 0.1 --class-weights 1,2.5 --step-size 1",
        "resnet18 all together": "--threads 1 --workers 0 --optimizer adamw --lr 0.001 --scheduler cosine --warmup 4 --layer-decay 0.7"
        " --head-epochs 1 --ema 0.9 --clip-grad-norm 1 --balance sampling",
    }
PROCESSES = {"two": 2, "three": 3, "five": 5}  # by the words in a run's name; the batch size is that of each process
# Runs with "from weights" begin with a network of 1000 classes that is made with this seed. The Go test makes the same
# file.
WEIGHTS_SEED = 7


def write_weights(model, path):
    torch.manual_seed(WEIGHTS_SEED)
    extra = dict(aux_logits=False, init_weights=True) if model == "googlenet" else {}
    torch.save(getattr(torchvision.models, model)(weights=None, **extra).state_dict(), path)


def turn(folder, copy):
    """Copies the set. The pictures get EXIF's eight orientations in turn."""
    for i, path in enumerate(sorted(glob.glob(os.path.join(folder, "*", "*", "*.jpg")))):
        with open(path, "rb") as f:
            data = f.read()
        exif = b"\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0" + bytes([i % 8 + 1]) + bytes(7)
        path = os.path.join(copy, os.path.relpath(path, folder))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data[:2] + exif + data[2:])


def pack(folder, copy):
    """Writes the set as shards of seven pictures, 3.jpg and 3.cls, whose classes alternate."""
    os.makedirs(copy)
    for phase in ("train", "val"):
        paths = sorted(glob.glob(os.path.join(folder, phase, "*", "*.jpg")))
        classes = sorted({os.path.dirname(path) for path in paths})
        paths.sort(key=os.path.basename)
        for i, path in enumerate(paths):
            with tarfile.open(os.path.join(copy, f"{phase}-{i // 7}.tar"), "w" if i % 7 == 0 else "a") as tar:
                tar.add(path, f"{i}.jpg")
                label = str(classes.index(os.path.dirname(path))).encode()
                member = tarfile.TarInfo(f"{i}.cls")
                member.size = len(label)
                tar.addfile(member, io.BytesIO(label))


def caches():
    """Sizes of the caches of one core, by which oneDNN chooses its blocks. On arm64 it and the Compute Library choose by
    the instructions too, which are in two words (AT_HWCAP and AT_HWCAP2 of getauxval(3))."""
    sizes = {}
    for index in glob.glob("/sys/devices/system/cpu/cpu0/cache/index*"):
        level, kind, size = (open(os.path.join(index, f)).read().strip() for f in ("level", "type", "size"))
        if kind != "Instruction" and level != "3":
            sizes["L" + level] = size
    if ARM64:
        getauxval = ctypes.CDLL(None).getauxval
        getauxval.argtypes, getauxval.restype = [ctypes.c_ulong], ctypes.c_ulong
        sizes["HWCAP"] = f"{getauxval(16):x} {getauxval(26):x}"
    return dict(sorted(sizes.items()))


def main():
    path = os.path.join(TESTDATA, "curves-arm64.json" if ARM64 else "curves.json")
    with open(path) as f:
        before = json.load(f)
    curves = {"environment": PINNED, "caches": [], "weights_seed": WEIGHTS_SEED, "runs": []}
    for name, extra in RUNS.items():
        options = COMMON.split() + extra.split()
        with tempfile.TemporaryDirectory() as out:
            weights = "none"
            if "from weights" in name:
                weights = os.path.join(out, "weights.pth")
                write_weights(name.split()[0], weights)
            data = os.path.join(TESTDATA, "insects")
            if "turned" in name:
                data = os.path.join(out, "turned")
                turn(os.path.join(TESTDATA, "insects"), data)
            if "shards" in name:
                data = os.path.join(out, "shards")
                pack(os.path.join(TESTDATA, "insects"), data)
            processes = PROCESSES[name.split()[-2]] if "processes" in name else 1
            command, environment = [sys.executable], os.environ | PINNED
            if processes > 1:
                command += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
                environment |= {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
            command += [os.path.join(HERE, "reference.py"), "--data", data, "--weights", weights]
            subprocess.run(command + options + ["--out", out], check=True, env=environment, stdout=subprocess.DEVNULL)
            with open(os.path.join(out, "history.jsonl")) as f:
                history = [json.loads(line) for line in f]
            with open(os.path.join(out, "digests.json")) as f:
                digests = json.load(f)
        for phase in history:
            del phase["seconds"]
        several = dict(processes=processes) if processes > 1 else {}
        curves["runs"].append(dict(name=name, **several, options=options, history=history, final=digests["final"], best=digests["best"]))
        print(name, [round(p["loss"], 4) for p in history], flush=True)
    # Machines that give the same curves share an entry of the file.
    if curves["runs"] == before["runs"]:
        curves["caches"] = before["caches"]
    if caches() not in curves["caches"]:
        curves["caches"].append(caches())
    with open(path, "w") as f:
        json.dump(curves, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
