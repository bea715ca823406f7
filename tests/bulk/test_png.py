"""The decoder of small grey PNG files, against Pillow."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from lenet5.bulk import png


def filtered(image: np.ndarray, kinds: list[int]) -> bytes:
    """A PNG whose rows have the given filters, by the specification's formulas, pixel by pixel."""
    lines = b""
    values = image.astype(int)
    for y in range(28):
        line = []
        for x in range(28):
            a = values[y, x - 1] if x else 0
            b = values[y - 1, x] if y else 0
            c = values[y - 1, x - 1] if x and y else 0
            nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            line.append((values[y, x] - (0, a, b, (a + b) // 2, nearest)[kinds[y]]) % 256)
        lines += bytes([kinds[y], *line])

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def test_every_filter_is_undone_as_pillow_does_it(random: np.random.Generator) -> None:
    images = random.integers(0, 256, (30, 28, 28), np.uint8)
    files = [filtered(image, random.integers(0, 5, 28).tolist()) for image in images]
    assert all((np.asarray(Image.open(io.BytesIO(f))) == image).all() for f, image in zip(files, images, strict=True))
    found, taken = png.decode(files)
    assert taken.all()
    np.testing.assert_array_equal(found, images)


@pytest.mark.parametrize("place", [5, 20, 45, 60, -6, -2])
def test_a_file_with_a_changed_byte_is_left(random: np.random.Generator, place: int) -> None:
    good = filtered(random.integers(0, 256, (28, 28), np.uint8), [4] * 28)
    bad = bytearray(good)
    bad[place] ^= 1
    found, taken = png.decode([good, bytes(bad), good])
    assert taken.tolist() == [True, False, True]
    assert not found[1].any()
