"""The layer kinds of an architecture, as frozen values without arrays.

From the shape of its input each layer computes the shape of its output, the shapes of its trainable arrays, and the
numbers of its parameters, connections and multiply-adds. A shape is (maps, height, width), or (units,) after
flattening, without the batch axis.

Connections are counted as in the 1998 paper (p. 7): one for each weight of each unit, including the bias. The engines
implement the arithmetic of each kind; see `engines/numpy/`.
"""

from abc import abstractmethod
from math import prod
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from lenet5.errors import ShapeError
from lenet5.spec import paper
from lenet5.spec.specification import Specification

Shape = tuple[int, ...]
# Limits far above any LeNet-5, and low enough that no shape or connection table exhausts the memory.
Side = Annotated[int, Field(gt=0, le=1024)]  # pixels
Maps = Annotated[int, Field(gt=0, le=4096)]
Units = Annotated[int, Field(gt=0, le=65_536)]
Margin = Annotated[int, Field(ge=0, le=512)]  # pixels added on each side
Drawing = Annotated[str, Field(pattern=r"^\s*[X.]+(\s+[X.]+)*\s*$", max_length=1 << 20)]
LayerName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
NoParameters: dict[str, Shape] = {}
STATISTICS = ("mean", "variance")  # running statistics, stored with the weights of a layer but not trained
VARIANCE_FLOOR = 1e-5  # added to the variance in batch normalisation; PyTorch's `eps`
RUNNING_SHARE = 0.1  # weight of the newest batch in the running statistics; PyTorch's `momentum`


def maps_of(layer: str, shape: Shape) -> tuple[int, int, int]:
    """Return `shape` as (maps, height, width), or raise ShapeError in the name of `layer`."""
    if len(shape) != 3:
        raise ShapeError(f"{layer} needs maps (maps, height, width); its input has shape {shape}.")
    return shape[0], shape[1], shape[2]


class Trained(Specification):
    """Base of the layers with weights."""

    name: LayerName

    @abstractmethod
    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]: ...

    def parameters(self, shape: Shape) -> int:
        return sum(prod(size) for part, size in self.parameter_shapes(shape).items() if part not in STATISTICS)


class Convolution(Trained):
    """Convolution of the input maps with `maps` kernels; stride 1.

    table  "full": each output map is connected to all input maps; "lecun-1998": Table I of the 1998 paper, 6 maps to
           16; or a drawing like Table I: a line for each input map, with an X under each output map connected to it
           and a . under the others. The weight array is full in all cases; weights of missing connections are 0 and
           not parameters.
    """

    kind: Literal["convolution"] = "convolution"
    maps: Maps
    kernel: Side = 5
    padding: Margin = 0
    table: Literal["full", "lecun-1998"] | Drawing = "full"

    def maps_seen(self, inputs: int) -> tuple[tuple[int, ...], ...]:
        """Return for each map the input maps it is connected to. Raises ShapeError when the table does not fit."""
        if self.table == "full":
            return (tuple(range(inputs)),) * self.maps
        drawing = paper.TABLE_1 if self.table == "lecun-1998" else self.table
        rows = drawing.split()
        if {len(row) for row in rows} != {self.maps} or len(rows) != inputs:
            widths = " or ".join(str(width) for width in sorted({len(row) for row in rows}))
            raise ShapeError(
                f"{self.name}: the table connects {len(rows)} maps to {widths}; here {inputs} would be connected "
                f"to {self.maps}."
            )
        return paper.maps_seen(drawing)

    def output_shape(self, shape: Shape) -> Shape:
        inputs, height, width = maps_of(self.name, shape)
        self.maps_seen(inputs)
        grow = 2 * self.padding - self.kernel + 1
        if min(height, width) + grow < 1:
            raise ShapeError(
                f"{self.name}: a {self.kernel}x{self.kernel} kernel does not fit into maps of "
                f"{height}x{width} with padding {self.padding}."
            )
        return self.maps, height + grow, width + grow

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        return {"weight": (self.maps, shape[0], self.kernel, self.kernel), "bias": (self.maps,)}

    def parameters(self, shape: Shape) -> int:
        return self.kernel**2 * self._kernels(shape) + self.maps

    def connections(self, shape: Shape) -> int:
        return self.parameters(shape) * prod(self.output_shape(shape)[1:])

    def multiply_adds(self, shape: Shape) -> int:
        return self.kernel**2 * self._kernels(shape) * prod(self.output_shape(shape)[1:])

    def _kernels(self, shape: Shape) -> int:
        return sum(len(seen) for seen in self.maps_seen(shape[0]))


def pooled_shape(layer: str, shape: Shape, size: int) -> Shape:
    """Return the shape of maps after pooling. Raises ShapeError when they cannot be divided into squares."""
    maps, height, width = maps_of(layer, shape)
    if height % size or width % size:
        raise ShapeError(f"{layer}: maps of {height}x{width} cannot be divided into squares of {size}x{size}.")
    return maps, height // size, width // size


class Subsample(Trained):
    """The sum of each square, times a coefficient, plus a bias; one of each for each map (1998 paper, p. 7)."""

    kind: Literal["subsample"] = "subsample"
    size: Side = 2

    def output_shape(self, shape: Shape) -> Shape:
        return pooled_shape(self.name, shape, self.size)

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        return {"coefficient": (shape[0],), "bias": (shape[0],)}

    def connections(self, shape: Shape) -> int:
        return (self.size**2 + 1) * prod(self.output_shape(shape))

    def multiply_adds(self, shape: Shape) -> int:
        return prod(self.output_shape(shape))


class Untrained(Specification):
    """Base of the layers without trainable parameters."""

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        return NoParameters

    def parameters(self, shape: Shape) -> int:
        return 0


class Pool(Untrained):
    """Base of average and max pooling over non-overlapping squares of `size` x `size`."""

    name: LayerName
    size: Side = 2

    def output_shape(self, shape: Shape) -> Shape:
        return pooled_shape(self.name, shape, self.size)

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


def check_flat(layer: str, shape: Shape) -> None:
    """Raise ShapeError unless a shape is (units,)."""
    if len(shape) != 1:
        raise ShapeError(f"{layer} needs a flat input; its input has shape {shape}. Insert a flatten layer before it.")


class Dense(Trained):
    """Connect every input to each of `units` units."""

    kind: Literal["dense"] = "dense"
    units: Units

    def output_shape(self, shape: Shape) -> Shape:
        check_flat(self.name, shape)
        return (self.units,)

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        return {"weight": (self.units, shape[0]), "bias": (self.units,)}

    def connections(self, shape: Shape) -> int:
        return (shape[0] + 1) * self.units

    def multiply_adds(self, shape: Shape) -> int:
        return shape[0] * self.units


class Rbf(Untrained):
    """One unit for each class: the distance of the input from the class's code (1998 paper, equation 7, p. 8).

    The paper's y is a penalty, the squared Euclidean distance; the score is -y, so that the highest score wins as in
    every other network. The codes are fixed and not parameters.

    factor  multiplies the squared distance: 1 in equation 7; 1/2 in the authors' later program
    """

    kind: Literal["rbf"] = "rbf"
    name: LayerName
    factor: PositiveFloat = 1.0
    codes: Literal["lecun-1998"] = "lecun-1998"

    def output_shape(self, shape: Shape) -> Shape:
        check_flat(self.name, shape)
        centres = paper.codes()
        if shape[0] != len(centres[0]):
            raise ShapeError(f"{self.name}: the codes have {len(centres[0])} numbers; the input has {shape[0]}.")
        return (len(centres),)

    def connections(self, shape: Shape) -> int:
        return prod(shape) * prod(self.output_shape(shape))

    def multiply_adds(self, shape: Shape) -> int:
        return self.connections(shape)


class Unchanging(Untrained):
    """Base of the layers without parameters and connections."""

    def connections(self, shape: Shape) -> int:
        return 0

    def multiply_adds(self, shape: Shape) -> int:
        return 0


class BatchNormalization(Trained):
    """Normalisation of each map over the batch, times a weight, plus a bias (Ioffe and Szegedy 2015).

    At inference the running mean and variance of training are used, and the layer is folded into the one before it: see
    `models/fold.py`. The definitions are PyTorch's.
    """

    kind: Literal["batch_normalization"] = "batch_normalization"

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        return dict.fromkeys(("weight", "bias", *STATISTICS), (shape[0],))

    def connections(self, shape: Shape) -> int:
        return 0

    def multiply_adds(self, shape: Shape) -> int:
        return prod(shape)


class Dropout(Unchanging):
    """In training, set each unit to 0 with probability `share` and scale up the others (Srivastava et al. 2014)."""

    kind: Literal["dropout"] = "dropout"
    share: Annotated[float, Field(gt=0, lt=1)]

    def output_shape(self, shape: Shape) -> Shape:
        return shape


class Activation(Unchanging):
    """Apply one function to every unit. "scaled_tanh" is that of 1998: 1.7159 tanh(2/3 x) (equation 6)."""

    kind: Literal["activation"] = "activation"
    function: Literal["relu", "tanh", "sigmoid", "scaled_tanh"]

    def output_shape(self, shape: Shape) -> Shape:
        return shape


class Flatten(Unchanging):
    """Concatenation of all maps into one vector: map by map, row by row."""

    kind: Literal["flatten"] = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)


Layer = Annotated[
    Convolution | Subsample | AveragePool | MaxPool | Dense | Rbf | BatchNormalization | Dropout | Activation | Flatten,
    Field(discriminator="kind"),
]
