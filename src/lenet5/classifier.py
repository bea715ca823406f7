"""`LeNet5Classifier`: LeNet-5 as a scikit-learn estimator, trained by the same loop as `lenet5 train`."""

import sys
import warnings
from collections.abc import Mapping
from dataclasses import replace
from math import isqrt
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from lenet5 import metrics
from lenet5.data.batches import Examples
from lenet5.data.datasets import Images
from lenet5.data.prepare import mean_pixel, resized
from lenet5.distribution import VERSION
from lenet5.engines import registry
from lenet5.engines.contract import Float, Precision, Weights
from lenet5.engines.scoring import score_all
from lenet5.errors import ShapeError
from lenet5.models import file as model_file
from lenet5.models import fold
from lenet5.models.model import Card, Model
from lenet5.recipes import catalogue
from lenet5.spec.digits import SIDE
from lenet5.spec.optimizer import Constant
from lenet5.spec.recipe import Recipe
from lenet5.training.checkpoint import Position
from lenet5.training.history import EpochRow
from lenet5.training.interrupt import StopRequest
from lenet5.training.train import Unwatched
from lenet5.training.trainer import Trainer

SCORED = 1000  # training images, at the most, that tell whether a network without validation images has learnt
Pixels = NDArray[np.uint8]


class LeNet5Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """LeNet-5 with scikit-learn's interface.

    Images come as rows of pixels, (N, side^2), or as (N, side, side), (N, side, side, 1) or (N, 1, side, side); other
    sides than 28 are resized. Background and ink are the smallest and the largest value seen in `fit`, so 0..1, 0..16
    and 0..255 all work. Classes may be any labels, two or more.

    Parameters
    ----------
    recipe : str, default="archaeology"
        The shipped recipe or TOML file whose network, preparation, loss, optimizer and augmentation are used.
    epochs : int, default=6
        Passes over the training images; with `early_stopping` the most there are.
    batch_size : int, default=32
        Images in a training step.
    learning_rate : float, default=None
        Replaces that of the recipe.
    class_weight : dict or "balanced", default=None
        Weights of classes: images of a class with twice the weight are shown twice as often.
    early_stopping : bool, default=False
        Keep a part of the training images for validation, stop when their loss no longer falls, and keep the weights
        of the epoch with the smallest.
    validation_fraction : float, default=0.1
        The part of the images that is kept for validation, stratified; used with `early_stopping` only.
    n_iter_no_change : int, default=5
        Epochs without a smaller validation loss after which training stops.
    warm_start : bool, default=False
        Begin with the weights of the last `fit`.
    verbose : int, default=0
        Print a line for each epoch.
    engine : {"auto", "native", "numpy", "torch"}, default="auto"
        What computes; "auto" is native where it was built.
    device : {"auto", "cpu", "cuda", "mps"}, default="auto"
        Where; cuda and mps by torch.
    random_state : int, RandomState instance or None, default=None
        The seed of first weights, order and augmentation. The same seed and engine give the same weights.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Pixels of an image, where rows were given.
    n_iter_ : int
        Epochs trained.
    loss_curve_ : list of float
        Mean training loss of each epoch.
    validation_scores_ : list of float or None
        Accuracy on the validation images after each epoch; None without `early_stopping`.
    model_ : lenet5.models.model.Model
        The trained network with its preparation; `save` writes it as a model file.
    weights_ : dict
        Its weights, name -> array.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> images, labels = load_digits(return_X_y=True)
    >>> classifier = LeNet5Classifier(epochs=5, random_state=0).fit(images[:1000], labels[:1000])
    >>> bool(classifier.score(images[1000:], labels[1000:]) > 0.8)
    True

    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "recipe": [str, Path],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "engine": [StrOptions({registry.AUTO, *registry.NAMES})],
        "device": [StrOptions({registry.AUTO, *registry.DEVICES})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        recipe: str = "archaeology",
        epochs: int = 6,
        batch_size: int = 32,
        learning_rate: float | None = None,
        class_weight: Mapping[Any, float] | str | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        verbose: int = 0,
        engine: str = registry.AUTO,
        device: str = registry.AUTO,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.recipe = recipe
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.verbose = verbose
        self.engine = engine
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on images X and their labels y.

        sample_weight  (N,) how much each image counts: one with weight 2 is shown twice as often, one with 0 never

        Raises ShapeError (a ValueError) for rows that are no squares, ValueError for parameters out of their range.
        Warns with ConvergenceWarning when the network has not learnt.
        """
        pixels, targets = self._validated(X, y)
        classes: NDArray[Any] = np.unique(targets)
        if len(classes) < 2:
            raise ValueError(f"y holds one class only, {classes[0]!r}; a classifier needs two or more.")
        warm = self.warm_start and hasattr(self, "_trained")
        if warm and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"warm_start goes on with the classes {list(self.classes_)}; y holds {list(classes)}. "
                "Set warm_start=False to begin anew."
            )
        self.classes_: NDArray[Any] = classes
        if not warm:
            self._begin(pixels)
        images = self._given(pixels, targets, sample_weight)
        scored = _some(images)
        if self.early_stopping:
            images, scored = self._split(images)
        plan = self._plan(self.epochs, len(scored.labels) if self.early_stopping else 0)
        start: tuple[Weights, Weights] | None = (self._trained[0], {}) if warm else None
        trainer = self._trainer(plan, images, scored, start, Position(seed=plan.seed))
        self._train(trainer)
        rows = trainer.history.epochs
        self.n_iter_, self.loss_curve_ = len(rows), [row.train_loss for row in rows]
        self.validation_scores_ = [row.test_accuracy_percent / 100 for row in rows] if self.early_stopping else None
        learnt = [incident for incident in trainer.history.incidents if incident.what in ("failed start", "not learnt")]
        if learnt and trainer.guesses(trainer.chosen_row):
            warnings.warn(f"The network has not learnt: {learnt[0].text}", ConvergenceWarning, stacklevel=2)
        return self

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train one epoch on some images, from where the last call ended; the learning rate stays the same.

        classes  every label that may come; needed in the first call. Background and ink are those of the first images

        Raises ValueError for labels that are not among them, or class_weight="balanced", which needs all labels.
        """
        first = not hasattr(self, "_trained")
        if first and classes is None:
            raise ValueError("classes must be given in the first call of partial_fit: every label that may come.")
        if self.class_weight == "balanced":
            raise ValueError('class_weight "balanced" needs all labels at once; give partial_fit a dict of weights.')
        pixels, targets = self._validated(X, y, reset=first)
        if classes is not None:
            if not first and not np.array_equal(np.unique(classes), self.classes_):
                raise ValueError(f"classes={classes!r} are not those of the first call, {list(self.classes_)}.")
            self.classes_ = np.unique(classes)
        unknown = np.setdiff1d(targets, self.classes_)
        if len(unknown):
            raise ValueError(f"y holds {unknown[0]!r}, which is not among the classes {list(self.classes_)}.")
        if first:
            self._begin(pixels)
            self.n_iter_, self.loss_curve_, self.validation_scores_ = 0, [], None
        images = self._given(pixels, targets, sample_weight)
        epoch = self.n_iter_ + 1
        plan = self._plan(epoch, 0).model_copy(update={"schedule": Constant(), "averaged_epochs": 0})
        a_epoch = plan.steps_per_epoch(len(images.labels))
        position = Position(seed=self._seed, epoch=epoch, step=(epoch - 1) * a_epoch)
        trainer = self._trainer(plan, images, _some(images), None if first else self._trained, position)
        self._train(trainer)
        self.n_iter_ = epoch
        self.loss_curve_.append(trainer.history.epochs[-1].train_loss)
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

    def save(self, path: Path | str) -> Path:
        """Write a model file, which `lenet5.load`, `lenet5.export` and the command line take; return its path.

        Its images are uint8, background 0 and ink 255.
        """
        check_is_fitted(self)
        model_file.write(self.model_, Path(path))
        return Path(path)

    @property
    def weights_(self) -> Weights:
        """The weights of the fitted network, name -> array."""
        check_is_fitted(self, "model_")
        return self.model_.weights

    def _validated(self, X: ArrayLike, y: ArrayLike, *, reset: bool = True) -> tuple[NDArray[Any], NDArray[Any]]:
        pixels, targets = validate_data(self, X, y, reset=reset, allow_nd=True, dtype="numeric")
        check_classification_targets(targets)
        return pixels, targets

    def _begin(self, pixels: NDArray[Any]) -> None:
        """Take what stays the same from the first images on: seed, background and ink."""
        _warn_of_standardised(pixels)
        self.background_, self.ink_ = float(pixels.min()), float(pixels.max())
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))

    def _given(self, pixels: NDArray[Any], targets: NDArray[Any], sample_weight: ArrayLike | None) -> Images:
        """Return the images as a data set, with the product of sample and class weights."""
        labels = np.searchsorted(self.classes_, targets).astype(np.int64)
        weights = None
        if sample_weight is not None or self.class_weight is not None:
            weights = _check_sample_weight(sample_weight, pixels, dtype=np.float64, ensure_non_negative=True)
            if self.class_weight is not None:
                weights = weights * compute_sample_weight(self.class_weight, targets)
        names = tuple(str(name)[:100] or "-" for name in self.classes_)
        return Images("given images", "train", self._images(pixels), labels, names, weights)

    def _split(self, images: Images) -> tuple[Images, Images]:
        """Return training and validation images. Raises ValueError where a class has too few."""
        indices = np.arange(len(images.labels))
        train, kept = train_test_split(
            indices, test_size=self.validation_fraction, stratify=images.labels, random_state=self._seed
        )
        return _chosen(images, np.sort(train), "train"), _chosen(images, np.sort(kept), "validation")

    def _plan(self, epochs: int, validation: int) -> Recipe:
        """Return the recipe with this classifier's parameters, and an output for each class."""
        recipe = catalogue.load(self.recipe)
        if recipe.teacher:
            raise ValueError(f"recipe {recipe.name!r} needs a teacher, which an estimator does not train; use another.")
        rate = {} if self.learning_rate is None else {"learning_rate": float(self.learning_rate)}
        values = recipe.model_dump() | {
            "epochs": int(epochs), "steps": None, "images": None, "batch_size": int(self.batch_size),
            "seed": self._seed, "restarts": 0, "validation": validation, "data": "given images", "claims": (),
            "patience": int(self.n_iter_no_change) if validation else 0, "start_from": None, "class_weight": None,
            "averaged_epochs": 0 if validation else min(recipe.averaged_epochs, int(epochs)),
            "optimizer": recipe.optimizer.model_copy(update=rate),
            "architecture": recipe.architecture.with_classes(len(self.classes_)),
        }  # fmt: skip
        return Recipe.model_validate(values)

    def _trainer(
        self, plan: Recipe, train: Images, scored: Images, start: tuple[Weights, Weights] | None, position: Position
    ) -> Trainer:
        """Return a trainer of this plan that keeps everything in memory.

        start  weights and optimizer state to go on with
        """
        engine = registry.get(self.engine, self.device)
        preparation = plan.preparation
        if preparation.subtract_mean:
            if not hasattr(self, "_mean") or start is None:
                self._mean = mean_pixel(train.images)
            preparation = preparation.centred(self._mean)
        observer = _Lines() if self.verbose else Unwatched()
        trainer = Trainer(
            plan, engine, None, train, scored, preparation, environment={}, observer=observer, stop=StopRequest(),
            score_train=False,
        )  # fmt: skip
        if start:
            trainer.network.load(start[0], start[1] or trainer.network.state())
        trainer.position = position
        return trainer

    def _train(self, trainer: Trainer) -> None:
        """Train to the end, and keep the model and what goes on from it."""
        trainer.to_the_end()
        row, plan = trainer.chosen_row, trainer.recipe
        self._trained: tuple[Weights, Weights] = (trainer.model_weights(), trainer.network.state())
        architecture, weights = fold.for_use(plan.architecture, trainer.model_weights())
        card = Card(
            recipe=plan.name, recipe_digest=plan.digest, data=trainer.train.name,
            data_fingerprint=trainer.train.fingerprint, class_names=trainer.train.class_names, seed=plan.seed,
            engine=trainer.engine.name, epochs=row.epoch, steps=row.step, scored_on=trainer.test.part,
            test_images=len(trainer.test.labels), test_accuracy_percent=row.test_accuracy_percent,
            lenet5_version=VERSION,
        )  # fmt: skip
        self.model_ = Model(architecture, trainer.preparation, weights, card)

    def _scores(self, X: ArrayLike) -> Float:
        check_is_fitted(self)
        images = self._images(validate_data(self, X, reset=False, allow_nd=True, dtype="numeric"))
        examples = Examples(images, np.zeros(len(images), np.int64), self.model_.preparation)
        # In float32 the last bits of a score depend on its neighbours in the chunk, except in the native engine, which
        # sums each image by itself. scikit-learn forbids such a dependence.
        engine = registry.get(self.engine, self.device)
        precision: Precision = "float32" if engine.name == "native" or engine.device == "mps" else "float64"
        scorer = engine.scorer(self.model_.architecture, self.model_.weights, precision=precision)
        return score_all(scorer, examples)

    def _images(self, X: NDArray[Any]) -> Pixels:
        """Return X as uint8 (N, 28, 28), background 0 and ink 255 as `fit` has seen them."""
        side = isqrt(X[0].size)
        form = X.shape[1:]
        if form not in ((side * side,), (side, side), (side, side, 1), (1, side, side)):
            raise ShapeError(
                f"X has shape {X.shape}; expected square grey images, (N, side, side), (N, side, side, 1) or "
                "(N, side^2), such as (N, 784)."
            )
        squares = X.reshape(-1, side, side).astype(np.float64)
        bright = (squares - self.background_) / ((self.ink_ - self.background_) or 1) * 255
        if side != SIDE:
            bright = resized(bright, SIDE)
        return np.rint(bright).clip(0, 255).astype(np.uint8)


class _Lines(Unwatched):
    """Prints a line for each epoch."""

    def epoch(self, row: EpochRow) -> None:
        print(
            f"epoch {row.epoch:3d}  train loss {row.train_loss:.4f}  {row.train_accuracy_percent:.2f} %  "
            f"scored {row.test_accuracy_percent:.2f} %",
            file=sys.stdout,
        )


def _chosen(images: Images, indices: NDArray[np.int64], part: str) -> Images:
    weights = None if images.weights is None else images.weights[indices]
    return replace(images, part=part, images=images.images[indices], labels=images.labels[indices], weights=weights)


def _some(images: Images) -> Images:
    """Return training images to score, evenly from all of them."""
    count = len(images.labels)
    return _chosen(images, np.unique(np.linspace(0, count - 1, min(count, SCORED)).astype(np.int64)), "train")


def _warn_of_standardised(pixels: NDArray[Any]) -> None:
    """Warn where every pixel has mean 0 and standard deviation 1 over the images, as StandardScaler leaves them."""
    flat = pixels.reshape(len(pixels), -1).astype(np.float64)
    mean, deviation = flat.mean(axis=0), flat.std(axis=0)
    varied = deviation > 0
    if varied.sum() > 1 and np.abs(mean).max() < 1e-3 and np.abs(deviation[varied] - 1).max() < 1e-3:
        warnings.warn(
            "Each pixel of X has mean 0 and standard deviation 1, as after StandardScaler. That distorts images: rare "
            "pixels become the brightest. Give the pixels themselves; their range may be any.",
            UserWarning,
            stacklevel=5,
        )
