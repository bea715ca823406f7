"""Soft targets: a probability for each class instead of a single label."""

import numpy as np
from numpy.typing import NDArray

from lenet5.spec.objective import Objective


def soft_targets(
    objective: Objective, labels: NDArray[np.int64], targets: NDArray[np.float32] | None, classes: int
) -> NDArray[np.float32] | None:
    """Return the soft targets (N, classes) float32, or None when the labels are the targets.

    targets  soft targets that already exist, such as a teacher's probabilities; they are returned unsmoothed
    """
    if targets is not None or not objective.label_smoothing:
        return targets
    shares = np.full((len(labels), classes), objective.label_smoothing / classes, np.float32)
    shares[np.arange(len(labels)), labels] += 1 - objective.label_smoothing
    return shares
