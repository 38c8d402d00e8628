"""Writes dataset/testdata/odd.zip: odd and damaged pictures, and Pillow's result for each.

    make_odd_pictures.py [--cases DIR] [--all DIR]

The archive holds the pictures of DIR (without --cases, those that it holds already), TIFF files of every layout that
Pillow's TiffImagePlugin knows and of many that it does not, BMP files, and damaged copies of the pictures beside it.
answers.json has the size and the SHA-256 of Pillow's RGB bytes, or an empty one where Pillow refuses the file.
--all writes every TIFF and BMP file that can be made so, tens of thousands, to a folder for parity_pictures.py.
"""
import argparse, hashlib, io, itertools, json, os, random, struct, sys, zipfile, zlib

sys.path.insert(0, os.path.dirname(__file__))
from parity_pictures import ENDINGS, damage, pillow_bytes, silent

HERE = os.path.join(os.path.dirname(__file__), "..", "dataset", "testdata")
WIDTH, HEIGHT = 21, 17


def packbits(data):
    return b"".join(bytes([len(data[i:i + 128]) - 1]) + data[i:i + 128] for i in range(0, len(data), 128))


def tiff(rng, order, photo, bits, samples, extra=(), fmt=None, fill=1, planar=1, compression=1, tiles=False, rows=5, orientation=None, omit=()):
    """A TIFF file of random samples."""
    e = "<" if order == "II" else ">"
    w, h = WIDTH, HEIGHT
    planes, per = (samples, 1) if planar == 2 else (1, samples)
    blocks = []
    for _ in range(planes):
        if tiles:
            bw, bh = 16, 16
            n = -(-w // bw) * -(-h // bh)
            blocks += [rng.randbytes(-(-bw * bits * per // 8) * bh) for _ in range(n)]
        else:
            row = -(-w * bits * per // 8)
            blocks += [rng.randbytes(row * min(rows, h - y)) for y in range(0, h, rows)]
    if bits == 32 and fmt == 3:  # floats around the range of bytes
        blocks = [b"".join(struct.pack(e + "f", rng.uniform(-50, 400)) for _ in range(len(b) // 4)) for b in blocks]
    elif bits >= 16 and photo in (0, 1):  # small values too
        blocks = [b"".join(struct.pack(e + ("H" if bits == 16 else "I"), rng.choice([rng.randrange(300), rng.randrange(1 << bits)]))
                           for _ in range(len(b) * 8 // bits)) if bits != 12 else b for b in blocks]
    pack = {1: bytes, 8: zlib.compress, 32773: packbits}[compression]
    blocks = [pack(b) for b in blocks]
    tags = {256: [w], 257: [h], 258: [bits] * samples, 259: [compression], 262: [photo], 277: [samples], 284: [planar]}
    if extra:
        tags[338] = list(extra)
    if fmt:
        tags[339] = [fmt] * samples
    if fill != 1:
        tags[266] = [fill]
    if orientation:
        tags[274] = [orientation]
    if photo == 3:
        tags[320] = [rng.randrange(1 << 16) for _ in range(3 << min(bits, 8))]
    if tiles:
        tags |= {322: [16], 323: [16], 324: None, 325: [len(b) for b in blocks]}
    else:
        tags |= {273: None, 278: [rows], 279: [len(b) for b in blocks]}
    for t in omit:
        tags.pop(t, None)
    at, offsets, body = 8, [], b""
    for b in blocks:
        offsets.append(at + len(body))
        body += b + b"\0" * (len(b) % 2)
    for t in (273, 324):
        if t in tags:
            tags[t] = offsets
    directory, outside = b"", b""
    start = at + len(body)
    behind = start + 2 + 12 * len(tags) + 4
    for t in sorted(tags):
        kind, letter = (4, "I") if t in (273, 279, 324, 325) else (3, "H")
        value = struct.pack(f"{e}{len(tags[t])}{letter}", *tags[t])
        if len(value) > 4:
            outside_at = behind + len(outside)
            outside += value + b"\0" * (len(value) % 2)
            value = struct.pack(e + "I", outside_at)
        directory += struct.pack(e + "HHI", t, kind, len(tags[t])) + value.ljust(4, b"\0")
    head = order.encode() + struct.pack(e + "HI", 42, start)
    return head + body + struct.pack(e + "H", len(tags)) + directory + b"\0\0\0\0" + outside


def tiffs():
    """Every combination of the properties that matter, by name."""
    layouts = [(0, 1), (1, 1), (1, 2), (2, 3), (2, 4), (2, 5), (2, 6), (3, 1), (3, 2), (5, 4), (5, 5), (5, 6), (6, 1), (6, 3)]
    colours = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}
    for (photo, samples), bits, order, fmt, fill, planar, compression, tiles in itertools.product(
            layouts, (1, 2, 4, 8, 12, 16, 32), ("II", "MM"), (None, 1, 2, 3), (1, 2), (1, 2), (1, 8, 32773), (False, True)):
        n = max(0, samples - colours[photo])
        extras = [()] if n == 0 else [(v,) + (0,) * (n - 1) for v in (0, 1, 2, 999)] + [()]
        for extra in extras:
            name = f"{photo}-{bits}x{samples}-{order}-x{''.join(map(str, extra))}-f{fmt or 0}-o{fill}-p{planar}-c{compression}-{'tiles' if tiles else 'strips'}.tif"
            yield name, lambda rng, a=(order, photo, bits, samples, extra, fmt, fill, planar, compression, tiles): tiff(rng, *a)
    for photo, bits, samples in ((0, 8, 1), (1, 16, 1), (2, 8, 3)):
        for omit in (256, 257, 258, 259, 262, 277, 278, 279, 284, 273):
            yield f"without-{omit}-{photo}-{bits}x{samples}.tif", lambda rng, a=(photo, bits, samples), o=omit: tiff(rng, "II", *a, omit=(o,))
        for o in range(1, 10):
            yield f"orientation-{o}-{photo}-{bits}x{samples}.tif", lambda rng, a=(photo, bits, samples), o=o: tiff(rng, "MM", *a, orientation=o)


def bmp(rng, depth, compression, colors, grey, header, short, offset):
    """A BMP file of random pixels."""
    n = colors or 1 << depth if depth <= 8 else 0
    pad = 3 if header == 12 else 4
    palette = b"".join(bytes([v] * 3 if grey == "ramp" else [0, 255][v % 2:v % 2 + 1] * 3 if grey == "bw" else
                             [rng.randrange(256) for _ in range(3)])[:3].ljust(pad, b"\0") for v in (i & 255 for i in range(n)))
    masks = b""
    if compression == 3:
        masks = struct.pack("<3I", *({16: (0xf800, 0x7e0, 0x1f), 24: (0xff0000, 0xff00, 0xff)}.get(depth, (0xff0000, 0xff00, 0xff))))
    if compression in (1, 2):
        body = b""
        for _ in range(HEIGHT):
            for x in range(0, WIDTH, 7):
                body += bytes([7, rng.randrange(256)])
            body += b"\0\0"
        body += b"\0\1"
    else:
        body = rng.randbytes((WIDTH * depth + 31) // 32 * 4 * HEIGHT)
    body = body[:len(body) - short]
    if header == 12:
        info = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, depth)
    else:
        info = struct.pack("<IIiHHIIIIII", header, WIDTH, rng.choice([HEIGHT, -HEIGHT]), 1, depth, compression, len(body), 0, 0, colors, 0)
        info = info + (masks if header > 40 else b"").ljust(header - 40, b"\0") + (masks if header == 40 else b"")
    at = {"right": 14 + len(info) + len(palette), "zero": 0, "header": 14 + len(info)}[offset]
    return b"BM" + struct.pack("<IHHI", 14 + len(info) + len(palette) + len(body), 0, 0, at) + info + palette + body


def bmps():
    for depth, compression, colors, grey, header, short, offset in itertools.product(
            (1, 2, 4, 8, 16, 24, 32), (0, 1, 2, 3), (0, 1, 2, 3, 16, 300), ("", "ramp", "bw"), (12, 40, 52, 56, 64, 108, 124), (0, 1, 3, 9), ("right", "zero", "header")):
        if header == 12 and (compression or colors) or depth > 8 and (colors or grey):
            continue
        name = f"{depth}-c{compression}-{colors}{grey}-h{header}-s{short}-{offset}.bmp"
        yield name, lambda rng, a=(depth, compression, colors, grey, header, short, offset): bmp(rng, *a)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--cases")
    p.add_argument("--all")
    args = p.parse_args()
    made = list(tiffs()) + list(bmps())
    if args.all:
        os.makedirs(args.all, exist_ok=True)
        for name, make in made:
            with open(os.path.join(args.all, name), "wb") as f:
                f.write(make(random.Random(name)))
        return
    archive, files = os.path.join(HERE, "odd.zip"), {}
    if args.cases:
        for folder, _, names in os.walk(args.cases):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.splitext(name)[1] in ENDINGS and os.path.getsize(path) < 20_000:
                    with open(path, "rb") as f:
                        files["cases/" + name] = f.read()
        files = dict(sorted(files.items()))
    else:
        with zipfile.ZipFile(archive) as z:
            files = {n: z.read(n) for n in z.namelist() if n.startswith("cases/")}
    read = [(n, m) for n, m in made if pillow_bytes(m(random.Random(n)))]
    refused = [(n, m) for n, m in made if not pillow_bytes(m(random.Random(n)))]
    rng = random.Random(1)
    for name, make in rng.sample(read, 250) + rng.sample(refused, 50):
        files["made/" + name] = make(random.Random(name))
    sources = sorted(files.items())
    for name in sorted(os.listdir(os.path.join(HERE, "images"))):
        with open(os.path.join(HERE, "images", name), "rb") as f:
            sources.append((name, f.read()))
    sources = [(n, d) for n, d in sources if 0 < len(d) < 1500]
    for i in range(300):
        name, data = sources[i * 7919 % len(sources)]
        files[f"damaged/{i:03d}-{os.path.basename(name)}"] = damage(data, rng)
    answers = {n: pillow_bytes(d) for n, d in sorted(files.items())}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        for name, data in [("answers.json", json.dumps(answers, indent=0).encode())] + sorted(files.items()):
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    print(f"{len(files)} files, {sum(1 for a in answers.values() if a)} that Pillow reads, {os.path.getsize(archive)} bytes")


if __name__ == "__main__":
    main()
