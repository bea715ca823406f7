"""Paper with a printed pattern of fine lines, as cheques have it: where nothing is read, read again without them.

A closing takes away what fills no small shape; a pen's stroke fills it. Limits were chosen on amounts of cheques
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

LARGEST = 512  # px: in a larger picture the lines are wider
SHAPES = (ndimage.generate_binary_structure(2, 1), np.ones((3, 3), bool))
WELL = 0.5  # probability of the least sure digit
NOTE = "a fine pattern of the paper was taken away"


def is_doubtful(page: Page) -> bool:
    """Whether a pattern may hide what is written: the picture is small, and nothing was read."""
    return not page.digits and max(page.height, page.width) <= LARGEST


def best(page: Page, picture: Picture, read: Callable[[Picture], Page]) -> tuple[Picture, Page]:
    """Return the picture without a pattern that reads surest, and its page; as they were where none reads well."""
    chosen, least = (picture, page), WELL
    for shape in SHAPES:
        plain = without(picture, shape)
        found = read(plain)
        if (sure := _probability(found)) >= least:
            chosen, least = (plain, replace(found, notes=(*found.notes, NOTE))), sure
    return chosen


def without(picture: Picture, shape: NDArray[np.bool_]) -> Picture:
    """Return a picture without what is darker than its surroundings and does not fill a shape."""
    whole = shape if picture.pixels.ndim == 2 else shape[..., None]
    pixels: Pixels = ndimage.grey_closing(picture.pixels, footprint=whole)
    return replace(picture, pixels=pixels)


def _probability(page: Page) -> float:
    """Return that of the least sure digit; 0 without digits."""
    return min((digit.answers[0].probability for number in page.numbers for digit in number.digits), default=0.0)
