"""An architecture: the layers in order, with the shapes, parameter counts and costs that follow from them."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import Annotated, Self

from pydantic import Field, model_validator

from lenet5.budget import Budget
from lenet5.errors import ShapeError
from lenet5.spec.layers import (
    STATISTICS,
    Activation,
    BatchNormalization,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Maps,
    Rbf,
    Shape,
    Side,
)
from lenet5.spec.specification import Specification

MOST_LAYERS = 64
# Upper limit of a network's size: its parameters, its outputs for one image and its convolutions' im2col patches
# together. LeNet-5 has 0.15 million numbers; the limit is 64 MB in float32.
MOST_NUMBERS = 1 << 24


@dataclass(frozen=True)
class PlacedLayer:
    """One layer of an architecture with its input shape, output shape, parameters and costs."""

    name: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    parameter_shapes: dict[str, Shape]
    parameters: int
    connections: int
    multiply_adds: int

    @property
    def outputs(self) -> int:
        """The number of outputs for one image."""
        return prod(self.output_shape)


class Architecture(Specification):
    """The layers of a network in order.

    input   (maps, height, width) of one prepared image
    layers  from the input to the scores

    Raises ShapeError (as a validation error in recipes) when a layer does not fit the one before it.
    """

    input: tuple[Maps, Side, Side]
    layers: Annotated[tuple[Layer, ...], Field(max_length=MOST_LAYERS)]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        budget = Budget("the architecture", MOST_NUMBERS, "numbers", ShapeError)
        budget.take(prod(self.input), "the input")
        for placed in self.placed:
            budget.take(sum(prod(shape) for shape in placed.parameter_shapes.values()), f"the weights of {placed.name}")
            budget.take(self._working_numbers(placed), f"{placed.name} for one image")
        names = [placed.name for placed in self.placed]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ShapeError(f"two layers are called {twice[0]}; each needs a unique name.")
        if not self.layers or not isinstance(self.layers[-1], Dense | Rbf):
            raise ShapeError("the last layer must be dense or rbf: its units are the class scores.")
        if any(isinstance(layer, Rbf) for layer in self.layers[:-1]):
            raise ShapeError("an rbf layer can only be the last one.")
        for before, layer in pairwise((None, *self.layers)):
            if isinstance(layer, BatchNormalization) and not isinstance(before, Convolution | Dense):
                raise ShapeError(f"{layer.name} must directly follow a convolution or dense layer.")
        return self

    @cached_property
    def placed(self) -> tuple[PlacedLayer, ...]:
        """Each layer with its shapes, its parameters and its costs."""
        rows: list[PlacedLayer] = []
        shape: Shape = self.input
        before = "input"
        for layer in self.layers:
            match layer:
                case Activation(function=function):
                    name = f"{before}.{function}"
                case Dropout():
                    name = f"{before}.dropout"
                case Flatten():
                    name = "flatten"
                case _:
                    name = before = layer.name
            output = layer.output_shape(shape)
            rows.append(
                PlacedLayer(
                    name=name,
                    layer=layer,
                    input_shape=shape,
                    output_shape=output,
                    parameter_shapes={f"{name}.{part}": size for part, size in layer.parameter_shapes(shape).items()},
                    parameters=layer.parameters(shape),
                    connections=layer.connections(shape),
                    multiply_adds=layer.multiply_adds(shape),
                )
            )
            shape = output
        return tuple(rows)

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """Name and shape of each trainable array, such as "C1.weight": (6, 1, 5, 5), in the layers' order."""
        return {name: shape for placed in self.placed for name, shape in placed.parameter_shapes.items()}

    @property
    def statistics(self) -> frozenset[str]:
        """The arrays of `parameter_shapes` that are running statistics, which training measures, not parameters."""
        return frozenset(name for name in self.parameter_shapes if name.endswith(tuple(f".{s}" for s in STATISTICS)))

    @property
    def numbers_an_image(self) -> int:
        """The number of values that the forward pass of one image keeps when the outputs of all layers are kept."""
        return prod(self.input) + sum(self._working_numbers(placed) for placed in self.placed)

    @staticmethod
    def _working_numbers(placed: PlacedLayer) -> int:
        """Return the number of a layer's outputs, plus, for a convolution, of its im2col patches."""
        layer = placed.layer
        if not isinstance(layer, Convolution):
            return placed.outputs
        places = prod(placed.output_shape[1:])
        return placed.outputs + layer.kernel**2 * placed.input_shape[0] * places

    @property
    def parameters(self) -> int:
        """The number of trainable parameters."""
        return sum(placed.parameters for placed in self.placed)

    @property
    def connections(self) -> int:
        """Connections of all layers, counted as the 1998 paper does (p. 7)."""
        return sum(placed.connections for placed in self.placed)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of the forward pass of one image."""
        return sum(placed.multiply_adds for placed in self.placed)

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self.placed[-1].output_shape[0]

    def with_classes(self, count: int) -> "Architecture":
        """Return the same network with `count` outputs. Raises ShapeError when an rbf output lacks codes for them."""
        if count == self.classes:
            return self
        if isinstance(self.layers[-1], Rbf):
            raise ShapeError(
                f"the rbf output has codes for {self.classes} classes, but the data have {count}; "
                "choose a recipe whose last layer is dense, such as archaeology."
            )
        last = self.layers[-1].model_copy(update={"units": count})
        return Architecture(input=self.input, layers=(*self.layers[:-1], last))
