"""Assignment of foreign arrays to the layers of a LeNet-5, and the choices that their shapes leave open.

Shapes determine the sizes of the layers and whether S2 and S4 are trained. They do not determine the activation, the
pooling, the way from 28x28 to 32x32 or the scaling of pixels: see `Choices`. Each complete set of choices defines one
network.
"""

from dataclasses import dataclass, fields
from itertools import pairwise, product
from typing import Any, Literal, get_args

import numpy as np

from lenet5.engines.contract import Weights
from lenet5.errors import ModelError
from lenet5.exchange.layouts import Flattened, uniform
from lenet5.exchange.normalized import Norm, Normalized, folded, parted
from lenet5.exchange.read_weights import Arrays
from lenet5.spec import layers as plan
from lenet5.spec import paper
from lenet5.spec.architecture import Architecture
from lenet5.spec.layers import Layer
from lenet5.spec.preparation import Preparation
from lenet5.spec.recipe import Recipe

Function = Literal["relu", "tanh", "sigmoid", "scaled_tanh"]
Pooling = Literal["average", "max"]
Frame = Literal["zeros", "background", "resize"]
FUNCTIONS, POOLINGS, FRAMES = get_args(Function), get_args(Pooling), get_args(Frame)
SCALES = (
    (0.0, 1.0),
    (-1.0, 1.0),
    ((0 - 0.1307) / 0.3081, (1 - 0.1307) / 0.3081),  # mean and standard deviation of MNIST's training pixels
    (0.0, 255.0),
)  # (background, ink) inputs that are common in programs
EVERY_SCALE = (*SCALES, *((ink, background) for background, ink in SCALES))  # or inverted: dark ink on bright paper
OF_1998 = -0.1, 1.175

C1, C3, F6 = (6, 1, 5, 5), (16, 6, 5, 5), (84, 120)
C5_ON_28 = (120, 256), (120, 16, 4, 4)
C5_ON_32 = (120, 400), (120, 16, 5, 5)
KNOWN = f"C1 {C1}, C3 {C3}, C5 {C5_ON_28[0]}, {C5_ON_32[0]} or {C5_ON_32[1]}, F6 {F6} and an output (classes, 84)"


@dataclass(frozen=True)
class Choices:
    """Choices that shapes do not determine; None is undecided or not applicable.

    function      the activation function
    pooling       pooling of S2 and S4, if they are not trained
    frame         from 28x28 to 32x32: C1 pads with zeros, the image is padded with background, or it is resized
    squash_pools  whether the activation function is also applied after S2 and S4
    scale         the inputs for background and for ink
    normalized    whether batch normalisation, if any, precedes or follows the activation
    flattened     the order in which S4 is flattened for C5: map by map, or position by position as in Keras
    """

    function: Function | None = None
    pooling: Pooling | None = None
    frame: Frame | None = None
    squash_pools: bool | None = None
    scale: tuple[float, float] | None = None
    normalized: Normalized | None = None
    flattened: Flattened | None = None

    def words(self) -> str:
        """Return the choices as options of `lenet5 import`."""
        said = [f"--{name} {getattr(self, name)}" for name in ("function", "pooling", "frame") if getattr(self, name)]
        if self.squash_pools is not None:
            said.append("--squash-pools" if self.squash_pools else "--no-squash-pools")
        if self.scale is not None:
            said.append("--background {:.5g} --ink {:.5g}".format(*self.scale))
        options = " ".join(said)
        if self.normalized is not None:
            options += f", batch normalisation {self.normalized} the activation"
        if self.flattened == "places":
            options += ", flattened place by place"
        return options


def choices_of(recipe: Recipe) -> Choices:
    """Return what a recipe says of weights that were trained as it describes, and that shapes do not tell."""
    layers, preparation = recipe.architecture.layers, recipe.preparation
    functions = [layer.function for layer in layers if isinstance(layer, plan.Activation)]
    after_pool = [b for a, b in pairwise(layers) if isinstance(a, plan.AveragePool | plan.MaxPool | plan.Subsample)]
    pools = [layer for layer in layers if isinstance(layer, plan.AveragePool | plan.MaxPool)]
    frames: dict[Frame, bool] = {
        "zeros": any(isinstance(layer, plan.Convolution) and layer.padding > 0 for layer in layers),
        "background": preparation.padding > 0,
        "resize": preparation.resize is not None,
    }
    return Choices(
        functions[0] if functions else None,
        None if not pools else "average" if isinstance(pools[0], plan.AveragePool) else "max",
        next((frame for frame, applies in frames.items() if applies), None),
        all(isinstance(layer, plan.Activation) for layer in after_pool),
        None if preparation.subtract_mean else (preparation.background, preparation.ink),
    )


@dataclass(frozen=True)
class Fit:
    """Foreign arrays under our names.

    names    our name -> name in the file, except for biases that are not in the file
    weights  float32; biases that are not in the file are 0
    norms    layer -> batch normalisation of its outputs
    of_keras whether the arrays have Keras' layout
    """

    names: dict[str, str]
    weights: Weights
    norms: dict[str, Norm]
    of_keras: bool

    @property
    def trained_pools(self) -> bool:
        """Whether S2 and S4 have coefficients."""
        return "S2.coefficient" in self.weights

    @property
    def on_32(self) -> bool:
        """Whether C5 needs inputs of 32x32 (or padding in C1), rather than of 28x28."""
        return self.weights["C5.weight"].shape in C5_ON_32

    def candidates(self, said: Choices) -> list[Choices]:
        """Return every complete set of choices consistent with `said`; of equivalent sets only one."""
        # The paper's function and scale are tried only for trained S2 and S4, as in the paper.
        old = self.trained_pools
        scales = (*EVERY_SCALE, OF_1998) if old else EVERY_SCALE
        options: tuple[tuple[Any, ...], ...] = (
            FUNCTIONS if old or said.function == "scaled_tanh" else FUNCTIONS[:3],
            (None,) if old else POOLINGS,
            FRAMES if self.on_32 else (None,),
            (False, True),
            scales if said.scale is None else (said.scale,),
            ("before", "after") if self.norms else (None,),
            self._orders(said),
        )
        return [choice for values in product(*options) if self._worth(choice := Choices(*values), said)]

    def _orders(self, said: Choices) -> tuple[Flattened | None, ...]:
        """Return the orders in which S4 may be flattened; there is none for a convolution."""
        if self.weights["C5.weight"].ndim == 4:
            return (None,)
        if said.flattened is not None:
            return (said.flattened,)
        return ("places", "maps") if self.of_keras else (None,)

    def _worth(self, choice: Choices, said: Choices) -> bool:
        """Whether a set is consistent with `said`, and not equivalent to another one."""
        for one in fields(Choices):
            if getattr(said, one.name) not in (None, getattr(choice, one.name)):
                return False
        if choice.function == "relu" and choice.squash_pools and said.squash_pools is None and not self.trained_pools:
            return False  # a pool of relu outputs is never negative
        around = choice.frame == "background" and choice.scale is not None and choice.scale[0] == 0
        return not (around and said.frame is None)  # the background is 0, so this is equivalent

    def weights_of(self, choice: Choices) -> Weights:
        """Return the weights for a complete set of choices, with batch normalisation folded and C5 map by map."""
        weights = dict(self.weights)
        if choice.flattened == "places":
            c5 = weights["C5.weight"]
            side = 4 if c5.shape == C5_ON_28[0] else 5
            weights["C5.weight"] = c5.reshape(120, side, side, 16).transpose(0, 3, 1, 2).reshape(c5.shape).copy()
        return folded(weights, self.norms, choice.normalized or "before")

    def build(self, choice: Choices) -> tuple[Architecture, Preparation]:
        """Return the network and the preparation for a complete set of choices."""
        assert choice.function is not None
        assert choice.scale is not None
        squash = plan.Activation(function=choice.function)
        side = 28 if choice.frame in (None, "zeros") else 32
        c5 = self.weights["C5.weight"]
        layers: list[Layer] = [plan.Convolution(name="C1", maps=6, padding=2 if choice.frame == "zeros" else 0), squash]
        layers += self._pool("S2", choice)
        layers += [plan.Convolution(name="C3", maps=16, table=self._table()), squash, *self._pool("S4", choice)]
        if c5.ndim == 4:
            layers += [plan.Convolution(name="C5", maps=120, kernel=c5.shape[2]), squash, plan.Flatten()]
        else:
            layers += [plan.Flatten(), plan.Dense(name="C5", units=120), squash]
        layers += [plan.Dense(name="F6", units=84), squash]
        output = self.weights.get("output.weight")
        layers.append(plan.Rbf(name="output") if output is None else plan.Dense(name="output", units=len(output)))
        background, ink = choice.scale
        preparation = Preparation(
            background=background,
            ink=ink,
            padding=2 if choice.frame == "background" else 0,
            resize=32 if choice.frame == "resize" else None,
        )
        return Architecture(input=(1, side, side), layers=tuple(layers)), preparation

    def _pool(self, name: str, choice: Choices) -> list[Layer]:
        pool: Layer = plan.AveragePool(name=name) if choice.pooling == "average" else plan.MaxPool(name=name)
        if self.trained_pools:
            pool = plan.Subsample(name=name)
        assert choice.function is not None
        return [pool, plan.Activation(function=choice.function)] if choice.squash_pools else [pool]

    def _table(self) -> Literal["full", "lecun-1998"]:
        """Return "lecun-1998" if all weights of connections that are missing from Table I are 0."""
        c3 = self.weights["C3.weight"]
        missing = [(k, c) for k, seen in enumerate(paper.maps_seen()) for c in range(6) if c not in seen]
        return "full" if any(c3[k, c].any() for k, c in missing) else "lecun-1998"


def fit(arrays: Arrays) -> Fit:
    """Assign each array to a layer by its shape. Raises ModelError, with the shapes, when they are not a LeNet-5."""
    arrays, of_keras = uniform(arrays)
    left, norms = parted(arrays, epsilon=1e-3 if of_keras else 1e-5)
    names: dict[str, str] = {}
    weights: Weights = {}
    wanted = {"C1": (C1,), "C3": (C3,), "C5": (*C5_ON_28, *C5_ON_32), "F6": (F6,)}
    for layer, shapes in wanted.items():
        found = [name for name, array in left.items() if array.shape in shapes]
        if len(found) != 1:
            what = f"{len(found)} arrays that could be" if found else "no array that could be"
            raise ModelError(f"there is {what} {layer}; {_listed(arrays)}. A LeNet-5 has {KNOWN}.")
        _take(layer, found[0], left, names, weights)
    outputs = [name for name, array in left.items() if array.ndim == 2 and array.shape[1] == 84]
    if len(outputs) == 1 and np.array_equal(left[outputs[0]], paper.codes()):
        left.pop(outputs[0])  # the fixed codes of an rbf output
    elif len(outputs) == 1:
        _take("output", outputs[0], left, names, weights)
    for layer, maps in (("S2", 6), ("S4", 16)):
        _take_coefficients(layer, maps, left, names, weights)
    if left or ("S2.bias" in weights) != ("S4.bias" in weights):
        over = ", ".join(f"{name} {array.shape}" for name, array in left.items()) or "coefficients for one of S2 and S4"
        raise ModelError(f"in addition to the layers of a LeNet-5 there is {over}; a LeNet-5 has only {KNOWN}.")
    return Fit(names, weights, norms, of_keras)


def _take(layer: str, weight: str, left: Arrays, names: dict[str, str], weights: Weights) -> None:
    """Move a layer's weight and bias from `left` to `weights`."""
    names[f"{layer}.weight"] = weight
    weights[f"{layer}.weight"] = left.pop(weight)
    units = len(weights[f"{layer}.weight"])
    beside = weight.rpartition(".")[0]
    biases = [name for name, array in left.items() if array.shape == (units,) and name.rpartition(".")[0] == beside]
    if len(biases) > 1:
        raise ModelError(f"{weight} has the biases {' and '.join(biases)}; only one of them can be right.")
    weights[f"{layer}.bias"] = left.pop(biases[0]) if biases else np.zeros(units, np.float32)
    if biases:
        names[f"{layer}.bias"] = biases[0]


def _take_coefficients(layer: str, maps: int, left: Arrays, names: dict[str, str], weights: Weights) -> None:
    """Move the coefficient and the bias of a trained S2 or S4, if they are in the file."""
    found = [name for name, array in left.items() if array.size == maps]
    found.sort(key=lambda name: "bias" in name.lower())
    if len(found) == 2 and "bias" in found[1].lower():
        for part, name in zip(("coefficient", "bias"), found, strict=True):
            names[f"{layer}.{part}"] = name
            weights[f"{layer}.{part}"] = left.pop(name).reshape(maps)


def _listed(arrays: Arrays) -> str:
    shown = [f"{name} {array.shape}" for name, array in list(arrays.items())[:12]]
    return "the file holds " + ", ".join(shown) + (", ..." if len(arrays) > len(shown) else "")
