"""Binarization of ink: a global threshold for a clean picture, a local one for a rough one."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lenet5.reading.cleaning.grey import Float

Mask = NDArray[np.bool_]
CLEAN = 0.02  # noise of the paper, as a fraction of full ink, up to which the threshold is global
SURE = 0.55  # a piece whose darkest ink is paler is dirt
LOWEST, HIGHEST = 0.25, 0.55  # limits of the global threshold
SMOOTH = 1.2  # px
PALEST = 0.2  # paler ink of a rough picture is not in the mask
SAUVOLA_K, SAUVOLA_R = 0.2, 0.5
BINS = 256
BAND, ENOUGH = 32, 1_000_000  # rows; pixels from which the threshold is computed


def mask(amount: Float, noise: float) -> tuple[Mask, str]:
    """Return the mask of ink, and the method that was used.

    amount  (H, W) ink, 0..1
    noise   of the paper, in the same units
    """
    if noise <= CLEAN:
        threshold = float(np.clip(_threshold(amount), LOWEST, HIGHEST))
        return amount > threshold, f"Otsu's threshold, {threshold:.2f}"
    smooth = ndimage.gaussian_filter(amount, SMOOTH)
    window = int(np.clip(min(smooth.shape) / 15, 15, 101)) | 1
    paper = 1 - smooth
    found = (paper < sauvola(paper, window)) & (smooth > max(PALEST, 3 * noise))
    return _with_a_core(found, smooth), "Sauvola's thresholds"


def _threshold(amount: Float) -> float:
    """Otsu's threshold over pixels near edges, where ink and paper are about as many."""
    # Of a large picture every few bands of rows: enough edges, in a part of the time.
    amount = amount[np.arange(len(amount)) // BAND % -(-amount.size // ENOUGH) == 0]
    edge = ndimage.maximum_filter(amount, 3) - ndimage.minimum_filter(amount, 3) > 0.4
    values = amount[ndimage.binary_dilation(edge, iterations=1)]
    if values.size < 16 or np.ptp(values) == 0:
        return 0.5
    return otsu(values)


def otsu(values: Float) -> float:
    """Return the threshold that maximizes the variance between two classes (Otsu 1979): the middle of one of 256 bins.

    values  of any shape, not all alike
    """
    whole, edges = np.histogram(values, BINS)
    # In single precision, as in scikit-image: of two bins that are nearly as good, rounding chooses.
    counts, middles = whole.astype(np.float32), (edges[:-1] + edges[1:]) / 2
    below, above = np.cumsum(counts), np.cumsum(counts[::-1])[::-1]
    sums = counts * middles
    mean_below, mean_above = np.cumsum(sums) / below, (np.cumsum(sums[::-1]) / np.cumsum(counts[::-1]))[::-1]
    between = below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    return float(middles[np.argmax(between)])


def sauvola(paper: Float, window: int) -> Float:
    """Return a threshold for each pixel, m (1 + k (s / R - 1)) (Sauvola and Pietikäinen 2000): what is below is ink.

    paper   (H, W) 0..1, dark where there is ink
    window  odd: m and s are the mean and standard deviation of the window x window pixels around
    """

    def mean(values: Float) -> Float:
        # Running sums in double precision; what lies outside is mirrored.
        filtered: Float = ndimage.uniform_filter(values, window, output=np.float64, mode="mirror").astype(np.float32)
        return filtered

    means = mean(paper)
    deviations: Float = np.sqrt(np.maximum(mean(paper * paper) - means * means, 0))
    return means * (1 + SAUVOLA_K * (deviations / SAUVOLA_R - 1))


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
