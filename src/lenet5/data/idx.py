"""The IDX file format of MNIST, read strictly.

A file is four bytes (0, 0, type, number of dimensions), then each dimension as a big-endian uint32, then
the numbers, big-endian, last dimension fastest. It may be packed with gzip, which is told by its first bytes
and not by its name. What is read is never trusted: memory grows only with bytes that are really there.
"""

import gzip
import io
import mmap
import os
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lenet5.errors import IdxError, ShapeError
from lenet5.files import write_atomically

TYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
CODES = {dtype.newbyteorder("="): code for code, dtype in TYPES.items()}
GZIP = b"\x1f\x8b"
MOST_DIMENSIONS = 4
LONGEST_HEADER = 4 + 4 * MOST_DIMENSIONS
MOST_BYTES = 1 << 30
PIECE = 1 << 20  # bytes unpacked at a time

Array = NDArray[Any]


@dataclass(frozen=True)
class Header:
    """What the first bytes of a file say; `start` and `end` are where its numbers lie."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int

    @property
    def end(self) -> int:
        """Bytes of the whole file, as its dimensions promise."""
        return self.start + self.dtype.itemsize * prod(self.shape)  # Python's integers do not overflow


def read(path: Path) -> Array:
    """Return the array in a file, read-only and in this machine's byte order.

    An unpacked file of bytes stays on the disk: only the pages that are looked at come into memory.

    Raises IdxError when the file breaks the format or cannot be read.
    """
    try:
        with path.open("rb") as file:
            if file.read(2) == GZIP:
                file.seek(0)
                return _array(_unpacked(file, str(path)), str(path))
            size = os.fstat(file.fileno()).st_size
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
            return _array(content, str(path))
    except OSError as error:
        raise IdxError(f"{path}: cannot be read ({error.strerror or error}).") from None


def read_bytes(content: bytes | memoryview, name: str) -> Array:
    """Return the array in the content of a file, packed or not; `name` is for errors. Raises IdxError."""
    if bytes(content[:2]) == GZIP:
        return _array(_unpacked(io.BytesIO(content), name), name)
    return _array(content, name)


def write(path: Path, array: Array) -> None:
    """Write an array, packed if the name ends in ".gz". Raises ShapeError for another type, and RunError."""
    code = CODES.get(array.dtype.newbyteorder("="))
    if code is None or not 1 <= array.ndim <= MOST_DIMENSIONS:
        raise ShapeError(
            f"an array of type {array.dtype} with {array.ndim} dimensions has no IDX form; it must have "
            f"1 to {MOST_DIMENSIONS} dimensions and be one of {', '.join(map(str, CODES))}."
        )
    sizes = np.array(array.shape, ">u4").tobytes()
    content = bytes((0, 0, code, array.ndim)) + sizes + array.astype(TYPES[code]).tobytes()
    # Without a time in the header, the same array always gives the same file.
    write_atomically(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def _header(content: bytes | bytearray | memoryview | mmap.mmap, name: str) -> Header:
    """Read type and dimensions from the first bytes. Raises IdxError."""
    first = bytes(content[:LONGEST_HEADER])
    if len(first) < 4:
        raise IdxError(f"{name}: {len(first)} bytes, expected at least 4. The file is cut short.")
    if first[:2] != b"\0\0":
        raise IdxError(f"{name}: begins with {first[:4].hex(' ')}, expected 00 00. This is not an IDX file.")
    dtype, dimensions = TYPES.get(first[2]), first[3]
    if dtype is None:
        known = ", ".join(f"{code:02x}" for code in TYPES)
        raise IdxError(f"{name}: numbers of type {first[2]:02x}, expected one of {known}.")
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise IdxError(f"{name}: {dimensions} dimensions, expected 1 to {MOST_DIMENSIONS}.")
    start = 4 + 4 * dimensions
    if len(first) < start:
        raise IdxError(f"{name}: {len(first)} bytes, but its header alone has {start}. The file is cut short.")
    shape = tuple(np.frombuffer(first, ">u4", dimensions, offset=4).tolist())
    # NumPy refuses sides whose product is too large even where another side is 0.
    promised = start + prod(max(side, 1) for side in shape) * dtype.itemsize
    if promised > MOST_BYTES:
        raise IdxError(f"{name}: promises {promised:,} bytes (shape {shape}), expected at most {MOST_BYTES:,}.")
    return Header(dtype, shape, start)


def _unpacked(file: BinaryIO, name: str) -> bytearray:
    """Unpack gzip: as much as the header promises and one byte, which shows whether more follows."""
    content = bytearray()
    try:
        with gzip.GzipFile(fileobj=file) as stream:
            content += stream.read(LONGEST_HEADER)
            most = _header(content, name).end + 1
            while len(content) < most and (piece := stream.read(min(PIECE, most - len(content)))):
                content += piece
    except EOFError:
        raise IdxError(f"{name}: its gzip stream has no end. The file is cut short.") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise IdxError(f"{name}: broken gzip ({error}). The file is damaged.") from None
    return content


def _array(content: bytes | bytearray | memoryview | mmap.mmap, name: str) -> Array:
    """Make an array of the numbers after the header, in place where the byte order allows it."""
    header = _header(content, name)
    found, promised = len(content), header.end
    if found < promised:
        raise IdxError(
            f"{name}: {found:,} bytes, expected {promised:,} for shape {header.shape}. The file is cut short."
        )
    if found > promised:
        raise IdxError(f"{name}: more than the {promised:,} bytes expected for shape {header.shape}.")
    flat = np.frombuffer(content, header.dtype, prod(header.shape), offset=header.start)
    array = flat.reshape(header.shape).astype(header.dtype.newbyteorder("="), copy=False)
    array.flags.writeable = False
    return array
