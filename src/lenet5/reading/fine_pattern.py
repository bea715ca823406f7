"""Fine lines printed on the paper, as of cheques, or dots of dithering: where nothing is read, read again without them.

A closing takes away dark lines that fill no small shape; a pen's stroke fills it. An upright shape of one column takes
lines that lie, and leaves of a stroke what a square would take; so does a level shape with lines that stand. A median
takes lines of one pixel at any angle. Smoothing makes dots grey again. Limits were chosen on amounts of cheques
(`results/handwriting.py`, its development half).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lenet5.reading.opening.arrays import Pixels
from lenet5.reading.opening.pictures import Picture
from lenet5.reading.page import Page
from lenet5.reading.segmentation.shapes import MESH

LARGEST = 512  # px: in a larger picture the lines are wider
SHAPES = (
    ndimage.generate_binary_structure(2, 1), np.ones((3, 3), bool), np.ones((3, 1), bool), np.ones((1, 3), bool),
)  # fmt: skip
SIGMA = 1.0  # px
HIGH = 0.2  # of the picture's height that the writing takes; what is left of a texture is lower
WELL = 0.5  # probability of the least sure digit
NOTE = "fine lines or dots were taken away, which hid the writing"


def is_doubtful(page: Page) -> bool:
    """Whether a pattern may hide what is written: the picture is small, and nothing was read, or some ink is a mesh."""
    hidden = not page.digits or any(each.why == MESH for each in page.rejected)
    return hidden and max(page.height, page.width) <= LARGEST


def best(page: Page, picture: Picture, read: Callable[[Picture], Page]) -> tuple[Picture, Page]:
    """Return the picture without a pattern that reads surest, and its page; as they were where none reads well."""
    chosen, least = (picture, page), WELL
    without = [without_lines(picture, shape) for shape in SHAPES]
    for plain in (*without, without_thin_lines(picture), without_dots(picture)):
        found = read(plain)
        if (sure := _probability(found)) >= least and found.digits > page.digits:
            chosen, least = (plain, replace(found, notes=(*found.notes, NOTE))), sure
    return chosen


def without_lines(picture: Picture, shape: NDArray[np.bool_]) -> Picture:
    """Return a picture without what is darker than its surroundings and does not fill a shape."""
    whole = shape if picture.pixels.ndim == 2 else shape[..., None]
    pixels: Pixels = ndimage.grey_closing(picture.pixels, footprint=whole)
    return replace(picture, pixels=pixels)


def without_thin_lines(picture: Picture) -> Picture:
    """Return a picture each of whose pixels is the median of nine."""
    pixels: Pixels = ndimage.median_filter(picture.pixels, (3, 3, 1)[: picture.pixels.ndim])
    return replace(picture, pixels=pixels)


def without_dots(picture: Picture) -> Picture:
    """Return a smoothed picture."""
    pixels: Pixels = ndimage.gaussian_filter(picture.pixels, (SIGMA, SIGMA, 0)[: picture.pixels.ndim])
    return replace(picture, pixels=pixels)


def _probability(page: Page) -> float:
    """Return that of the least sure digit where a page is one line over much of its height; otherwise 0."""
    digits = [digit for number in page.numbers for digit in number.digits]
    if len(page.lines) != 1 or max(digit.box.bottom - digit.box.top for digit in digits) < HIGH * page.height:
        return 0.0
    return min(digit.answers[0].probability for digit in digits)
