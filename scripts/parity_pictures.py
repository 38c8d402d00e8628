"""Decodes pictures, and damaged copies of them, in Pillow and in Go, and compares the pixels.

    parity_pictures.py [--damaged N] [--seed S] [--list FILE] PATH...

A PATH is a file or a folder. Each picture that Pillow reads is compared; with --damaged, N copies of the small ones are
compared too, each with a fault: cut short, bytes changed, bytes left out or put in twice. A picture counts as

    equal            the same pixels
    both refuse
    Go refuses       Pillow reads it; listed by the reason
    Go reads         Pillow refuses it; listed by Pillow's reason
    DIFFERENT        other pixels; the exit code is 1

"""
import argparse, collections, contextlib, hashlib, io, json, os, random, re, shutil, subprocess, sys, tempfile, warnings
from PIL import Image

warnings.simplefilter("ignore")
ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".pbm"}


@contextlib.contextmanager
def silent():
    """Keeps libtiff's own messages from standard error."""
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


def pillow(file):
    """Pillow's result for a file."""
    try:
        with silent(), Image.open(file) as im:
            im = im.convert("RGB")
            return {"Width": im.width, "Height": im.height, "SHA256": hashlib.sha256(im.tobytes()).hexdigest()}
    except Exception as e:
        return {"Error": f"{type(e).__name__}: {e}"}


def pillow_bytes(data):
    """Pillow's result for a file's content; {} if it refuses it."""
    answer = pillow(io.BytesIO(data))
    return {} if "Error" in answer else answer


def damage(data, rng):
    data, n = bytearray(data), len(data)
    kind = rng.choice(["cut", "change", "change", "header", "leave out", "twice"])
    at = rng.randrange(n)
    if kind == "cut":
        del data[at:]
    elif kind in ("change", "header"):
        for _ in range(rng.choice([1, 1, 2, 8])):
            data[rng.randrange(n if kind == "change" else min(n, 64))] = rng.randrange(256)
    elif kind == "leave out":
        del data[at:at + rng.randrange(1, 64)]
    else:
        data[at:at] = data[at:at + rng.randrange(1, 64)]
    return bytes(data)


def kind_of(text):
    """An error's kind: without numbers, names and quoted bytes."""
    text = re.sub(r"'[^']*'|\"[^\"]*\"|b'.*?'", "…", text)
    return re.sub(r"[-+]?\d+(\.\d+)?(×\d+)?", "N", text)[:110]


OUTCOMES = ("equal", "both refuse", "Go refuses", "Go reads", "DIFFERENT")


def compare(files):
    """Yields, for each file, its outcome, its reason ("" if both sides agree), and Go's and Pillow's results."""
    with tempfile.TemporaryDirectory() as tmp:
        tool = os.path.join(tmp, "pictures")
        subprocess.run(["go", "build", "-o", tool, "./internal/tools/pictures"], check=True)
        run = subprocess.run([tool], input="\n".join(files) + "\n", capture_output=True, text=True)
    lines = run.stdout.splitlines()
    if run.returncode or len(lines) != len(files):
        sys.exit(f"parity_pictures: the Go program ended at {files[len(lines)] if len(lines) < len(files) else '?'}: {run.stderr[-2000:]}")
    for path, line in zip(files, lines):
        go = json.loads(line)
        with open(path, "rb") as f:
            ref = pillow(f)
        name = os.path.basename(path)
        if "Error" in go and "Error" in ref:
            yield "both refuse", "", go, ref
        elif "Error" in go:
            yield "Go refuses", kind_of(go["Error"]), go, ref
        elif "Error" in ref:
            yield "Go reads", os.path.splitext(name)[1] + " " + kind_of(ref["Error"]), go, ref
        elif all(go[k] == ref[k] for k in ("Width", "Height", "SHA256")):
            yield "equal", "", go, ref
        else:
            yield "DIFFERENT", name, go, ref


def report(files, list_to="", keep=""):
    """Compares files and prints the counts and reasons; returns the outcomes. The files that differ are named in list_to,
    and the folder keep is copied beside it."""
    outcomes, listed, reasons = [], [], collections.defaultdict(collections.Counter)
    for path, (outcome, reason, go, ref) in zip(files, compare(files)):
        outcomes.append(outcome)
        if reason:
            reasons[outcome][reason] += 1
            listed.append(f"{outcome}\t{path}\tGo: {go}\tPillow: {ref}")
    for outcome in OUTCOMES:
        print(f"{outcome:12} {outcomes.count(outcome)}")
        for reason, n in reasons[outcome].most_common():
            print(f"    {n:5} {reason}")
    if list_to:
        with open(list_to, "w") as f:
            f.write("\n".join(listed) + "\n")
        shutil.copytree(keep, list_to + ".files", dirs_exist_ok=True)
    return outcomes


def main():
    p = argparse.ArgumentParser()
    p.add_argument("paths", nargs="+")
    p.add_argument("--damaged", type=int, default=0)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--list", help="write a line per file that is not equal")
    args = p.parse_args()

    files = []
    for path in args.paths:
        if os.path.isdir(path):
            files += sorted(os.path.join(d, f) for d, _, fs in os.walk(path) for f in fs
                            if os.path.splitext(f)[1].lower() in ENDINGS)
        elif os.path.exists(path):
            files.append(path)
        else:
            sys.exit(f"parity_pictures: {path}: no such file or folder")
    if not files:
        sys.exit("parity_pictures: no pictures there")
    with tempfile.TemporaryDirectory() as tmp:
        rng = random.Random(args.seed)
        small = [f for f in files if 0 < os.path.getsize(f) < 200_000]
        for i in range(args.damaged):
            source = small[i % len(small)]
            copy = os.path.join(tmp, f"{i:05d}-{os.path.basename(source)}")
            with open(source, "rb") as f, open(copy, "wb") as out:
                out.write(damage(f.read(), rng))
            files.append(copy)
        sys.exit(1 if "DIFFERENT" in report(files, args.list, tmp) else 0)


if __name__ == "__main__":
    main()
