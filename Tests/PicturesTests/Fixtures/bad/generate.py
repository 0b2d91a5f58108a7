"""Files that are no good pictures, each with one thing wrong.

    python generate.py

They are put together from their chunks and segments, and from two good pictures beside this folder. What
a reader has to say about each stands in BadPictureTests.swift.
"""

import struct
import zlib
from pathlib import Path

here = Path(__file__).parent
jpeg = (here / "../pillow/jpeg-420.jpg").read_bytes()

signature = b"\x89PNG\r\n\x1a\n"


def write(name, content):
    (here / name).write_bytes(content)


def chunk(name, content, checksum=None):
    body = name + content
    return struct.pack(">I", len(content)) + body + (checksum or struct.pack(">I", zlib.crc32(body)))


def header(width=4, height=3, depth=8, color=2, compression=0, filtering=0, interlace=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, compression, filtering, interlace))


rows = b"".join(b"\0" + bytes(range(12)) for _ in range(3))
data = chunk(b"IDAT", zlib.compress(rows))
end = chunk(b"IEND", b"")
good = signature + header() + data + end

# No pictures at all.
write("empty.png", b"")
write("text.png", b"This is not a picture.\n")
write("page.jpg", b"<!DOCTYPE html><html><body>404 Not Found</body></html>\n")
write("drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>\n")
write("pointer.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
write("image.gif", b"GIF89a\x01\0\x01\0\0\0\0;")
write("image.webp", b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0")
write("image.heic", b"\0\0\0\x18ftypheic\0\0\0\0")
write("image.bmp", b"BM\x1e\0\0\0\0\0\0\0")
write("image.tiff", b"II*\0\x08\0\0\0")
write("document.pdf", b"%PDF-1.7\n")
write("zeros.png", bytes(64))

# PNG: what is there.
write("half-signature.png", signature[:5])
write("signature.png", signature)
write("wrong-signature.png", good.replace(b"\r\n", b"\n", 1))
write("no-header.png", signature + data + end)
write("two-headers.png", signature + header() + header() + data + end)
write("no-pixels.png", signature + header() + end)
write("no-palette.png", signature + header(color=3) + chunk(b"IDAT", zlib.compress(rows)) + end)
write("unknown-chunk.png", signature + header() + chunk(b"ABCD", b"") + data + end)
write("endless-chunk.png", signature + header() + b"\xff\xff\xff\xffIDAT" + rows)
write("long-chunk.png", signature + header() + b"\x7f\xff\xff\xffIDAT" + rows)
write("no-end.png", signature + header() + data)
write("cut-in-pixels.png", (signature + header() + data)[:-10])

# PNG: what the header says.
write("wrong-checksum.png", signature + header()[:-1] + b"\0" + data + end)
write("zero-width.png", signature + header(width=0) + data + end)
write("zero-height.png", signature + header(height=0) + data + end)
write("depth-3.png", signature + header(depth=3) + data + end)
write("color-5.png", signature + header(color=5) + data + end)
write("compression-1.png", signature + header(compression=1) + data + end)
write("filter-method-1.png", signature + header(filtering=1) + data + end)
write("interlace-2.png", signature + header(interlace=2) + data + end)
write("bomb.png", signature + header(20990, 29700) + data + end)
write("huge.png", signature + header(2**31 - 1, 2**31 - 1, 16, 6) + data + end)
write("long-line.png", signature + header(65536, 1) + data + end)

# PNG: the pixels.
write("no-deflate.png", signature + header() + chunk(b"IDAT", b"\xff" * 20) + end)
write("damaged-deflate.png", signature + header() + chunk(b"IDAT", zlib.compress(rows)[:4] + b"\xff" * 12) + end)
write("row-missing.png", signature + header() + chunk(b"IDAT", zlib.compress(rows[:26])) + end)
write("filter-7.png", signature + header() + chunk(b"IDAT", zlib.compress(b"\x07" + rows[1:])) + end)
write("transparency-checksum.png", signature + header() + chunk(b"tRNS", bytes(6))[:-1] + b"\0" + data + end)
write("pixels-checksum.png", signature + header() + data[:-1] + b"\0" + end)

# Allowed, and harmless.
bomb = zlib.compress(bytes(30_000_000), 9)
write("text-bomb.png", signature + header() + chunk(b"zTXt", b"Author\0\0" + bomb) + data + end)
write("profile-bomb.png", signature + header() + chunk(b"iCCP", b"a\0\0" + bomb) + data + end)
write("after-the-end.png", good + b"something else")
write("wrong-exif.png", signature + header() + chunk(b"eXIf", b"II*\0\xff\xff\xff\x7f") + data + end)

# JPEG.


def replaced(content, old, new):
    assert content.count(old) == 1, (content.count(old), old)
    return content.replace(old, new)


start = jpeg.index(b"\xff\xc0")  # length, precision, height, width, components
frame = jpeg[start : start + 19]
scan = jpeg.index(b"\xff\xda")


def segment(content, marker):
    at = content.index(marker)
    return content[at : at + 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]]


def framed(precision=8, height=29, width=37, rest=frame[9:], marker=b"\xff\xc0"):
    return replaced(jpeg, frame, marker + frame[2:4] + struct.pack(">BHH", precision, height, width) + rest)


write("half-start.jpg", jpeg[:2])
write("start.jpg", jpeg[:3])
write("start-and-end.jpg", b"\xff\xd8\xff\xd9")
write("no-frame.jpg", jpeg[:start] + jpeg[start + 19 :])
write("no-scan.jpg", jpeg[:scan] + b"\xff\xd9")
write("no-quantization.jpg", replaced(jpeg, segment(jpeg, b"\xff\xdb"), b""))
write("cut-in-header.jpg", jpeg[: start + 8])
write("cut-in-scan.jpg", jpeg[: scan + 60])
write("no-end.jpg", jpeg[:-2])
write("early-end.jpg", jpeg[: scan + 60] + b"\xff\xd9")
write("zero-width.jpg", framed(width=0))
write("zero-height.jpg", framed(height=0))
write("bomb.jpg", framed(height=65500, width=65500))
write("twelve-bits.jpg", framed(precision=12))
write("lossless.jpg", framed(marker=b"\xff\xc3"))
write("hierarchical.jpg", framed(marker=b"\xff\xc5"))
write("two-components.jpg", replaced(jpeg, frame, b"\xff\xc0\0\x0e" + frame[4:9] + b"\x02" + frame[10:16]))
write("sampling-0.jpg", framed(rest=frame[9:11] + b"\0" + frame[12:]))
write("inks.jpg", (here / "../pillow/jpeg-cmyk.jpg").read_bytes())
write("zero-length-segment.jpg", jpeg[:2] + b"\xff\xe0\0\0" + jpeg[2:])
# One block of three colours, grey, whose 63 other coefficients have a scan each: 190 scans, all valid.
table = b"\xff\xc4\0\x14%c\x01" + bytes(15) + b"\0"
many = b"\xff\xd8" + segment(jpeg, b"\xff\xdb")[:69].replace(b"\0\x84", b"\0\x43", 1)
many += b"\xff\xc2\0\x11\x08\0\x08\0\x08\x03" + b"".join(b"%c\x11\0" % number for number in (1, 2, 3))
many += table % 0 + table % 0x10
many += b"\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\0\0\x1f"
for number in (1, 2, 3):
    for place in range(1, 64):
        many += b"\xff\xda\0\x08\x01%c\0%c%c\0\x7f" % (number, place, place)
write("many-scans.jpg", many + b"\xff\xd9")
few = many.index(b"\xff\xda\0\x08\x01\x02")
write("63-scans.jpg", many[:few] + b"\xff\xd9")

# Allowed, and harmless.
exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\x01\0\0\0\x09\0\0\0" * 3
write("wrong-exif.jpg", jpeg[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif + jpeg[2:])
write("after-the-end.jpg", jpeg + b"something else")
