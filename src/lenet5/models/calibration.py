"""Calibration of a model's confidence: a temperature, and rejection thresholds."""

import numpy as np
from numpy.typing import NDArray

from lenet5 import metrics
from lenet5.metrics import Float
from lenet5.models.model import Calibration, Threshold

MAX_ERRORS_PERCENT = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
HOTTEST = 20.0


def calibrated(scores: Float, labels: NDArray[np.int64], *, images: str, none: int | None = None) -> Calibration:
    """Return the calibration of a model from its scores on images that it was not trained on.

    scores  (N, classes)
    images  a description of the images
    none    number of the class "none of these", if any; thresholds are determined on images of the other classes

    A threshold rejects all answers below it, and every answer `none`.
    """
    hot = temperature(scores, labels)
    probabilities = metrics.softmax(scores.astype(np.float64) / hot)
    answers, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    error = metrics.expected_calibration_error_percent(confidence, answers == labels)
    asked = labels != none if none is not None else np.ones(len(labels), bool)
    sure = np.where(answers == none, 0.0, confidence) if none is not None else confidence
    return Calibration(
        images=images,
        temperature=round(hot, 4),
        expected_calibration_error_percent=round(error, 3),
        thresholds=_thresholds(sure[asked], (answers == labels)[asked]),
    )


def temperature(scores: Float, labels: NDArray[np.int64]) -> float:
    """Return the temperature that maximizes the likelihood of the labels under the softmax of scores / temperature."""
    from scipy.optimize import minimize_scalar  # takes half a second to import

    def loss(log: float) -> float:
        return metrics.cross_entropy(scores / np.exp(log), labels)

    edge = np.log(HOTTEST)
    return float(np.exp(minimize_scalar(loss, bounds=(-edge, edge), method="bounded").x))


def _thresholds(confidence: Float, right: NDArray[np.bool_]) -> tuple[Threshold, ...]:
    """Return the lowest confidence threshold for each error rate in `MAX_ERRORS_PERCENT` that can be reached."""
    ordered = np.sort(confidence)
    _, left = metrics.error_by_rejection(confidence, right)
    found = []
    for most in MAX_ERRORS_PERCENT:
        enough = np.flatnonzero(left <= most)
        if enough.size:
            least = float(ordered[enough[0]]) if enough[0] else 0.0
            share = float(np.mean(confidence < least))
            found.append(Threshold(max_error_percent=most, probability=least, rejected_percent=round(100 * share, 3)))
    return tuple(found)
