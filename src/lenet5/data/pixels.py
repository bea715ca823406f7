"""Operations on the pixels of one image: the extent of its ink, blocks of pixels, resampling."""

from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

Filter = Literal["box", "bilinear", "bicubic"]
Pixel = TypeVar("Pixel", np.uint8, np.float32)


def extent(ink: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the rows and columns that a mask (H, W) takes, without its empty border; none where it is empty."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not rows.size:
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def blocks(image: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return a view of an image as blocks of factor x factor pixels, (H / factor, factor, W / factor, factor)."""
    height, width = image.shape
    return image.reshape(height // factor, factor, width // factor, factor)


def resampled(image: NDArray[Pixel], height: int, width: int, by: Filter) -> NDArray[Pixel]:
    """Return an image of another size and the same type.

    by  "box": the mean of the area that a pixel covers, to shrink; the others interpolate between pixel centres
    """
    from PIL import Image  # a tenth of a second

    whole = Image.fromarray(np.ascontiguousarray(image))
    return np.asarray(whole.resize((width, height), Image.Resampling[by.upper()]))
