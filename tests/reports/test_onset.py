"""The onset of overfitting over seeds: where it is plain, where it is chance, where it is not there."""

import numpy as np
import pytest

from lenet5.reports.onset import onset


def curves(mean: list[float], noise: float, random: np.random.Generator) -> list[list[float]]:
    return (np.array(mean) + random.normal(0, noise, (5, len(mean)))).tolist()


@pytest.mark.parametrize(("mean", "expected"), [([3, 2, 1, 1.5, 2], 3), ([1, 2, 3], 1), ([3, 2, 1], 0)])
def test_a_plain_turn_is_found(mean: list[float], expected: int, random: np.random.Generator) -> None:
    assert onset(curves(mean, 0.01, random)) == expected


def test_a_rise_within_the_spread_of_the_seeds_is_none(random: np.random.Generator) -> None:
    assert onset(curves([3, 2, 1, 1.01, 1.02], 0.5, random)) == 0
