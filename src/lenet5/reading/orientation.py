"""Pictures that lie on their side or stand on their head: tried turned where they read badly as they are.

Limits were chosen on numbers drawn of pen strokes and strings of MNIST's digits (`results/handwriting.py`, its
development half).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from lenet5.reading.opening.arrays import Pixels
from lenet5.reading.opening.pictures import Picture
from lenet5.reading.page import Box, Page, with_boxes
from lenet5.reading.recognition.slashes import ONE
from lenet5.spec.digits import NOT_A_DIGIT

WELL, BADLY = 0.9, 0.8  # mean probability of a page's marks that is good enough, and that leads to a try
GAIN = 0.1  # by which a turned page must read better
HEAD_GAIN = 0.25  # the same upside down, where 0, 1, 6, 8 and 9 are digits, too
# A number on its side makes lines of one or two digits.
ALMOST_WELL, NARROW, NARROW_GAIN = 0.95, 2, 0.03
FEWEST = 3  # digits of a number: fewer do not tell which way is up
TURNS = {1: "by 90 degrees to the left", 2: "upside down", 3: "by 90 degrees to the right"}


@dataclass(frozen=True)
class Quality:
    """How well a page reads: the mean probability of its marks, their count, and the digits of its longest number.

    Numbers of 1s alone do not count as long: turned by 90 degrees, hatching is full of them.
    """

    probability: float
    marks: int
    longest: int


def quality(page: Page) -> Quality:
    """Return how well a page reads; a mark that the network takes for no digit counts 0."""
    sure = [digit.answers[0].probability for number in page.numbers for digit in number.digits]
    marks = len(sure) + sum(each.why.startswith(NOT_A_DIGIT) for each in page.rejected)
    longest = max((len(number.digits) for number in page.numbers if set(number.text) != {ONE}), default=0)
    return Quality(sum(sure) / max(marks, 1), marks, longest)


def is_doubtful(page: Page) -> bool:
    """Whether a page reads so badly that it may be turned."""
    own = quality(page)
    return own.marks >= FEWEST and (
        own.probability < BADLY or (own.longest <= NARROW and own.probability < ALMOST_WELL)
    )


def best(upright: Page, picture: Picture, read: Callable[[Picture], Page]) -> tuple[int, Page]:
    """Return by how many quarters to the left a picture reads best, and what is read so; 0 and `upright` in doubt.

    upright  what is read without turning
    """
    own, chosen, well = quality(upright), (0, upright), WELL
    for quarters in TURNS:
        page = read(turned(picture, quarters))
        found = quality(page)
        if found.longest >= FEWEST and found.probability >= max(well, own.probability + _gain(own, quarters)):
            well, chosen = found.probability, (quarters, page)
    return chosen


def _gain(own: Quality, quarters: int) -> float:
    """Return by how much a page must read better when it is turned."""
    if quarters == 2:
        return HEAD_GAIN
    return NARROW_GAIN if own.longest <= NARROW else GAIN


def turned(picture: Picture, quarters: int) -> Picture:
    """Return a picture turned to the left."""
    pixels: Pixels = np.ascontiguousarray(np.rot90(picture.pixels, quarters))  # type: ignore[assignment]
    return replace(picture, pixels=pixels)


def turned_back(page: Page, quarters: int) -> Page:
    """Return a page that was read turned with its boxes in the picture as it lies, and a note."""
    width, height = page.width, page.height
    for _ in range(quarters):
        page, width, height = _to_the_right(page, height), height, width
    note = f"was read turned {TURNS[quarters]}, for so it reads better"
    return replace(page, width=width, height=height, notes=(*page.notes, note))


def _to_the_right(page: Page, height: int) -> Page:
    """Return a page whose boxes are turned by 90 degrees to the right; height of the picture before."""

    def box(old: Box) -> Box:
        return Box(height - old.bottom, old.left, height - old.top, old.right)

    return with_boxes(page, box)
