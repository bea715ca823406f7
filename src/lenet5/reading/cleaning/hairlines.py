"""Remnants of pale or broken ruling: straight runs far thinner than the strokes of the writing."""

import numpy as np
from scipy import ndimage

from lenet5.reading.cleaning.binarization import Mask

THIN = 0.45  # of the strokes' width: a run that is thinner is no stroke
LONG = 0.75  # of the writing's height: a run that is shorter may be the bar of a 7
MOST = 0.4  # of all ink: where more is thin, it is the writing


def without_hairlines(mask: Mask, pen: float, height: float) -> tuple[Mask, Mask]:
    """Return the mask without level and upright hairlines, and what was taken away.

    mask    (H, W)
    pen     width of the strokes, px
    height  of the writing, px
    """
    side, run = int(THIN * pen) + 1, max(8, round(LONG * height)) | 1  # odd, so that filters do not shift
    none = np.zeros_like(mask)
    if side < 2 or min(mask.shape) <= run:
        return mask, none
    thin = mask & ~ndimage.binary_opening(mask, np.ones((side, side)))
    taken = _runs(thin, run) | _runs(thin.T, run).T
    if taken.sum() > MOST * mask.sum():
        return mask, none
    return mask & ~taken, taken


def _runs(thin: Mask, run: int) -> Mask:
    """Return the level runs of at least `run` pixels; one that is a little rough or off level still counts."""
    spread = ndimage.maximum_filter1d(thin.view(np.uint8), 3, axis=0)
    long = ndimage.minimum_filter1d(spread, run, axis=1, mode="constant")
    whole: Mask = ndimage.maximum_filter1d(long, run, axis=1).view(bool) & thin
    return whole
