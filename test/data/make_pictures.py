"""Writes fixtures/pictures.json: small picture files, and of each what Pillow's convert("RGB") makes of it.

usage: python3 make_pictures.py, with Pillow, NumPy and jpegtran (libjpeg-turbo)
"""
import base64
import io
import json
import os
import struct
import subprocess
import tempfile
import zlib

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 21, 13
y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
noise = np.random.default_rng(0).integers(-30, 30, (HEIGHT, WIDTH, 4))
bands = np.stack([x * 12, y * 19, (x + y) * 7, 255 - x * 9], -1) + noise
bands = np.clip(bands, 0, 255).astype("uint8")
rgb = Image.fromarray(bands[..., :3])
cmyk = Image.fromarray(bands, "CMYK")
files = {}


def save(name, image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    files[name] = file.getvalue()


def jpeg(name, image, **options):
    save(name, image, "JPEG", **{"quality": 85, "optimize": True, **options})


def jpegtran(name, source, *options, scans=None):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "in")
        open(path, "wb").write(files[source])
        if scans:
            script = os.path.join(folder, "scans")
            open(script, "w").write(scans)
            options += ("-scans", script)
        files[name] = subprocess.run(["jpegtran", *options, path], capture_output=True, check=True).stdout


def transformed(source, transform):
    """The same samples under another colour transform of Adobe's marker."""
    at = source.index(b"Adobe") + 11
    return source[:at] + bytes([transform]) + source[at + 1 :]


jpeg("420.jpg", rgb)
jpeg("422.jpg", rgb, subsampling=1)
jpeg("444.jpg", rgb, subsampling=0)
jpeg("gray.jpg", rgb.convert("L"))
jpeg("one.jpg", rgb.crop((0, 0, 1, 1)))
jpeg("progressive.jpg", rgb, progressive=True)
jpegtran("restart.jpg", "420.jpg", "-restart", "1B")
jpegtran("scans.jpg", "420.jpg", scans="0;\n1;\n2;\n")
jpegtran("arithmetic.jpg", "420.jpg", "-arithmetic")
jpeg("cmyk.jpg", cmyk)
jpeg("cmyk420.jpg", cmyk, subsampling=2)
jpeg("cmyk422.jpg", cmyk, subsampling=1)
jpeg("cmykProgressive.jpg", cmyk, progressive=True, quality=95)
jpegtran("cmykRestart.jpg", "cmyk420.jpg", "-restart", "1B")
jpegtran("cmykScans.jpg", "cmyk420.jpg", scans="0;\n1;\n2;\n3;\n")
jpegtran("cmykTall.jpg", "cmyk422.jpg", "-transpose")
files["ycck.jpg"] = transformed(files["cmyk420.jpg"], 2)
jpegtran("ycckProgressive.jpg", "ycck.jpg", "-progressive")


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(name, depth, colour, rows, interlace=0, before=b"", **compression):
    """A PNG of rows that begin with their filters; compressed as told."""
    packer = zlib.compressobj(**compression)
    data = packer.compress(b"".join(rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, interlace)
    body = chunk(b"IHDR", header) + before + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    files[name] = b"\x89PNG\r\n\x1a\n" + body


def packed(samples, depth):
    """Rows without a filter; samples [H, W] or [H, W, C] of `depth` bits."""
    flat = samples.reshape(samples.shape[0], -1).astype("uint16")
    bits = (flat[..., None] >> np.arange(depth - 1, -1, -1)) & 1
    return [b"\0" + row.tobytes() for row in np.packbits(bits.reshape(len(flat), -1).astype("uint8"), axis=1)]


def adam7(samples, depth):
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    parts = [samples[top::down, left::right] for left, top, right, down in passes]
    return [row for part in parts if part.size for row in packed(part, depth)]


colours = bands[..., :3]
palette = chunk(b"PLTE", bytes((i * 37) % 256 for i in range(48)))
for depth in (1, 2, 4, 8):
    png(f"gray{depth}.png", depth, 0, packed((x * 2654435 + y * 97) % 2**depth, depth))
    png(f"palette{depth}.png", depth, 3, packed((x + 3 * y) % min(16, 2**depth), depth), before=palette)
png("rgb16.png", 16, 2, packed(colours.astype("uint16") * 257 - (colours > 0), 16))
png("interlaced.png", 8, 2, adam7(colours, 8), interlace=1)
png("interlaced1.png", 1, 0, adam7((x ^ y) & 1, 1), interlace=1)
png("interlacedPalette.png", 4, 3, adam7((x + y) % 16, 4), interlace=1, before=palette)
png("stored.png", 8, 2, packed(colours, 8), level=0)
png("fixed.png", 8, 2, packed(colours // 64, 8), strategy=zlib.Z_FIXED)
png("runs.png", 8, 2, packed(colours * 0, 8), strategy=zlib.Z_RLE)
png("filters.png", 8, 2, [bytes([i % 5]) + row[1:] for i, row in enumerate(packed(colours, 8))])
save("grayAlpha.png", Image.fromarray(np.ascontiguousarray(bands[..., 1:3]), "LA"), "PNG")
save("alpha.png", Image.fromarray(bands, "RGBA"), "PNG")
save("transparent.png", rgb, "PNG", transparency=tuple(int(v) for v in colours[0, 0]))

save("lossy.webp", rgb, "WEBP", quality=80)
save("lossless.webp", rgb, "WEBP", lossless=True)
save("alpha.webp", Image.fromarray(bands, "RGBA"), "WEBP", quality=80)
save("exif.webp", rgb, "WEBP", quality=60, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")
save("animation.webp", rgb, "WEBP", save_all=True, append_images=[rgb.rotate(180)], duration=100)

table = {}
for name, file in files.items():
    image = Image.open(io.BytesIO(file)).convert("RGB")
    table[name] = {
        "file": base64.b64encode(file).decode(),
        "size": list(image.size),
        "crc": zlib.crc32(image.tobytes()),
    }
target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "pictures.json")
with open(target, "w") as out:
    json.dump(table, out, indent=2)
