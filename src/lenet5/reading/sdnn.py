"""The space displacement network: a line read without cutting it (LeCun 1998, section VII).

The convolutional layers run once over the whole line, C5 and F6 as convolutions, which gives the network's answer for
every window of 32 columns, four apart. An alignment automaton makes digits of the row of answers: each place is a
digit or nothing, and neighbouring places with the same digit are one. Made to be trained on digits with neighbours;
with weights that never saw any it is far behind the lattice, see docs/numbers.md.
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
from lenet5.spec import layers as plan

NOTHING = "not a digit"
CHANGE = 4.0  # log probability that the beginning of a digit costs, so that one doubtful place makes none
BLANK = -1.5  # log probability of nothing where a model has no class for it


def line_image(number: list[Piece], found: Found, side: int = 32) -> NDArray[np.float32]:
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
    """Return the scores of every window of a line, (places, classes), from left to right.

    line  (32, W) 0..1, W >= 32

    Raises ModelError for an architecture whose windows cannot be slid: it needs a convolution down to one row, and no
    padding inside.
    """
    preparation = model.preparation
    # Windows lie 4 apart, for two layers halve the line; up to 3 columns on its right begin none.
    line = line[:, : line.shape[1] // 4 * 4]
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


def aligned(scores: Float, names: tuple[str, ...]) -> str:
    """Return the digits of a row of answers by Viterbi.

    scores  (places, classes)
    names   of the classes

    States are nothing and the ten digits; staying costs nothing, a digit's beginning costs `CHANGE`.
    """
    wide = scores.astype(np.float64)
    shares = wide - np.logaddexp.reduce(wide, axis=1)[:, None]
    nothing = shares[:, names.index(NOTHING)] if NOTHING in names else np.full(len(wide), BLANK)
    seen = np.column_stack([nothing, *(shares[:, names.index(str(digit))] for digit in range(10))])
    cost = np.full((11, 11), CHANGE)
    cost[:, 0] = 0
    np.fill_diagonal(cost, 0)
    weight = seen[0] - cost[0]
    came = []
    for row in seen[1:]:
        ways = weight[:, None] - cost
        came.append(ways.argmax(axis=0))
        weight = ways.max(axis=0) + row
    states = [int(weight.argmax())]
    for back in reversed(came):
        states.append(int(back[states[-1]]))
    states.reverse()
    begins = [state for before, state in zip([0, *states], states, strict=False) if state not in (0, before)]
    return "".join(str(state - 1) for state in begins)


def read_line(number: list[Piece], found: Found, model: Model) -> str:
    """Return what a number says, without cutting it; "" without pieces. Raises ModelError as `answers` does."""
    return aligned(answers(line_image(number, found), model), model.card.class_names) if number else ""
