"""Damages copies of real pictures and compares how Pillow and Go decode them.

    damaged_check.py [--copies N] [--seed S] [--list FILE] FOLDER...

Each copy is a JPEG of the folders as it is, or written again by Pillow in another format or mode, with one kind of damage.
Prints a table of formats, one of kinds of damage, and a line per reason where the two sides do not agree. The exit code
is 1 where one side reads a copy and the other refuses it, or the pixels differ.

"""
import argparse, collections, io, os, random, struct, sys, tempfile
from PIL import Image

from parity_pictures import OUTCOMES, report

# How a picture is rewritten: format, mode, options. None keeps the file as it is.
FORMS = [
    ("JPEG as it is", None),
    ("JPEG progressive", ("JPEG", "RGB", {"progressive": True})),
    ("JPEG as it is", None),
    ("JPEG grey", ("JPEG", "L", {})),
    ("JPEG as it is", None),
    ("JPEG CMYK", ("JPEG", "CMYK", {"restart_marker_rows": 1})),
    ("JPEG as it is", None),
    ("JPEG 4:4:4", ("JPEG", "RGB", {"subsampling": 0, "optimize": True})),
    ("PNG RGB", ("PNG", "RGB", {})),
    ("PNG RGBA", ("PNG", "RGBA", {})),
    ("PNG palette", ("PNG", "P", {})),
    ("PNG 16-bit", ("PNG", "I;16", {})),
    ("TIFF raw", ("TIFF", "RGB", {})),
    ("TIFF LZW", ("TIFF", "RGB", {"compression": "tiff_lzw"})),
    ("TIFF Deflate", ("TIFF", "RGBA", {"compression": "tiff_adobe_deflate"})),
    ("TIFF PackBits", ("TIFF", "L", {"compression": "packbits"})),
    ("TIFF JPEG", ("TIFF", "RGB", {"compression": "jpeg"})),
    ("TIFF fax", ("TIFF", "1", {"compression": "group4"})),
    ("WebP lossy", ("WEBP", "RGB", {})),
    ("WebP alpha", ("WEBP", "RGBA", {})),
    ("WebP lossless", ("WEBP", "RGB", {"lossless": True, "quality": 0})),
]


def written(path, form):
    """The bytes of a picture in another form; large ones are made smaller first."""
    if form is None:
        with open(path, "rb") as f:
            return f.read()
    kind, mode, options = form
    with Image.open(path) as im:
        im = im.convert("RGB")
    im.thumbnail((256, 256))
    if mode == "RGBA":
        im.putalpha(im.convert("L"))
    elif mode == "I;16":
        im = im.convert("L").convert("I").point(lambda v: v * 257).convert("I;16")
    else:
        im = im.convert(mode)
    out = io.BytesIO()
    im.save(out, kind, **options)
    return out.getvalue()


def lengths(data):
    """Where a file says a length, a count or a position: (position, struct's format)."""
    if data[:2] == b"\xff\xd8":
        at = 2
        while at + 4 <= len(data) and data[at] == 0xFF:
            yield at + 2, ">H"
            if data[at + 1] == 0xDA:
                return
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    elif data[:4] == b"\x89PNG":
        at = 8
        while at + 8 <= len(data):
            yield at, ">I"
            at += 12 + struct.unpack_from(">I", data, at)[0]
        yield from ((16, ">I"), (20, ">I"))  # width and height
    elif data[:4] == b"RIFF":
        yield 4, "<I"
        at = 12
        while at + 8 <= len(data):
            yield at + 4, "<I"
            size = struct.unpack_from("<I", data, at + 4)[0]
            at += 8 + size + size % 2
    elif data[:2] == b"II":
        directory = struct.unpack_from("<I", data, 4)[0]
        yield 4, "<I"
        yield directory, "<H"
        for i in range(struct.unpack_from("<H", data, directory)[0]):
            yield directory + 2 + 12 * i + 4, "<I"  # how many values
            yield directory + 2 + 12 * i + 8, "<I"  # the value, or where the values are


def cut(data, rng):
    del data[rng.randrange(len(data)):]


def flip_bits(data, rng):
    for _ in range(rng.choice([1, 2, 8, 64])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def zero_block(data, rng):
    size = min(rng.choice([16, 512, 4096]), len(data) // 2)
    at = rng.randrange(len(data) - size)
    data[at:at + size] = bytes(size)


def swap_blocks(data, rng):
    size = min(rng.choice([16, 512, 4096]), len(data) // 4)
    a, b = sorted((rng.randrange(len(data) // 2 - size), len(data) // 2 + rng.randrange(len(data) // 2 - size)))
    data[a:a + size], data[b:b + size] = data[b:b + size], data[a:a + size]


def wrong_length(data, rng):
    at, form = rng.choice(list(lengths(bytes(data))))
    size = struct.calcsize(form)
    value = struct.unpack_from(form, data, at)[0]
    value = rng.choice([0, 1, value - 1, value + 1, value * 2, rng.randrange(1 << 8 * size), (1 << 8 * size) - 1])
    struct.pack_into(form, data, at, value % (1 << 8 * size))


DAMAGES = {"cut short": cut, "bits flipped": flip_bits, "block of zeros": zero_block, "blocks swapped": swap_blocks, "wrong length": wrong_length}


def table(head, outcomes):
    """Prints the outcomes, counted by a name."""
    counts = collections.defaultdict(collections.Counter)
    for name, outcome in outcomes:
        counts[name][outcome] += 1
    print(f"\n| {head} | copies | " + " | ".join(OUTCOMES) + " |\n" + "|---" * (2 + len(OUTCOMES)) + "|")
    for name, c in counts.items():
        print(f"| {name} | {c.total()} | " + " | ".join(str(c[o]) for o in OUTCOMES) + " |")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("folders", nargs="+")
    p.add_argument("--copies", type=int, default=1000)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--list", help="write a line per file that is not equal, and keep the copies beside it")
    args = p.parse_args()
    pictures = sorted(os.path.join(d, f) for folder in args.folders for d, _, fs in os.walk(folder) for f in fs if f.endswith(".jpg"))
    if not pictures:
        sys.exit("damaged_check: no .jpg files there")
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as tmp:
        files, forms, damages = [], [], []
        for i in range(args.copies):
            name, form = FORMS[i % len(FORMS)]
            damage = rng.choice(list(DAMAGES))
            data = bytearray(written(rng.choice(pictures), form))
            DAMAGES[damage](data, rng)
            files.append(os.path.join(tmp, f"{i:05d}-{name}-{damage}.{name.split()[0].lower()}".replace(" ", "_").replace(":", "")))
            forms.append(name)
            damages.append(damage)
            with open(files[-1], "wb") as f:
                f.write(data)
        outcomes = report(files, args.list, tmp)
    table("format", sorted(zip(forms, outcomes)))
    table("damage", sorted(zip(damages, outcomes)))
    sys.exit(0 if set(outcomes) <= {"equal", "both refuse"} else 1)


if __name__ == "__main__":
    main()
