"""Ends of strokes that lie in a ruled line: the base of a 2, the lower end of a 0, the foot of a 1."""

import numpy as np
from scipy import ndimage

from lenet5.reading.cleaning.binarization import Mask
from lenet5.reading.cleaning.line_candidates import EVERYWHERE
from lenet5.reading.cleaning.strokes import stroke_width

LOW = 0.4  # of the writing's height: what is lower and lies on a line is a rough place of it
WIDE = 1.2  # of the writing's height: what is wider is more than one digit
WHOLE = 0.75  # of the pen's width: a thicker rest of a stroke is good enough
DEEP = 0.3  # of the writing's height: no end of a stroke lies deeper in a line


def feet(strokes: Mask, taken: Mask, height: float) -> Mask:
    """Return what was taken with a line although it belongs to a stroke that stands on the line or hangs from it.

    That is what lies beside a rest of a stroke that is thinner than the pen. Between two places where a piece meets a
    line that it does not cross, its curve ran in the line.

    strokes  (H, W) the ink without ruling
    taken    (H, W) the level lines
    height   of the writing, px
    """
    result = np.zeros_like(taken)
    if not taken.any():
        return result
    pen = round(WHOLE * stroke_width(strokes))
    for step in (1, -1):  # on lines, under them
        result[::step] |= _standing(strokes[::step], taken[::step], height, pen)
    return result


def _standing(strokes: Mask, taken: Mask, height: float, pen: int) -> Mask:
    labels, _ = ndimage.label(strokes, EVERYWHERE)
    places = ndimage.find_objects(labels)
    above = np.zeros_like(labels)
    above[1:] = labels[:-1]
    rows, columns = np.nonzero(taken & (above > 0))
    piece = above[rows, columns]
    whole = np.all([strokes[np.maximum(rows - up, 0), columns] for up in range(1, pen + 1)], axis=0)
    met = np.zeros_like(taken)
    order = np.argsort(piece, kind="stable")
    for own in np.split(order, np.flatnonzero(np.diff(piece[order])) + 1) if len(order) else []:
        down, across, extent = rows[own], columns[own], places[piece[own[0]] - 1][0]
        if extent.stop - extent.start < LOW * height:
            continue
        met[down, across] |= ~whole[own]
        top, bottom, left, right = down.min(), down.max() + 1, across.min(), across.max() + 1
        parted = right - left > len(np.unique(across))
        if parted and extent.stop <= bottom and right - left <= WIDE * height:
            met[top:bottom, left:right] |= taken[top:bottom, left:right]
    down, across = np.nonzero(met)
    for _ in range(round(DEEP * height)):
        inside = down < len(taken) - 1
        down, across = down[inside] + 1, across[inside]
        deeper = taken[down, across]
        down, across = down[deeper], across[deeper]
        met[down, across] = True
    return met
