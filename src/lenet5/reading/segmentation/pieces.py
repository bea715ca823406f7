"""Connected ink -> pieces that may be digits: broken strokes joined, specks dropped."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from lenet5.reading.cleaning.binarization import Mask
from lenet5.reading.cleaning.strokes import stroke_width
from lenet5.reading.segmentation.crosses import crossed

MOST_PIECES = 20_000  # a texture has more; a full page of figures has fewer
# The next four are in heights of the writing.
SPECK = 0.16  # a piece smaller than this in both directions is dirt
WHOLE = 0.45  # least height of a digit; a lower piece may be part of one
NEAR = 0.3  # largest distance between the parts of a digit
DUST = 0.04  # a piece smaller than this in both directions is ignored
# A point or a minus is not joined to a digit beside it if it is FREE heights of the writing away and BELOW_TOP heights
# below its top. A point is at most DOT heights wide, with a fraction FILLED of its box inked; a minus is at least LYING
# times as wide as high.
FREE, BELOW_TOP, DOT, FILLED, LYING = 0.06, 0.2, 0.25, 0.5, 1.8
RING = (0.12, 0.45)  # least and largest side of a percent sign's ring
MEASURED = 40  # pieces, the largest, by which the strokes are measured
GAP_STEPS = 24  # to how many parts the distance of a near piece is measured
EVERYWHERE = np.ones((3, 3))


@dataclass(frozen=True, eq=False)
class Piece:
    """Some ink that belongs together, in working pixels: rows top to bottom, columns left to right, ends excluded.

    mask  (bottom - top, right - left) bool
    """

    top: int
    bottom: int
    left: int
    right: int
    mask: Mask

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def area(self) -> int:
        """Pixels of ink."""
        return int(self.mask.sum())


def pieces(mask: Mask) -> list[Piece] | None:
    """Return the connected pieces of ink, corners counted as contact; None where there are too many for writing."""
    labels, count = ndimage.label(mask, EVERYWHERE)
    if count > MOST_PIECES:
        sizes = np.bincount(labels.ravel())
        if (sizes[1:] > 4).sum() > MOST_PIECES:
            return None
    found = []
    for index, place in enumerate(ndimage.find_objects(labels, count), 1):
        rows, columns = place
        if (rows.stop - rows.start) * (columns.stop - columns.start) > 3:
            found.append(Piece(rows.start, rows.stop, columns.start, columns.stop, labels[place] == index))
    return found


def height_of_writing(found: list[Piece]) -> float:
    """Return the usual height: half of the ink is in pieces at least that high. Rows of specks do not count."""
    if not found:
        return 0.0
    heights = np.array([max(piece.height, piece.width / 2) for piece in found])
    ink = np.array([piece.area for piece in found], np.float64)
    order = np.argsort(heights)
    return float(heights[order][np.searchsorted(np.cumsum(ink[order]), ink.sum() / 2)])


def pen_width(found: list[Piece]) -> float:
    """Return how wide the strokes of the largest pieces are, in pixels; 0 without any."""
    largest = sorted(found, key=lambda piece: -piece.area)[:MEASURED]
    return float(np.median([stroke_width(piece.mask) for piece in largest])) if largest else 0.0


def median_height(found: list[Piece]) -> float:
    """Return the median of the pieces' heights, in pixels."""
    return float(np.median([piece.height for piece in found]))


def joined(found: list[Piece], height: float) -> tuple[list[Piece], list[Piece]]:
    """Return the digits' pieces, each whole, and the specks that belong to none.

    A part of a digit is low or small, and close to a piece that is a digit, or stands over or under another part of
    the same width. Two pieces that may both be digits are never joined, however close they are.
    """
    wholes = [piece for piece in found if piece.height >= WHOLE * height]
    dust = DUST * height
    parts = [piece for piece in found if dust <= max(piece.height, piece.width) and piece.height < WHOLE * height]
    wholes = _stacked(wholes, height)
    wholes, parts = _with_rings(wholes, parts, height)
    boxes = _Boxes(wholes)
    specks, late = [], []
    for part in sorted(parts, key=lambda piece: -piece.area):
        near = [
            (gap, index)
            for index in boxes.near(part, NEAR * height)
            if (gap := _gap(part, wholes[index], NEAR * height)) is not None
            and not _sign_beside(part, wholes[index], height)
        ]
        if near and _union_height(part, wholes[min(near)[1]]) <= 1.5 * height:
            index = min(near)[1]
            wholes[index] = union(wholes[index], part)
            boxes.grow(index, wholes[index])
        elif max(part.height, part.width) < SPECK * height:
            specks.append(part)
        else:
            late.append(part)
    return wholes + _stacked(late, height), specks


def _with_rings(wholes: list[Piece], parts: list[Piece], height: float) -> tuple[list[Piece], list[Piece]]:
    """Join each stroke with a ring at its upper left and one at its lower right: a percent sign."""
    rings = [part for part in parts if all(RING[0] <= side / height <= RING[1] for side in (part.height, part.width))]
    taken: list[Piece] = []
    for index, whole in enumerate(wholes):
        middle, centre = (whole.top + whole.bottom) / 2, whole.left + whole.right
        near = [ring for ring in rings if _gap(ring, whole, NEAR * height) is not None]
        upper = [ring for ring in near if ring.bottom <= middle and ring.left + ring.right < centre]
        lower = [ring for ring in near if ring.top >= middle and ring.left + ring.right > centre]
        if len(upper) == len(lower) == 1:
            wholes[index] = union(whole, *upper, *lower)
            taken += upper + lower
    return wholes, [part for part in parts if not any(part is each for each in taken)]


def _sign_beside(part: Piece, whole: Piece, height: float) -> bool:
    """Whether a part stands free beside a digit, below its top: compact as a point, lying as a minus, or a cross."""
    apart = max(part.left - whole.right, whole.left - part.right)
    below = (part.top + part.bottom) / 2 > whole.top + BELOW_TOP * whole.height
    compact = part.width <= DOT * height and part.area > FILLED * part.width * part.height
    return (
        apart >= FREE * height and below and (compact or part.width >= LYING * part.height or bool(crossed(part.mask)))
    )


class _Boxes:
    """The boxes of pieces as one array, to find those near another without looking at each."""

    def __init__(self, found: list[Piece]) -> None:
        self.sides = np.array([_sides(piece) for piece in found], np.int64).reshape(-1, 4)

    def near(self, piece: Piece, most: float) -> list[int]:
        """Return the indices of the boxes at a distance of at most `most` pixels."""
        top, bottom, left, right = self.sides.T
        apart = np.maximum(
            np.maximum(left - piece.right, piece.left - right), np.maximum(top - piece.bottom, piece.top - bottom)
        )
        return [int(index) for index in np.flatnonzero(apart <= most)]

    def grow(self, index: int, piece: Piece) -> None:
        """Take over what a piece has become."""
        self.sides[index] = _sides(piece)


def _sides(piece: Piece) -> tuple[int, int, int, int]:
    return piece.top, piece.bottom, piece.left, piece.right


def _stacked(parts: list[Piece], height: float) -> list[Piece]:
    """Join pieces that stand one over another, close, and together are no higher than a digit."""
    done: list[Piece] = []
    boxes = _Boxes([])
    for part in sorted(parts, key=lambda piece: piece.top):
        for index in boxes.near(part, 0.2 * height):
            if _one_over_another(part, done[index], height):
                done[index] = union(done[index], part)
                boxes.grow(index, done[index])
                break
        else:
            done.append(part)
            boxes.sides = np.vstack([boxes.sides, _sides(part)])
    return done


def _one_over_another(a: Piece, b: Piece, height: float) -> bool:
    over = min(a.right, b.right) - max(a.left, b.left)
    beside = min(a.bottom, b.bottom) - max(a.top, b.top)
    return (
        over >= 0.5 * min(a.width, b.width)
        and beside <= 0.3 * min(a.height, b.height)
        and _union_height(a, b) <= 1.25 * height
        and _gap(a, b, 0.2 * height) is not None
    )


def _union_height(a: Piece, b: Piece) -> int:
    return max(a.bottom, b.bottom) - min(a.top, b.top)


def _gap(a: Piece, b: Piece, most: float) -> float | None:
    """Return the distance between the ink of two pieces in pixels, None where it is more than `most`."""
    apart = max(a.left - b.right, b.left - a.right, a.top - b.bottom, b.top - a.bottom, 0)
    if apart > most:
        return None
    step = max(1, int(most) // GAP_STEPS)  # of large pieces every few pixels are looked at: time stays bounded
    reach = (int(most) // step + 2) * step
    top, left = a.top - reach, a.left - reach
    window = np.zeros((a.height + 2 * reach, a.width + 2 * reach), bool)
    rows = slice(max(b.top - top, 0), max(min(b.bottom - top, window.shape[0]), 0))
    columns = slice(max(b.left - left, 0), max(min(b.right - left, window.shape[1]), 0))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return None
    window[rows, columns] = b.mask[
        rows.start + top - b.top : rows.stop + top - b.top, columns.start + left - b.left : columns.stop + left - b.left
    ]
    ours, theirs = a.mask[::step, ::step], window[::step, ::step]
    if not ours.any() or not theirs.any():
        return None
    start = reach // step
    away = step * ndimage.distance_transform_edt(~theirs)
    nearest = float(away[start : start + ours.shape[0], start : start + ours.shape[1]][ours].min())
    return nearest if nearest <= most else None


def union(*found: Piece) -> Piece:
    """Return pieces as one."""
    top, left = min(piece.top for piece in found), min(piece.left for piece in found)
    bottom, right = max(piece.bottom for piece in found), max(piece.right for piece in found)
    mask = np.zeros((bottom - top, right - left), bool)
    for piece in found:
        mask[piece.top - top : piece.bottom - top, piece.left - left : piece.right - left] |= piece.mask
    return Piece(top, bottom, left, right, mask)
