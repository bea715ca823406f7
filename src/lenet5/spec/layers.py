"""The layers that an architecture is made of, as frozen values without arrays.

Each knows four things about itself, given the shape of its input: the shape of its output, its trainable
arrays, its connections, and its multiply-adds. A shape is (maps, height, width), or (units,) once the maps
are flattened; the axis of the images is left out.

Connections are counted as the 1998 paper counts them (p. 7): one for each weight of each unit, the bias
included. The engines give each kind of layer its arithmetic; see `engines/numpy/`.
"""

from math import prod
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from lenet5.errors import ShapeError
from lenet5.spec.plan import Plan

Shape = tuple[int, ...]
LayerName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
NoParameters: dict[str, Shape] = {}


def maps_of(layer: str, shape: Shape) -> tuple[int, int, int]:
    """Return `shape` as (maps, height, width), or raise ShapeError in the name of `layer`."""
    if len(shape) != 3:
        raise ShapeError(f"{layer} needs maps (maps, height, width); its input has shape {shape}.")
    return shape[0], shape[1], shape[2]


class Convolution(Plan):
    """Slide `maps` kernels over all maps of the input; stride 1, the same weights at every place."""

    kind: Literal["convolution"] = "convolution"
    name: LayerName
    maps: PositiveInt
    kernel: PositiveInt = 5
    padding: Annotated[int, Field(ge=0)] = 0

    def output_shape(self, shape: Shape) -> Shape:
        _, height, width = maps_of(self.name, shape)
        grow = 2 * self.padding - self.kernel + 1
        if min(height, width) + grow < 1:
            raise ShapeError(
                f"{self.name}: a {self.kernel}x{self.kernel} kernel does not fit into maps of "
                f"{height}x{width} with padding {self.padding}."
            )
        return self.maps, height + grow, width + grow

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        return {"weight": (self.maps, shape[0], self.kernel, self.kernel), "bias": (self.maps,)}

    def connections(self, shape: Shape) -> int:
        return (self.kernel**2 * shape[0] + 1) * prod(self.output_shape(shape))

    def multiply_adds(self, shape: Shape) -> int:
        return self.kernel**2 * shape[0] * prod(self.output_shape(shape))


class Pool(Plan):
    """What average and max pooling share: squares of `size` x `size` that do not overlap."""

    name: LayerName
    size: PositiveInt = 2

    def output_shape(self, shape: Shape) -> Shape:
        maps, height, width = maps_of(self.name, shape)
        if height % self.size or width % self.size:
            raise ShapeError(f"{self.name}: maps of {height}x{width} do not divide into squares of {self.size}.")
        return maps, height // self.size, width // self.size

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        return NoParameters

    def connections(self, shape: Shape) -> int:
        return self.size**2 * prod(self.output_shape(shape))

    def multiply_adds(self, shape: Shape) -> int:
        return 0


class AveragePool(Pool):
    """Replace each square by its mean."""

    kind: Literal["average_pool"] = "average_pool"


class MaxPool(Pool):
    """Replace each square by its largest value."""

    kind: Literal["max_pool"] = "max_pool"


class Dense(Plan):
    """Connect every input to each of `units` units."""

    kind: Literal["dense"] = "dense"
    name: LayerName
    units: PositiveInt

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ShapeError(f"{self.name} needs a flat input; it gets {shape}. Put a flatten layer before it.")
        return (self.units,)

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        return {"weight": (self.units, shape[0]), "bias": (self.units,)}

    def connections(self, shape: Shape) -> int:
        return (shape[0] + 1) * self.units

    def multiply_adds(self, shape: Shape) -> int:
        return shape[0] * self.units


class Unchanging(Plan):
    """What activation and flatten share: no parameters, no connections of their own."""

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        return NoParameters

    def connections(self, shape: Shape) -> int:
        return 0

    def multiply_adds(self, shape: Shape) -> int:
        return 0


class Activation(Unchanging):
    """Apply one function to every unit."""

    kind: Literal["activation"] = "activation"
    function: Literal["relu", "tanh", "sigmoid"]

    def output_shape(self, shape: Shape) -> Shape:
        return shape


class Flatten(Unchanging):
    """Put all maps into one row: map by map, line by line."""

    kind: Literal["flatten"] = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)


Layer = Annotated[Convolution | AveragePool | MaxPool | Dense | Activation | Flatten, Field(discriminator="kind")]
