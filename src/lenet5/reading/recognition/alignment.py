"""The alignment automaton of the space displacement network (LeCun 1998, section VII).

Each place is a digit or nothing; neighbouring places with the same digit are one. States are nothing and the ten
digits: staying costs nothing, to nothing every way is free, and a digit's beginning costs `change`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
# Log probability that a digit's beginning costs, so that one doubtful place makes none: of those that
# benchmarks/fit_strings.py tries on strings of training digits, the one that reads most.
CHANGE = 4.0


@dataclass(frozen=True)
class Run:
    """Neighbouring places with one digit: from `first` to `last`, surest at `best`."""

    digit: int
    first: int
    last: int
    best: int


def aligned(seen: Float, change: float = CHANGE) -> list[Run]:
    """Return the digits of a row of answers by Viterbi, from left to right.

    seen    (places, 11) log probabilities of nothing and of the ten digits, as `sdnn.evidence` gives them
    change  what a digit's beginning costs
    """
    cost = _costs(change)
    weight = seen[0] - cost[0]
    came = []
    for row in seen[1:]:
        ways = weight[:, None] - cost
        came.append(ways.argmax(axis=0))
        weight = ways.max(axis=0) + row
    states = [int(weight.argmax())]
    for back in reversed(came):
        states.append(int(back[states[-1]]))
    states.reverse()
    borders = [0, *(np.flatnonzero(np.diff(states)) + 1).tolist(), len(states)]
    return [
        Run(states[first] - 1, first, end - 1, first + int(seen[first:end, states[first]].argmax()))
        for first, end in pairwise(borders)
        if states[first]
    ]


def log_posteriors(seen: Float, numbers: Sequence[str], change: float = CHANGE) -> Float:
    """Return the logarithm of each number's share in all that the automaton can say, (len(numbers),).

    By the forward algorithm: a number's alignments are all ways to say its digits in their order, with nothing between
    any two, or at once where they are different.

    seen     (places, 11)
    numbers  of one digit at least
    """
    # The states of a number: nothing, its first digit, nothing, its second, ..., nothing.
    states = np.zeros((len(numbers), 2 * max(map(len, numbers)) + 1), np.int64)
    for row, number in zip(states, numbers, strict=True):
        row[1 : 2 * len(number) : 2] = [int(digit) + 1 for digit in number]
    cost = np.where(states > 0, change, 0.0)
    at_once = (states[:, 2:] > 0) & (states[:, 2:] != states[:, :-2])
    sums = np.full(states.shape, -np.inf)
    sums[:, :2] = seen[0, states[:, :2]] - cost[:, :2]
    for row in seen[1:]:
        ways = sums.copy()
        ways[:, 1:] = np.logaddexp(ways[:, 1:], sums[:, :-1] - cost[:, 1:])
        ways[:, 2:] = np.where(at_once, np.logaddexp(ways[:, 2:], sums[:, :-2] - cost[:, 2:]), ways[:, 2:])
        sums = ways + row[states]
    every, last = np.arange(len(numbers)), np.array([2 * len(number) for number in numbers])
    return np.asarray(np.logaddexp(sums[every, last - 1], sums[every, last]) - _total(seen, change))


def _total(seen: Float, change: float) -> float:
    """Return log(sum of exp(weight)) over all alignments."""
    cost = _costs(change)
    sums = seen[0] - cost[0]
    for row in seen[1:]:
        sums = np.logaddexp.reduce(sums[:, None] - cost, axis=0) + row
    return float(np.logaddexp.reduce(sums))


def _costs(change: float) -> Float:
    """Return what the way from each state to each other costs, (11, 11); state 0 is nothing."""
    cost = np.full((11, 11), change)
    cost[:, 0] = 0
    np.fill_diagonal(cost, 0)
    return cost
