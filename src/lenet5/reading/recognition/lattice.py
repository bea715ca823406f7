"""The lattice of a number: every way to take its parts together as digits, and the best of them.

Nodes are the places between parts, 0 to n; an arc from i to j takes the parts i to j - 1 as one digit, and weighs each
of the ten by the network's answer and by what the cuts look like. A path from 0 to n spells a number; its weight is
the sum of its arcs'. Viterbi finds the heaviest paths, the forward algorithm sums exp(weight) over all of them, so a
number's share of that sum is its posterior (LeCun 1998, sections V and VI). A constraint is composed on the way: what
is kept is kept per node and state of its automaton.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lenet5.reading.constraints import DEAD, Constraint, anything, pattern
from lenet5.reading.segmentation.cuts import Slice, span
from lenet5.reading.segmentation.pieces import Piece

Float = NDArray[np.float64]
WIDEST = 1.6  # heights of the writing: a wider arc is no digit
MOST_PARTS = 9  # in one digit
CUT_ENDS = 5  # the feature that counts them


@dataclass(frozen=True, eq=False)
class Arc:
    """Parts `start` to `end` - 1 as one digit.

    features  (FEATURES,) what the weighing of `scoring` needs beside the network's answer
    """

    start: int
    end: int
    piece: Piece
    features: Float


@dataclass(frozen=True, eq=False)
class Lattice:
    """The arcs of a number, ordered by `end`; `last` is the last node, 0 the first."""

    arcs: tuple[Arc, ...]
    last: int


@dataclass(frozen=True)
class Path:
    """One way through a lattice: its weight, its digits, the places of its arcs."""

    weight: float
    text: str = ""
    arcs: tuple[int, ...] = ()


def lattice(parts: list[Slice], height: float) -> Lattice:
    """Return the lattice of a number's parts; height of the writing in pixels. A single part is always an arc."""
    arcs = []
    for end in range(1, len(parts) + 1):
        for start in range(max(0, end - MOST_PARTS), end):
            piece = span(parts[start:end])
            if end - start == 1 or piece.width <= WIDEST * height:
                arcs.append(Arc(start, end, piece, features(parts, start, end, piece, height)))
    return Lattice(tuple(arcs), len(parts))


def features(parts: list[Slice], start: int, end: int, piece: Piece, height: float) -> Float:
    """Return what an arc looks like beside its ink: sizes in heights of the writing, and its cuts.

    1; width; width squared; height; height squared; how many of its two ends are cuts; the ink that these go through;
    gaps inside it; the widest of them; how cheap the cheapest cut is that it leaves out, 0..1
    """
    wide, high = piece.width / height, piece.height / height
    ends = [parts[node] for node in (start, end) if 0 < node < len(parts)]
    cut = [part.ink for part in ends if part.gap is None]
    inside = parts[start + 1 : end]
    gaps = [max(part.gap, 0.0) for part in inside if part.gap is not None]
    left_out = [max(0.0, 1 - part.ink / 0.3) for part in inside if part.gap is None]
    return np.array(
        [1, wide, wide**2, high, high**2, len(cut), sum(cut), len(gaps), max(gaps, default=0), max(left_out, default=0)]
    )


def best(lattice: Lattice, weights: Float, count: int, constraint: Constraint | None = None) -> list[Path]:
    """Return the `count` heaviest paths that spell different numbers, the heaviest first; fewer where there are fewer.

    weights  (arcs, 10)
    """
    rule = constraint or anything()
    at: list[dict[int, list[Path]]] = [{0: [Path(0.0)]}, *({} for _ in range(lattice.last))]
    arcs_to: list[list[int]] = [[] for _ in range(lattice.last + 1)]
    for place, arc in enumerate(lattice.arcs):
        arcs_to[arc.end].append(place)
    for node in range(1, lattice.last + 1):
        reached: dict[int, list[Path]] = {}
        for place in arcs_to[node]:
            for state, paths in at[lattice.arcs[place].start].items():
                for digit in np.flatnonzero(rule.table[state] != DEAD):
                    reached.setdefault(int(rule.table[state, digit]), []).extend(
                        Path(path.weight + float(weights[place, digit]), f"{path.text}{digit}", (*path.arcs, place))
                        for path in paths
                    )
        at[node] = {state: _different(paths, count) for state, paths in reached.items()}
    return _different([path for state, paths in at[-1].items() if rule.final[state] for path in paths], count)


def _different(paths: list[Path], count: int) -> list[Path]:
    """Return the heaviest paths, one for each number."""
    kept: dict[str, Path] = {}
    for path in sorted(paths, key=lambda each: -each.weight):
        if len(kept) == count:
            break
        kept.setdefault(path.text, path)
    return list(kept.values())


def total(lattice: Lattice, weights: Float, constraint: Constraint | None = None) -> float:
    """Return log(sum of exp(weight)) over all paths that a constraint allows: the forward algorithm. -inf for none."""
    rule = constraint or anything()
    return float(np.logaddexp.reduce(_forward(lattice, weights, rule)[-1, rule.final], initial=-np.inf))


def _forward(lattice: Lattice, weights: Float, rule: Constraint) -> Float:
    """Return log(sum of exp(weight)) over the ways from the start to each node and state, (nodes, states)."""
    states, digits = np.nonzero(rule.table != DEAD)
    targets = rule.table[states, digits]
    sums = np.full((lattice.last + 1, len(rule.final)), -np.inf)
    sums[0, 0] = 0
    for place, arc in enumerate(lattice.arcs):
        np.logaddexp.at(sums[arc.end], targets, sums[arc.start, states] + weights[place, digits])
    return sums


def shares(lattice: Lattice, weights: Float, constraint: Constraint | None = None) -> Float:
    """Return the posterior of each arc with each digit, (arcs, 10): forward and backward.

    It is also the gradient of `total` by the weights. There must be a path that fulfils the constraint.
    """
    rule = constraint or anything()
    states, digits = np.nonzero(rule.table != DEAD)
    targets = rule.table[states, digits]
    sums = _forward(lattice, weights, rule)
    rest = np.full_like(sums, -np.inf)
    rest[-1, rule.final] = 0
    everything = np.logaddexp.reduce(sums[-1, rule.final])
    result = np.zeros_like(weights)
    # Arcs are ordered by their end, so backwards all that leaves a node comes before all that reaches it.
    for place in range(len(lattice.arcs) - 1, -1, -1):
        arc = lattice.arcs[place]
        after = weights[place, digits] + rest[arc.end, targets]
        np.add.at(result[place], digits, np.exp(sums[arc.start, states] + after - everything))
        np.logaddexp.at(rest[arc.start], states, after)
    return result


def log_posteriors(
    lattice: Lattice, weights: Float, numbers: Sequence[str], constraint: Constraint | None = None
) -> Float:
    """Return the logarithm of each number's share in all that the constraint allows: all paths that spell it.

    However cut; -inf for a number without a path. There must be a path that fulfils the constraint.
    """
    own = [total(lattice, weights, pattern(number)) for number in numbers]
    return np.array(own) - total(lattice, weights, constraint)
