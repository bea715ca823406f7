"""An architecture: the layers in order, and everything that follows from them."""

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
from lenet5.spec.plan import Plan

MOST_LAYERS = 64
# The numbers of a network: its parameters, its outputs for one image, and the patches that a convolution lays out.
# LeNet-5 has 0.15 million; these are 64 MB in float32.
MOST_NUMBERS = 1 << 24


@dataclass(frozen=True)
class PlacedLayer:
    """One layer in its place: what comes in, what goes out, what it costs."""

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
        """How many numbers come out for one image."""
        return prod(self.output_shape)


class Architecture(Plan):
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
            raise ShapeError(f"two layers are called {twice[0]}; each needs a name of its own.")
        if not self.layers or not isinstance(self.layers[-1], Dense | Rbf):
            raise ShapeError("the last layer must be dense or rbf: its units are the scores of the classes.")
        if any(isinstance(layer, Rbf) for layer in self.layers[:-1]):
            raise ShapeError("an rbf layer can only be the last one.")
        for before, layer in pairwise((None, *self.layers)):
            if isinstance(layer, BatchNormalization) and not isinstance(before, Convolution | Dense):
                raise ShapeError(f"{layer.name} must stand right behind a convolution or dense layer, its part in use.")
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
        """Those of `parameter_shapes` that are no parameters: they are measured in training, not trained."""
        return frozenset(name for name in self.parameter_shapes if name.endswith(tuple(f".{s}" for s in STATISTICS)))

    @property
    def numbers_an_image(self) -> int:
        """How many numbers the forward pass of one image holds when no layer's output is let go."""
        return prod(self.input) + sum(self._working_numbers(placed) for placed in self.placed)

    @staticmethod
    def _working_numbers(placed: PlacedLayer) -> int:
        """Return the outputs of a layer, and of a convolution the patches, laid out as columns."""
        layer = placed.layer
        if not isinstance(layer, Convolution):
            return placed.outputs
        places = prod(placed.output_shape[1:])
        return placed.outputs + layer.kernel**2 * placed.input_shape[0] * places

    @property
    def parameters(self) -> int:
        """How many numbers the network trains."""
        return sum(placed.parameters for placed in self.placed)

    @property
    def connections(self) -> int:
        """Connections of all layers, counted as the 1998 paper does (p. 7)."""
        return sum(placed.connections for placed in self.placed)

    @property
    def multiply_adds(self) -> int:
        """Multiplications with an addition for one image, forward."""
        return sum(placed.multiply_adds for placed in self.placed)

    @property
    def classes(self) -> int:
        """How many classes the network tells apart."""
        return self.placed[-1].output_shape[0]

    def with_classes(self, count: int) -> "Architecture":
        """Return the same network with `count` units in its last layer. Raises ShapeError for too few codes."""
        if count == self.classes:
            return self
        if isinstance(self.layers[-1], Rbf):
            raise ShapeError(
                f"the last layer compares with codes for {self.classes} classes, but there are {count}; "
                "choose a recipe whose last layer is dense, such as archaeology."
            )
        last = self.layers[-1].model_copy(update={"units": count})
        return Architecture(input=self.input, layers=(*self.layers[:-1], last))
