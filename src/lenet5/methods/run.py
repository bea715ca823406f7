"""One classifier fitted and scored: its errors, what it must reject, and its costs."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from lenet5 import metrics
from lenet5.data.datasets import Images, load
from lenet5.inference.predictor import Predictor
from lenet5.methods.catalogue import SIDES, Row
from lenet5.methods.contract import Float, Labels, Pixels
from lenet5.models.model import Model

TRAIN_IMAGES = 60_000  # of every recipe of the comparison
QUICK_TRAIN, QUICK_TEST = 6_000, 1_000  # images of a quick look
ERROR_PERCENT = 0.5  # among the answers that are not rejected (Figure 10)


@dataclass(frozen=True)
class Result:
    """What one fit came to.

    errors         misclassified test images
    rejected       percent of the test images to reject for 0.5 % error among the others; None where none is enough
    multiply_adds  for one digit; memory: numbers kept
    seconds        to fit and to score, on this machine
    """

    seed: int
    train_images: int
    test_images: int
    errors: int
    rejected: float | None
    multiply_adds: int
    memory: int
    seconds: float

    @property
    def error_percent(self) -> float:
        """Test error in percent."""
        return 100 * self.errors / self.test_images


def run(row: Row, seed: int, folder: Path | None = None, *, quick: bool = False) -> Result:
    """Fit a row's classifier on the training images, and score it on the test images.

    quick  take 6,000 training and 1,000 test images
    """
    assert row.make is not None, "this row is a recipe"
    train, test = (load(row.data, part, folder) for part in ("train", "test"))
    if quick:
        train, test = train.cut(0, QUICK_TRAIN, "train"), test.cut(0, QUICK_TEST, "test")
    side = SIDES[row.data]
    started = perf_counter()
    classifier = row.make()
    classifier.fit(_middle(train, side), train.labels, seed)
    scores = classifier.scores(_middle(test, side))
    seconds = perf_counter() - started
    errors, rejected = judged(scores, test.labels)
    counts = len(train.labels), len(test.labels)
    return Result(seed, *counts, errors, rejected, classifier.multiply_adds, classifier.memory, round(seconds, 1))


def of_model(model: Model, seconds: float, folder: Path | None = None) -> Result:
    """Return what a recipe's finished run came to, by its model: a network's costs are its connections and parameters.

    seconds  that its training took
    """
    card, test = model.card, load(model.card.data, "test", folder)
    errors, rejected = judged(Predictor(model).scores(test.images), test.labels)
    network = model.architecture
    counts = TRAIN_IMAGES, len(test.labels)
    return Result(card.seed, *counts, errors, rejected, network.connections, network.parameters, round(seconds, 1))


def judged(scores: Float, labels: Labels) -> tuple[int, float | None]:
    """Return how many images are misclassified, and the percentage to reject for 0.5 % error, by the best's lead."""
    right: NDArray[np.bool_] = scores.argmax(axis=1) == labels
    rejected = metrics.rejection_for_error_percent(metrics.margin(scores), right, ERROR_PERCENT)
    return int(np.count_nonzero(~right)), None if np.isnan(rejected) else round(rejected, 2)


def _middle(images: Images, side: int) -> Pixels:
    """Return the middle `side` x `side` pixels of the images."""
    edge = (images.images.shape[1] - side) // 2
    return np.ascontiguousarray(images.images[:, edge : edge + side, edge : edge + side])
