"""The count of digits to edit, by hand, and its interval."""

from math import isnan

import pytest

from lenet5.reading.score import edit_distance, edit_interval_percent


@pytest.mark.parametrize(
    ("label", "answer", "edits"),
    [("123", "123", 0), ("123", "", 3), ("123", "13", 1), ("13", "123", 1), ("1998", "1989", 2), ("12345", "2345?", 2)],
)
def test_edits_are_insertions_omissions_and_changes(label: str, answer: str, edits: int) -> None:
    assert edit_distance(label, answer) == edits


def test_the_interval_is_that_of_means_when_all_strings_are_equally_long() -> None:
    # Rates 0, 0, 1/2, 1/2 of strings of two digits: mean 25 %, deviation 28.87 %, so 1.96 * 28.87 / 2 = 28.29.
    low, high = edit_interval_percent([0, 0, 1, 1], [2, 2, 2, 2])
    assert (low, high) == (0.0, pytest.approx(53.29, abs=0.01))


def test_one_string_has_no_interval() -> None:
    assert all(isnan(end) for end in edit_interval_percent([1], [5]))
