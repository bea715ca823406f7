"""Candidate cuts of a number: over-segmentation (LeCun 1998, section V).

Candidates are seams: ways from top to bottom, one column to either side at most from row to row, through as little
ink as can be. A seam follows the valley between two digits, goes around what hangs over, and cuts a joint where it is
thinnest. There are more candidates than joints, on purpose: the lattice chooses, with the network's answers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lenet5.data.pixels import extent
from lenet5.reading.cleaning.binarization import Mask
from lenet5.reading.segmentation.pieces import Piece, union

# In heights of the writing.
NARROW = 0.35  # a piece less wide is one digit
STEP = 0.06  # between two columns where a seam is looked for
REACH = 0.3  # how far a seam may leave its column
APART = 0.11  # nearer seams are one: the cheaper stays
DEAREST = 0.65  # a seam through more ink is none
STRAY = 0.1  # pixels of ink that a seam would walk through to come one height nearer to its column, per row
SMALLEST = 0.02  # squares of the height: a seam that cuts off less ink is none


@dataclass(frozen=True, eq=False)
class Slice:
    """Ink between two neighbouring candidate cuts of a number.

    ink  length of ink that the cut on its left crosses, in heights of the writing
    gap  empty columns on its left, in heights of the writing; None where the left side is a cut or the number's end
    """

    piece: Piece
    ink: float
    gap: float | None


def parts(number: list[Piece], height: float) -> list[Slice]:
    """Return a number's ink from left to right, taken apart at every candidate.

    number  the pieces of connected ink, from left to right
    height  of the writing, in the pieces' pixels
    """
    result: list[Slice] = []
    for index, piece in enumerate(number):
        cut, inks = slices(piece, height)
        gap = (piece.left - number[index - 1].right) / height if index else None
        result += [
            Slice(each, ink, None if place else gap) for place, (each, ink) in enumerate(zip(cut, inks, strict=True))
        ]
    return result


def slices(piece: Piece, height: float) -> tuple[list[Piece], list[float]]:
    """Return a piece of connected ink cut at every candidate, and the ink on the left of each slice, in heights."""
    least = SMALLEST * height**2
    columns = np.arange(piece.width)
    left, rest = [], np.ones_like(piece.mask)
    inks = [0.0]
    for seam in seams(piece.mask, height):
        side = columns < seam[:, None]
        if (piece.mask & rest & side).sum() >= least and (piece.mask & ~side).sum() >= least:
            left.append(piece.mask & rest & side)
            inks.append(_ink(piece.mask, seam) / height)
            rest &= ~side
    left.append(piece.mask & rest)
    return [_cropped(piece, mask) for mask in left], inks


def seams(mask: Mask, height: float) -> list[NDArray[np.int64]]:
    """Return the candidates from left to right, uncrossed: each the first column on its right in every row, (H,)."""
    rows, width = mask.shape
    reach, step = max(1, round(REACH * height)), max(1, round(STEP * height))
    centres = np.arange(step, width, step)
    if width < NARROW * height or not centres.size:
        return []
    # (centres, H, 2 reach + 1): each centre's own window; outside of the piece there is no ink and no way.
    ink = np.pad(mask.astype(np.float64), ((0, 0), (reach, reach)), constant_values=rows)
    windows = np.lib.stride_tricks.sliding_window_view(ink, 2 * reach + 1, axis=1)[:, centres].swapaxes(0, 1)
    away = STRAY * np.abs(np.arange(-reach, reach + 1)) / height
    ways = _cheapest(windows + away) + centres[:, None] - reach
    inks = np.array([_ink(mask, way) for way in ways])
    kept: list[NDArray[np.int64]] = []
    for index in np.argsort(inks, kind="stable"):
        far = all(float(np.mean(np.abs(ways[index] - other))) >= APART * height for other in kept)
        if inks[index] <= DEAREST * height and far:
            kept.append(ways[index])
    if not kept:
        return []
    ordered = np.stack(sorted(kept, key=lambda way: float(np.mean(way))))
    return list(np.maximum.accumulate(ordered, axis=0))


def _cheapest(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the cheapest way from top to bottom in each window, (windows, H), by dynamic programming.

    costs  (windows, H, W)
    """
    count, rows, width = costs.shape
    total, came = costs[:, 0], np.zeros((rows, count, width), np.int64)
    for row in range(1, rows):
        wide = np.pad(total, ((0, 0), (1, 1)), constant_values=np.inf)
        # Straight on comes first, so that it wins where two ways cost the same.
        above = np.stack([wide[:, 1:-1], wide[:, :-2], wide[:, 2:]])
        choice = above.argmin(axis=0)
        came[row] = np.arange(width) + np.array([0, -1, 1])[choice]
        total = np.take_along_axis(above, choice[None], axis=0)[0] + costs[:, row]
    ways = np.empty((count, rows), np.int64)
    ways[:, -1] = total.argmin(axis=1)
    for row in range(rows - 1, 0, -1):
        ways[:, row - 1] = came[row][np.arange(count), ways[:, row]]
    return ways


def _ink(mask: Mask, way: NDArray[np.int64]) -> float:
    """Return the pixels of ink on a way."""
    return float(mask[np.arange(len(mask)), np.clip(way, 0, mask.shape[1] - 1)].sum())


def _cropped(piece: Piece, mask: Mask) -> Piece:
    """Return the part of a piece that a mask of the same shape holds."""
    rows, columns = extent(mask)
    return Piece(
        piece.top + rows.start,
        piece.top + rows.stop,
        piece.left + columns.start,
        piece.left + columns.stop,
        mask[rows, columns].copy(),
    )


def span(neighbours: list[Slice]) -> Piece:
    """Return neighbouring parts as one piece."""
    return union(*(part.piece for part in neighbours))
