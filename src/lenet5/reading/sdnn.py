"""The space displacement network: a line read without cutting it (LeCun 1998, section VII).

The convolutional layers run once over the whole line, C5 and F6 as convolutions, which gives the network's answer for
windows four columns apart; three more runs, each a column further, give those between. `alignment.py` makes digits of
the row of answers. The network must know digits with neighbours: that is the recipe `space-displacement`. One that
never saw any runs too, but reads badly. See docs/numbers.md.
"""

import numpy as np
from numpy.typing import NDArray

from lenet5.engines.contract import Float
from lenet5.engines.numpy.network import layer_for
from lenet5.errors import ModelError
from lenet5.models.model import Model
from lenet5.reading.cuts import whole
from lenet5.reading.mnist import BOX, FULL_PERCENTILE
from lenet5.reading.pieces import Piece
from lenet5.reading.pipeline import Found
from lenet5.reading.whole import NOT_A_DIGIT
from lenet5.spec import layers as plan

STEP = 4  # columns between two windows of one run: S2 and S4 halve the line
BLANK = -1.5  # log probability of nothing where a model has no class for it


def line_image(number: list[Piece], found: Found, side: int) -> NDArray[np.float32]:
    """Return a number's ink as a line (side, W), 0..1: its digits 20 pixels high, half a window free at both ends."""
    from PIL import Image

    ink = found.patch(whole(number))
    scale = BOX / max(float(np.median([piece.height for piece in number])), 1.0)
    # A number that rises or falls is made smaller, so that all of it stays inside.
    scale = min(scale, (side - 4) / ink.shape[0])
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    small = np.asarray(Image.fromarray(ink.astype(np.float32)).resize(size, Image.Resampling.BOX))
    dark = small[small > 0.5 * small.max()]
    small = np.clip(small / max(float(np.percentile(dark, FULL_PERCENTILE)), 1e-3), 0, 1) if dark.size else small
    line = np.zeros((side, size[0] + side), np.float32)
    top = (side - size[1]) // 2
    line[top : top + size[1], side // 2 : side // 2 + size[0]] = small
    return line


def answers(line: NDArray[np.float32], model: Model) -> Float:
    """Return the scores of windows of a line that begin at every fourth column, (places, classes).

    line  (S, W) 0..1, as high as the network's inputs and at least as wide

    Raises ModelError for an architecture whose windows cannot be slid: it needs a convolution down to one row, and no
    padding inside.
    """
    preparation = model.preparation
    # Up to 3 columns on the right begin no window.
    line = line[:, : line.shape[1] // STEP * STEP]
    x: Float = (preparation.background + (preparation.ink - preparation.background) * line[None, None]).astype(
        np.float32
    )
    for number, placed in enumerate(model.architecture.placed):
        if isinstance(placed.layer, plan.Convolution) and placed.layer.padding:
            raise ModelError(f"{placed.name} pads its input; a line is read by networks without padding inside.")
        if isinstance(placed.layer, plan.Flatten):
            if x.shape[2] != 1:
                raise ModelError(f"{x.shape[2]} rows are left before F6; a line needs C5 as a convolution down to one.")
            # From here each column is a window's own: F6 and the output run as convolutions of 1 x 1.
            x = np.ascontiguousarray(x[0, :, 0].T)
        else:
            x = layer_for(number, placed, model.weights, 0.0).forward(x)
    return x


def at_every_column(line: NDArray[np.float32], model: Model) -> Float:
    """Return the scores of the windows that begin at every column of a line, (places, classes).

    A digit 4 columns wide is then seen in as many windows as a wide one: narrow digits are not passed over.
    """
    wide = line.shape[1] + -line.shape[1] % STEP
    longer = np.pad(line, ((0, 0), (0, wide + STEP - 1 - line.shape[1])))
    runs = [answers(longer[:, shift : shift + wide], model) for shift in range(STEP)]
    return np.stack(runs, axis=1).reshape(-1, runs[0].shape[1])


def evidence(scores: Float, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the log probabilities of nothing and of the ten digits at every place, (places, 11)."""
    wide = scores.astype(np.float64)
    shares = wide - np.logaddexp.reduce(wide, axis=1)[:, None]
    nothing = shares[:, names.index(NOT_A_DIGIT)] if NOT_A_DIGIT in names else np.full(len(wide), BLANK)
    return np.column_stack([nothing, *(shares[:, names.index(str(digit))] for digit in range(10))])
