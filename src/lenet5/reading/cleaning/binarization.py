"""Ink -> where there is ink and where not: one threshold for a clean picture, one for each place in a rough one."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lenet5.reading import extras
from lenet5.reading.cleaning.grey import Float

Mask = NDArray[np.bool_]
CLEAN = 0.02  # noise of the paper, in parts of the full ink, up to which one threshold does
SURE = 0.55  # ink that a piece must hold somewhere, or it is dirt
LOWEST, HIGHEST = 0.25, 0.55  # where the one threshold may lie
SMOOTH = 1.2  # px
PALEST = 0.2  # ink of a rough picture
SAUVOLA_K = 0.2
BAND, ENOUGH = 32, 1_000_000  # rows; pixels


def mask(amount: Float, noise: float) -> tuple[Mask, str]:
    """Return where ink is, and how that was told.

    amount  (H, W) ink, 0..1
    noise   of the paper, in the same units
    """
    if noise <= CLEAN:
        threshold = float(np.clip(_otsu(amount), LOWEST, HIGHEST))
        return amount > threshold, f"Otsu's threshold, {threshold:.2f}"
    smooth = ndimage.gaussian_filter(amount, SMOOTH)
    found = _sauvola(smooth) & (smooth > max(PALEST, 3 * noise))
    return _with_a_core(found, smooth), "Sauvola's thresholds"


def _otsu(amount: Float) -> float:
    """Otsu's threshold over pixels near edges, where ink and paper are about as many."""
    # Of a large picture every few bands of rows: enough edges, in a part of the time.
    amount = amount[np.arange(len(amount)) // BAND % -(-amount.size // ENOUGH) == 0]
    edge = ndimage.maximum_filter(amount, 3) - ndimage.minimum_filter(amount, 3) > 0.4
    values = amount[ndimage.binary_dilation(edge, iterations=1)]
    if values.size < 16 or np.ptp(values) == 0:
        return 0.5
    return float(extras.library("skimage.filters").threshold_otsu(values))


def _sauvola(amount: Float) -> Mask:
    """Sauvola and Pietikäinen's threshold (2000) in a window of 1/15 of the shorter side."""
    window = int(np.clip(min(amount.shape) / 15, 15, 101)) | 1
    paper = 1 - amount
    thresholds = extras.library("skimage.filters").threshold_sauvola(paper, window_size=window, k=SAUVOLA_K, r=0.5)
    found: Mask = paper < thresholds
    return found


def _with_a_core(found: Mask, amount: Float) -> Mask:
    """Keep the pieces that are dark somewhere: a shadow's edge and grain are not."""
    labels, count = ndimage.label(found, np.ones((3, 3)))
    if not count:
        return found
    sure = np.zeros(count + 1, bool)
    sure[np.unique(labels[amount > SURE])] = True
    sure[0] = False
    kept: Mask = sure[labels]
    return kept
