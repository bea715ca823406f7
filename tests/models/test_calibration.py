"""How sure a model may be: found again where it is known."""

import numpy as np
import pytest

from lenet5 import metrics
from lenet5.models.calibration import calibrated, temperature


@pytest.fixture
def honest(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose softmax is how often each of five classes is right, and labels drawn by it."""
    scores = random.normal(0, 2, (20_000, 5))
    chances = metrics.softmax(scores).cumsum(axis=1)
    return scores, (random.random((20_000, 1)) > chances).sum(axis=1)


def test_the_temperature_of_scores_three_times_too_large_is_3(honest: tuple[np.ndarray, np.ndarray]) -> None:
    scores, labels = honest
    assert temperature(3 * scores, labels) == pytest.approx(3, rel=0.05)  # of 20,000 labels drawn


def test_calibration_takes_overconfidence_away(honest: tuple[np.ndarray, np.ndarray]) -> None:
    scores, labels = honest
    sure = metrics.softmax(3 * scores)
    right = sure.argmax(axis=1) == labels
    assert metrics.expected_calibration_error_percent(sure.max(axis=1), right) > 15
    found = calibrated(3 * scores, labels, images="made")
    assert found.expected_calibration_error_percent < 2


def test_the_calibration_error_by_hand() -> None:
    confidence = np.array([0.95, 0.95, 0.55, 0.55])
    right = np.array([True, True, True, False])
    # Two bins of two: 0.05 too modest in one, 0.05 too sure in the other.
    assert metrics.expected_calibration_error_percent(confidence, right, bins=10) == pytest.approx(5)


def test_above_a_threshold_few_enough_are_wrong(honest: tuple[np.ndarray, np.ndarray]) -> None:
    scores, labels = honest
    found = calibrated(scores, labels, images="made")
    sure = metrics.softmax(scores / found.temperature)
    for threshold in found.thresholds:
        given = sure.max(axis=1) >= threshold.probability
        assert 100 * np.mean(sure.argmax(axis=1)[given] != labels[given]) <= threshold.max_error_percent
        assert 100 * np.mean(~given) == pytest.approx(threshold.rejected_percent, abs=0.01)  # an image is 0.005
    assert [threshold.max_error_percent for threshold in found.thresholds][-1] == 5.0


def test_none_of_these_is_no_answer() -> None:
    scores = np.array([[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0], [0.0, 0.0, 4.0]] * 10)
    labels = np.array([0, 1, 2, 0] * 10)  # the last is a digit that is taken for none: rejected, not wrong
    found = calibrated(scores, labels, images="made", none=2)
    assert found.thresholds[0].rejected_percent == pytest.approx(100 / 3, abs=1e-3)
