"""The error that is left when the least sure answers are not given."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lenet5 import metrics
from lenet5.engines.contract import Float
from lenet5.reports import style

MOST_PERCENT = 10.0  # beyond, hardly an error is left


def rejection(models: Mapping[str, tuple[Float, NDArray[np.bool_]]], title: str = "error against rejection") -> Figure:
    """Return a curve for each model: rejected images against the misclassified among the others, in percent of each.

    models  name -> (confidence, right), (N,) each; see `metrics.error_by_rejection`
    """
    with style.styled():
        drawn = style.figure(6.5, 3.8)
        axes = drawn.subplots()
        for (name, (confidence, right)), colour in zip(models.items(), style.SERIES, strict=False):
            rejected, error = metrics.error_by_rejection(confidence, right)
            shown = rejected <= MOST_PERCENT
            axes.plot(rejected[shown], error[shown], color=colour, label=name)
        axes.axhline(0.5, color=style.GREY, lw=1, ls=":")
        axes.set_xlim(0, MOST_PERCENT)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("images rejected, those with the smallest lead of the best score first, %")
        axes.set_ylabel("misclassified among the others, %")
        axes.set_title(title, loc="left")
        axes.legend()
        return drawn
