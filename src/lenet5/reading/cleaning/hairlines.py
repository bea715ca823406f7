"""Remnants of pale or broken ruling: straight runs far thinner than the strokes of the writing."""

import numpy as np
from scipy import ndimage

from lenet5.reading.cleaning.binarization import Mask
from lenet5.reading.segmentation.pieces import Piece

LOOKED_AT = 40  # pieces, the largest, by which the strokes are measured
THIN = 0.5  # of the strokes' width: a run that is thinner is no stroke
LONG = 0.75  # of the writing's height: a run that is shorter may be the bar of a 7
MOST = 0.4  # of all ink: where more is thin, it is the writing


def without_hairlines(mask: Mask, pieces: list[Piece], height: float) -> tuple[Mask, Mask]:
    """Return the mask without level and upright hairlines, and what was taken away.

    mask    (H, W)
    pieces  of the mask
    height  of the writing, px
    """
    wide = strokes_width(pieces)
    side, run = int(THIN * wide) + 1, max(8, round(LONG * height)) | 1  # odd, so that filters do not shift
    none = np.zeros_like(mask)
    if side < 2 or min(mask.shape) <= run:
        return mask, none
    thin = mask & ~ndimage.binary_opening(mask, np.ones((side, side)))
    taken = _runs(thin, run) | _runs(thin.T, run).T
    if taken.sum() > MOST * mask.sum():
        return mask, none
    return mask & ~taken, taken


def strokes_width(pieces: list[Piece]) -> float:
    """Return how wide the strokes of the largest pieces are, in pixels; 0 without any."""
    largest = sorted(pieces, key=lambda piece: -piece.area)[:LOOKED_AT]
    ridges = [
        float(np.percentile(away[away > 0], 90))
        for piece in largest
        if (away := ndimage.distance_transform_edt(np.pad(piece.mask, 1))).any()
    ]
    return 2 * float(np.median(ridges)) - 1 if ridges else 0.0


def _runs(thin: Mask, run: int) -> Mask:
    """Return the level runs of at least `run` pixels; one that is a little rough or off level still counts."""
    spread = ndimage.maximum_filter1d(thin.view(np.uint8), 3, axis=0)
    long = ndimage.minimum_filter1d(spread, run, axis=1, mode="constant")
    whole: Mask = ndimage.maximum_filter1d(long, run, axis=1).view(bool) & thin
    return whole
