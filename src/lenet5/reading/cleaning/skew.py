"""Skew of lines of writing, and deskewing."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lenet5.reading.cleaning.binarization import Mask
from lenet5.reading.cleaning.grey import Float

MOST_DEGREES = 15.0
COARSE, FINE = 1.0, 0.1  # degrees between the angles that are tried
POINTS = 20_000
GAIN = 1.25  # least gain in sharpness for which the picture is rotated
LEAST_TURN = 0.3  # degrees


def angle(mask: Mask) -> float:
    """Return by how many degrees, clockwise, the lines of writing are turned; 0 where that cannot be told.

    At the right angle ink gathers in few rows and leaves others empty: the squares of the rows' sums are largest. A
    picture of one digit or one column has no direction; there the angle would be the digit's own slant.
    """
    rows, columns = np.nonzero(mask)
    if not rows.size or np.ptp(columns) < 2.5 * np.ptp(rows) ** 0.5 * 4 or _lonely(rows, columns):
        return 0.0
    step = -(-rows.size // POINTS)
    rows, columns = rows[::step].astype(np.float64), columns[::step].astype(np.float64)
    bin_px = max(1.0, max(mask.shape) / 500)

    def sharpness(degrees: float) -> float:
        turn = np.radians(degrees)
        across = (rows * np.cos(turn) - columns * np.sin(turn)) / bin_px
        places = (across - across.min()).astype(np.int64)
        return float((np.bincount(places).astype(np.float64) ** 2).sum())

    tried = np.arange(-MOST_DEGREES, MOST_DEGREES + COARSE / 2, COARSE)
    best = max(tried, key=sharpness)
    best = max(np.arange(best - COARSE, best + COARSE + FINE / 2, FINE), key=sharpness)
    if abs(best) < LEAST_TURN or abs(best) > MOST_DEGREES or sharpness(best) < GAIN * sharpness(0.0):
        return 0.0
    return float(best)


def _lonely(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> bool:
    """Whether the ink is about as high as wide, or higher: one digit, or a column."""
    return bool(np.ptp(columns) < 2 * np.ptp(rows) and rows.size < 20 * np.ptp(rows) + 1)


def turned(values: Float, degrees: float) -> Float:
    """Return a picture turned counter-clockwise, on a canvas that holds all of it; new parts are 0."""
    return np.array(Image.fromarray(values).rotate(degrees, Image.Resampling.BILINEAR, expand=True))


def turned_back(
    points: NDArray[np.float64], degrees: float, shape: tuple[int, ...], was: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return where points of a turned picture lie in the picture before.

    points  (N, 2) x and y
    shape   (H, W) of the turned picture
    was     (H, W) of the picture before
    """
    turn = np.radians(degrees)
    x, y = points[:, 0] - shape[1] / 2, points[:, 1] - shape[0] / 2
    back_x, back_y = np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y
    return np.stack([back_x + was[1] / 2, back_y + was[0] / 2], axis=1)
