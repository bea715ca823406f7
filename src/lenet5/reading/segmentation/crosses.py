"""Small plus and multiplication signs, told from parts of broken digits by the angles of their ink.

Four arms a right angle apart have a strong fourth harmonic, whose phase
is the cross's rotation; anything else has a strong lower one.
"""

import numpy as np
from numpy.typing import NDArray

PLUS, TIMES = "+", "x"
NARROWEST = 0.6  # of the longer side: a cross that is no narrower is stretched to a square
FEWEST = 9  # pixels
INNER = 0.35  # half sides: nearer the centre, ink has no clear angle
FOUR_ARMS = 0.5  # fourth harmonic at least, as a fraction of the ink
FEW_ARMS = 0.45  # first and second harmonic at most
ASKEW = 15.0  # degrees by which a cross may be rotated


def crossed(ink: NDArray[np.bool_]) -> str:
    """Return "+" or "x" where a mask (H, W) of connected ink shows one, "" elsewhere."""
    rows, columns = np.nonzero(ink)
    if len(rows) < FEWEST:
        return ""
    y, x = _centred(rows), _centred(columns)
    larger = max(y.max(), x.max())
    y, x = (side / max(side.max(), NARROWEST * larger) for side in (y, x))
    angles = np.arctan2(y, x)[np.hypot(x, y) >= INNER]
    first, second, fourth = (complex(np.exp(1j * order * angles).mean()) for order in (1, 2, 4))
    if abs(fourth) < FOUR_ARMS or max(abs(first), abs(second)) > FEW_ARMS:
        return ""
    rotation = np.degrees(np.angle(fourth)) / 4  # -45..45; a multiplication sign is a plus rotated by 45 degrees
    if abs(rotation) <= ASKEW:
        return PLUS
    return TIMES if abs(rotation) >= 45 - ASKEW else ""


def _centred(places: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(places - (places.min() + places.max()) / 2, np.float64)
