"""Statistics against values worked by hand or given by textbooks."""

import numpy as np
import pytest

from lenet5.studies import statistics


def test_summary_by_hand() -> None:
    found = statistics.summary([1.0, 2.0, 3.0])
    assert (found.n, found.mean, found.deviation) == (3, 2.0, 1.0)
    assert found.high - found.mean == pytest.approx(4.302652730 / 3**0.5)  # t of 2 degrees of freedom, 97.5 %


def test_mcnemar_looks_only_at_disagreements() -> None:
    first = np.array([True] * 100 + [True] * 8 + [False] * 2)
    second = np.array([True] * 100 + [False] * 8 + [True] * 2)
    assert statistics.mcnemar_p(first, second) == pytest.approx(
        2 * (1 + 10 + 45) / 1024
    )  # of 10, at most 2 or at least 8
    assert statistics.mcnemar_p(first, first) == 1


def test_holm_by_hand() -> None:
    assert statistics.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_runs_that_are_equal_do_not_differ() -> None:
    assert statistics.paired_p([1.0, 2.0], [1.0, 2.0]) == 1
    assert statistics.paired_p([1.0, 2.0, 3.0, 4.0], [2.0, 3.1, 3.9, 5.0]) < 0.01
