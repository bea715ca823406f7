from itertools import groupby, product

import numpy as np
import pytest

from lenet5.reading.recognition.alignment import aligned, log_posteriors
from lenet5.reading.recognition.sdnn import evidence

NAMES = (*"0123456789", "not a digit")
CHANGE = 1.5


def scores_of(places: str) -> np.ndarray:
    """A row of sure answers; a dot is nothing."""
    scores = np.zeros((len(places), 11), np.float32)
    for place, sign in enumerate(places):
        scores[place, 10 if sign == "." else int(sign)] = 9
    return scores


@pytest.mark.parametrize(
    ("places", "text"), [("..3..7.", "37"), (".333.", "3"), (".3.3.", "33"), (".37.", "37"), ("...", ""), ("4", "4")]
)
def test_neighbouring_places_with_one_digit_are_one(places: str, text: str) -> None:
    runs = aligned(evidence(scores_of(places), NAMES))
    assert "".join(str(run.digit) for run in runs) == text
    for run in runs:
        assert places[run.first : run.last + 1] == str(run.digit) * (run.last + 1 - run.first)
        assert run.first <= run.best <= run.last


def test_one_doubtful_place_makes_no_digit() -> None:
    scores = scores_of(".3...")
    scores[3, 8] = 9.5  # 8, but hardly more than nothing
    assert [run.digit for run in aligned(evidence(scores, NAMES))] == [3]


@pytest.fixture(scope="module")
def listed() -> tuple[np.ndarray, dict[str, float]]:
    """Four places that may be nothing, 0 or 1, and every number's share of all 81 alignments, by listing them."""
    seen = np.full((4, 11), -np.inf)
    seen[:, :3] = np.log(np.random.default_rng(3).dirichlet([1, 1, 1], 4))
    shares: dict[str, float] = {}
    for states in product(range(3), repeat=4):
        runs = [state for state, _ in groupby(states) if state]
        weight = seen[range(4), states].sum() - CHANGE * len(runs)
        text = "".join(str(state - 1) for state in runs)
        shares[text] = shares.get(text, 0.0) + float(np.exp(weight))
    total = sum(shares.values())
    return seen, {text: share / total for text, share in shares.items()}


def test_a_numbers_posterior_is_the_share_of_all_its_alignments(listed: tuple[np.ndarray, dict[str, float]]) -> None:
    seen, shares = listed
    numbers = [text for text in shares if text]
    assert {"0", "00", "01", "1010"} <= set(numbers)
    found = np.exp(log_posteriors(seen, numbers, CHANGE))
    assert found == pytest.approx([shares[number] for number in numbers])


def test_the_best_alignment_is_that_of_a_likely_number(listed: tuple[np.ndarray, dict[str, float]]) -> None:
    seen, shares = listed
    text = "".join(str(run.digit) for run in aligned(seen, CHANGE))
    assert shares[text] > 1 / len(shares)


def test_a_number_with_more_digits_than_places_cannot_be() -> None:
    seen = evidence(scores_of("37"), NAMES)
    assert log_posteriors(seen, ["373", "37"])[0] == -np.inf
