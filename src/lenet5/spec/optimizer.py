"""How weights follow the gradient, and how the learning rate changes over the epochs.

The definitions are PyTorch's: weight decay is added to the gradient, momentum has no dampening, and Adam's
epsilon is added after the square root.
"""

from typing import Annotated, Literal

from pydantic import AliasChoices, Field, PositiveFloat, PositiveInt

from lenet5.spec.plan import Plan

NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
# `lr` is what most people type, so it is read too; it is written as `learning_rate`.
LearningRate = Annotated[PositiveFloat, Field(validation_alias=AliasChoices("learning_rate", "lr"))]


class Sgd(Plan):
    """Stochastic gradient descent: v <- momentum v + (g + weight_decay w); w <- w - learning_rate v."""

    kind: Literal["sgd"] = "sgd"
    learning_rate: LearningRate
    momentum: Fraction = 0.0
    weight_decay: NonNegative = 0.0


class Adam(Plan):
    """Adam (Kingma and Ba 2015, algorithm 1), as PyTorch defines it."""

    kind: Literal["adam"] = "adam"
    learning_rate: LearningRate = 1e-3
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    epsilon: PositiveFloat = 1e-8
    weight_decay: NonNegative = 0.0


Optimizer = Annotated[Sgd | Adam, Field(discriminator="kind")]


class Constant(Plan):
    """The learning rate stays as it is."""

    kind: Literal["constant"] = "constant"

    def factor(self, epoch: int) -> float:
        """By how much the learning rate is multiplied in this epoch, counted from 1."""
        return 1.0


class Step(Plan):
    """The learning rate is multiplied by `multiply_by` after every `every_epochs` epochs."""

    kind: Literal["step"] = "step"
    every_epochs: PositiveInt
    multiply_by: PositiveFloat

    def factor(self, epoch: int) -> float:
        """By how much the learning rate is multiplied in this epoch, counted from 1."""
        return float(self.multiply_by ** ((epoch - 1) // self.every_epochs))


Schedule = Annotated[Constant | Step, Field(discriminator="kind")]
