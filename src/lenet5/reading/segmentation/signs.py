"""Signs between digits, told by shape and place alone: minus, equals, point, comma, colon.

The network has no classes for signs. A low or small piece beside the digits of a line is one where it stands as that
sign does; sizes are in heights of the writing.
"""

from dataclasses import dataclass

import numpy as np

from lenet5.reading.segmentation.pieces import Piece

MINUS_WIDTH = (0.2, 1.2)
LYING = 1.8  # least width of a minus, in multiples of its height
DOT, COMMA = 0.3, 0.5  # largest side of a point, largest height of a comma
PEN = 0.54  # of the strokes' width: a thinner point is dirt
REACH = 0.9  # largest gap between a sign and the digit beside it
MIDDLE, LOW = (0.25, 0.8), 0.75  # where a minus and a point stand: 0 is the top of the digits beside, 1 their base line
TWO = {"'.": ":", "--": "="}  # signs of two pieces, the upper and the lower
BELOW = 0.08  # a comma goes down below the base line


@dataclass(frozen=True, eq=False)
class Sign:
    """Pieces that are a sign, which it is, and the digit beside it."""

    pieces: list[Piece]
    text: str
    beside: Piece


def signs(small: list[Piece], line: list[Piece], height: float, pen: float) -> list[Sign]:
    """Return the signs among small pieces that stand in a line, from left to right.

    line    its digits, from left to right
    height  of the writing, px
    pen     width of its strokes, px
    """
    found = []
    for piece in sorted(small, key=lambda piece: piece.left):
        if near := _beside(piece, line, height):
            text = _sign(piece, near, height, pen)
            found += [Sign([piece], text, near[0])] if text else []
    return _of_two(found, height)


def _beside(piece: Piece, line: list[Piece], height: float) -> list[Piece]:
    """Return the nearest digits of a line on the left and on the right; none where it stands over or under one."""
    middle = (piece.left + piece.right) / 2
    if any(digit.left <= middle <= digit.right for digit in line):
        return []
    before = [digit for digit in line if digit.right < middle and piece.left - digit.right <= REACH * height]
    after = [digit for digit in line if digit.left > middle and digit.left - piece.right <= REACH * height]
    return [*before[-1:], *after[:1]]


def _sign(piece: Piece, near: list[Piece], height: float, pen: float) -> str:
    """Return "-", "=", ".", "," or "'" for a dot above the base line, of which two are a colon; "" for no sign."""
    top, base = (float(np.mean([getattr(digit, side) for digit in near])) for side in ("top", "bottom"))
    level = ((piece.top + piece.bottom) / 2 - top) / max(base - top, 1)
    wide, high = piece.width / height, piece.height / height
    double = _is_double(piece)
    lying = wide >= (1.0 if double else LYING) * high and MINUS_WIDTH[0] <= wide <= MINUS_WIDTH[1]
    if lying and MIDDLE[0] <= level <= MIDDLE[1] and near[-1].left >= piece.right:
        return "=" if double else "-"
    if len(near) < 2 or min(piece.width, piece.height) < PEN * pen or wide > DOT or high > COMMA:
        return ""
    if level > LOW:
        return "," if piece.bottom > base + BELOW * height and high > wide else "."
    return "'" if high <= DOT and level > 0 else ""


def _is_double(piece: Piece) -> bool:
    """Whether a piece is two strokes with paper between them, one above the other."""
    return not piece.mask.any(axis=1).all()


def _of_two(found: list[Sign], height: float) -> list[Sign]:
    """Join a dot over a point to a colon, and a minus over another to an equals sign; a dot alone is no sign."""
    result: list[Sign] = []
    for each in sorted(found, key=lambda sign: -sign.pieces[0].top):
        below = next((other for other in result if _one_over_another(each, other, height)), None)
        if below is not None and each.text + below.text in TWO:
            result.remove(below)
            result.append(Sign(each.pieces + below.pieces, TWO[each.text + below.text], each.beside))
        else:
            result.append(each)
    return sorted((each for each in result if each.text != "'"), key=lambda sign: sign.pieces[0].left)


def _one_over_another(upper: Sign, lower: Sign, height: float) -> bool:
    a, b = upper.pieces[0], lower.pieces[0]
    return a.bottom <= b.top and abs((a.left + a.right) - (b.left + b.right)) <= 2 * DOT * height
