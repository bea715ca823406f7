"""Figures worked by hand, and scikit-learn as the judge."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, log_loss, precision_score, recall_score

from lenet5 import metrics
from lenet5.spec.objective import Objective


def test_wilson_interval_of_8_in_10_is_the_textbook_value() -> None:
    # (0.8 + 3.8415/20 +- 1.96 sqrt(0.016 + 3.8415/400)) / (1 + 3.8415/10), worked by hand
    assert metrics.wilson_interval_percent(8, 10) == pytest.approx((49.02, 94.33), abs=0.01)


def test_wilson_interval_stays_inside_0_and_100() -> None:
    assert 99.9999 < metrics.wilson_interval_percent(10, 10)[1] <= 100
    assert 0 <= metrics.wilson_interval_percent(0, 10)[0] < 1e-4


def test_confusion_precision_and_recall_are_those_of_scikit_learn(random: np.random.Generator) -> None:
    labels, answers = random.integers(0, 5, (2, 200))
    matrix = metrics.confusion(labels, answers, 5)
    np.testing.assert_array_equal(matrix, confusion_matrix(labels, answers))
    np.testing.assert_allclose(metrics.recall_percent(matrix), 100 * recall_score(labels, answers, average=None))
    np.testing.assert_allclose(metrics.precision_percent(matrix), 100 * precision_score(labels, answers, average=None))


def test_a_class_without_images_has_no_recall() -> None:
    matrix = metrics.confusion(np.array([0, 0]), np.array([0, 1]), 3)
    np.testing.assert_array_equal(metrics.recall_percent(matrix), [50, np.nan, np.nan])


def test_losses_and_softmax(random: np.random.Generator) -> None:
    scores, labels = random.normal(size=(20, 10)), np.arange(20) % 10
    probabilities = metrics.softmax(scores)
    assert metrics.cross_entropy(scores, labels) == pytest.approx(log_loss(labels, probabilities, labels=range(10)))
    assert metrics.mean_squared_error(np.eye(10), np.arange(10)) == 0
    assert metrics.mean_squared_error(np.zeros((1, 10)), np.array([3])) == pytest.approx(0.1)


def test_the_brier_score_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6]], np.float32)
    assert metrics.brier_score(probabilities, np.array([0, 0])) == pytest.approx((0.02 + 0.72) / 2)


def test_softmax_of_huge_scores_is_finite() -> None:
    np.testing.assert_array_equal(metrics.softmax(np.array([[1e5, -1e5]])), [[1, 0]])


def test_rejecting_the_least_sure_leaves_fewer_errors() -> None:
    confidence = np.array([0.1, 0.9, 0.2, 0.8, 0.7])
    right = np.array([False, True, True, True, False])
    rejected, error = metrics.error_by_rejection(confidence, right)
    np.testing.assert_allclose(rejected, [0, 20, 40, 60, 80])
    np.testing.assert_allclose(error, [40, 25, 100 / 3, 0, 0])
    assert metrics.rejection_for_error_percent(confidence, right, 30) == 20
    assert metrics.rejection_for_error_percent(confidence, right, 5) == 60
    assert np.isnan(metrics.rejection_for_error_percent(confidence, np.zeros(5, bool), 5))


def test_margin_is_the_lead_of_the_best_score() -> None:
    np.testing.assert_array_equal(metrics.margin(np.array([[1.0, 5.0, 3.0], [-2.0, -2.0, -9.0]])), [2, 0])


def test_losses_of_1998_by_hand() -> None:
    scores, labels = np.array([[-1.0, -3.0]]), np.array([1])
    assert metrics.loss(Objective(loss="maximum_likelihood"), scores, labels) == 3
    expected = 3 + np.log(np.exp(-0.5) + np.exp(-1.0) + np.exp(-3.0))
    assert metrics.loss(Objective(loss="maximum_a_posteriori", j=0.5), scores, labels) == pytest.approx(expected)
