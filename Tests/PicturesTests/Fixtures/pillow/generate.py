"""Small pictures of every kind, and what Pillow makes of them.

    python generate.py

Made with Pillow 12.0.0 and NumPy. PNGs of kinds that Pillow does not write are put together here from
their chunks (ISO/IEC 15948). Beside the pictures there is expected.safetensors, all uint8:

    NAME              [height, width, 3], the picture NAME.png or NAME.jpg on white. Of 16 bits and of
                      palettes, what the formulas of the format say: round(v / 257).
    source            [47, 61, 3], what is resized and recoloured
    INTERPOLATION.HEIGHTxWIDTH   the source, resized
    fitted.RESIZING   the source as torchvision's Resize(40) and CenterCrop(32), or Resize((40, 40))
                      and CenterCrop(32), with bicubic interpolation
    brightness.F, contrast.F, saturation.F   ImageEnhance with the factor F
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps
from safetensors.numpy import save_file

here = Path(__file__).parent
random = np.random.default_rng(7)
expected = {}


def scene(height, width, channels=3, limit=255):
    """Smooth colours, a sharp edge and a little noise."""
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for channel in range(channels):
        wave = np.sin(x / (5 + channel)) * np.cos(y / (7 - channel)) / 2 + 0.5
        wave[(x > width * 0.6) & (y > height * 0.5)] = channel / max(1, channels)
        planes.append(np.clip(wave + random.normal(0, 0.02, wave.shape), 0, 1))
    return np.round(np.stack(planes, -1) * limit).astype(np.uint32)


# PNG, chunk by chunk.


def chunk(name, content):
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def packed(rows, depth):
    """Rows of samples as bytes, each row with the filter 0 before it."""
    result = b""
    for row in rows:
        flat = row.reshape(-1)
        if depth == 16:
            data = flat.astype(">u2").tobytes()
        elif depth == 8:
            data = flat.astype(np.uint8).tobytes()
        else:
            bits = "".join(format(int(v), f"0{depth}b") for v in flat)
            bits += "0" * (-len(bits) % 8)
            data = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        result += b"\0" + data
    return result


def png(name, samples, color, depth, extra=b"", interlaced=False):
    height, width = samples.shape[:2]
    if interlaced:
        steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        passes = [samples[y::dy, x::dx] for y, x, dy, dx in steps]
        data = b"".join(packed(part, depth) for part in passes if part.size)
    else:
        data = packed(samples, depth)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    (here / f"{name}.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")
    )


def eight(samples, depth):
    return np.floor(samples * 255 / (2**depth - 1) + 0.5)


def on_white(color, alpha):
    """Both from 0 to 255."""
    return np.floor((color * alpha + 255 * (255 - alpha) + 127) / 255)


def keep(name, values):
    expected[name] = np.ascontiguousarray(values.astype(np.uint8))


H, W = 13, 17
for depth in (1, 2, 4, 8, 16):
    gray = scene(H, W, 1, 2**depth - 1)
    png(f"gray{depth}", gray, 0, depth)
    keep(f"gray{depth}", np.repeat(eight(gray, depth), 3, -1))
for depth in (8, 16):
    both = scene(H, W, 2, 2**depth - 1)
    png(f"gray-alpha{depth}", both, 4, depth)
    level = eight(both, depth)
    keep(f"gray-alpha{depth}", np.repeat(on_white(level[..., :1], level[..., 1:]), 3, -1))
    color = scene(H, W, 3, 2**depth - 1)
    for interlaced in (False, True):
        name = f"rgb{depth}" + ("-interlaced" if interlaced else "")
        png(name, color, 2, depth, interlaced=interlaced)
        keep(name, eight(color, depth))
    all_four = scene(H, W, 4, 2**depth - 1)
    for interlaced in (False, True):
        name = f"rgba{depth}" + ("-interlaced" if interlaced else "")
        png(name, all_four, 6, depth, interlaced=interlaced)
        level = eight(all_four, depth)
        keep(name, on_white(level[..., :3], level[..., 3:]))
for depth in (1, 2, 4, 8):
    table = random.integers(0, 256, (2**depth, 3)).astype(np.uint8)
    index = scene(H, W, 1, 2**depth - 1)
    png(f"palette{depth}", index, 3, depth, chunk(b"PLTE", table.tobytes()))
    keep(f"palette{depth}", table[index[..., 0]])
alphas = np.linspace(0, 255, 200).astype(np.uint8)
extra = chunk(b"PLTE", table.tobytes()) + chunk(b"tRNS", alphas.tobytes())
png("palette8-alpha", index, 3, 8, extra)
alpha = np.concatenate([alphas, np.full(56, 255, np.uint8)])[index]
keep("palette8-alpha", on_white(table[index[..., 0]].astype(int), alpha.astype(int)))
# One colour, or one grey, that is transparent.
key = scene(H, W, 3, 255)
key[3:6, 4:9] = (1, 2, 3)
png("rgb8-key", key, 2, 8, chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3)))
seen = key.copy()
seen[3:6, 4:9] = 255
keep("rgb8-key", seen)
gray = scene(H, W, 1, 255)
gray[2:4] = 9
png("gray8-key", gray, 0, 8, chunk(b"tRNS", struct.pack(">H", 9)))
seen = gray.copy()
seen[2:4] = 255
keep("gray8-key", np.repeat(seen, 3, -1))
# Orientation and author in chunks of their own.
exif = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
author = chunk(b"tEXt", "Author\0Zo\xeb  Doe ".encode("latin-1"))
color = scene(H, W, 3, 255)
png("rgb8-turned", color, 2, 8, author + chunk(b"eXIf", exif))
keep("rgb8-turned", np.rot90(color, -1))
png("rgb8-author", color, 2, 8, chunk(b"iTXt", "Author\0\0\0en\0Autorin\0Zoë Łoś".encode()))
keep("rgb8-author", color)

# What Pillow reads must be the same, or the formulas above are wrong. Pillow drops bits of 16 where
# the format rounds, and mixes with another rounding.
for name, values in expected.items():
    if "16" in name:
        continue
    image = ImageOps.exif_transpose(Image.open(here / f"{name}.png")).convert("RGBA")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    white.alpha_composite(image)
    difference = np.abs(np.asarray(white.convert("RGB")).astype(int) - values).max()
    assert difference <= 1, (name, difference)

# JPEG, by Pillow.
for name, height, width, mode, options in [
    ("jpeg-444", 29, 37, "RGB", {"quality": 90, "subsampling": 0}),
    ("jpeg-420", 29, 37, "RGB", {"quality": 80, "subsampling": 2}),
    ("jpeg-progressive", 29, 37, "RGB", {"quality": 85, "progressive": True}),
    ("jpeg-restarts", 29, 37, "RGB", {"quality": 85, "restart_marker_blocks": 2}),
    ("jpeg-gray", 19, 23, "L", {"quality": 85}),
    ("jpeg-cmyk", 19, 23, "CMYK", {"quality": 85}),
]:
    samples = scene(height, width, {"L": 1, "RGB": 3, "CMYK": 4}[mode]).astype(np.uint8)
    Image.fromarray(samples[..., 0] if mode == "L" else samples, mode).save(here / f"{name}.jpg", **options)
    if mode != "CMYK":
        keep(name, np.asarray(Image.open(here / f"{name}.jpg").convert("RGB")))
turned = Image.fromarray(scene(11, 14).astype(np.uint8))
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x013B] = "Zoe Doe"
    name = f"jpeg-turned{orientation}"
    turned.save(here / f"{name}.jpg", quality=90, exif=exif)
    keep(name, np.asarray(ImageOps.exif_transpose(Image.open(here / f"{name}.jpg"))))

# Resizing and colours.
source = scene(47, 61).astype(np.uint8)
keep("source", source)
image = Image.fromarray(source)
methods = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
for interpolation, method in methods.items():
    for height, width in [(24, 31), (94, 90), (47, 20), (13, 61), (5, 3), (1, 1), (7, 130)]:
        keep(f"{interpolation}.{height}x{width}", np.asarray(image.resize((width, height), method)))


def middle(picture, size):
    top, left = (round((side - size) / 2.0) for side in (picture.height, picture.width))
    return picture.crop((left, top, left + size, top + size))


shorter = image.resize((int(40 * 61 / 47), 40), methods["bicubic"])
keep("fitted.shorterSide", np.asarray(middle(shorter, 32)))
keep("fitted.stretch", np.asarray(middle(image.resize((40, 40), methods["bicubic"]), 32)))
for factor in (0.0, 0.4, 1.0, 1.3, 2.0):
    keep(f"brightness.{factor}", np.asarray(ImageEnhance.Brightness(image).enhance(factor)))
    keep(f"contrast.{factor}", np.asarray(ImageEnhance.Contrast(image).enhance(factor)))
    keep(f"saturation.{factor}", np.asarray(ImageEnhance.Color(image).enhance(factor)))
save_file(expected, here / "expected.safetensors")
