from itertools import product

import numpy as np
import pytest

from lenet5.reading.constraints import length, luhn, pattern
from lenet5.reading.recognition.lattice import Lattice, best, lattice, log_posteriors, shares, total
from lenet5.reading.segmentation.cuts import Slice
from lenet5.reading.segmentation.pieces import Piece


@pytest.fixture
def three() -> tuple[Lattice, np.ndarray]:
    """Three parts side by side, each 10 x 4 pixels, in writing 10 pixels high; arcs' weights drawn."""
    bars = [Slice(Piece(0, 10, 5 * n, 5 * n + 4, np.ones((10, 4), bool)), 0.0, 0.1 if n else None) for n in range(3)]
    made = lattice(bars, 10.0)
    return made, np.random.default_rng(1).normal(size=(len(made.arcs), 10))


def every_path(made: Lattice, weights: np.ndarray) -> list[tuple[str, float]]:
    """Every path by listing them all."""

    def chains(node: int) -> list[list[int]]:
        if node == made.last:
            return [[]]
        return [[p, *rest] for p, arc in enumerate(made.arcs) if arc.start == node for rest in chains(arc.end)]

    return [
        ("".join(map(str, digits)), float(sum(weights[p, d] for p, d in zip(chain, digits, strict=True))))
        for chain in chains(0)
        for digits in product(range(10), repeat=len(chain))
    ]


def test_three_parts_have_six_arcs(three: tuple[Lattice, np.ndarray]) -> None:
    assert [(arc.start, arc.end) for arc in three[0].arcs] == [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]


def test_an_arc_wider_than_any_digit_is_left_out() -> None:
    bars = [
        Slice(Piece(0, 10, 12 * n, 12 * n + 10, np.ones((10, 10), bool)), 0.0, 0.2 if n else None) for n in range(2)
    ]
    assert [(arc.start, arc.end) for arc in lattice(bars, 10.0).arcs] == [(0, 1), (1, 2)]


def test_best_paths_are_those_found_by_listing_all(three: tuple[Lattice, np.ndarray]) -> None:
    listed: dict[str, float] = {}
    for text, weight in every_path(*three):
        listed[text] = max(weight, listed.get(text, -np.inf))
    expected = sorted(listed.items(), key=lambda each: -each[1])[:5]
    found = best(*three, 5)
    assert [path.text for path in found] == [text for text, _ in expected]
    assert [path.weight for path in found] == pytest.approx([weight for _, weight in expected])


def test_total_is_the_sum_over_all_paths(three: tuple[Lattice, np.ndarray]) -> None:
    assert total(*three) == pytest.approx(np.log(sum(np.exp(weight) for _, weight in every_path(*three))))


def test_posterior_counts_every_way_to_cut_the_same_number(three: tuple[Lattice, np.ndarray]) -> None:
    paths = every_path(*three)
    share = sum(np.exp(weight) for text, weight in paths if text == "37") / sum(np.exp(weight) for _, weight in paths)
    assert np.exp(log_posteriors(*three, ["37"]))[0] == pytest.approx(share)


def test_posteriors_under_a_constraint_add_up_to_1(three: tuple[Lattice, np.ndarray]) -> None:
    rule = pattern("4#")
    numbers = [f"4{digit}" for digit in range(10)]
    assert np.exp(log_posteriors(*three, numbers, rule)).sum() == pytest.approx(1)


@pytest.mark.parametrize("rule", [length(2, 2), pattern("#7#"), luhn()])
def test_a_constraint_keeps_only_paths_that_fulfil_it(three: tuple[Lattice, np.ndarray], rule) -> None:  # type: ignore[no-untyped-def]
    allowed = [(text, weight) for text, weight in every_path(*three) if rule.allows(text)]
    assert best(*three, 1, rule)[0].text == max(allowed, key=lambda each: each[1])[0]
    assert total(*three, rule) == pytest.approx(np.log(sum(np.exp(weight) for _, weight in allowed)))


def test_no_path_where_the_constraint_wants_more_digits_than_there_are_parts(three: tuple[Lattice, np.ndarray]) -> None:
    assert best(*three, 3, length(4, 9)) == []
    assert total(*three, length(4, 9)) == -np.inf


def test_shares_are_the_slope_of_total(three: tuple[Lattice, np.ndarray]) -> None:
    made, weights = three
    step = np.zeros_like(weights)
    step[3, 4] = 1e-6
    slope = (total(made, weights + step, length(1, 2)) - total(made, weights - step, length(1, 2))) / 2e-6
    assert shares(made, weights, length(1, 2))[3, 4] == pytest.approx(slope, rel=1e-4)  # second differences' rounding
