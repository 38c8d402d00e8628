"""Plants copies and flipped labels in folders of pictures, and measures how many `hymenoptera check` finds.

    python3 scripts/check_planted.py NAME=FOLDER … [--weights FILE] [--copies 100] [--flips 0.05] [--seed 1]

Of the copies, in turn, one is saved again (JPEG of quality 40 to 95), one resized to 0.3 to 0.9 of its sides, one cropped to
0.65 to 0.95 of each side, then saved as JPEG, PNG or WebP. A fifth of them lies in the set that the original does not lie in, a
fifth of the others under another class. Pairs that the folder had before anything was planted do not count: `check` looks at it
first.
"""

import argparse
import itertools
import json
import pathlib
import random
import shutil
import subprocess
import tempfile

from PIL import Image, ImageOps


def pictures(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))


def copy_of(path, kind, rng):
    """Returns a changed copy of a picture."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    w, h = image.size
    if kind == "resized":
        scale = rng.uniform(0.3, 0.9)
        image = image.resize((max(1, round(w * scale)), max(1, round(h * scale))), rng.choice([Image.BILINEAR, Image.BICUBIC, Image.LANCZOS]))
    if kind == "cropped":
        cw, ch = round(w * rng.uniform(0.65, 0.95)), round(h * rng.uniform(0.65, 0.95))
        x, y = rng.randint(0, w - cw), rng.randint(0, h - ch)
        image = image.crop((x, y, x + cw, y + ch))
    return image


def plant(folder, copies, rng):
    """Plants copies; returns (original, copy, kind, across) with paths below folder."""
    train, val = pictures(folder / "train"), pictures(folder / "val")
    classes = sorted(p.name for p in (folder / "train").iterdir() if p.is_dir())
    across = copies // 5
    originals = rng.sample(val, across) + rng.sample(train, copies - across)
    planted = []
    for i, original in enumerate(originals):
        kind = ["saved again", "resized", "cropped"][i % 3]
        label = original.parent.name
        if i >= across and i % 5 == 0:
            label = rng.choice([c for c in classes if c != label])
        ending = "jpg" if kind == "saved again" else rng.choice(["jpg", "png", "webp"])
        target = folder / "train" / label / f"{rng.getrandbits(64):016x}.{ending}"
        options = {"quality": rng.randint(40, 95)} if ending != "png" else {}
        copy_of(original, kind, rng).save(target, **options)
        planted.append((str(original.relative_to(folder)), str(target.relative_to(folder)), kind, i < across))
    return planted


def flip(folder, share, rng):
    """Moves a share of the training pictures to another class; returns their new paths below folder."""
    train = pictures(folder / "train")
    classes = sorted(p.name for p in (folder / "train").iterdir() if p.is_dir())
    flipped = []
    for path in rng.sample(train, round(len(train) * share)):
        label = rng.choice([c for c in classes if c != path.parent.name])
        target = folder / "train" / label / f"{rng.getrandbits(64):016x}{path.suffix}"
        path.rename(target)
        flipped.append(str(target.relative_to(folder)))
    return flipped


def check(binary, folder, *flags):
    out = subprocess.run([binary, "check", str(folder), "--json", "--quiet", *flags], capture_output=True, text=True)
    if out.returncode:
        raise SystemExit(out.stderr)
    return json.loads(out.stdout)


def pairs(report):
    """Returns the pairs of pictures that lie in one group of copies."""
    found = set()
    for group in report.get("copies", []):
        for a, b in itertools.combinations(sorted(p["path"] for p in group["pictures"]), 2):
            found.add((a, b))
    return found


def measure(name, source, args):
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as tmp:
        folder = pathlib.Path(tmp) / name
        shutil.copytree(source, folder)
        for path in folder.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        before = pairs(check(args.binary, folder))
        planted = plant(folder, args.copies, rng)
        report = check(args.binary, folder)
        found = pairs(report) - before
        wanted = {tuple(sorted(p[:2])): p for p in planted}
        side = lambda path: path.split("/")[0]
        leaks = {p for p in found if side(p[0]) != side(p[1])}
        wanted_leaks = {p for p, v in wanted.items() if v[3]}
        hit, hit_leaks = found & set(wanted), leaks & wanted_leaks
        print(f"{name}: {len(before)} pairs before, {len(planted)} copies planted; {report['seconds']:.1f} s")
        print(f"  copies: recall {len(hit) / len(wanted):.3f}, precision {len(hit) / max(1, len(found)):.3f} ({len(hit)} of {len(found)} pairs)")
        print(f"  leaks:  recall {len(hit_leaks) / len(wanted_leaks):.3f}, precision {len(hit_leaks) / max(1, len(leaks)):.3f} ({len(hit_leaks)} of {len(leaks)} pairs)")
        for kind in ["saved again", "resized", "cropped"]:
            of = [p for p, v in wanted.items() if v[2] == kind]
            print(f"  {kind}: {sum(p in found for p in of)} of {len(of)}")
        if args.verbose:
            for p in sorted(set(wanted) - found):
                print("  missed", wanted[p])
            for p in sorted(found - set(wanted)):
                print("  other", p)
    if args.weights:
        with tempfile.TemporaryDirectory() as tmp:
            folder = pathlib.Path(tmp) / name
            shutil.copytree(source, folder)
            for path in folder.rglob("*"):
                path.chmod(0o755 if path.is_dir() else 0o644)
            flipped = set(flip(folder, args.flips, rng))
            labels = check(args.binary, folder, "--weights", args.weights)["labels"]
            suspects = [s["path"] for s in labels["suspects"]]
            first = suspects[: len(flipped)]
            hits = sum(p in flipped for p in first)
            print(f"  labels: {len(flipped)} flipped; of the first {len(first)} suspects {hits} were: precision {hits / max(1, len(first)):.3f};"
                  f" {len(suspects)} suspects in all, {sum(p in flipped for p in suspects)} of them flipped; accuracy {labels['accuracy']:.3f}"
                  f" ({labels['low']:.3f} to {labels['high']:.3f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--weights", help="file of weights, to look for flipped labels too")
    parser.add_argument("--binary", default="bin/hymenoptera")
    parser.add_argument("--copies", type=int, default=100)
    parser.add_argument("--flips", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="name what was missed")
    args = parser.parse_args()
    for item in args.sets:
        name, _, folder = item.partition("=")
        measure(name, folder, args)


if __name__ == "__main__":
    main()
