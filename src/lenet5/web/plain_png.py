"""The plainest PNG of a digit, decoded here and not in a worker process.

28x28 pixels, 8-bit grey, not interlaced, is what test images come as, and asking a worker costs more than decoding
them. It is safe in the server itself: nothing but zlib, bounded to 812 bytes, and Python touches the bytes; no
allocation follows what the file says. Any other picture goes to a worker.
"""

import numpy as np
from numpy.typing import NDArray

from lenet5.bulk.png import SIDE, scanlines

MOST_BYTES = 4_096  # a file of our form has about 270 bytes; the walk over the chunks of a larger one takes time


def decode(content: bytes) -> NDArray[np.uint8] | None:
    """Return the image (1, 28, 28), or None for any other file, the damaged among them."""
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
