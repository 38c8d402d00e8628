#!/usr/bin/env python3
"""Writes dataset/testdata/exif.zip: pictures with EXIF orientations, and the results of PIL.ImageOps.exif_transpose.

    scripts/make_exif_pictures.py       needs Pillow 13.0.0

answers.json has the size and the SHA-256 of the pixels of each.
"""

import hashlib
import io
import json
import os
import struct
import warnings
import zipfile
import zlib

from PIL import Image, ImageOps

from make_fixtures import ROOT, saved, scene

BYTE, SHORT, LONG = 1, 3, 4  # types of entries


def exif(*entries, order="<", cut=None):
    """EXIF data with entries of (tag, type, count, value), value in the four bytes of the entry."""
    data = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "LH", 8, len(entries))
    for tag, kind, count, value in entries:
        if isinstance(value, int):
            value = struct.pack(order + "H2x" if kind == SHORT else order + "L", value)
        data += struct.pack(order + "HHL", tag, kind, count) + value
    return (b"Exif\0\0" + data + bytes(4))[:cut]


def segment(content):
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def xmp(text):
    return b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + text + b"</x:xmpmeta>"


def adobe(text):
    return b"http://ns.adobe.com/xap/1.0/\0" + xmp(text)


def chunk(kind, content):
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))


def pictures():
    im = scene(21, 14)
    jpeg, png = saved(im, "JPEG", quality=60), saved(im, "PNG")

    def with_segments(*contents):
        return jpeg[:2] + b"".join(map(segment, contents)) + jpeg[2:]

    width = (256, SHORT, 1, 21)
    for o in range(10):
        yield f"{o}.jpg", with_segments(exif(width, (274, SHORT, 1, o)))
    yield "big-endian.jpg", with_segments(exif((274, SHORT, 1, 6), order=">"))
    yield "long.jpg", with_segments(exif((274, LONG, 1, 6)))
    yield "long-big-endian.jpg", with_segments(exif((274, LONG, 1, 8), order=">"))
    yield "byte.jpg", with_segments(exif((274, BYTE, 1, b"\6\0\0\0")))
    yield "two-values.jpg", with_segments(exif((274, SHORT, 2, struct.pack("<HH", 6, 3))))
    yield "no-values.jpg", with_segments(exif((274, SHORT, 0, 6)))
    yield "elsewhere.jpg", with_segments(exif((274, SHORT, 3, struct.pack("<L", 10))))
    yield "beyond.jpg", with_segments(exif((274, SHORT, 3, struct.pack("<L", 4000))))
    yield "twice.jpg", with_segments(exif((274, SHORT, 1, 6), (274, SHORT, 1, 3)))
    yield "cut.jpg", with_segments(exif(width, (274, SHORT, 1, 6), cut=30))
    yield "head-twice.jpg", with_segments(b"Exif\0\0" + exif((274, SHORT, 1, 6)))
    yield "two-segments.jpg", with_segments(exif(width, (274, SHORT, 1, 6))[:20], b"Exif\0\0" + exif(width, (274, SHORT, 1, 6))[20:])
    yield "xmp.jpg", with_segments(adobe(b'<rdf tiff:Orientation="3"/>'))
    yield "xmp-element.jpg", with_segments(adobe(b"<tiff:Orientation>6</tiff:Orientation>"))
    yield "xmp-and-exif.jpg", with_segments(exif((274, SHORT, 1, 1)), adobe(b'<rdf tiff:Orientation="3"/>'))
    yield "xmp-beside-exif.jpg", with_segments(exif(width), adobe(b'<rdf tiff:Orientation="8"/>'))
    yield "xmp-twice.jpg", with_segments(adobe(b'<rdf tiff:Orientation="8"/>'), adobe(b'<rdf tiff:Orientation="3"/>'))
    yield "after-jfif.jpg", jpeg[:20] + segment(exif((274, SHORT, 1, 5))) + jpeg[20:]
    turned = chunk(b"eXIf", exif((274, SHORT, 1, 6))[6:])
    yield "6.png", png[:33] + turned + png[33:]
    yield "at-the-end.png", png[:-12] + turned + png[-12:]
    yield "xmp.png", png[:33] + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(b'<rdf tiff:Orientation="7"/>')) + png[33:]
    yield "5.webp", saved(im, "WEBP", lossless=True, exif=exif((274, SHORT, 1, 5)))
    yield "xmp.webp", saved(im, "WEBP", lossless=True, xmp=xmp(b'<rdf tiff:Orientation="6"/>'))
    yield "6.tif", saved(im, "TIFF", tiffinfo={274: 6})
    yield "none.bmp", saved(im, "BMP")


def main():
    files = dict(pictures())
    answers = {}
    for name, data in files.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about damaged EXIF data
            im = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        answers[name] = {"width": im.width, "height": im.height, "sha256": hashlib.sha256(im.tobytes()).hexdigest()}
    path = os.path.join(ROOT, "dataset", "testdata", "exif.zip")
    with zipfile.ZipFile(path, "w") as z:
        for name, data in [("answers.json", json.dumps(answers, indent=0).encode()), *files.items()]:
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)
    print(f"{len(files)} pictures, {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
