"""A model: an architecture, its weights, how to prepare images for it, and where it comes from."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from lenet5.display import Shown
from lenet5.engines.contract import Weights
from lenet5.spec.architecture import Architecture
from lenet5.spec.plan import Plan
from lenet5.spec.preparation import Preparation

Percent = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
ClassName = Annotated[str, Field(min_length=1, max_length=100)]


class Threshold(Plan):
    """Up to which confidence to reject, so that of the answers that are left few are wrong.

    max_error_percent  what was asked for: errors among the answers given
    probability        answers below it are rejected, after calibration
    rejected_percent   share of the calibration images that this rejects
    """

    max_error_percent: Percent
    probability: Share
    rejected_percent: Percent


class Calibration(Plan):
    """How far a model's confidence can be trusted, found on images that it was not trained on.

    images       which images, and how many
    temperature  scores are divided by it before the softmax (Guo et al. 2017); 0.01 to 100
    expected_calibration_error_percent  in 15 bins, after that
    """

    images: str
    temperature: Annotated[float, Field(ge=0.01, le=100)]
    expected_calibration_error_percent: Percent
    thresholds: tuple[Threshold, ...]


class Card(Plan):
    """What a user must know of a model before trusting it.

    data, data_fingerprint   the training set; a fingerprint tells look-alikes apart
    calibration              None: its probabilities are those of the softmax, which are often too sure
    test_accuracy_percent    on the `test_images` images of the part `scored_on`, with the last weights of the run
    scored_on                "test", or "validation" for images kept from training
    trained_on               the date, in shipped models; new files leave it to the run's result, so that the same
                             training gives the same bytes at any time
    """

    recipe: str
    recipe_digest: str
    data: str
    data_fingerprint: str
    class_names: tuple[ClassName, ...]
    seed: int
    engine: str
    epochs: Count
    steps: Count
    scored_on: str = "test"
    test_images: Count
    test_accuracy_percent: Percent
    trained_on: str = ""
    lenet5_version: str
    calibration: Calibration | None = None


@dataclass(frozen=True, repr=False)
class Model(Shown):
    """Everything that is needed to answer for an image.

    preparation  complete: the training set's mean, where it is subtracted, is folded into the scale
    weights      float32, by the names in `architecture.parameter_shapes`
    """

    architecture: Architecture
    preparation: Preparation
    weights: Weights
    card: Card

    def __repr__(self) -> str:
        card = self.card
        return f"Model({card.recipe}: {self.architecture.parameters:,} parameters, {card.test_accuracy_percent:.2f} %)"
