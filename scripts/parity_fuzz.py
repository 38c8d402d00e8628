"""Compares the readers of this program with torch.load, safetensors and Pillow, on inputs that nobody chose.

    parity_fuzz.py [--damaged N] [--seed S] [--list FILE]

Inputs are what the fuzz targets collected in Go's cache and in testdata/fuzz, and N damaged copies of the committed files
of weights: of the whole file, of a zip file's pickle with its checksum made right, or of a safetensors header.
Prints the outcomes by target and the reasons by kind. The exit code is 1 where both sides read other values.
"""
import argparse, collections, glob, io, json, os, random, re, subprocess, sys, tempfile, zipfile

from parity_pictures import OUTCOMES, compare as compare_pictures, damage, kind_of

WEIGHTS = ["checkpoint/FuzzZip", "checkpoint/FuzzLegacy", "checkpoint/FuzzSafetensors", "checkpoint/FuzzParse", "checkpoint/FuzzPickle"]
PICTURES = ["dataset/FuzzJPEG", "dataset/FuzzPNG", "dataset/FuzzGIF", "dataset/FuzzBMP", "dataset/FuzzTIFF", "dataset/FuzzWebP", "dataset/FuzzPNM",
            "dataset/FuzzDecode", "internal/jpeg/FuzzDecode", "internal/tiff/FuzzReader", "internal/webp/FuzzDecode"]
ESCAPES = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"\\": b"\\", b'"': b'"'}


def unquote(text):
    """The bytes of a quoted Go string."""
    def byte(m):
        e = m.group(1)
        if e[:1] == b"x":
            return bytes([int(e[1:], 16)])
        return chr(int(e[1:], 16)).encode() if e[:1] in b"uU" else ESCAPES[e]
    return re.sub(rb'\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[abfnrtv\\"])', byte, text)


def collected(target):
    """The inputs of a fuzz target: their first bytes, and the text of the argument behind them."""
    cache = subprocess.check_output(["go", "env", "GOCACHE"], text=True).strip()
    module = subprocess.check_output(["go", "list", "-m"], text=True).strip()
    package, name = os.path.split(target)
    for path in sorted(glob.glob(f"{cache}/fuzz/{module}/{target}/*") + glob.glob(f"{package}/testdata/fuzz/{name}/*")):
        with open(path, "rb") as f:
            lines = f.read().splitlines()
        first = re.fullmatch(rb'\[\]byte\("(.*)"\)', lines[1])
        yield unquote(first.group(1)), lines[2] if len(lines) > 2 else b""


def zipped(records):
    """A zip file as torch.save lays it out, with checksums that are right."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, data in records:
            z.writestr(name, data)
    return out.getvalue()


def pickle_file(pickle, size):
    """The zip file that FuzzPickle's arguments stand for."""
    return zipped([("a/data.pkl", pickle), ("a/byteorder", b"little"), ("a/data/0", bytes(size)), ("a/version", b"3\n")])


def damaged(data, rng):
    """A damaged copy: of the part where damage goes deepest, or of the whole."""
    if data[:2] == b"PK" and b"checksums-none" not in data and rng.random() < 0.7:
        with zipfile.ZipFile(io.BytesIO(data)) as z:
            records = [(i.filename, z.read(i)) for i in z.infolist()]
        return zipped([(name, damage(b, rng) if name.endswith("data.pkl") else b) for name, b in records])
    if data[8:9] == b"{" and rng.random() < 0.7:
        end = 8 + int.from_bytes(data[:8], "little")
        header = damage(data[8:end], rng)
        return len(header).to_bytes(8, "little") + header + data[end:]
    return damage(data, rng)


def weights_kind(error):
    """parity_pictures.kind_of for a message about weights, which quotes as Go does."""
    error = re.sub(r'"(\\.|[^"\\])*"', "…", error)
    return kind_of(re.sub(r"checksum is .*", "checksum is wrong", error))


def references(files):
    """The reference's result for each file; a file that ends its process is an error."""
    answers = []
    while len(answers) < len(files):
        run = subprocess.run([sys.executable, "-W", "ignore", "scripts/reference_weights.py"], input="\n".join(files[len(answers):]) + "\n",
                             capture_output=True, text=True)
        answers += map(json.loads, run.stdout.splitlines())
        if len(answers) < len(files):
            answers.append({"Error": f"the process ended with {run.returncode}: {run.stderr[-200:]}"})
    return answers


def compare_weights(files):
    """As parity_pictures.compare."""
    run = subprocess.run(["go", "run", "./internal/tools/ckptconvert", "-list"], input="\n".join(files) + "\n", capture_output=True, text=True, check=True)
    for go, ref in zip(map(json.loads, run.stdout.splitlines()), references(files), strict=True):
        if go["Error"] and "Error" in ref:
            yield "both refuse", "", go, ref
        elif go["Error"]:
            yield "Go refuses", weights_kind(go["Error"].split(": ", 2)[2]), go, ref
        elif "Error" in ref:
            yield "Go reads", kind_of(ref["Error"].splitlines()[0]), go, ref
        elif go["SHA256"] in ref["SHA256"]:
            yield "equal", "", go, ref
        else:
            yield "DIFFERENT", "other digests", go, ref


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--damaged", type=int, default=10000)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--list", help="write a line per input that is not equal, and keep the inputs beside it")
    args = p.parse_args()

    tmp = tempfile.mkdtemp() if not args.list else args.list + ".files"
    os.makedirs(tmp, exist_ok=True)
    sources, files = [], []

    def add(source, data):
        sources.append(source)
        files.append(os.path.join(tmp, f"{len(files):05d}"))
        with open(files[-1], "wb") as f:
            f.write(data)

    for target in WEIGHTS:
        for data, rest in collected(target):
            size = re.fullmatch(rb"uint16\((\d+)\)", rest)
            add(target, pickle_file(data, int(size.group(1))) if size else data)
    committed = sorted(glob.glob("checkpoint/testdata/*.pth") + glob.glob("checkpoint/testdata/*.safetensors"))
    rng = random.Random(args.seed)
    for i in range(args.damaged):
        path = committed[i % len(committed)]
        with open(path, "rb") as f:
            add("damaged " + os.path.splitext(path)[1], damaged(f.read(), rng))
    weights = len(files)
    for target in PICTURES:
        for data, _ in collected(target):
            add(target, data)

    counts, reasons, listed = collections.defaultdict(collections.Counter), collections.Counter(), []
    results = list(compare_weights(files[:weights])) + list(compare_pictures(files[weights:]))
    for path, source, (outcome, reason, go, ref) in zip(files, sources, results, strict=True):
        counts[source][outcome] += 1
        if reason:
            reasons[outcome, reason] += 1
            listed.append(f"{outcome}\t{path}\t{source}\tGo: {go}\treference: {ref}")
    print("| inputs | files | " + " | ".join(OUTCOMES) + " |\n" + "|---" * (2 + len(OUTCOMES)) + "|")
    for source, c in counts.items():
        print(f"| {source} | {c.total()} | " + " | ".join(str(c[o]) for o in OUTCOMES) + " |")
    for (outcome, reason), n in sorted(reasons.items(), key=lambda r: (r[0][0], -r[1])):
        print(f"{n:6} {outcome}: {reason}")
    if args.list:
        with open(args.list, "w") as f:
            f.write("\n".join(listed) + "\n")
    sys.exit(1 if any(c["DIFFERENT"] for c in counts.values()) else 0)


if __name__ == "__main__":
    main()
