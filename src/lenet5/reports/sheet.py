"""A sheet of images with their labels."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from lenet5.reports import style

COLUMNS = 10


def sheet(
    images: ArrayLike, labels: ArrayLike | None = None, *, class_names: Sequence[str] = (), most: int = 20
) -> Figure:
    """Return the first images, ink dark, ten in a row, with their labels above.

    images  (N, 28, 28) or any other images of one size
    labels  (N,) numbers, or what `class_names` gives names to
    """
    shown = np.asarray(images)[:most]
    titles = (
        [] if labels is None else [class_names[label] if class_names else label for label in np.asarray(labels)[:most]]
    )
    rows = max(1, ceil(len(shown) / COLUMNS))
    with style.styled(grid=False):
        drawn = style.figure(8, 0.95 * rows)
        for index, axes in enumerate(drawn.subplots(rows, COLUMNS, squeeze=False).flat):
            axes.set_axis_off()
            if index < len(shown):
                axes.imshow(shown[index], cmap="gray_r")
            if index < len(titles):
                axes.set_title(str(titles[index]), fontsize=8, pad=2)
        return drawn
