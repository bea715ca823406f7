"""The confusion matrix: what was taken for what."""

from collections.abc import Sequence
from math import isnan

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lenet5 import metrics
from lenet5.reports import style


def confusion_figure(matrix: NDArray[np.int64], class_names: Sequence[str], title: str) -> Figure:
    """Return the matrix as a picture: truth in rows, answers in columns, recall and precision at the margins.

    The colour shows errors alone, so that a few dozen stand out beside thousands of right answers.
    """
    count = len(class_names)
    errors = np.where(np.eye(count, dtype=bool), 0, matrix[:count, :count])
    with style.styled(grid=False):
        drawn = style.figure(1.8 + 0.62 * count, 1.6 + 0.55 * count)
        axes = drawn.subplots()
        axes.imshow(np.sqrt(errors), cmap="Oranges", vmin=0, vmax=max(1.0, float(np.sqrt(errors.max())) * 1.3))
        for row, column in np.ndindex(count, count):
            value = matrix[row, column]
            if value:
                weight = "bold" if row == column else "normal"
                axes.text(column, row, f"{value:,}", ha="center", va="center", fontsize=9, weight=weight)
        recall, precision = metrics.recall_percent(matrix), metrics.precision_percent(matrix)
        for index in range(count):
            axes.text(count - 0.3, index, _percent(recall[index]), va="center", fontsize=9, color=style.BLUE)
            axes.text(
                index, count - 0.2, _percent(precision[index]), ha="center", va="center", fontsize=9, color=style.BLUE
            )
        axes.text(count - 0.3, -0.8, "recall %", fontsize=8, color=style.BLUE, va="center")
        axes.text(-0.7, count - 0.2, "precision %", fontsize=8, color=style.BLUE, ha="right", va="center")
        long_names = max(map(len, class_names)) > 2
        axes.set_xticks(
            range(count), class_names, rotation=35 if long_names else 0, ha="left" if long_names else "center"
        )
        axes.set_yticks(range(count), class_names)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_ylabel("truth")
        axes.set_title(f"{title}\nanswer", fontsize=11)
        return drawn


def _percent(value: float) -> str:
    """Write a percentage; a dash for a class without images or answers."""
    return "–" if isnan(value) else f"{value:.1f}"
