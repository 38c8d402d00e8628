#!/usr/bin/env python3
"""Writes pictures of every kind, and the results of Pillow and PyTorch's DataLoader for them, for the tests in Go.

    scripts/make_fixtures.py            needs torch 2.11.0, torchvision 0.26.0, Pillow 13.0.0

dataset/testdata/images/         a small picture of every kind that ImageFolder may meet
dataset/testdata/images.json     size and sha256 of convert("RGB") of each, or null where Pillow refuses it
dataset/testdata/batches.txt     hashes of the batches of a set of them: a line of options, then reference_batches.py's lines
"""
import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib

import numpy as np
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def at(*parts):
    path = os.path.join(ROOT, *parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def dump(value, *parts):
    with open(at(*parts), "w") as f:
        lines = ",\n".join(json.dumps(v) for v in value)
        f.write("[\n" + lines + "\n]\n")


def sha(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def scene(w, h, seed=0):
    """A smooth picture with some edges and noise, RGB."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:h, 0:w].astype(float)
    channels = []
    for c in range(3):
        v = 128 + 70 * np.sin(x / (5 + 3 * c) + seed) + 50 * np.cos(y / (7 + c) + x / 11)
        v += 60 * (((x - w / 2) ** 2 + (y - h / 3) ** 2) < (min(w, h) / 4) ** 2) + rng.normal(0, 6, (h, w))
        channels.append(v)
    return Image.fromarray(np.clip(np.stack(channels, -1), 0, 255).astype(np.uint8))


def saved(im, fmt, **options):
    b = io.BytesIO()
    im.save(b, fmt, **options)
    return b.getvalue()


def sof(data):
    """Where the frame header of a JPEG file begins."""
    i = 2
    while data[i + 1] not in (0xC0, 0xC1, 0xC2):
        i += 2 + struct.unpack(">H", data[i + 2 : i + 4])[0]
    return i


def resampled(data, factors):
    """Another sampling with as many blocks: 4:2:2 becomes 4:4:0, 4:2:0 becomes 4:1:1. The picture is scrambled."""
    d = bytearray(data)
    d[sof(data) + 11] = factors
    return bytes(d)


def ycck(data):
    """A CMYK file said to be YCCK: the last byte of Adobe's segment."""
    d = bytearray(data)
    d[data.index(b"Adobe") + 11] = 2
    return bytes(d)


def jpegs():
    im = scene(67, 45)
    square = scene(64, 64, 1)
    cmyk = Image.merge("CMYK", [*scene(50, 37, 2).split(), scene(50, 37, 3).split()[0]])
    exif = Image.Exif()
    exif[274] = 6
    yield "444.jpg", saved(im, "JPEG", quality=90, subsampling="4:4:4")
    yield "422.jpg", saved(im, "JPEG", quality=80, subsampling="4:2:2")
    yield "420.jpg", saved(im, "JPEG", quality=80, subsampling="4:2:0")
    yield "420-big.jpg", saved(scene(203, 155, 4), "JPEG", quality=60, subsampling="4:2:0")
    yield "440.jpg", resampled(saved(square, "JPEG", quality=80, subsampling="4:2:2"), 0x12)
    yield "411.jpg", resampled(saved(square, "JPEG", quality=80, subsampling="4:2:0"), 0x41)
    yield "restarts.jpg", saved(im, "JPEG", quality=80, subsampling="4:2:0", restart_marker_blocks=3)
    yield "grey.jpg", saved(im.convert("L"), "JPEG", quality=85)
    yield "rgb.jpg", saved(im, "JPEG", quality=85, keep_rgb=True)
    yield "progressive.jpg", saved(im, "JPEG", quality=85, progressive=True, subsampling="4:2:0")
    yield "progressive-444.jpg", saved(im, "JPEG", quality=85, progressive=True, subsampling="4:4:4")
    yield "cmyk.jpg", saved(cmyk, "JPEG", quality=85)
    yield "ycck.jpg", ycck(saved(cmyk, "JPEG", quality=85))
    yield "exif-rotated.jpeg", saved(im, "JPEG", quality=85, exif=exif)
    yield "one-wide.jpg", saved(scene(1, 70), "JPEG", quality=85)
    yield "one-pixel.jpg", saved(scene(1, 1), "JPEG")
    whole = saved(im, "JPEG", quality=85)
    yield "noend.jpg", whole[:-2]
    yield "truncated.jpg", whole[: len(whole) // 2]
    yield "truncated-ended.jpg", whole[: len(whole) // 2] + b"\xff\xd9"
    yield "trailing.jpg", whole + b"more" * 9
    at = sof(whole) + 9
    yield "two-components.jpg", whole[:at] + b"\2" + whole[at + 1 :]
    at = len(whole) * 2 // 3
    yield "corrupt.jpg", whole[:at] + b"\x55" * 20 + whole[at + 20 :]
    progressive = saved(im, "JPEG", quality=85, progressive=True)
    yield "progressive-truncated.jpg", progressive[: len(progressive) * 3 // 4]
    yield "progressive-ended.jpg", progressive[: len(progressive) * 3 // 4] + b"\xff\xd9"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(w, h, depth, colour, rows, extra=b""):
    head = struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def png16(w, h, colour, samples, extra=b""):
    """A 16-bit PNG of samples from 0 to 65535 with many small ones."""
    rng = np.random.default_rng(w)
    v = rng.integers(0, 65536, (h, w * samples)) >> rng.integers(0, 16, (h, w * samples))
    rows = b"".join(b"\0" + r.astype(">u2").tobytes() for r in v)
    return png(w, h, 16, colour, rows, extra)


def pngs():
    im = scene(41, 33, 5)
    alpha = scene(41, 33, 6).split()[0]
    grey = im.convert("L")
    yield "rgb.png", saved(im, "PNG")
    yield "rgba.png", saved(Image.merge("RGBA", [*im.split(), alpha]), "PNG")
    yield "grey.png", saved(grey, "PNG")
    yield "grey-alpha.png", saved(Image.merge("LA", [grey, alpha]), "PNG")
    yield "grey-transparent.png", saved(grey, "PNG", transparency=100)
    yield "rgb-transparent.png", saved(im, "PNG", transparency=im.getpixel((3, 3)))
    yield "bilevel.png", saved(im.convert("1"), "PNG")
    yield "palette.png", saved(im.quantize(40), "PNG")
    yield "palette4.png", saved(im.quantize(13), "PNG", bits=4)
    yield "palette-alpha.png", saved(im.quantize(40), "PNG", transparency=bytes(range(0, 200, 5)))
    short = chunk(b"PLTE", bytes([10, 20, 30, 40, 50, 60]))
    yield "palette-short.png", png(4, 1, 8, 3, b"\0" + bytes([0, 1, 2, 200]), short)
    yield "grey2.png", png(8, 2, 2, 0, bytes([0, 0x1B, 0x1B, 0, 0xE4, 0xFF]))
    yield "grey16.png", png16(19, 11, 0, 1)
    yield "grey16-transparent.png", png16(19, 11, 0, 1, chunk(b"tRNS", struct.pack(">H", 77)))
    yield "rgb16.png", png16(17, 11, 2, 3)
    yield "grey16-alpha.png", png16(18, 11, 4, 2)
    yield "rgba16.png", png16(16, 11, 6, 4)
    yield "truncated.png", saved(im, "PNG")[:-900]


def bmp(w, h, depth, compression, pixels, masks=b"", palette=b""):
    offset = 54 + len(masks) + len(palette)
    head = struct.pack("<IiiHHIIiiII", 40, w, h, 1, depth, compression, len(pixels), 0, 0, len(palette) // 4, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + head + masks + palette + pixels


def bmps():
    im = scene(37, 29, 7)
    noise = np.random.default_rng(3)
    colours = noise.integers(0, 256, 64, dtype=np.uint8).tobytes()
    yield "rgb.bmp", saved(im, "BMP")
    yield "rgba.bmp", saved(im.convert("RGBA"), "BMP")
    yield "palette.bmp", saved(im.quantize(50), "BMP")
    yield "grey.bmp", saved(im.convert("L"), "BMP")
    yield "bilevel.bmp", saved(im.convert("1"), "BMP")
    pixels = noise.integers(0, 256, 12 * 20, dtype=np.uint8).tobytes()
    yield "palette4.bmp", bmp(21, 20, 4, 0, pixels, b"", colours)
    yield "topdown.bmp", bmp(21, -20, 4, 0, pixels, b"", colours)
    yield "555.bmp", bmp(6, 20, 16, 0, pixels)
    yield "565.bmp", bmp(6, 20, 16, 3, pixels, struct.pack("<III", 0xF800, 0x7E0, 0x1F))
    yield "fields.bmp", bmp(3, 20, 32, 3, pixels, struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00))
    runs8 = bytes([3, 1, 2, 2, 0, 0, 0, 3, 4, 5, 6, 0, 0, 2, 1, 1, 9, 7, 0, 0, 5, 8, 0, 1])
    yield "rle8.bmp", bmp(5, 4, 8, 1, runs8, b"", colours)
    runs4 = bytes([3, 0x12, 2, 0x3F, 0, 0, 0, 5, 0x45, 0x67, 0x80, 0, 0, 0, 5, 0x8A, 0, 0, 5, 0xBC, 0, 1])
    yield "rle4.bmp", bmp(5, 4, 4, 2, runs4, b"", colours)
    yield "truncated.bmp", saved(im, "BMP")[:-40]


def tiffs():
    im = scene(38, 27, 8)
    alpha = scene(38, 27, 9).split()[0]
    grey16 = Image.fromarray((np.arange(15 * 11).reshape(11, 15) * 7).astype(np.uint16))
    yield "rgb.tif", saved(im, "TIFF")
    yield "lzw.tiff", saved(im, "TIFF", compression="tiff_lzw")
    yield "deflate.tif", saved(im, "TIFF", compression="tiff_adobe_deflate")
    yield "packbits.tif", saved(im, "TIFF", compression="packbits")
    yield "rgba.tif", saved(Image.merge("RGBA", [*im.split(), alpha]), "TIFF")
    multiplied = Image.merge("RGBA", [*im.split(), alpha]).convert("RGBa")
    yield "multiplied.tif", saved(Image.merge("RGBA", multiplied.split()), "TIFF", tiffinfo={338: 1})
    yield "grey.tif", saved(im.convert("L"), "TIFF")
    yield "grey16.tif", saved(grey16, "TIFF")
    yield "bilevel.tif", saved(im.convert("1"), "TIFF", compression="group4")
    yield "bilevel-white.tif", saved(im.convert("1"), "TIFF", compression="group4", tiffinfo={262: 0})
    yield "bilevel-group3.tif", saved(im.convert("1"), "TIFF", compression="group3")
    yield "bilevel-raw.tif", saved(im.convert("1"), "TIFF", tiffinfo={262: 0})
    yield "grey-white.tif", saved(im.convert("L"), "TIFF", tiffinfo={262: 0})
    yield "grey16-white.tif", saved(grey16, "TIFF", tiffinfo={262: 0})
    yield "palette.tif", saved(im.quantize(60), "TIFF")
    for orientation in range(2, 9):
        yield f"orientation{orientation}.tif", saved(im, "TIFF", compression="tiff_lzw", tiffinfo={274: orientation})
    yield "truncated.tif", saved(im, "TIFF")[:2000]


def webps():
    im, odd = scene(64, 48, 10), scene(63, 47, 11)
    alpha = scene(63, 47, 12).split()[0]
    yield "lossy.webp", saved(im, "WEBP", quality=70)
    yield "lossy-odd.webp", saved(odd, "WEBP", quality=90)
    yield "lossy-alpha.webp", saved(Image.merge("RGBA", [*odd.split(), alpha]), "WEBP", quality=80)
    yield "lossless.webp", saved(im, "WEBP", lossless=True)
    yield "lossless-alpha.webp", saved(Image.merge("RGBA", [*odd.split(), alpha]), "WEBP", lossless=True, exact=True)
    yield "one-pixel.webp", saved(scene(1, 1), "WEBP")
    yield "truncated.webp", saved(im, "WEBP", quality=70)[:-200]


def pnms():
    im = scene(23, 17, 13)
    wide = np.random.default_rng(5).integers(0, 1001, (5, 8, 3))
    yield "rgb.ppm", saved(im, "PPM")
    yield "grey.pgm", saved(im.convert("L"), "PPM")
    yield "bilevel.ppm", saved(im.convert("1"), "PPM")
    yield "plain.ppm", b"P3 # comment\n3 2\n#more\n15\n" + b"0 1 2  3 4 5\n6 7 8 9 10 11 12 13 14 15 0 1\n"
    yield "plain.pgm", b"P2\n4 2 300\n0 1 2 299 300 150 149 7\n"
    yield "plain-bits.ppm", b"P1\n5 2\n01011 1 0\n1 0 1\n"
    yield "max100.pgm", b"P5 7 3 100\n" + bytes(range(80, 101))
    yield "max1000.ppm", b"P6 8 5 1000\n" + wide.astype(">u2").tobytes()
    yield "max1000.pgm", b"P5 8 5 1000\n" + wide[:, :, 0].astype(">u2").tobytes()
    yield "max65535.pgm", b"P5 8 5 65535\n" + wide[:, :, 0].astype(">u2").tobytes()
    yield "truncated.ppm", saved(im, "PPM")[:-1]


def images():
    made = {name: data for group in (jpegs, pngs, bmps, tiffs, webps, pnms) for name, data in group()}
    made["not-what-it-says.jpg"] = made["rgb.png"]
    made["empty.jpg"] = b""
    made["text.png"] = b"no picture at all"
    manifest = []
    for name, data in made.items():
        assert len(data) < 20000, name
        with open(at("dataset/testdata/images", name), "wb") as f:
            f.write(data)
        try:
            rgb = Image.open(io.BytesIO(data)).convert("RGB")
            entry = {"file": name, "width": rgb.width, "height": rgb.height, "sha256": sha(np.array(rgb))}
        except Exception as e:
            entry = {"file": name, "error": f"{type(e).__name__}: {e}".replace(ROOT, "").split("<")[0]}
        manifest.append(entry)
    dump(manifest, "dataset/testdata/images.json")
    return {e["file"]: made[e["file"]] for e in manifest if "error" not in e}


def batches(good, root):
    """Deals the good pictures to three classes of two phases, as dataset/batches_test.go does, and hashes the batches."""

    def put(name, data):
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)

    names = sorted(good)
    for i, name in enumerate(names):
        phase = "val" if i % 3 == 0 else "train"
        sub = "" if i % 7 else "deeper/"
        put(os.path.join(phase, "abc"[i // 3 % 3], sub + name), good[name])
    for extra in ("train/a/notes.txt", "train/a/drawing.gif"):
        put(extra, b"no picture\n")
    runs = [
        "--seeds 0,42 --workers 0,1,2 --epochs 2 --batch-size 8 --image-size 32",
        "--seeds 1 --workers 0,2 --epochs 1 --batch-size 1 --image-size 21",
        "--seeds 1 --workers 0,3 --epochs 1 --batch-size 1000 --image-size 40",
        "--seeds 1 --workers 0,1 --epochs 1 --batch-size 5 --image-size 70 --no-shuffle",
        "--seeds 1 --workers 0,2 --epochs 1 --batch-size 8 --image-size 33 --augment none",
        "--seeds 1 --workers 0,2 --epochs 1 --batch-size 8 --image-size 33 --augment light",
        "--seeds 1 --workers 0,2 --epochs 2 --batch-size 8 --image-size 33 --augment trivial",
    ]
    with open(at("dataset/testdata/batches.txt"), "w") as f:
        for run in runs:
            f.write("# " + run + "\n")
            command = [sys.executable, at("scripts/reference_batches.py"), "--data", root, *run.split()]
            f.write(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main():
    good = images()
    with tempfile.TemporaryDirectory() as root:
        batches(good, root)


if __name__ == "__main__":
    main()
