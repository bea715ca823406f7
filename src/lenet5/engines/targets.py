"""What a network should answer, where a label does not have it all."""

import numpy as np
from numpy.typing import NDArray

from lenet5.spec.objective import Objective


def soft_targets(
    objective: Objective, labels: NDArray[np.int64], given: NDArray[np.float32] | None, classes: int
) -> NDArray[np.float32] | None:
    """Return each class's share of each answer, (N, classes) float32; None where the label has all of it.

    given  shares from elsewhere, such as a teacher's probabilities; they stand for themselves, unsmoothed
    """
    if given is not None or not objective.label_smoothing:
        return given
    shares = np.full((len(labels), classes), objective.label_smoothing / classes, np.float32)
    shares[np.arange(len(labels)), labels] += 1 - objective.label_smoothing
    return shares
