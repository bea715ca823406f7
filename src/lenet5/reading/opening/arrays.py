"""Arrays as callers have them -> pixels: (H, W) or (H, W, 3) uint8, or (H, W) float32 0..1."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.errors import ReadingError
from lenet5.reading.opening.limits import check_size

Pixels = NDArray[np.uint8] | NDArray[np.float32]
EXPECTED = "expected one image: (H, W), (H, W, 1), (H, W, 3), (H, W, 4), (1, H, W), (3, H, W) or (4, H, W)"


def from_array(image: Any, name: str) -> Pixels:
    """Return an array's pixels. Raises ReadingError, saying what was expected and what came."""
    try:
        given = np.asarray(image)
    except Exception:
        given = np.asarray(None)
    if given.dtype.kind not in "buif":
        kind = type(image).__name__
        raise ReadingError(f"{name}: is a {kind}; expected a path, bytes, a Pillow image or an array of numbers.")
    given = _channels_last(given, name)
    check_size(name, given.shape[1], given.shape[0])
    if given.ndim == 3 and given.shape[2] == 4:
        return _opaque(given, name)
    levels = _levels(given, name)
    if levels.ndim == 3 and levels.dtype != np.uint8:  # colour in 8 bits, as pictures have it
        return np.rint(levels * 255).astype(np.uint8)
    return levels


def _channels_last(given: NDArray[Any], name: str) -> Any:
    """Return (H, W) or (H, W, 3 or 4)."""
    shape = given.shape
    if given.ndim == 2 and given.size:
        return given
    if given.ndim == 3 and given.size:
        if shape[2] == 1:
            return given[:, :, 0]
        if shape[2] in (3, 4):
            return given
        if shape[0] == 1:
            return given[0]
        if shape[0] in (3, 4):
            return np.moveaxis(given, 0, 2)
    raise ReadingError(f"{name}: an array of shape {shape} came; {EXPECTED}.")


def _opaque(given: NDArray[Any], name: str) -> Pixels:
    """Lay (H, W, 4) on white."""
    levels = _levels(given, name)
    shares = (levels / 255 if levels.dtype == np.uint8 else levels).astype(np.float32)
    alpha = shares[..., 3:]
    laid: NDArray[np.uint8] = np.rint(255 * (shares[..., :3] * alpha + 1 - alpha)).astype(np.uint8)
    return laid


def _levels(given: NDArray[Any], name: str) -> Pixels:
    """Return uint8, or float32 0..1."""
    if given.dtype == np.uint8:
        return np.ascontiguousarray(given)
    if given.dtype == np.bool_:
        return given * np.uint8(255)
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        bad = int(given.size - np.isfinite(given).sum())
        raise ReadingError(f"{name}: {bad:,} of {given.size:,} numbers are NaN or infinite; a picture has none.")
    low, high = given.min(), given.max()
    tops = (1, 255) if given.dtype.kind == "f" else (255, 65535)
    top = tops[0] if high <= tops[0] else tops[1]
    if low < 0 or high > top:
        raise ReadingError(
            f"{name}: numbers of type {given.dtype} run from {low} to {high}; expected 0..{tops[0]} or 0..{tops[1]}."
        )
    if top == 255 and given.dtype.kind != "f":
        return given.astype(np.uint8)
    return (given / top).astype(np.float32)
