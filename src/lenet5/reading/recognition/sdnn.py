"""The space displacement network: a line read without cutting it (LeCun 1998, section VII).

The engine scores the windows that begin at each column (`Predictor.line_scores`); `alignment.py` makes digits of the
row of scores. The network must know digits with neighbours: that is the recipe `space-displacement`. One that never saw
any runs too, but reads badly. See docs/numbers.md.
"""

import numpy as np
from numpy.typing import NDArray

from lenet5 import metrics
from lenet5.data.pixels import resampled
from lenet5.engines.contract import Float
from lenet5.inference.predictor import Predictor
from lenet5.reading.recognition.mnist_form import FULL_PERCENTILE
from lenet5.reading.segmentation.found import Found
from lenet5.reading.segmentation.pieces import Piece, median_height, union
from lenet5.spec.digits import BOX, NOT_A_DIGIT

STEP = 4  # columns: the scores of a line are those of whole groups of this many windows
BLANK = -1.5  # log probability of nothing where a model has no class for it


def line_image(number: list[Piece], found: Found, side: int) -> NDArray[np.float32]:
    """Return a number's ink as a line (side, W), 0..1: its digits 20 pixels high, half a window free at both ends."""
    ink = found.patch(union(*number))
    scale = BOX / max(median_height(number), 1.0)
    # A number that rises or falls is made smaller, so that all of it stays inside.
    scale = min(scale, (side - 4) / ink.shape[0])
    height, width = (max(1, round(length * scale)) for length in ink.shape)
    small = resampled(ink.astype(np.float32, copy=False), height, width, "box")
    dark = small[small > 0.5 * small.max()]
    small = np.clip(small / max(float(np.percentile(dark, FULL_PERCENTILE)), 1e-3), 0, 1) if dark.size else small
    line = np.zeros((side, width + side), np.float32)
    top = (side - height) // 2
    line[top : top + height, side // 2 : side // 2 + width] = small
    return line


def at_every_column(line: NDArray[np.float32], model: Predictor) -> Float:
    """Return the scores of the windows that begin at every column of a line, (places, classes).

    line  (S, W) 0..1, as high as the network's inputs and at least as wide

    A digit 4 columns wide is then seen in as many windows as a wide one: narrow digits are not passed over. Raises
    ModelError for a network that cannot be slid, see `engines/line.py`.
    """
    wide = line.shape[1] + -line.shape[1] % STEP
    return model.line_scores(np.pad(line, ((0, 0), (0, wide + STEP - 1 - line.shape[1]))))


def evidence(scores: Float, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the log probabilities of nothing and of the ten digits at every place, (places, 11)."""
    wide = scores.astype(np.float64)
    shares = metrics.log_softmax(wide)
    nothing = shares[:, names.index(NOT_A_DIGIT)] if NOT_A_DIGIT in names else np.full(len(wide), BLANK)
    return np.column_stack([nothing, *(shares[:, names.index(str(digit))] for digit in range(10))])
