"""Decoding of simple PNG digits in the server, without a worker process.

Test images are usually 28x28 pixels, 8-bit grey, not interlaced, and calling a worker costs more than decoding them.
This is safe in the server: only zlib, bounded to 812 bytes, and Python touch the bytes, and no allocation depends on
values in the file. Any other picture goes to a worker.
"""

import numpy as np
from numpy.typing import NDArray

from lenet5.bulk.png import scanlines
from lenet5.spec.digits import SIDE

MOST_BYTES = 4_096  # larger files are not decoded here; typical ones have about 270


def decode(content: bytes) -> NDArray[np.uint8] | None:
    """Return the image (1, 28, 28), or None for any other file, including damaged ones."""
    lines = scanlines(content) if len(content) <= MOST_BYTES else None
    if lines is None or max(lines[:: SIDE + 1]) > 4:
        return None
    image, above = bytearray(), bytes(SIDE)
    for start in range(0, len(lines), SIDE + 1):
        row = bytearray(lines[start + 1 : start + 1 + SIDE])
        _unfilter(lines[start], row, above)
        image += row
        above = bytes(row)
    return np.frombuffer(bytes(image), np.uint8).reshape(1, SIDE, SIDE)


def _unfilter(kind: int, row: bytearray, above: bytes) -> None:
    """Undo a row's filter in place (PNG specification, section 9). a is to the left, b above, c above left."""
    a = c = 0
    if kind == 1:
        for x in range(SIDE):
            row[x] = a = (row[x] + a) & 255
    elif kind == 2:
        for x in range(SIDE):
            row[x] = (row[x] + above[x]) & 255
    elif kind == 3:
        for x in range(SIDE):
            row[x] = a = (row[x] + ((a + above[x]) >> 1)) & 255
    elif kind == 4:
        for x in range(SIDE):
            b = above[x]
            to_a, to_b, to_c = abs(b - c), abs(a - c), abs(a + b - 2 * c)
            nearest = a if to_a <= to_b and to_a <= to_c else b if to_b <= to_c else c
            row[x] = a = (row[x] + nearest) & 255
            c = b
