"""Means, intervals and tests over seeds, by SciPy. The values come from runs that differ only in their seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Summary:
    """A mean over n runs with its 95 % confidence interval (Student's t), which is NaN for one run."""

    n: int
    mean: float
    deviation: float
    low: float
    high: float


def summary(values: Sequence[float], confidence: float = 0.95) -> Summary:
    """Return mean, standard deviation and the confidence interval of the mean."""
    n, middle = len(values), mean(values)
    if n < 2:
        return Summary(n, middle, float("nan"), float("nan"), float("nan"))
    deviation = stdev(values)
    half = _t(n, confidence) * deviation / sqrt(n)
    return Summary(n, middle, deviation, middle - half, middle + half)


def paired_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the p-value of the paired t-test; both sequences are in the order of the seeds."""
    from scipy.stats import ttest_rel  # takes half a second to import

    if np.array_equal(first, second):
        return 1.0
    return float(ttest_rel(first, second).pvalue)


def mcnemar_p(first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]) -> float:
    """Return the p-value of McNemar's exact test for two models on one test set; (N,) True for correct answers."""
    from scipy.stats import binomtest

    only_first = int(np.count_nonzero(first_right & ~second_right))
    only_second = int(np.count_nonzero(~first_right & second_right))
    return float(binomtest(only_first, only_first + only_second).pvalue) if only_first + only_second else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979), in the same order."""
    count, corrected, largest = len(p_values), [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(count), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (count - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def _t(n: int, confidence: float) -> float:
    from scipy.stats import t

    return float(t.ppf(0.5 + confidence / 2, n - 1))
