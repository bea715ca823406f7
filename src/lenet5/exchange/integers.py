"""Networks in integers: weights of 8 or 4 bits, activations of 8 bits, sums of 32 bits.

Every array is an array of integers times a step. The steps of weights are powers of two (`models/grid.py`), and the
step of a layer's output is that of its input times a power of two, so a shift leads from a sum to the output:

    output = clip((sum + 2^(shift - 1)) >> shift, 0, 255)

The lower limit is the ReLU. The scores of the last layer are sums of 32 bits with one step for all classes.

The first input is the image's bytes: the preparation is folded into the first layer. Maps are stored by row, column and
map (as in CMSIS-NN and TensorFlow Lite), so that a line of a kernel reads adjacent bytes.

`IntegerNetwork.scores` is the reference that the program in C equals bit by bit. Legend: N images, K maps or units out,
C maps in, R S kernel, H W height and width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lenet5.engines.contract import Weights
from lenet5.errors import ModelError
from lenet5.models import grid
from lenet5.models.grid import LARGEST_NUMBER
from lenet5.models.model import Model
from lenet5.spec import layers as plan
from lenet5.spec.architecture import PlacedLayer
from lenet5.spec.digits import SIDE
from lenet5.spec.preparation import Preparation

LARGEST_ACTIVATION = 255
LARGEST_SUM = 2**31 - 1
LARGEST_BIAS = 2**29
MOST_SHIFT = 24
IMAGES_AT_ONCE = 200

Integers = NDArray[np.int64]
Size = tuple[int, int, int]


@dataclass(frozen=True)
class IntegerLayer:
    """A convolution or dense layer with the ReLU and pooling that follow it; a dense layer's kernel covers its input.

    weights   (K, R, S, C) int8
    bias      (K,) int32
    shifts    (K,) uint8; all 0 in the last layer, whose sums are the scores
    input     (H, W, C)
    output    (H, W, K), after pooling
    padding   pixels around the input, which contribute nothing; negative: pixels cut off
    offset    subtracted from each input, 0..255: the byte that stands for the zeros of the padding
    pool      side of the pooled squares; 1 for none
    averages  whether pooling adds the activations, and the shift divides; otherwise it takes the maximum
    """

    name: str
    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    shifts: NDArray[np.uint8]
    input: Size
    output: Size
    padding: int
    offset: int
    pool: int
    averages: bool

    def sums(self, inputs: Integers) -> Integers:
        """Return the sums (N, H, W, K), with bias and before pooling, of inputs (N, H, W, C)."""
        K, R, S, C = self.weights.shape
        cut, margin = max(0, -self.padding), max(0, self.padding)
        kept = inputs[:, cut : self.input[0] - cut, cut : self.input[1] - cut] - self.offset
        # Floats multiply matrices fast, and are exact while every sum is below 2^24 (float32) or 2^53 (float64).
        real = np.float32 if self.largest_sum < 1 << 24 else np.float64
        padded = np.pad(kept.astype(real), ((0, 0), (margin, margin), (margin, margin), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (R, S), axis=(1, 2))  # (N, H, W, C, R, S)
        columns = windows.transpose(0, 1, 2, 4, 5, 3).reshape(*windows.shape[:3], R * S * C)
        products = columns @ self.weights.reshape(K, -1).T.astype(real)
        sums: Integers = products.astype(np.int64) + self.bias
        return sums

    def activations(self, inputs: Integers) -> Integers:
        """Return the output (N, H, W, K) of a layer before the last: 0..255."""
        sums, shifts = self.sums(inputs), self.shifts.astype(np.int64)
        N, (H, W, K), size = len(sums), self.output, self.pool
        squares = sums.reshape(N, H, size, W, size, K)
        pooled = squares.clip(min=0).sum(axis=(2, 4)) if self.averages else squares.max(axis=(2, 4))
        clipped: Integers = ((pooled + ((1 << shifts) >> 1)) >> shifts).clip(0, LARGEST_ACTIVATION)
        return clipped

    @property
    def largest_sum(self) -> int:
        """A bound on the absolute value of every sum, in any order of its terms, for any input."""
        largest_input = max(self.offset, LARGEST_ACTIVATION - self.offset)
        weights = np.abs(self.weights.astype(np.int64)).reshape(len(self.bias), -1).sum(axis=1)
        sums = np.abs(self.bias.astype(np.int64)) + largest_input * weights
        if self.averages:
            sums *= self.pool**2
        return int((sums + ((1 << self.shifts.astype(np.int64)) >> 1)).max())


@dataclass(frozen=True)
class IntegerNetwork:
    """A network.

    weights  "int8" or "int4"
    step     a score times `step` is approximately the float network's score
    """

    layers: tuple[IntegerLayer, ...]
    weights: str
    step: float

    def scores(self, images: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Return the scores (N, classes) of images (N, 28, 28)."""
        batches = [self._scores(images[at : at + IMAGES_AT_ONCE]) for at in range(0, len(images), IMAGES_AT_ONCE)]
        return np.concatenate(batches)

    def _scores(self, images: NDArray[np.uint8]) -> NDArray[np.int32]:
        x = images.astype(np.int64)[..., None]
        for layer in self.layers[:-1]:
            x = layer.activations(x.reshape(-1, *layer.input))
        last = self.layers[-1]
        return last.sums(x.reshape(-1, *last.input)).reshape(len(images), -1).astype(np.int32)


@dataclass(frozen=True)
class Fused:
    """A layer with weights, the pooling that follows it, and the name of the last layer before the next weights."""

    row: PlacedLayer
    pool: PlacedLayer | None
    last: str

    @property
    def size(self) -> int:
        """Side of the pooled squares; 1 for none."""
        return self.row.output_shape[1] // self.pool.output_shape[1] if self.pool else 1

    @property
    def averages(self) -> bool:
        """Whether pooling averages."""
        return self.pool is not None and isinstance(self.pool.layer, plan.AveragePool)


def fused(placed: Sequence[PlacedLayer]) -> list[Fused]:
    """Return the layers with weights, each with the ReLU and pooling that follow it.

    Raises ModelError for networks that these integers cannot express.
    """
    groups: list[list[PlacedLayer]] = []
    for row in placed:
        match row.layer:
            case plan.Convolution() | plan.Dense():
                groups.append([row])
            case plan.MaxPool() | plan.AveragePool() | plan.Activation(function="relu"):
                if not groups:
                    raise _inexpressible(f"{row.name} comes before all weights")
                groups[-1].append(row)
            case plan.Flatten():
                pass
            case plan.Activation(function=function):
                raise _inexpressible(f"{row.name} is {function.replace('_', ' ')}")
            case other:
                raise _inexpressible(f"{row.name} is {other.kind.replace('_', ' ')}")
    return [_fused(group, is_last=group is groups[-1]) for group in groups]


def _fused(group: list[PlacedLayer], *, is_last: bool) -> Fused:
    row, *after = group
    pools = [other for other in after if not isinstance(other.layer, plan.Activation)]
    if is_last and after:
        raise _inexpressible(f"{after[0].name} follows the last layer")
    if not is_last and len(after) == len(pools):
        raise _inexpressible(f"{row.name} is not followed by ReLU")
    if len(pools) > 1:
        raise _inexpressible(f"{pools[1].name} pools a second time")
    if pools and isinstance(pools[0].layer, plan.AveragePool) and pools[0] is after[0]:
        raise _inexpressible(f"{pools[0].name} averages before the ReLU")
    return Fused(row, pools[0] if pools else None, group[-1].name)


def _inexpressible(found: str) -> ModelError:
    return ModelError(
        f"{found}; in integers each convolution or dense layer but the last is followed by ReLU, and may be pooled; "
        "export this network with float sums (without integers)."
    )


@dataclass(frozen=True)
class Input:
    """What a layer reads: integers q that stand for `value` + `step` * (q - `offset`).

    seen     (H, W, C) as the float network has it
    stored   (H, W, C) in memory
    padding  pixels seen around those stored, all of them `value`; negative: stored pixels that are not seen
    """

    seen: Size
    stored: Size
    step: float
    value: float = 0.0
    padding: int = 0
    offset: int = 0


def build(model: Model, largest: Mapping[str, float], *, weights: str = "int8") -> IntegerNetwork:
    """Return a model in integers.

    model    without training-only layers; see `ready`
    largest  the largest activation of each layer, by `Fused.last`; larger ones saturate
    weights  "int8" or "int4"

    Raises ModelError for networks that cannot be expressed or whose sums could exceed 32 bits.
    """
    groups = fused(model.architecture.placed)
    source = _image(groups[0].row, model.preparation)
    layers: list[IntegerLayer] = []
    for group in groups:
        bound = None if group is groups[-1] else largest[group.last]
        layer, step = _layer(group, model.weights, source, bound, LARGEST_NUMBER[weights])
        layers.append(layer)
        source = Input(layer.output, layer.output, step)
    return IntegerNetwork(tuple(layers), weights, source.step)


def _image(row: PlacedLayer, preparation: Preparation) -> Input:
    """Return the image's bytes as the input of the first layer."""
    if preparation.resize is not None:
        raise ModelError(
            f"images are resized to {preparation.resize} pixels a side, which takes more than integers; export this "
            "network with float sums (without integers)."
        )
    zeros = row.layer.padding if isinstance(row.layer, plan.Convolution) else 0
    seen, stored = (preparation.side(), preparation.side(), 1), (SIDE, SIDE, 1)
    background, padding = preparation.background, preparation.padding
    step = (preparation.ink - background) / 255  # may be negative
    if not zeros or (background == 0 and padding >= 0):
        return Input(seen, stored, step, value=background, padding=padding)
    if padding == 0 and step and 0 <= (zero := round(-background / step)) <= 255:
        return Input(seen, stored, step, offset=zero)
    raise _inexpressible(f"{row.name} pads with zeros, which no pixel value stands for")


def _layer(
    group: Fused, weights: Weights, source: Input, largest: float | None, largest_number: int
) -> tuple[IntegerLayer, float]:
    """Return a layer, and the step of its output; of the scores where `largest` is None, in the last layer.

    Raises ModelError when a sum could exceed 32 bits.
    """
    row, (H, W, C) = group.row, source.seen
    weight, bias = (weights[f"{row.name}.{part}"].astype(np.float64) for part in ("weight", "bias"))
    R, S = weight.shape[2:] if weight.ndim == 4 else (H, W)
    kernels = weight.reshape(len(weight), C, R, S).transpose(0, 2, 3, 1)
    bias += source.value * kernels.sum(axis=(1, 2, 3))
    exponents = grid.exponents(kernels, largest_number, together=largest is None)
    terms = group.size**2 if group.averages else 1  # activations that are added where the mean is meant
    unit = abs(source.step) / terms  # of the sums, times the steps of the weights
    if largest is None:
        shifts = np.zeros(len(bias), np.int64)
        step = unit * 2.0 ** exponents[0]
    else:
        with np.errstate(divide="ignore"):  # outputs that are always 0
            least = np.ceil(np.log2(largest / LARGEST_ACTIVATION / unit))
        exponent = int(max(least, exponents.max()))
        step = unit * 2.0**exponent
        with np.errstate(divide="ignore"):  # biases of 0
            most_for_bias = np.floor(np.log2(LARGEST_BIAS * step / (np.abs(bias) / terms)))
        shifts = (exponent - exponents).clip(0, np.clip(most_for_bias, 0, MOST_SHIFT)).astype(np.int64)
        exponents = exponent - shifts
    K, out_H, out_W = row.output_shape if len(row.output_shape) == 3 else (*row.output_shape, 1, 1)
    layer = IntegerLayer(
        name=row.name,
        weights=grid.numbers(kernels * np.sign(source.step), exponents, largest_number).astype(np.int8),
        bias=np.rint(bias / terms / (unit * 2.0**exponents)).clip(-LARGEST_BIAS, LARGEST_BIAS).astype(np.int32),
        shifts=shifts.astype(np.uint8),
        input=source.stored,
        output=(out_H // group.size, out_W // group.size, K),
        padding=source.padding + (row.layer.padding if isinstance(row.layer, plan.Convolution) else 0),
        offset=source.offset,
        pool=group.size,
        averages=group.averages,
    )
    if layer.largest_sum > LARGEST_SUM:
        raise _inexpressible(f"{row.name} has too many inputs for sums of 32 bits")
    return layer, step
