"""When overfitting begins, by several seeds: a rule that one seed's chance does not mislead.

The rule of reproduction 000 looks at one run (`training.diagnosis.overfitting_onset`).
"""

from collections.abc import Sequence

import numpy as np

from lenet5.studies.statistics import paired_p

SIGNIFICANCE = 0.05


def onset(losses: Sequence[Sequence[float]]) -> int:
    """Return the epoch with the lowest mean loss, from 1, if by the last epoch the loss has risen; otherwise 0.

    losses  (seeds, epochs), on images kept from training: a rule that decides when to stop must not see the test set

    It has risen when the last epoch's losses are above those of that epoch in a paired t-test over the seeds, p < 0.05.
    """
    by_seed = np.asarray(losses, float)
    best = int(by_seed.mean(axis=0).argmin())
    then, last = by_seed[:, best], by_seed[:, -1]
    risen = last.mean() > then.mean() and paired_p(then.tolist(), last.tolist()) < SIGNIFICANCE
    return best + 1 if risen else 0
