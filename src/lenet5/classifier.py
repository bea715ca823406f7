"""LeNet-5 for those who live in scikit-learn: fit, predict, predict_proba, score."""

from math import isqrt
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from lenet5 import metrics
from lenet5.data.batches import Examples, batches, examples_for_epoch, order
from lenet5.data.prepare import resized
from lenet5.engines import registry
from lenet5.engines.contract import Float, Network, Precision, Weights
from lenet5.engines.initial import first_weights
from lenet5.engines.scoring import score_all
from lenet5.errors import ShapeError
from lenet5.recipes import catalogue
from lenet5.spec.architecture import Architecture

SIDE = 28


class LeNet5Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """A LeNet-5 with scikit-learn's conduct.

    Images come as rows of pixels, (N, side^2), or as (N, side, side); any side is stretched to 28. Background
    and ink are the smallest and the largest value seen in `fit`, so 0..1, 0..16 and 0..255 all work. Classes
    may be any labels, two or more.

    Parameters
    ----------
    recipe         whose network, preparation, loss and optimiser are used
    epochs         passes over the training images
    batch_size     images a step
    learning_rate  in place of the recipe's, if given
    engine         "native", "numpy" or "torch"; "auto" takes the native one where it was built
    device         "cpu", "cuda" or "mps", the last two by torch; "auto" takes the engine's fastest
    random_state   seed, or scikit-learn's other forms of one

    Attributes
    ----------
    classes_        the labels, sorted
    n_features_in_  pixels of an image
    weights_        name -> array, as in every model of lenet5
    loss_curve_     mean training loss of each epoch

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> images, labels = load_digits(return_X_y=True)
    >>> classifier = LeNet5Classifier(epochs=5, random_state=0).fit(images[:1000], labels[:1000])
    >>> bool(classifier.score(images[1000:], labels[1000:]) > 0.8)
    True

    """

    def __init__(
        self,
        *,
        recipe: str = "archaeology",
        epochs: int = 6,
        batch_size: int = 32,
        learning_rate: float | None = None,
        engine: str = registry.AUTO,
        device: str = registry.AUTO,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.recipe = recipe
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.engine = engine
        self.device = device
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on images X and their labels y. Raises ShapeError (a ValueError) for rows that are no squares."""
        pixels: NDArray[Any]
        targets: NDArray[Any]
        pixels, targets = validate_data(self, X, y, allow_nd=True, dtype="numeric")
        check_classification_targets(targets)
        self.classes_, encoded = np.unique(targets, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds one class only, {self.classes_[0]!r}; a classifier needs two or more.")
        self.background_, self.ink_ = float(pixels.min()), float(pixels.max())
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        images, labels = self._images(pixels), encoded.astype(np.int64)
        recipe = catalogue.load(self.recipe)
        weights = first_weights(self._architecture(), recipe.initial, seed)
        network = self._network(weights)
        rate = self.learning_rate if self.learning_rate is not None else recipe.optimizer.learning_rate
        examples = Examples(images, labels, recipe.preparation)
        self.loss_curve_: list[float] = []
        for epoch in range(1, self.epochs + 1):
            network.hold(examples_for_epoch(examples, seed, epoch))
            shuffled = batches(order(len(labels), seed, epoch, recipe.sampling), self.batch_size)
            done = epoch - 1 + (np.arange(len(shuffled)) + 0.5) / len(shuffled)
            rates = rate * np.array([recipe.schedule.factor(each, self.epochs) for each in done])
            steps = network.train(shuffled, rates)
            self.loss_curve_.append(float(np.average(steps.losses, weights=[len(batch) for batch in shuffled])))
        self.weights_ = network.weights()
        return self

    def decision_function(self, X: ArrayLike) -> Float:
        """Return the scores (N, classes); for two classes, the second's lead over the first: (N,)."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_proba(self, X: ArrayLike) -> Float:
        """Return the softmax of the scores (N, classes). They are not calibrated."""
        return metrics.softmax(self._scores(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the label with the highest score for each image: (N,)."""
        best = self._scores(X).argmax(axis=1)
        answers: NDArray[Any] = self.classes_[best]
        return answers

    def _scores(self, X: ArrayLike) -> Float:
        check_is_fitted(self)
        images = self._images(validate_data(self, X, reset=False, allow_nd=True, dtype="numeric"))
        examples = Examples(images, np.zeros(len(images), np.int64), catalogue.load(self.recipe).preparation)
        # In float32 the last bits of a score depend on its neighbours in the chunk, except in the native engine, which
        # sums each image by itself. scikit-learn forbids such a dependence.
        engine = registry.get(self.engine, self.device)
        precision: Precision = "float32" if engine.name == "native" or engine.device == "mps" else "float64"
        return score_all(self._network(self.weights_, precision), examples)

    def _architecture(self) -> Architecture:
        return catalogue.load(self.recipe).architecture.with_classes(len(self.classes_))

    def _network(self, weights: Weights, precision: Precision = "float32") -> Network:
        recipe = catalogue.load(self.recipe)
        return registry.get(self.engine, self.device).build(
            self._architecture(), weights, recipe.objective, recipe.optimizer, precision=precision
        )

    def _images(self, X: NDArray[Any]) -> NDArray[np.uint8]:
        """Return X as uint8 (N, 28, 28), background 0 and ink 255 as `fit` has seen them."""
        side = isqrt(X.shape[1]) if X.ndim == 2 else X.shape[1]
        if X.ndim > 3 or X[0].size != side * side:
            raise ShapeError(
                f"X has shape {X.shape}; expected square images, (N, side, side) or (N, side^2), such as (N, 784)."
            )
        squares = X.reshape(-1, side, side).astype(np.float64)
        bright = (squares - self.background_) / ((self.ink_ - self.background_) or 1) * 255
        if side != SIDE:
            bright = resized(bright, SIDE)
        return np.rint(bright).clip(0, 255).astype(np.uint8)
