"""The kernels of a convolution, as pictures."""

import numpy as np
from matplotlib.figure import Figure

from lenet5.errors import ModelError
from lenet5.models.model import Model
from lenet5.reports import style
from lenet5.spec.layers import Convolution

COLUMNS = 16


def kernels(model: Model, layer: str | None = None, title: str | None = None) -> Figure:
    """Return the kernels of a convolution: a row for each of its maps, a column for each map before it.

    layer  its name, such as "C3"; the first one if not given. C5 of 1998 covers its whole input and is a convolution
           of 16x120 kernels, of which the first rows are drawn

    Raises ModelError for a layer that is no convolution.
    """
    names = [placed.name for placed in model.architecture.placed if isinstance(placed.layer, Convolution)]
    chosen = layer or names[0]
    if chosen not in names:
        raise ModelError(f'there are no kernels in "{chosen}"; the convolutions are {", ".join(names)}.')
    weights = np.asarray(model.weights[f"{chosen}.weight"], np.float64)  # (maps, maps before, S, S)
    if weights.shape[1] == 1:
        weights = weights[None, :, 0]  # one row of kernels
    weights = weights[:COLUMNS, :COLUMNS]
    largest = float(np.abs(weights).max()) or 1.0
    rows, columns = weights.shape[:2]
    with style.styled(grid=False):
        drawn = style.figure(0.9 + 0.75 * columns, 0.7 + 0.75 * rows)
        drawn.suptitle(title or f"kernels: {chosen}, ±{largest:.2f}", fontsize=9)
        for place, axes in zip(
            np.ndindex(rows, columns), drawn.subplots(rows, columns, squeeze=False).flat, strict=True
        ):
            axes.imshow(weights[place], cmap="RdBu_r", vmin=-largest, vmax=largest)
            axes.set_axis_off()
        return drawn
