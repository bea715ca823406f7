"""Pictures cut close to their ink: read again with a margin of paper around them, as dark and as bright writing.

Without a margin neither the paper's brightness nor what touches the edge tells writing from background, and a piece of
background may look like a digit. Limits were chosen on digits drawn of pen strokes (`results/handwriting.py`, its
development half).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lenet5.reading.opening.pictures import Picture
from lenet5.reading.page import Box, Page, with_boxes
from lenet5.reading.segmentation.shapes import SHADOW
from lenet5.spec.digits import NOT_A_DIGIT

LARGEST = 512  # px: a larger picture is no digit cut out
MARGIN = 0.5  # of the picture's longer side
PAPER = {False: 95, True: 5}  # percentile of the pixels that is the paper's, by whether the writing is brighter
SPANNED = 0.8  # of the picture's height and width that the number takes; where nothing was read, of one of both
WELL = 0.95  # probability of the least sure digit
NOTE = "was read with a margin of paper added, for it is cut close to its ink"


def is_doubtful(page: Page) -> bool:
    """Whether a page may be cut close: it is small, and nothing was read, or ink touches its edge."""
    if max(page.height, page.width) > LARGEST:
        return False
    boxes = [digit.box for number in page.numbers for digit in number.digits]
    return not page.digits or _has_shadow(page) or any(_touches(box, page) for box in boxes)


def best(page: Page, picture: Picture, read: Callable[[Picture, bool], Page]) -> tuple[bool | None, Page]:
    """Return whether the writing is brighter than its paper, and what is read with a margin; None and `page` if surer.

    page  what was read without a margin
    read  what reads a picture, given whether its writing is bright
    """
    chosen: tuple[bool | None, Page] = (None, page)
    least = max(WELL, _probability(page))
    for bright in PAPER:
        with_paper = without_margin(read(with_margin(picture, bright), bright), picture)
        if (sure := _probability(with_paper, alone=not page.digits)) > least:
            least, chosen = sure, (bright, with_paper)
    return chosen


def with_margin(picture: Picture, bright: bool) -> Picture:
    """Return a picture with paper around it, as bright as its own."""
    pixels, wide = picture.pixels, _margin(picture)
    paper = np.percentile(pixels, PAPER[bright], axis=(0, 1)).astype(pixels.dtype)
    framed = np.empty((pixels.shape[0] + 2 * wide, pixels.shape[1] + 2 * wide, *pixels.shape[2:]), pixels.dtype)
    framed[:] = paper
    framed[wide:-wide, wide:-wide] = pixels
    return replace(picture, pixels=framed)


def without_margin(page: Page, picture: Picture) -> Page:
    """Return a page that was read with a margin, its boxes moved back into the picture, with a note."""
    wide, width, height = _margin(picture) * picture.shrunk, picture.width, picture.height

    def box(old: Box) -> Box:
        left, right = (int(np.clip(each - wide, 0, width)) for each in (old.left, old.right))
        top, bottom = (int(np.clip(each - wide, 0, height)) for each in (old.top, old.bottom))
        return Box(left, top, right, bottom)

    return replace(with_boxes(page, box), width=width, height=height, notes=(*page.notes, NOTE))


def _has_shadow(page: Page) -> bool:
    return any(each.why == SHADOW for each in page.rejected)


def _touches(box: Box, page: Page) -> bool:
    return box.left <= 0 or box.top <= 0 or box.right >= page.width or box.bottom >= page.height


def _margin(picture: Picture) -> int:
    return round(MARGIN * max(int(side) for side in picture.pixels.shape[:2]))


def _probability(page: Page, *, alone: bool = False) -> float:
    """Return that of the least sure digit where a page is one number that spans it, and nothing else; otherwise 0.

    alone  whether there is no other reading; then a number may span the height only and have paper on both sides, or
           the width only and have paper above and below
    """
    numbers = list(page.numbers)
    if len(numbers) != 1 or _has_shadow(page) or any(each.why.startswith(NOT_A_DIGIT) for each in page.rejected):
        return 0.0
    number = numbers[0]
    high, wide = number.box.bottom - number.box.top, number.box.right - number.box.left
    spans_height, spans_width = high >= SPANNED * page.height, wide >= SPANNED * page.width
    paper_beside = number.box.left > 0 and number.box.right < page.width
    paper_above_and_below = number.box.top > 0 and number.box.bottom < page.height
    spans_one = (spans_height and paper_beside) or (spans_width and paper_above_and_below)
    if number.marks or not ((spans_height and spans_width) or (alone and spans_one)):
        return 0.0
    return min(digit.answers[0].probability for digit in number.digits)
