#!/usr/bin/env python3
"""Compares shards with the package webdataset: webdataset reads the shards of `pack`, and `pack --index` lists webdataset's.

    parity_shards.py DATA
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile

import webdataset

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bin", "hymenoptera")
ENDINGS = (".jpg", ".jpeg", ".png")


def pictures(folder, phase):
    """Class and content of every picture of a set, sorted."""
    found = []
    for path in sum((glob.glob(os.path.join(folder, phase, "*", "*" + ending)) for ending in ENDINGS), []):
        with open(path, "rb") as f:
            found.append((os.path.basename(os.path.dirname(path)), f.read()))
    return sorted(found)


def index(folder):
    """The classes and shards of an index, read without hymenoptera's code."""
    with open(os.path.join(folder, "shards.jsonl")) as f:
        head, *lines = map(json.loads, f)
    return head["classes"], lines


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("data")
    o = p.parse_args()
    with tempfile.TemporaryDirectory() as tmp:
        packed, other = os.path.join(tmp, "packed"), os.path.join(tmp, "other")
        subprocess.run([PROGRAM, "pack", "--shard-size", "5", o.data, packed], check=True, stdout=subprocess.DEVNULL)
        classes, lines = index(packed)
        for phase in ("train", "val"):
            want = pictures(o.data, phase)
            urls = sorted(glob.glob(os.path.join(packed, phase + "-*.tar")))
            samples = list(webdataset.WebDataset(urls, shardshuffle=False))
            got = sorted((classes[int(s["cls"])], next(s[e[1:]] for e in ENDINGS if e[1:] in s)) for s in samples)
            assert got == want, f"{phase}: webdataset reads {len(got)} other pictures than the {len(want)} of the folder"
            assert all(s["__key__"].split("/")[0] == classes[int(s["cls"])] for s in samples)
            keys = [n.rsplit(".", 1)[0] for line in lines if line["shard"].startswith(phase) for n in line["names"]]
            assert keys == [s["__key__"] for s in samples], f"{phase}: the index has another order than the shards"
            print(f"{phase}: webdataset {webdataset.__version__} reads the {len(got)} pictures and classes of pack's {len(urls)} shards")

        os.mkdir(other)
        for phase in ("train", "val"):
            with webdataset.ShardWriter(os.path.join(other, phase + "-%06d.tar"), maxcount=50, verbose=0) as sink:
                for i, (name, content) in enumerate(pictures(o.data, phase)):
                    sink.write({"__key__": f"{i:06}", "jpg": content, "cls": classes.index(name), "json": {"name": name}})
        subprocess.run([PROGRAM, "pack", "--index", other], check=True, stdout=subprocess.DEVNULL)
        numbers, lines = index(other)
        for phase in ("train", "val"):
            got = []
            for line in lines:
                if line["shard"].startswith(phase):
                    with open(os.path.join(other, line["shard"]), "rb") as f:
                        data = f.read()
                    got += [(classes[int(numbers[label])], data[at:at + size]) for label, at, size in zip(line["labels"], line["offsets"], line["sizes"])]
            assert got == pictures(o.data, phase), f"{phase}: the index lists other pictures than webdataset wrote"
            print(f"{phase}: pack --index lists the {len(got)} pictures and classes that webdataset wrote")


if __name__ == "__main__":
    sys.exit(main())
