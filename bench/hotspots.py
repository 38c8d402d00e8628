#!/usr/bin/env python3
"""Where the processor's time of a fine-tuned epoch goes, exact and --fast, as perf sees it.

    reference-env/bin/python bench/hotspots.py --data DIR [--weights none] [--threads 2]

Needs perf (Debian: apt-get install linux-perf) and the right to use it. ONEDNN_JIT_PROFILE=2 gives the kernels that oneDNN
writes at run time their names. The shares are of samples, waiting left out, start-up and the end of the run included.
"""
import argparse
import collections
import os
import re
import subprocess
import tempfile

from common import PROGRAM, photographs, run, weights

# The first that fits "library;symbol".
GROUPS = {
    "kernel: pages of memory": r"^\[kernel.*(page|fault|zap|unmap|mas_|vma|lru|memcg|list_del|pte|pmd|rmqueue|free_unref)",
    "kernel: the rest": r"^\[kernel|vdso",
    "reorders by oneDNN": r"reorder|jit_single_blk|jit_uni_blk",
    "convolutions: backward, weights": r"bwd_weights",
    "convolutions: forward, backward data": r"^\[JIT|convolution|brgemm|dnnl::|ideep",
    "BatchNorm": r"batch_norm",
    "pooling": r"pool",
    "copies": r"copy_kernel|memcpy|memmove|memset",
    "ReLU, sums, optimizer": r"VectorizedLoop|at::native|vectorized|add_kernel",
    "data path": r"^libjpeg|^hymenoptera;.*(decode_mcu|jsimd|hym_jpeg|idct|upsample|ycc|hymenoptera/(transforms|dataset|internal/jpeg))",
}


def samples(command):
    """(share, "library;symbol") of everything that ran."""
    with tempfile.TemporaryDirectory() as tmp:
        record = os.path.join(tmp, "perf.data")
        run("perf", "record", "-q", "-F", "99", "-o", record, "--", *command, "--out", os.path.join(tmp, "run"),
            env={**os.environ, "ONEDNN_JIT_PROFILE": "2", "JITDUMPDIR": tmp})
        report = subprocess.run(["perf", "report", "-i", record, "--stdio", "-t", ";", "-F", "overhead,dso,sym"], check=True,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    for line in report.splitlines():
        if line.strip() and not line.startswith("#"):
            share, library, symbol = (part.strip() for part in line.split(";", 2))
            yield float(share.rstrip("%")), f"{library};{symbol}"


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", type=photographs, required=True)
    p.add_argument("--weights", type=weights, default="none")
    p.add_argument("--threads", default="2")
    o = p.parse_args()
    train = [PROGRAM, "train", "--device", "cpu", "--data", o.data, "--weights", o.weights, "--epochs", "1", "--threads", o.threads]
    for mode, extra in {"exact": [], "--fast": ["--fast"]}.items():
        shares = collections.Counter()
        for share, symbol in samples(train + extra):
            shares[next((g for g, pattern in GROUPS.items() if re.search(pattern, symbol)), "the rest")] += share
        print(f"{mode}, % of the processor's time")
        for group, share in shares.most_common():
            print(f"  {share:5.1f}  {group}", flush=True)


if __name__ == "__main__":
    main()
