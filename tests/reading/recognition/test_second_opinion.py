"""Numbers weighed by the lattice and by the network that is slid along them, as `lenet5 read` does."""

from pathlib import Path

import numpy as np
import pytest

from lenet5 import api
from lenet5.data.datasets import Images, load
from lenet5.data.made import strings
from lenet5.reading.constraints import parse
from lenet5.reading.page import Page
from lenet5.reading.predictor import ReadingPredictor
from lenet5.reading.reader import DEFAULTS, Reader
from lenet5.reading.recognition.decode import COMBINED, LATTICE, SLIDING
from lenet5.reading.recognition.lattice import Lattice, lattice
from lenet5.reading.recognition.second_opinion import LEAST, candidates, product
from lenet5.reading.segmentation.cuts import Slice
from lenet5.reading.segmentation.pieces import Piece


@pytest.fixture(scope="module")
def unseen(mnist_folder: Path) -> Images:
    """Digits that neither network was trained on, and that are not those of the benchmark."""
    return load("mnist", "train", mnist_folder).cut(55_000, 60_000, "validation")


@pytest.fixture(scope="module")
def two() -> tuple[Lattice, np.ndarray]:
    """Two parts: 1 and 7, or one 0; every other digit is hardly possible."""
    bars = [Slice(Piece(0, 20, left, left + 10, np.ones((20, 10), bool)), 0.1, None) for left in (0, 10)]
    each = lattice(bars, 20.0)
    weights = np.full((len(each.arcs), 10), -9.0)
    for place, arc in enumerate(each.arcs):
        weights[place, {(0, 1): 1, (1, 2): 7, (0, 2): 0}[arc.start, arc.end]] = -1.0
    return each, weights


def test_the_other_opinion_is_a_candidate_where_it_can_be_spelt(two: tuple[Lattice, np.ndarray]) -> None:
    usual = [path.text for path in candidates(*two, "17", None)]
    assert usual[:2] == ["0", "17"]
    assert "88" not in usual
    assert [path.text for path in candidates(*two, "88", None)] == [*usual, "88"]
    assert [path.text for path in candidates(*two, "888", None)] == usual
    assert [path.text for path in candidates(*two, "", None)] == usual


def test_no_candidate_breaks_the_constraint(two: tuple[Lattice, np.ndarray]) -> None:
    rule = parse("pattern 1#")
    assert {path.text[0] for path in candidates(*two, "88", rule)} == {"1"}


def test_the_product_shares_1_and_both_opinions_count() -> None:
    first, second = np.log([0.6, 0.3, 1e-9]), np.log([0.01, 0.9, 0.9])
    joint = np.exp(product(first, second))
    assert joint.sum() == pytest.approx(1)
    assert joint.argmax() == 1
    assert np.exp(product(first, np.log([0.5, 0.5, 0.5]))).argmax() == 0


def test_a_second_opinion_that_allows_no_number_changes_nothing() -> None:
    first = np.log([0.7, 0.3])
    assert product(first, np.full(2, -np.inf)) == pytest.approx(first)


def test_the_lattice_rules_no_number_out() -> None:
    low, lower = (np.array([0.0, LEAST - far]) for far in (1, 50))
    assert product(low, np.zeros(2)) == pytest.approx(product(lower, np.zeros(2)))


def best(page: Page) -> str:
    """Every digit's best answer, also where it is not sure enough to be given."""
    return "".join(digit.answers[0].text for number in page.numbers for digit in number.digits)


def test_both_together_read_more_than_the_lattice_and_no_fewer_than_sliding(
    digits: ReadingPredictor, unseen: Images
) -> None:
    made = [
        strings.made_string(unseen, spacing, "plain", number, seed=5, length=5)
        for spacing in (0, -1, -2)
        for number in range(25)
    ]
    right = {}
    for method in (COMBINED, LATTICE, SLIDING):
        reader = Reader(api.load(DEFAULTS[method]) if method in DEFAULTS else digits, method=method)
        right[method] = sum(best(reader.read(each.image)) == each.label for each in made)
    assert right[COMBINED] > right[LATTICE], right
    assert right[COMBINED] >= right[SLIDING], right


def test_alternatives_are_ordered_and_share_1_with_the_reading(digits: ReadingPredictor, unseen: Images) -> None:
    seen = 0
    for number in range(8):
        made = strings.made_string(unseen, -2, "plain", number, seed=5, length=3)
        for each in digits.read(made.image).numbers:
            posteriors = [other.posterior for other in each.alternatives]
            assert posteriors == sorted(posteriors, reverse=True)
            assert sum(posteriors) <= 1 + 1e-9
            assert all(other.text != each.text for other in each.alternatives)
            seen += len(posteriors)
    assert seen


def test_a_constraint_holds_where_both_are_asked(digits: ReadingPredictor, unseen: Images) -> None:
    reader = Reader(digits, constraint=parse("length 4"))
    for number in range(6):
        made = strings.made_string(unseen, -2, "plain", number, seed=5, length=5)
        for each in reader.read(made.image).numbers:
            assert len(each.text) in (0, 4)
            assert all(len(other.text) == 4 for other in each.alternatives)
