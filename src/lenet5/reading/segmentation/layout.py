"""Pieces -> lines of writing from top to bottom, and in each the numbers from left to right."""

from itertools import pairwise

import numpy as np

from lenet5.reading.segmentation.pieces import Piece, median_height

OVERLAP = 0.4  # vertical overlap of neighbours in a line, as a fraction of the lower one's height
SAME_LINE = 0.5  # vertical overlap from which two lines are one, as a fraction of the lower one's height
# A gap separates two numbers if it is at least WIDE_GAP line heights and WIDER times the gap within the line's numbers,
# or ALWAYS line heights; between two digits alone in a line, if it is ONLY_GAP line heights.
WIDE_GAP, WIDER, ALWAYS, ONLY_GAP = 1.0, 2.2, 2.0, 1.6
WITHIN = 0.25  # of a line's gaps are at most as wide as those within its numbers, short as these may be


def lines(found: list[Piece]) -> list[list[Piece]]:
    """Return the lines of writing, from top to bottom, each from left to right.

    Each piece is chained to the nearest one on its right that lies beside it, so a line may rise or fall.
    """
    ordered = sorted(found, key=lambda piece: piece.left)
    line_of = list(range(len(ordered)))
    taken: set[int] = set()
    for index, piece in enumerate(ordered):
        for place in range(index + 1, len(ordered)):
            if place not in taken and _beside(piece, ordered[place]):
                taken.add(place)
                line_of[place] = line_of[index]
                break
    groups: dict[int, list[Piece]] = {}
    for piece, line in zip(ordered, line_of, strict=True):
        groups.setdefault(line, []).append(piece)
    return sorted(
        _one_of_interleaved(list(groups.values())),
        key=lambda group: float(np.mean([piece.top + piece.bottom for piece in group])),
    )


def _one_of_interleaved(lines: list[list[Piece]]) -> list[list[Piece]]:
    """Join lines at the same height: of a broken digit, each part may have begun a line of its own."""
    joined: list[list[Piece]] = []
    for line in sorted(lines, key=len, reverse=True):
        same = next((other for other in joined if _level(line, other)), None)
        if same is None:
            joined.append(line)
        else:
            same[:] = sorted([*same, *line], key=lambda piece: piece.left)
    return joined


def _level(a: list[Piece], b: list[Piece]) -> bool:
    """Whether two lines are about as high in the picture, where they stand one above the other."""
    left, right = max(a[0].left, b[0].left), min(a[-1].right, b[-1].right)
    tops, bottoms = [], []
    for line in (a, b):
        near = [piece for piece in line if piece.right > left and piece.left < right]
        if not near:
            return False
        tops.append(float(np.median([piece.top for piece in near])))
        bottoms.append(float(np.median([piece.bottom for piece in near])))
    heights = [bottom - top for top, bottom in zip(tops, bottoms, strict=True)]
    return min(bottoms) - max(tops) >= SAME_LINE * min(heights)


def _beside(a: Piece, b: Piece) -> bool:
    shared = min(a.bottom, b.bottom) - max(a.top, b.top)
    return shared >= OVERLAP * min(a.height, b.height) and min(a.height, b.height) > 0.3 * max(a.height, b.height)


def numbers(line: list[Piece]) -> list[list[Piece]]:
    """Return a line's numbers: parted where a gap is far wider than the others."""
    if len(line) < 2:
        return [line]
    height = median_height(line)
    gaps = np.array([right.left - left.right for left, right in pairwise(line)], np.float64)
    within = float(np.quantile(gaps, WITHIN, method="lower"))
    wide = max(WIDE_GAP * height, WIDER * within) if len(gaps) > 1 else ONLY_GAP * height
    limit = min(wide, ALWAYS * height)
    parts = [[line[0]]]
    for gap, piece in zip(gaps, line[1:], strict=True):
        if gap > limit:
            parts.append([])
        parts[-1].append(piece)
    return parts
