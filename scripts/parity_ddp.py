#!/usr/bin/env python3
"""Runs the same training by several processes in Go and in Python, under torchrun, and compares them bit by bit.

    parity_ddp.py [--processes 2] … (the options of `hymenoptera train`, but for --out and --device)

Python trains with DistributedDataParallel and gloo (reference.py). It fails at the first difference.
"""

import argparse
import os
import subprocess
import sys
import tempfile

import parity


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--processes", type=int, default=2)
    p.add_argument("--trace", action="store_true", help="name the first tensor of rank 0 that differs")
    o, options = p.parse_known_args()
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={o.processes}"]
    commands = {
        "python": launcher + [os.path.join(parity.HERE, "reference.py")],
        "go": launcher + ["--no-python", parity.BINARY, "train", "--device", "cpu"],
    }
    environment = dict(os.environ, OMP_NUM_THREADS="1", GLOO_SOCKET_IFNAME="lo")
    with tempfile.TemporaryDirectory(prefix="parity-ddp-") as folder:
        for name, command in commands.items():
            command += options + ["--out", os.path.join(folder, name)]
            if o.trace:
                command += ["--trace", os.path.join(folder, name + ".trace")]
            with open(os.path.join(folder, name + ".log"), "w") as log:
                if subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, env=environment).returncode != 0:
                    sys.exit(f"{name} failed:\n" + open(log.name).read())
        print(f"parity of {o.processes} processes of", " ".join(options))
        equal = parity.compare_phases(folder)
        equal &= parity.compare_digests(folder)
        if o.trace:
            equal &= parity.compare_traces(folder)
    print("EQUAL, bit for bit" if equal else "DIFFERENT")
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
