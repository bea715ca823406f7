"""A recipe: everything that determines a training run, and the results that its source claims."""

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from lenet5.spec.architecture import Architecture
from lenet5.spec.claim import Claim, Comparison, Difference, Source
from lenet5.spec.distortion import Distortion
from lenet5.spec.initial import Initial, Pytorch
from lenet5.spec.layers import BatchNormalization
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Constant, Optimizer, Schedule, Sdlm
from lenet5.spec.preparation import Preparation
from lenet5.spec.specification import Specification, decisive
from lenet5.spec.teacher import Teacher

# Descriptive fields, which do not affect the computation.
PROSE = {"title", "source", "claims", "comparisons", "differences", "explains"}


class Recipe(Specification):
    """One training run, as a value equal to its TOML file.

    data          the data set's name; `lenet5 data list` shows them
    epochs        passes over the training set; alternatively `steps`, the total number of batches
    images        use only the first `images` training images; all if not given
    validation    hold out the last `validation` training images and score them instead of the test set: use this to
                  choose hyperparameters
    sampling      "shuffled": each epoch shows every image once, in a new order;
                  "constant": in the same random order every time;
                  "independent": every batch is drawn at random with replacement
    class_weight  "balanced": images of rare classes are shown more often, so that every class counts alike; or a
                  weight for classes by name, 1 for the others. An epoch has as many steps as without
    patience      early stopping: number of epochs without a smaller validation loss after which training ends with the
                  weights of the best epoch; 0: train to the end. Needs `validation`
    distortion    distorted copies of the training images; none if not given
    averaged_epochs   number of last epochs after which the weights are averaged for the model (Izmailov et al. 2018);
                  0: the weights after the last epoch
    initial       the rule for the initial weights
    start_from    initial weights: a shipped model's name, a model file or a run folder; a last layer of another size is
                  initialised by the rule
    quantized_weights  "int8" or "int4": quantization-aware training, with the weights rounded to 8 or 4 bits in every
                  step, for an export in integers; None: exact weights
    teacher       networks whose probabilities are the training targets instead of the labels; they are trained first
    frozen        layers whose weights are not trained
    restarts      maximum number of restarts of a run that fails to start, each from its own random stream
    explains      name of the recipe whose failed claims this one may explain; a hypothesis, not a claim of the source
    report_every  steps between two recorded losses of single batches; 0 records none
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    title: str
    data: str = "mnist"
    seed: Annotated[int, Field(ge=0)] = 1
    epochs: PositiveInt | None = None
    steps: PositiveInt | None = None
    batch_size: PositiveInt
    images: PositiveInt | None = None
    validation: Annotated[int, Field(ge=0)] = 0
    sampling: Literal["shuffled", "constant", "independent"] = "shuffled"
    class_weight: Literal["balanced"] | dict[str, Annotated[float, Field(gt=0)]] | None = None
    patience: Annotated[int, Field(ge=0)] = 0
    distortion: Distortion | None = None
    averaged_epochs: Annotated[int, Field(ge=0)] = 0
    initial: Initial = Pytorch()
    start_from: str | None = None
    quantized_weights: Literal["int8", "int4"] | None = None
    teacher: Teacher | None = None
    frozen: tuple[str, ...] = ()
    restarts: Annotated[int, Field(ge=0)] = 0
    report_every: Annotated[int, Field(ge=0)] = 0
    explains: str | None = None
    source: Source | None = None
    preparation: Preparation = Preparation()
    objective: Objective = Objective()
    optimizer: Optimizer
    schedule: Schedule = Constant()
    architecture: Architecture
    claims: tuple[Claim, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    differences: tuple[Difference, ...] = ()

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("a recipe has either `epochs` or `steps`")
        normalizing = [layer.name for layer in self.architecture.layers if isinstance(layer, BatchNormalization)]
        if isinstance(self.optimizer, Sdlm) and normalizing:
            raise ValueError(
                f"the optimizer sdlm needs second derivatives of each image; {normalizing[0]} couples the images of a "
                "batch. Choose another optimizer, or leave batch normalisation out"
            )
        if self.patience and not self.validation:
            raise ValueError("`patience` stops by the validation loss: say with `validation` how many images to keep")
        if self.patience and (self.averaged_epochs or self.restarts):
            raise ValueError("`patience` chooses one epoch's weights: leave out `averaged_epochs` and `restarts`")
        if self.quantized_weights and (self.averaged_epochs or normalizing or isinstance(self.optimizer, Sdlm)):
            raise ValueError(
                "`quantized_weights` must stay rounded: leave out `averaged_epochs` and batch normalization, and "
                "choose another optimizer than sdlm"
            )
        if self.teacher and self.objective.loss != "cross_entropy":
            raise ValueError("a `teacher` provides probabilities as targets, which only the loss cross_entropy accepts")
        side = self.preparation.side()
        if self.architecture.input != (1, side, side):
            raise ValueError(
                f"the preparation gives inputs of shape (1, {side}, {side}), but the architecture needs "
                f"{self.architecture.input}; change `preparation.padding` or `preparation.resize`"
            )
        layers = {name.split(".")[0] for name in self.architecture.parameter_shapes}
        unknown = sorted(set(self.frozen) - layers)
        if unknown:
            raise ValueError(f"`frozen` names {unknown[0]}; the layers with weights are {', '.join(sorted(layers))}")
        if layers <= set(self.frozen):
            raise ValueError("`frozen` names every layer with weights; at least one must be trained")
        return self

    @property
    def decides(self) -> dict[str, Any]:
        """The fields that determine the computation, as plain values; those at their defaults are left out."""
        return {key: value for key, value in decisive(self).items() if key not in PROSE}

    @property
    def digest(self) -> str:
        """SHA-256 of `decides`: two recipes with the same digest compute the same."""
        text = json.dumps(self.decides, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def total_steps(self, images: int) -> int:
        """The total number of batches of a run on a training set of `images` images."""
        return self.steps if self.steps is not None else (self.epochs or 0) * self.steps_per_epoch(images)

    def steps_per_epoch(self, images: int) -> int:
        """The number of batches of one epoch; the last may be smaller."""
        return -(-images // self.batch_size)

    def total_epochs(self, images: int) -> int:
        """The number of epochs of a run; with `steps`, the last may be incomplete."""
        return -(-self.total_steps(images) // self.steps_per_epoch(images))
