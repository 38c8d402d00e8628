#!/usr/bin/env python3
"""A million small images, as files and as shards: how long it takes to write and list them, how much memory, and how long a training
waits for them, from a folder and from a web server: docs/distributed.md.

    bench/listing.py [--n 1000000] [--folder DIR]

It needs 10 GB of disk for a million.
"""
import argparse
import functools
import http.server
import json
import os
import resource
import subprocess
import tempfile
import threading
import time

from common import PROGRAM, ROOT, count

LISTING = os.path.join(ROOT, "bin", "listing")


def timed(title, command, **options):
    began = time.time()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    out = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} ended with status {status}")
    print(f"{title}: {time.time() - began:.1f} s, at most {used.ru_maxrss / 1000:.0f} MB", flush=True)
    return out


def listing(title, *arguments):
    print(f"{title}:", subprocess.run([LISTING, *arguments], check=True, capture_output=True, text=True).stdout.strip().replace("\n", "; "), flush=True)


def train(title, data, folder):
    out = os.path.join(folder, "run")
    options = ["--classes", ",".join(f"class-{i:02}" for i in range(0, 100, 10)), "--weights", "none", "--epochs", "1", "--image-size", "32", "--overwrite", "--device", "cpu"]
    timed(f"training, {title}", [PROGRAM, "train", "--data", data, "--out", out, *options], stderr=subprocess.DEVNULL, env=os.environ | {"XDG_CACHE_HOME": folder})
    with open(os.path.join(out, "history.jsonl")) as f:
        phase = json.loads(f.readline())
    print(f"training, {title}: {phase['n']} images in {phase['seconds']:.1f} s, of which it waited {phase['wait']:.2f} s for them: {100 * phase['wait'] / phase['seconds']:.2f} %", flush=True)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--n", type=count, default=1_000_000)
    p.add_argument("--folder", default=None, help="where to make the images (default: the folder for temporary files)")
    o = p.parse_args()
    subprocess.run(["go", "build", "-o", LISTING, "./internal/tools/listing"], check=True, cwd=ROOT)
    with tempfile.TemporaryDirectory(dir=o.folder) as folder:
        files, packed = os.path.join(folder, "files"), os.path.join(folder, "packed")
        listing("files", "-make", str(o.n), files)
        timed("pack", [PROGRAM, "pack", files, packed], stderr=subprocess.DEVNULL)
        listing("shards by their index", packed)
        index = os.path.join(packed, "shards.jsonl")
        os.rename(index, index + ".away")
        listing("shards without an index", packed)
        os.rename(index + ".away", index)
        train("shards in a folder", packed, folder)
        server = http.server.ThreadingHTTPServer(("localhost", 0), functools.partial(Quiet, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        train("shards from a web server", f"http://localhost:{server.server_port}/packed", folder)


if __name__ == "__main__":
    main()
