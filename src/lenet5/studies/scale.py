"""Unbounded scales: the logit of an error rate, and the logarithm of a loss.

Runs that differ only in their seeds scatter symmetrically on these scales, and an interval computed there and
transformed back never leaves the possible range.
"""

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Protocol

HALF_A_COUNT = 0.5  # images added to the errors and to the correct answers, so that a perfect score has a finite logit
LEAST_LOSS = 1e-12  # smaller losses count as this, so that a loss of 0 has a logarithm
LOSS_DIGITS = 1e-4  # relative rounding of losses, which are stored to about four digits


class Scale(Protocol):
    """A monotone map from a measured value to an unbounded number."""

    def to(self, value: float) -> float:
        """Transform a value to the scale."""
        ...

    def back(self, place: float) -> float:
        """Transform a number on the scale back to a value."""
        ...

    def rounding(self, place: float) -> float:
        """Return the standard deviation that rounding alone causes: one count, or the last digit of a loss."""
        ...


@dataclass(frozen=True)
class ErrorRate:
    """The logit of the error rate: values are misclassified images out of `images`."""

    images: int

    def to(self, value: float) -> float:
        """Return log((errors + 1/2) / (correct + 1/2)); counts are clipped to 0..images."""
        errors = min(max(value, 0.0), self.images)
        return log((errors + HALF_A_COUNT) / (self.images - errors + HALF_A_COUNT))

    def back(self, place: float) -> float:
        """Return the number of errors, from 0 to `images`."""
        rate = 1 / (1 + exp(-place)) if place > 0 else exp(place) / (1 + exp(place))
        return min(max(rate * (self.images + 2 * HALF_A_COUNT) - HALF_A_COUNT, 0.0), self.images)

    def rounding(self, place: float) -> float:
        """Return the deviation of a value rounded to whole counts: one count's width, divided by sqrt(12)."""
        errors = self.back(place)
        return (1 / (errors + HALF_A_COUNT) + 1 / (self.images - errors + HALF_A_COUNT)) / sqrt(12)


@dataclass(frozen=True)
class Loss:
    """The natural logarithm of a loss."""

    def to(self, value: float) -> float:
        """Return the logarithm; losses below `LEAST_LOSS` count as `LEAST_LOSS`."""
        return log(max(value, LEAST_LOSS))

    def back(self, place: float) -> float:
        """Return the loss."""
        return exp(place)

    def rounding(self, place: float) -> float:
        """Return the deviation caused by rounding to the stored digits."""
        return LOSS_DIGITS
