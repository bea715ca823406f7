"""The segmented picture: pieces of ink in lines and numbers, with the ink that they are cut from."""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from lenet5.reading.cleaning import skew
from lenet5.reading.cleaning.grey import Float
from lenet5.reading.cleaning.strokes import stroke_width
from lenet5.reading.page import Box
from lenet5.reading.segmentation.pieces import Piece
from lenet5.reading.segmentation.signs import Sign


@dataclass(frozen=True, eq=False)
class Found:
    """Pieces that may be digits, in working pixels.

    lines     from top to bottom, each a list of numbers, each a list of pieces from left to right
    ink       (H, W) ink without ruling, level, 0..1
    height    of the writing, in working pixels; 0 without any
    rejected  pieces whose shape is no digit's, each with why
    notes     sentences for a person
    taken     pixels of ink taken away as ruling
    signs     small pieces between digits that are one, see `signs.py`
    columns   of each number in `lines`: its column in a ruled table, counted from 1; None outside
    """

    lines: list[list[list[Piece]]]
    ink: Float
    height: float
    rejected: list[tuple[Piece, str]]
    notes: list[str]
    degrees: float
    shape: tuple[int, int]
    factor: int
    width: int
    picture_height: int
    taken: int = 0
    signs: list[Sign] = field(default_factory=list)
    columns: list[list[int | None]] = field(default_factory=list)

    def box(self, found: list[Piece]) -> Box:
        """Return the box of pieces in pixels of the picture."""
        left, right = min(piece.left for piece in found), max(piece.right for piece in found)
        top, bottom = min(piece.top for piece in found), max(piece.bottom for piece in found)
        corners = np.array([(x, y) for x in (left, right) for y in (top, bottom)], np.float64)
        if self.degrees:
            corners = skew.turned_back(corners, self.degrees, self.ink.shape, self.shape)
        low, high = np.floor(corners.min(axis=0) * self.factor), np.ceil(corners.max(axis=0) * self.factor)
        width, height = self.width, self.picture_height
        return Box(
            int(np.clip(low[0], 0, width)), int(np.clip(low[1], 0, height)),
            int(np.clip(high[0], 0, width)), int(np.clip(high[1], 0, height)),
        )  # fmt: skip

    def patch(self, piece: Piece) -> Float:
        """Return the ink of a piece alone: its own pixels and their soft edges, (H, W) 0..1."""
        wide = stroke_width(piece.mask)
        reach = max(1, round(0.35 * wide))
        rows = slice(max(piece.top - reach, 0), min(piece.bottom + reach, self.ink.shape[0]))
        columns = slice(max(piece.left - reach, 0), min(piece.right + reach, self.ink.shape[1]))
        near = np.zeros((rows.stop - rows.start, columns.stop - columns.start), bool)
        top, left = piece.top - rows.start, piece.left - columns.start
        near[top : top + piece.height, left : left + piece.width] = piece.mask
        alone: Float = self.ink[rows, columns] * ndimage.binary_dilation(near, np.ones((3, 3)), iterations=reach)
        return alone
