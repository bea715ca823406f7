"""`LeNet5Classifier` in scikit-learn's world."""

from math import isqrt
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from lenet5 import LeNet5Classifier
from lenet5.errors import ShapeError


class Squared(LeNet5Classifier):
    """The same classifier behind a door that fills up each row to a square.

    scikit-learn's own checks use tables of two, three or ten columns, which are no images. All else that they
    check (cloning, names, NaN, labels of any type, subsets, pickling) is tested through this door.
    """

    def _images(self, X: np.ndarray) -> np.ndarray:
        # Columns are repeated, not padded, so that a table of two columns still fills its image.
        side = isqrt(X.shape[1] - 1) + 1
        return super()._images(np.resize(X.T, (side * side, len(X))).T)


@parametrize_with_checks([Squared(epochs=25, batch_size=8, learning_rate=0.02)])
def test_conduct(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    return load_digits(return_X_y=True)


def test_learns_the_small_digits(digits: Any) -> None:
    X, y = digits
    classifier = LeNet5Classifier(epochs=8, random_state=0).fit(X[:1200], y[:1200])
    assert classifier.score(X[1200:], y[1200:]) > 0.85
    assert classifier.loss_curve_[-1] < classifier.loss_curve_[0]
    np.testing.assert_allclose(classifier.predict_proba(X[:5]).sum(axis=1), 1, rtol=1e-5)


def test_images_may_be_squares_or_rows(digits: Any) -> None:
    X, y = digits[0][:200], digits[1][:200]
    rows = LeNet5Classifier(epochs=1, random_state=0).fit(X, y)
    squares = LeNet5Classifier(epochs=1, random_state=0).fit(X.reshape(-1, 8, 8), y)
    np.testing.assert_array_equal(rows.weights_["C1.weight"], squares.weights_["C1.weight"])


def test_labels_may_be_words(digits: Any) -> None:
    X, y = digits[0][:300], np.array(["even", "odd"])[digits[1][:300] % 2]
    classifier = LeNet5Classifier(epochs=3, random_state=0).fit(X, y)
    assert set(classifier.predict(X)) <= {"even", "odd"}
    assert classifier.decision_function(X).shape == (300,)


def test_rows_that_are_no_squares_are_named(digits: Any) -> None:
    with pytest.raises(ShapeError, match="expected square images"):
        LeNet5Classifier().fit(digits[0][:50, :63], digits[1][:50])


def test_works_in_cross_validation(digits: Any) -> None:
    scores = cross_val_score(LeNet5Classifier(epochs=2, random_state=0), digits[0][:300], digits[1][:300], cv=2)
    assert len(scores) == 2
