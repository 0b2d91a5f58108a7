"""Prints what the reference implementation of safetensors makes of files.

    python verdicts.py FILES

FILES holds files one after the other, each behind its length (64 bits, little-endian). Prints for each
a line of JSON: null if it is refused, otherwise an object from the name of each tensor to
`[type, shape, bytes in hexadecimal]`.
"""

import json
import struct
import sys

from safetensors import SafetensorError, deserialize


def verdict(content):
    try:
        tensors = deserialize(content)
    except SafetensorError:
        return None
    return {name: [t["dtype"], t["shape"], bytes(t["data"]).hex()] for name, t in tensors}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], "rb") as file:
        while length := file.read(8):
            print(json.dumps(verdict(file.read(*struct.unpack("<Q", length)))))


if __name__ == "__main__":
    main()
