"""Functions that the benchmarks share: sides measured in turn, ratios to the first one, a trained checkpoint to use."""
import argparse
import os
import resource
import statistics
import subprocess
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PROGRAM = os.path.join(ROOT, "bin", "hymenoptera")
REFERENCE = os.path.join(ROOT, "scripts", "reference.py")


def photographs(path):
    """An argument: a folder of pictures to train with."""
    if not os.path.isdir(os.path.join(path, "train")) or not os.path.isdir(os.path.join(path, "val")):
        raise argparse.ArgumentTypeError(f"{path} has no folders train and val: bin/hymenoptera download data fetches the photographs (make: DATA=DIR)")
    return path


def weights(path):
    """An argument: a file of weights, or none."""
    if path != "none" and not os.path.isfile(path):
        raise argparse.ArgumentTypeError(f"{path} is no file: bin/hymenoptera download weights fetches and names one (make: WEIGHTS=FILE)")
    return path


def count(text):
    """An argument: a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: want 1 or more")
    return int(text)


def program(path):
    """An argument: another build of the program."""
    if not os.access(path, os.X_OK) or os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{path} is no program")
    return path


def programs(old):
    """The builds to measure: this one, and the older one if --old names it."""
    return {"Go": PROGRAM, **({"old Go": old} if old else {})}


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options)
    if done.returncode:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stderr}")


def seconds(command):
    """Seconds by the clock, and of processor time by the process and all processes that it waited for."""
    used = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    began, cpu = time.time(), used()
    run(*command)
    return dict(wall=time.time() - began, cpu=used() - cpu)


def in_turn(rounds, sides, measure):
    """A figure per side and round. All sides run in each round, so that a machine whose speed drifts disturbs all alike."""
    return [[measure(side) for side in sides.values()] for _ in range(rounds)]


def spread(values):
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def report(title, sides, rounds, form="{:6.2f} s"):
    """Prints each side's median, and the spread of its ratio to the first side in the same round."""
    for i, name in enumerate(sides):
        title += f"  {name} {form.format(statistics.median(r[i] for r in rounds))}"
        if i:
            title += f", ratio {spread([r[i] / r[0] for r in rounds])}"
    print(title, flush=True)


def report_all(title, sides, rounds):
    """Reports each of several figures, in seconds."""
    for figure in rounds[0][0]:
        report(f"{title} {figure:5}", sides, [[side[figure] for side in r] for r in rounds])


def checkpoint(data, folder):
    """Trains a head for an epoch; returns the run's best.safetensors and the same weights as .pth."""
    best, pth = os.path.join(folder, "run", "best.safetensors"), os.path.join(folder, "model.pth")
    run(PROGRAM, "train", "-q", "--device", "cpu", "--weights", "none", "--freeze", "--epochs", "1",
        "--data", os.path.abspath(data), "--out", os.path.dirname(best))
    run(PROGRAM, "export", "--checkpoint", best, "--out", pth)
    return best, pth


def build(tool, folder):
    """Builds one of internal/tools and returns its path."""
    path = os.path.join(folder, tool)
    run("go", "build", "-o", path, "./internal/tools/" + tool, cwd=ROOT)
    return path
