"""A model: an architecture, its weights, the preparation of its images, and its provenance."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from lenet5.display import Shown
from lenet5.engines.contract import Weights
from lenet5.spec.architecture import Architecture
from lenet5.spec.preparation import Preparation
from lenet5.spec.specification import Specification

Percent = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
ClassName = Annotated[str, Field(min_length=1, max_length=100)]


class Threshold(Specification):
    """A rejection threshold on the confidence that keeps the error rate of the accepted answers low.

    max_error_percent  the requested maximum error rate of the accepted answers
    probability        answers with a lower calibrated probability are rejected
    rejected_percent   share of the calibration images that are rejected
    """

    max_error_percent: Percent
    probability: Share
    rejected_percent: Percent


class Calibration(Specification):
    """Calibration of a model's confidence on images that it was not trained on.

    images       description and number of the images
    temperature  divides the scores before the softmax (Guo et al. 2017); 0.01 to 100
    expected_calibration_error_percent  after temperature scaling, with 15 bins
    """

    images: str
    temperature: Annotated[float, Field(ge=0.01, le=100)]
    expected_calibration_error_percent: Percent
    thresholds: tuple[Threshold, ...]


class Card(Specification):
    """The model card: training data, accuracy and calibration.

    data, data_fingerprint   the training set; the fingerprint distinguishes variants of the same name
    calibration              None: the probabilities are uncalibrated and often overconfident
    test_accuracy_percent    on the `test_images` images of the part `scored_on`, with the final weights of the run
    scored_on                "test", or "validation" for images held out from training
    trained_on               the date, in shipped models only; new model files omit it, so that the same training
                             always gives the same bytes
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
    """Everything needed to classify an image.

    preparation  self-contained: if the training set's mean is subtracted, it is folded into the scale
    weights      float32, by the names in `architecture.parameter_shapes`
    """

    architecture: Architecture
    preparation: Preparation
    weights: Weights
    card: Card

    def __repr__(self) -> str:
        card = self.card
        return f"Model({card.recipe}: {self.architecture.parameters:,} parameters, {card.test_accuracy_percent:.2f} %)"
