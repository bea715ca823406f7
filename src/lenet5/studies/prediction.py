"""Prediction of one further run from n runs that differ only in their seeds.

Values are on an unbounded scale (`scale`). A published number is treated as one further run: it agrees with ours as
long as it could be one of them. Uses scipy.special only, because scipy.stats is slow to import.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import isnan, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

ALPHA = 0.05
POWER = 0.8
RARE = 0.05  # probability: a result that is rarer than this among our runs is not reproduced


class Sample(NamedTuple):
    """Number, mean and standard deviation of n runs."""

    n: int
    mean: float
    deviation: float

    @property
    def spread(self) -> float:
        """Standard deviation of a further run about our mean."""
        return self.deviation * sqrt(1 + 1 / self.n)


def sample(values: Sequence[float], least_deviation: float) -> Sample:
    """Return the sample of at least two values; its deviation is at least that of rounding, `least_deviation`."""
    array = np.asarray(values, float)
    return Sample(len(array), float(array.mean()), max(float(array.std(ddof=1)), least_deviation))


def p_value(found: Sample, published: float) -> float:
    """Return the two-sided p of a further run as far from our mean as `published` (Student's t)."""
    return float(2 * special.stdtr(found.n - 1, -abs(published - found.mean) / found.spread))


def interval(found: Sample, alpha: float = ALPHA) -> tuple[float, float]:
    """Return the prediction interval, which contains a further run with probability 1 - alpha."""
    half = _critical(found.n - 1, alpha) * found.spread
    return found.mean - half, found.mean + half


def power(found: Sample, shift: float, alpha: float) -> float:
    """Return the probability of p < alpha for a further run of a process whose mean is off by `shift`."""
    df, critical = found.n - 1, _critical(found.n - 1, alpha)
    centre = shift / found.spread
    return 1 - _noncentral_t(df, centre, critical) + _noncentral_t(df, centre, -critical)


def power_limit(found: Sample, shift: float, alpha: float) -> float:
    """Return the power that no number of runs can exceed.

    Our n runs leave the deviation uncertain, so its lower 95 % confidence limit is used: a low limit is then certain.
    """
    df = found.n - 1
    deviation = found.deviation * sqrt(df / special.chdtri(df, ALPHA))
    critical = -special.ndtri(alpha / 2)
    return float(special.ndtr(shift / deviation - critical) + special.ndtr(-shift / deviation - critical))


def curve_p_value(curves: NDArray[np.float64], published: NDArray[np.float64], least: NDArray[np.float64]) -> float:
    """Return the p of a published curve among our n: the rank of its largest standardized deviation.

    curves     (n, points)
    published  (points,)
    least      (points,) the deviation that rounding alone causes

    Each of the n + 1 curves is compared with the n others, so under exchangeability every rank is equally likely, and
    p is at least 1 / (n + 1). Where the published curve has the largest deviation of all, and only there, Bonferroni's
    bound over the points (Student's t) may make p smaller; this keeps p valid, because that event alone has the
    probability 1 / (n + 1).
    """
    every = np.vstack([published, curves])
    largest = _largest_deviations(every, least)
    rank = float(np.count_nonzero(largest >= largest[0]) / len(every))
    if rank > 1 / len(every):
        return rank
    n, points = curves.shape
    bonferroni = points * 2 * special.stdtr(n - 1, -largest[0] / sqrt(1 + 1 / n))
    return float(min(rank, bonferroni))


def curve_power(curves: NDArray[np.float64], shift: float, alpha: float, least: NDArray[np.float64]) -> float:
    """Return the fraction of our own curves that are rejected by the others after a shift up or down by `shift`."""
    noticed = [
        curve_p_value(np.delete(curves, i, 0), curves[i] + sign * shift, least) < alpha
        for i in range(len(curves))
        for sign in (1, -1)
    ]
    return sum(noticed) / len(noticed)


def share_interval(k: int, n: int, alpha: float = ALPHA) -> tuple[float, float]:
    """Return Clopper and Pearson's exact interval (1934) for the probability of an event seen k times of n."""
    low = float(special.betaincinv(k, n - k + 1, alpha / 2)) if k else 0.0
    high = float(special.betaincinv(k + 1, n - k, 1 - alpha / 2)) if k < n else 1.0
    return low, high


def share_p_value(k: int, n: int) -> float:
    """Return the p-value of seeing an event at most k times in n, under the hypothesis that it is not rare.

    It is below alpha exactly where the upper limit of `share_interval` is below `RARE`.
    """
    return float(min(1.0, 2 * special.bdtr(k, n, RARE)))


def _largest_deviations(every: NDArray[np.float64], least: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (curves,) the largest distance of each curve from the mean of the others, in their standard deviations."""
    others = len(every) - 1
    centred = every - every.mean(axis=0)
    means = -centred / others  # the centred curves sum to 0
    squares = (centred**2).sum(axis=0) - centred**2
    variances = np.maximum(squares - others * means**2, 0) / (others - 1)
    largest: NDArray[np.float64] = (np.abs(centred - means) / np.maximum(np.sqrt(variances), least)).max(axis=1)
    return largest


@lru_cache(maxsize=1024)
def _critical(df: int, alpha: float) -> float:
    return float(-special.stdtrit(df, alpha / 2))


def _noncentral_t(df: int, centre: float, t: float) -> float:
    """Return the distribution function; SciPy gives NaN where it vanishes, far below the centre."""
    value = float(special.nctdtr(df, centre, t))
    return 0.0 if isnan(value) else value
