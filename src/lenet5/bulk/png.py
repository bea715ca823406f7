"""Vectorized decoding of thousands of small grey PNG files, the usual format of single digits.

A general decoder spends most of its time on the overhead of each call. Here only decompression is done file by file;
the PNG filters (specification, section 9) are undone for all images together, row by row. Decodes files of 28x28
pixels, 8-bit grey, not interlaced; all others, including damaged ones, are reported for a general decoder.
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from lenet5.spec.digits import SIDE

HEAD = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 13, b"IHDR")
# width, height, 8 bits, grey, deflate, the five filters, not interlaced
PLAIN = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
SCANLINES = SIDE * (SIDE + 1)  # bytes: each row is preceded by its filter type


def decode(contents: list[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the images (N, 28, 28), and (N,) whether each was decoded; images that were not are 0."""
    unpacked = [scanlines(content) for content in contents]
    taken = np.array([lines is not None for lines in unpacked], np.bool_)
    images = np.zeros((len(contents), SIDE, SIDE), np.uint8)
    if taken.any():
        lines = np.frombuffer(b"".join(line for line in unpacked if line is not None), np.uint8)
        lines = lines.reshape(-1, SIDE, SIDE + 1)
        sound = (lines[:, :, 0] <= 4).all(axis=1)
        images[taken] = _unfiltered(lines)
        taken[taken] = sound
    return images, taken


def scanlines(content: bytes) -> bytes | None:
    """Return the decompressed rows with their filter types, or None for other files; checks the CRC of each chunk."""
    if content[:16] != HEAD or content[16:29] != PLAIN:
        return None
    packed, place = [], 8
    while True:
        if place + 12 > len(content):
            return None
        length = int.from_bytes(content[place : place + 4], "big")
        end = place + 12 + length
        if zlib.crc32(content[place + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
            return None
        kind = content[place + 4 : place + 8]
        if kind == b"IEND":
            break
        if kind == b"IDAT":
            packed.append(content[place + 8 : end - 4])
        elif kind == b"tRNS":  # transparency is left to the general decoder
            return None
        place = end
    unpacker = zlib.decompressobj()
    try:
        lines = unpacker.decompress(b"".join(packed), SCANLINES)  # bounded, against decompression bombs
    except zlib.error:
        return None
    return lines if len(lines) == SCANLINES else None


def _unfiltered(lines: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undo the filters: (N, 28, 1 + 28) -> (N, 28, 28). a is the pixel to the left, b above, c above left."""
    images = np.empty((len(lines), SIDE, SIDE), np.uint8)
    above = np.zeros((len(lines), SIDE), np.uint8)
    for y in range(SIDE):
        filters, row = lines[:, y, 0], lines[:, y, 1:].copy()
        for number in np.unique(filters):
            which = np.flatnonzero(filters == number)
            if number == 1:
                row[which] = np.cumsum(row[which], axis=1, dtype=np.uint8)
            elif number == 2:
                row[which] += above[which]
            elif number == 3:
                row[which] = _average(row[which], above[which])
            elif number == 4:
                row[which] = _paeth(row[which], above[which])
        images[:, y] = above = row
    return images


def _average(row: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # Sequential along the row, as each pixel depends on the previous one; vectorized over the images.
    pixels, up = np.ascontiguousarray(row.T), above.T.astype(np.uint16)
    pixels[0] += (up[0] >> 1).astype(np.uint8)
    for x in range(1, SIDE):
        pixels[x] += ((pixels[x - 1] + up[x]) >> 1).astype(np.uint8)
    return pixels.T


def _paeth(row: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    pixels, up = np.ascontiguousarray(row.T), above.T.astype(np.int16)
    pixels[0] += up[0].astype(np.uint8)
    for x in range(1, SIDE):
        a, b, c = pixels[x - 1].astype(np.int16), up[x], up[x - 1]
        to_a, to_b, to_c = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
        nearest = np.where((to_a <= to_b) & (to_a <= to_c), a, np.where(to_b <= to_c, b, c))
        pixels[x] += nearest.astype(np.uint8)
    return pixels.T
