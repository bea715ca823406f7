"""Shapes of pieces that no digit has: dashes, blots, meshes, shadows along the edge, drawn lines."""

import numpy as np
from scipy import ndimage

from lenet5.reading.cleaning.strokes import stroke_width
from lenet5.reading.segmentation.pieces import Piece

FLAT = 0.3  # height of the writing; a lower piece is a dash,
LYING = 2.5  # where its width is at least this multiple of its height
LOW, FALLING = 0.5, 38.0  # a straight stroke less high than LOW and within FALLING degrees of level is a dash, too
STRAIGHT = 0.25  # a straight stroke's extent across, in parts of that along it
LARGE = 2.6  # times the height of the writing: a drawing, a stain, a frame
FINE = 0.004  # ink in squares of a piece's longer side; with less it is a drawn line, not writing
HATCHED = 0.5  # fraction of the ink in drawn lines from which nothing is writing
# A blot is at least BROAD times as wide as high, or as high as wide, and its strokes take BLOT of its narrower side.
BROAD, BLOT = 0.55, 0.6
ALONG = 0.5  # fraction of a piece's side on the picture's edge from which it is a shadow
MOST_HOLES = 50  # a digit has two, a speckled one some more
SMALL = DASH, TOO_SMALL = "a dash", "too small for this writing"
MESH = "a mesh"
SHADOW = "runs along the picture's edge"


def no_digit(piece: Piece, height: float, page: tuple[int, ...]) -> str | None:
    """Return why a piece's shape is no digit's, None where it may be one.

    height  of the writing
    page    (H, W) of the picture
    """
    if max(piece.height, piece.width / 2) > LARGE * height:
        return "too large for this writing"
    if piece.height < FLAT * height and piece.width > LYING * piece.height:
        return DASH
    if piece.height < LOW * height and _is_nearly_level(piece):
        return DASH
    if piece.height < FLAT * height:
        return TOO_SMALL
    if _along_an_edge(piece, page):
        return SHADOW
    if _holes(piece) > MOST_HOLES:
        return MESH
    sides = sorted((piece.height, piece.width))
    if sides[0] > BROAD * sides[1] and stroke_width(piece.mask) > BLOT * sides[0]:
        return "a blot"
    return None


def hatched(found: list[Piece]) -> bool:
    """Whether most of the ink is in pieces that have less of it than the finest stroke along their longer side."""
    drawn = sum(piece.area for piece in found if piece.area < FINE * max(piece.height, piece.width) ** 2)
    return drawn > HATCHED * sum(piece.area for piece in found)


def _is_nearly_level(piece: Piece) -> bool:
    """Whether a piece is a straight stroke that nearly lies."""
    rows, columns = np.nonzero(piece.mask)
    if len(rows) < 2:
        return False
    (down, both), (_, across) = np.cov(rows, columns)
    low, high = np.linalg.eigvalsh([[down, both], [both, across]])
    degrees = np.degrees(0.5 * np.arctan2(2 * abs(both), across - down))
    return bool(low <= STRAIGHT**2 * high and degrees <= FALLING)


def _along_an_edge(piece: Piece, page: tuple[int, ...]) -> bool:
    """Whether one side of a piece lies on the picture's edge, as a shadow's does, and the other side on none."""
    for low, high, length, first, last in (
        (piece.top, piece.bottom, page[0], piece.mask[0], piece.mask[-1]),
        (piece.left, piece.right, page[1], piece.mask[:, 0], piece.mask[:, -1]),
    ):
        at_low, at_high = low == 0, high == length
        if at_low != at_high and (first if at_low else last).mean() > ALONG:
            return True
    return False


def _holes(piece: Piece) -> int:
    """Return how many parts of the paper a piece's ink surrounds."""
    return int(ndimage.label(np.pad(~piece.mask, 1, constant_values=True))[1]) - 1
