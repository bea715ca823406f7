"""Optimisers and learning-rate schedules.

The definitions are PyTorch's: weight decay is added to the gradient, and Adam's
epsilon is added after the square root.
"""

from math import cos, pi
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, PositiveFloat, PositiveInt, model_validator

from lenet5.spec.specification import Specification

NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
# The common short form `lr` is accepted as well; recipes are always written with `learning_rate`.
LearningRate = Annotated[PositiveFloat, Field(validation_alias=AliasChoices("learning_rate", "lr"))]

RBF_CURVATURE = 2.0  # second derivative of a squared distance


class Sgd(Specification):
    """Stochastic gradient descent: v <- momentum v + (1 - dampening) (g + weight_decay w); w <- w - learning_rate v.

    v starts at 0. (PyTorch does not dampen the first step.)

    dampening  if equal to momentum, v is a running mean of the gradients; without momentum it must be 0
    """

    kind: Literal["sgd"] = "sgd"
    learning_rate: LearningRate
    momentum: Fraction = 0.0
    dampening: Fraction = 0.0
    weight_decay: NonNegative = 0.0

    @model_validator(mode="after")
    def _dampens_something(self) -> Self:
        if self.dampening and not self.momentum:
            raise ValueError("`dampening` needs momentum, which is 0; set `momentum`, or leave `dampening` out")
        return self

    @property
    def step_factor(self) -> float:
        """1 - dampening: engines store v / (1 - dampening), whose update contains no dampening, and scale the step."""
        return 1 - self.dampening


class Adam(Specification):
    """Adam (Kingma and Ba 2015, algorithm 1), as PyTorch defines it."""

    kind: Literal["adam"] = "adam"
    learning_rate: LearningRate = 1e-3
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    epsilon: PositiveFloat = 1e-8
    weight_decay: NonNegative = 0.0


class Sdlm(Specification):
    """Stochastic diagonal Levenberg-Marquardt: w <- w - learning_rate / (mu + h) g (1998 paper, equations 18, 21).

    Every weight has its own learning rate: h is the diagonal second derivative of the loss, estimated before each epoch
    (equations 22 to 27).

    mu             bounds the learning rate of a weight by learning_rate / mu
    patterns       number of training images on which h is estimated, drawn anew before each epoch
    rbf_curvature  second derivative of the loss with respect to each input of an rbf layer, where back-propagation
                   begins: 2 by equation 7; 1 in the authors' later program, whose units have half the square
    """

    kind: Literal["sdlm"] = "sdlm"
    learning_rate: LearningRate
    mu: PositiveFloat = 0.02
    patterns: PositiveInt = 500
    rbf_curvature: PositiveFloat = RBF_CURVATURE


Optimizer = Annotated[Sgd | Adam | Sdlm, Field(discriminator="kind")]


def rbf_curvature(optimizer: Optimizer) -> float:
    """Return the optimiser's `rbf_curvature`, or the default for optimisers without one."""
    return optimizer.rbf_curvature if isinstance(optimizer, Sdlm) else RBF_CURVATURE


class Constant(Specification):
    """A constant learning rate.

    The `factor` of every schedule multiplies the learning rate once `done` of `epochs` epochs have passed; both may be
    fractional.
    """

    kind: Literal["constant"] = "constant"

    def factor(self, done: float, epochs: float) -> float:
        """1."""
        return 1.0


class Step(Specification):
    """The learning rate is multiplied by `multiply_by` after every `every_epochs` epochs."""

    kind: Literal["step"] = "step"
    every_epochs: PositiveInt
    multiply_by: PositiveFloat

    def factor(self, done: float, epochs: float) -> float:
        """Return a power of `multiply_by`."""
        return float(self.multiply_by ** (int(done) // self.every_epochs))


class Listed(Specification):
    """The learning rate is multiplied by `multiply_by[i]` from epoch `from_epochs[i]` on, counted from 1."""

    kind: Literal["listed"] = "listed"
    from_epochs: tuple[PositiveInt, ...]
    multiply_by: tuple[PositiveFloat, ...]

    @model_validator(mode="after")
    def _one_factor_each(self) -> Self:
        epochs = self.from_epochs
        if len(epochs) != len(self.multiply_by) or list(epochs) != sorted(set(epochs)) or epochs[:1] != (1,):
            raise ValueError("`from_epochs` must begin with 1 and increase, with one factor in `multiply_by` for each")
        return self

    def factor(self, done: float, epochs: float) -> float:
        """Return the entry of `multiply_by` for the current epoch."""
        begun = [begin for begin in self.from_epochs if begin <= done + 1]
        return self.multiply_by[len(begun) - 1]


class Cosine(Specification):
    """The learning rate rises linearly for `warm_up_epochs`, then falls along half a cosine to 0 at the end.

    (Loshchilov and Hutter 2017, without restarts; the warm-up is that of Goyal et al. 2017.)
    """

    kind: Literal["cosine"] = "cosine"
    warm_up_epochs: NonNegative = 0.0

    def factor(self, done: float, epochs: float) -> float:
        """Return a factor that rises from almost 0 to 1, and falls to almost 0."""
        if done < self.warm_up_epochs:
            return done / self.warm_up_epochs
        return (1 + cos(pi * (done - self.warm_up_epochs) / (epochs - self.warm_up_epochs))) / 2


Schedule = Annotated[Constant | Step | Listed | Cosine, Field(discriminator="kind")]
