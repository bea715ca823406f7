"""Evaluation of a model on a data set: accuracy, calibration, rejection and confusions."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5 import metrics
from lenet5.data.datasets import Images, is_own
from lenet5.display import Shown
from lenet5.engines.contract import Float
from lenet5.errors import DataError
from lenet5.inference.ensemble import Ensemble
from lenet5.inference.predictor import Predictor


@dataclass(frozen=True, repr=False)
class Evaluation(Shown):
    """The results on one part of a data set.

    answers                  (N,) the class with the highest score
    confidence               (N,) probability of the answer, 0..1, calibrated if the model has a temperature
    margin                   (N,) the best score minus the second best
    confusion                (classes, classes) truth in rows, answers in columns
    negative_log_likelihood  the mean of -log of the truth's probability, in nats, calibrated as the confidence is
    brier_score              the mean squared distance of the probabilities to the one-hot truth, 0..2
    class_names              the data's classes, then those that only the model has
    """

    data: Images
    answers: NDArray[np.int64]
    confidence: Float
    margin: Float
    confusion: NDArray[np.int64]
    negative_log_likelihood: float
    brier_score: float
    class_names: tuple[str, ...]

    def __repr__(self) -> str:
        images = f"{len(self.answers):,} images"
        return f"Evaluation({self.data.name} {self.data.part}: {self.accuracy_percent:.2f} % of {images})"

    @property
    def correct(self) -> int:
        """The number of correctly classified images."""
        return int(np.trace(self.confusion))

    @property
    def accuracy_percent(self) -> float:
        """Accuracy, in percent."""
        return metrics.accuracy_percent(self.correct, len(self.answers))

    @property
    def interval_percent(self) -> tuple[float, float]:
        """The 95 % interval (Wilson) of the accuracy."""
        return metrics.wilson_interval_percent(self.correct, len(self.answers))

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each image is classified correctly, (N,)."""
        right: NDArray[np.bool_] = self.answers == self.data.labels
        return right

    @property
    def calibration_error_percent(self) -> float:
        """The expected calibration error (15 bins), in percent."""
        return metrics.expected_calibration_error_percent(self.confidence, self.right)

    def rejection_for_error_percent(self, error_percent: float) -> float:
        """Return the rejection rate, in percent, needed for an error of at most `error_percent` among the others.

        The images with the smallest margins are rejected first, as in the 1998 paper (figure 10). NaN if unattainable.
        """
        return metrics.rejection_for_error_percent(self.margin, self.right, error_percent)

    def as_values(self) -> dict[str, Any]:
        """Return the outcome as plain values, as JSON holds them."""
        recall, precision = metrics.recall_percent(self.confusion), metrics.precision_percent(self.confusion)
        return {
            "data": self.data.name,
            "part": self.data.part,
            "data_fingerprint": self.data.fingerprint,
            "images": len(self.answers),
            "correct": self.correct,
            "accuracy_percent": self.accuracy_percent,
            "accuracy_interval_percent": list(self.interval_percent),
            "negative_log_likelihood": self.negative_log_likelihood,
            "brier_score": self.brier_score,
            "calibration_error_percent": self.calibration_error_percent,
            "classes": list(self.class_names),
            "recall_percent": recall.tolist(),
            "precision_percent": precision.tolist(),
            "confusion": self.confusion.tolist(),
            "misclassified": self.misclassified.tolist(),
        }

    @property
    def misclassified(self) -> NDArray[np.int64]:
        """Indices of the misclassified images, the most confident first."""
        wrong = np.flatnonzero(~self.right)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")]


def evaluate(predictor: Predictor | Ensemble, data: Images) -> Evaluation:
    """Evaluate a model on every image of a set. Raises DataError when the set has classes that the model lacks."""
    classes = predictor.classes
    if len(data.class_names) > classes:
        raise DataError(f"{data.name} has {len(data.class_names)} classes; the model has {classes}.")
    data = _aligned(data, predictor.class_names)
    scores = predictor.scores(data.images)
    answers = scores.argmax(axis=1)
    calibrated = scores / np.float32(predictor.temperature)
    probabilities = metrics.softmax(calibrated)
    return Evaluation(
        data,
        answers,
        confidence=probabilities[np.arange(len(answers)), answers],
        margin=metrics.margin(scores),
        confusion=metrics.confusion(data.labels, answers, classes),
        negative_log_likelihood=metrics.cross_entropy(calibrated, data.labels),
        brier_score=metrics.brier_score(probabilities, data.labels),
        class_names=data.class_names + predictor.class_names[len(data.class_names) :],
    )


def _aligned(data: Images, names: tuple[str, ...]) -> Images:
    """Return a set whose labels follow the order of the model's classes: matched by name, or else by number.

    Raises DataError when a user's own images have classes that the model lacks.
    """
    own = data.class_names
    if own == names[: len(own)]:
        return data
    if set(own) <= set(names):
        numbers = [names.index(name) for name in own]
    elif all(name.isdigit() and int(name) < len(names) for name in own):
        numbers = [int(name) for name in own]
    elif is_own(data.name):
        raise DataError(
            f"{data.name}: has the classes {', '.join(own)}; the model has {', '.join(names)}. Name the classes as "
            "the model does, or train a model on these images."
        )
    else:
        return data
    return replace(data, labels=np.array(numbers, np.int64)[data.labels], class_names=names)
