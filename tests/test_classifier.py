"""`LeNet5Classifier` in scikit-learn's world."""

from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import lenet5
from lenet5 import LeNet5Classifier
from lenet5.errors import ShapeError

# Most tests here train for a moment only.
pytestmark = pytest.mark.filterwarnings("ignore:The network has not learnt")


class Squared(LeNet5Classifier):
    """The same classifier behind a door that fills up each row to a square.

    scikit-learn's own checks use tables of two, three or ten columns, which are no images. All else that they
    check (cloning, names, NaN, labels of any type, subsets, pickling) is tested through this door.
    """

    def _images(self, X: np.ndarray) -> np.ndarray:
        # Columns are repeated, not padded, so that a table of two columns still fills its image.
        side = isqrt(X.shape[1] - 1) + 1
        return super()._images(np.resize(X.T, (side * side, len(X))).T)


def not_exact(estimator: Any) -> dict[str, str]:
    """As for scikit-learn's own SGDClassifier: weights equal repetition on average."""
    reason = "the order of the images is drawn, which is another one for repeated images"
    return {
        "check_sample_weight_equivalence_on_dense_data": reason,
        "check_sample_weight_equivalence_on_sparse_data": reason,
    }


@pytest.mark.filterwarnings("ignore:Each pixel of X")  # the checks' own tables
@parametrize_with_checks([Squared(epochs=25, batch_size=8, learning_rate=0.02)], expected_failed_checks=not_exact)
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
    with pytest.raises(ShapeError, match="expected square grey images"):
        LeNet5Classifier().fit(digits[0][:50, :63], digits[1][:50])


def test_works_in_cross_validation(digits: Any) -> None:
    scores = cross_val_score(LeNet5Classifier(epochs=2, random_state=0), digits[0][:300], digits[1][:300], cv=2)
    assert len(scores) == 2


@pytest.mark.parametrize("recipe", ["lecun-1998", "scratch", "modern"])
def test_every_kind_of_recipe_learns(digits: Any, recipe: str) -> None:
    """Second derivatives, a mean to subtract, batch normalisation with distortions: all as `lenet5 train` does it."""
    X, y = digits
    batch_size = 1 if recipe == "lecun-1998" else 32
    classifier = LeNet5Classifier(recipe=recipe, epochs=6, batch_size=batch_size, random_state=0)
    assert classifier.fit(X[:1200], y[:1200]).score(X[1200:], y[1200:]) > 0.75


@pytest.mark.parametrize(
    "wrong", [{"epochs": "3"}, {"epochs": 0}, {"learning_rate": -1.0}, {"engine": "jax"}, {"n_iter_no_change": 0}]
)
def test_a_parameter_out_of_range_is_named(digits: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"The '{next(iter(wrong))}' parameter of LeNet5Classifier must be"):
        LeNet5Classifier(**wrong).fit(digits[0][:50], digits[1][:50])


def test_images_may_have_a_channel(digits: Any) -> None:
    X, y = digits[0][:200], digits[1][:200]
    rows = LeNet5Classifier(epochs=2, random_state=0).fit(X, y)
    for form in ((-1, 8, 8, 1), (-1, 1, 8, 8)):
        images = LeNet5Classifier(epochs=2, random_state=0).fit(X.reshape(form), y)
        np.testing.assert_array_equal(rows.weights_["C1.weight"], images.weights_["C1.weight"])


def test_partial_fit_goes_on_where_the_last_call_ended(digits: Any) -> None:
    X, y = digits
    classifier = LeNet5Classifier(random_state=0, learning_rate=0.05)
    for start in [0, 400, 800] * 3:
        classifier.partial_fit(X[start : start + 400], y[start : start + 400], classes=np.arange(10))
    assert classifier.n_iter_ == len(classifier.loss_curve_) == 9
    assert classifier.score(X[1200:], y[1200:]) > 0.6
    with pytest.raises(ValueError, match="not among the classes"):
        classifier.partial_fit(X[:2], [10, 11])


def test_warm_start_begins_with_the_last_weights(digits: Any) -> None:
    X, y = digits[0][:1200], digits[1][:1200]
    classifier = LeNet5Classifier(epochs=3, warm_start=True, random_state=0).fit(X, y)
    before = classifier.loss_curve_[-1]
    assert classifier.fit(X, y).loss_curve_[0] < before


def test_an_image_of_weight_0_is_never_seen(digits: Any) -> None:
    X, y = digits[0][:300], digits[1][:300]
    wrong = (y + 1) % 10
    both, weight = np.concatenate([X, X]), np.repeat([1.0, 0.0], 300)
    classifier = LeNet5Classifier(epochs=12, random_state=0).fit(both, np.concatenate([y, wrong]), sample_weight=weight)
    assert classifier.score(X, y) > 0.8


def test_class_weights_move_the_answers(digits: Any) -> None:
    X, y = digits[0][:600], digits[1][:600]
    plain = LeNet5Classifier(epochs=2, random_state=0, learning_rate=0.02).fit(X, y)
    heavy = LeNet5Classifier(epochs=2, random_state=0, learning_rate=0.02, class_weight={3: 20.0}).fit(X, y)
    assert (heavy.predict(X) == 3).mean() > (plain.predict(X) == 3).mean()


def test_early_stopping_keeps_the_best_epoch(digits: Any) -> None:
    classifier = LeNet5Classifier(epochs=100, early_stopping=True, n_iter_no_change=2, random_state=0)
    classifier.fit(digits[0][:1200], digits[1][:1200])
    assert classifier.n_iter_ < 100
    assert classifier.model_.card.scored_on == "validation"
    assert classifier.model_.card.epochs == classifier.n_iter_ - 2
    assert len(classifier.validation_scores_) == classifier.n_iter_


def test_standardised_pixels_are_noticed(digits: Any) -> None:
    X = StandardScaler().fit_transform(digits[0])
    with pytest.warns(UserWarning, match="as after StandardScaler"):
        LeNet5Classifier(epochs=8, random_state=0).fit(X, digits[1])


def test_a_network_that_has_not_learnt_is_noticed(digits: Any) -> None:
    with pytest.warns(ConvergenceWarning, match="has not learnt.*only 4 steps"):
        LeNet5Classifier(epochs=1, learning_rate=1e-6, random_state=0).fit(digits[0][:100], digits[1][:100])


def test_verbose_prints_a_line_an_epoch(digits: Any, capsys: pytest.CaptureFixture[str]) -> None:
    LeNet5Classifier(epochs=3, verbose=1, random_state=0, learning_rate=0.05).fit(digits[0][:600], digits[1][:600])
    assert capsys.readouterr().out.count("epoch") == 3


def test_a_fitted_classifier_is_a_model(digits: Any, tmp_path: Path) -> None:
    X, y = np.kron(digits[0][:300].reshape(-1, 8, 8), np.ones((1, 3, 3))), digits[1][:300]
    images = np.pad(X * 255 / 16, ((0, 0), (2, 2), (2, 2))).astype(np.uint8)
    classifier = LeNet5Classifier(recipe="modern", epochs=4, random_state=0).fit(images, y)
    model = lenet5.load(classifier.save(tmp_path / "mine.safetensors"))
    np.testing.assert_array_equal(model.predict(images), classifier.predict(images))
    assert lenet5.export(model, tmp_path / "plain.safetensors", to="safetensors").files
