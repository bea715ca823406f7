"""The reliability diagram: accuracy against confidence."""

import numpy as np
from matplotlib.figure import Figure

from lenet5.inference.evaluation import Evaluation
from lenet5.reports import style

BINS = 15


def calibration(outcome: Evaluation, title: str = "") -> Figure:
    """Return accuracy against confidence in 15 bins; a well-calibrated model lies on the diagonal.

    The size of a mark grows with the number of images in its bin; the expected calibration error is their mean distance
    from the diagonal, weighted by these numbers (Guo et al. 2017).
    """
    bins = np.minimum((outcome.confidence * BINS).astype(np.int64), BINS - 1)
    with style.styled():
        drawn = style.figure(4.6, 4.4)
        axes = drawn.subplots()
        axes.plot([0, 100], [0, 100], ":", color=style.GREY, lw=1)
        for index in np.unique(bins):
            inside = bins == index
            confidence, accuracy = outcome.confidence[inside].mean(), outcome.right[inside].mean()
            size = 20 + 180 * np.sqrt(inside.mean())
            axes.scatter(100 * confidence, 100 * accuracy, s=size, color=style.BLUE, alpha=0.8, lw=0)
        axes.set_xlabel("confidence, %")
        axes.set_ylabel("accuracy, %")
        axes.set_title(title or f"calibration error {outcome.calibration_error_percent:.2f} %", loc="left")
        return drawn
