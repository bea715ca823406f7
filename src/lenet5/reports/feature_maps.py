"""The feature maps of one image, layer by layer."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from lenet5.engines.contract import Float
from lenet5.errors import ShapeError
from lenet5.reports import style

MOST = 16  # maps of a layer


def feature_maps(outputs: Mapping[str, Float], layers: Sequence[str] | None = None) -> Figure:
    """Return a row of pictures for each layer with maps: the outputs for one image, dark where they are large.

    outputs  name -> (1, maps, H, W) or (1, units), as `Predictor.activations` returns them
    layers   the layers to draw; every layer with maps larger than one unit if not given

    Raises ShapeError for a layer that has no maps.
    """
    with_maps = [name for name, array in outputs.items() if array.ndim == 4 and array.shape[-1] > 1]
    chosen = list(layers) if layers is not None else with_maps
    for name in chosen:
        if name not in with_maps:
            raise ShapeError(f'"{name}" has no feature maps; the layers with maps are {", ".join(with_maps)}.')
    with style.styled(grid=False):
        drawn = style.figure(10, 0.8 * len(chosen) + 0.2)
        for row, line in enumerate(drawn.subplots(len(chosen), MOST, squeeze=False)):
            maps = np.asarray(outputs[chosen[row]][0], np.float64)
            for index, axes in enumerate(line):
                axes.set_axis_off()
                if index < len(maps):
                    axes.imshow(maps[index], cmap="gray_r", vmin=maps.min(), vmax=maps.max())
            line[0].set_title(chosen[row], fontsize=8, loc="left", pad=2)
        return drawn
