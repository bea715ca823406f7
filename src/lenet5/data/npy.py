"""The header of NumPy's `.npy` files, read strictly: what it promises is compared with what is there.

A file is the magic number, a version, the length of the header, and a Python dictionary as text with the type, the
order and the shape of the array; then the numbers. NumPy's own reader believes a shape before it looks at the file.
"""

import ast
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO

import numpy as np

from lenet5.errors import IdxError

MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 10_000  # as NumPy allows
MOST_DIMENSIONS = 8
KINDS = "biuf"  # booleans and numbers


@dataclass(frozen=True)
class Header:
    """What the first bytes of a file say; `start` is where its numbers begin."""

    dtype: np.dtype[Any]
    fortran: bool
    shape: tuple[int, ...]
    start: int

    @property
    def count(self) -> int:
        """How many numbers the array has."""
        return prod(self.shape)


def header(file: BinaryIO, size: int, name: str, kinds: str = KINDS) -> Header:
    """Read a header; `size` is that of the whole file in bytes, `name` is for errors.

    kinds  of the types that are expected, by NumPy's letters

    Raises IdxError when it is damaged, promises more than the file holds, or the array is of another kind.
    """
    first = file.read(10)
    if len(first) < 10 or first[:6] != MAGIC:
        raise IdxError(f"{name}: not a readable NPY file; it does not begin with NumPy's magic number.")
    wide = first[6] > 1
    length = int.from_bytes(first[8:10] + (file.read(2) if wide else b""), "little")
    start = (12 if wide else 10) + length
    if first[6] not in (1, 2, 3) or length > LONGEST_HEADER or start > size:
        raise IdxError(f"{name}: not a readable NPY file; its header is of another version, too long or cut short.")
    try:
        told = ast.literal_eval(file.read(length).decode("utf-8" if first[6] == 3 else "latin-1").strip())
        code, fortran, shape = told["descr"], told["fortran_order"], told["shape"]
        dtype = np.dtype(code) if isinstance(code, str) else None
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError):
        raise IdxError(f"{name}: not a readable NPY file; its header is damaged.") from None
    if dtype is None or dtype.kind not in kinds or not dtype.itemsize:
        if dtype is not None and dtype.kind == "O":
            raise IdxError(f"{name}: holds Python objects, which would run as code when they are read; expected an "
                           "array of numbers or text, as from np.array(labels.tolist()).")  # fmt: skip
        raise IdxError(f"{name}: holds {dtype or 'records'}; expected an array of numbers.")
    sizes = isinstance(shape, tuple) and all(type(number) is int and number >= 0 for number in shape)
    if not sizes or len(shape) > MOST_DIMENSIONS or type(fortran) is not bool:
        raise IdxError(f"{name}: not a readable NPY file; its header is damaged (a shape must be some whole numbers).")
    found = Header(dtype, fortran, shape, start)
    if max(shape, default=0) > size or start + found.count * dtype.itemsize > size:
        raise IdxError(f"{name}: promises shape {shape}, more than its {size:,} bytes hold; the file is cut short.")
    return found
