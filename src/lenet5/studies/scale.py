"""Scales without limits: the logit of an error rate, and the logarithm of a loss.

Runs that differ in their seed alone scatter evenly on these scales, and an interval computed there, transformed back,
never leaves the possible range.
"""

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Protocol

HALF_A_COUNT = 0.5  # added to the errors and to the correct answers, so that a perfect score has a logit
LEAST_LOSS = 1e-12
LOSS_DIGITS = 1e-4  # relative: losses are kept to about four digits


class Scale(Protocol):
    """A monotone map from what is measured to a number without limits."""

    def to(self, value: float) -> float:
        """Return the place of a value on the scale."""
        ...

    def back(self, place: float) -> float:
        """Return the value at a place."""
        ...

    def rounding(self, place: float) -> float:
        """Return the standard deviation that rounding alone causes: one count, or the last digit of a loss."""
        ...


@dataclass(frozen=True)
class ErrorRate:
    """The logit of the error rate: values are misclassified images out of `images`."""

    images: int

    def to(self, value: float) -> float:
        """Return log((errors + 1/2) / (correct + 1/2)); counts beyond the limits are taken as the limits."""
        errors = min(max(value, 0.0), self.images)
        return log((errors + HALF_A_COUNT) / (self.images - errors + HALF_A_COUNT))

    def back(self, place: float) -> float:
        """Return the errors, from 0 to `images`."""
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
        """Return the logarithm; a loss of 0 counts as the least."""
        return log(max(value, LEAST_LOSS))

    def back(self, place: float) -> float:
        """Return the loss."""
        return exp(place)

    def rounding(self, place: float) -> float:
        """Return the deviation that rounding to the kept digits causes."""
        return LOSS_DIGITS
