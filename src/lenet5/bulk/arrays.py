"""Memory-mapped IDX and NPY files of uint8 images."""

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lenet5.data import idx, npy
from lenet5.errors import IdxError, Lenet5Error, ShapeError
from lenet5.inference.mnist_form import mnist_form


def length(path: Path) -> int:
    """Return the number of images in a file. Raises Lenet5Error when it holds something else."""
    return len(opened(path))


def part(path: Path, start: int, stop: int) -> NDArray[np.uint8]:
    """Return some images of a file, (stop - start, 28, 28). Raises Lenet5Error."""
    return mnist_form(np.array(opened(path)[start:stop]))


def opened(path: Path) -> NDArray[np.uint8]:
    """Return the array in a file, memory-mapped; a compressed one in memory. Raises Lenet5Error."""
    # A mapped file is closed after each part, because touched pages count towards this process's memory.
    return _unpacked(path) if path.suffix.lower() == ".gz" else _open(path)


@lru_cache(maxsize=1)  # the last file is unpacked only once, as its shards come one after another
def _unpacked(path: Path) -> NDArray[np.uint8]:
    return _open(path)


def _open(path: Path) -> NDArray[np.uint8]:
    found = _mapped(path) if path.suffix.lower() == ".npy" else idx.read(path)
    if found.dtype != np.uint8 or found.ndim < 2:
        raise ShapeError(f"{path}: expected an array of uint8 images (N, 28, 28).")
    try:
        mnist_form(found[:0])
    except Lenet5Error as error:
        raise ShapeError(f"{path}: {error}") from None
    return found


def _mapped(path: Path) -> NDArray[Any]:
    """Return the memory-mapped array of an NPY file. Raises IdxError."""
    try:
        with path.open("rb") as file:
            header = npy.header(file, path.stat().st_size, str(path))
        if not header.count:
            return np.empty(header.shape, header.dtype)
        order: Literal["F", "C"] = "F" if header.fortran else "C"
        return np.memmap(path, header.dtype, "r", header.start, header.shape, order)
    except (OSError, ValueError) as error:
        raise IdxError(f"{path}: cannot be read ({error}).") from None
