"""Random architectures, and a comparison of the engines on them.

A case is decided by its number alone. Cases run through all pairs of layer kinds that may follow one another, with odd
sizes and with batches around the lengths of vectors, where kernels go wrong.
"""

import importlib.util
import itertools
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from lenet5 import compiled
from lenet5.data.batches import Examples
from lenet5.engines import registry
from lenet5.engines.contract import Float, Network, Precision
from lenet5.engines.initial import first_weights
from lenet5.spec import layers as plan
from lenet5.spec import paper
from lenet5.spec.architecture import Architecture
from lenet5.spec.initial import Pytorch
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Adam, Optimizer, Sdlm, Sgd
from lenet5.spec.preparation import Preparation

ON_MAPS = ("convolution", "subsample", "average_pool", "max_pool", "batch_normalization", "dropout", "activation")
ON_UNITS = ("dense", "batch_normalization", "dropout", "activation")
COUNTS = (1, 2, 3, 15, 16, 17, 40)
FUNCTIONS = ("relu", "tanh", "sigmoid", "scaled_tanh")
ENLARGED = 20  # times NumPy's own rounding: sums in another order may have other luck
DRAWS = 16  # of weights a last digit away, which have other luck with NumPy, too
TOLERANCE = 2e-4  # float32 against float64: sums of up to 800 terms, and three steps that build on each other


@cache
def pairs() -> tuple[tuple[str, str], ...]:
    """Return all pairs of kinds of which the second may follow the first."""
    on_maps = [(a, b) for a in ON_MAPS for b in (*ON_MAPS, "flatten")]
    on_units = [(a, b) for a in ("flatten", *ON_UNITS) for b in (*ON_UNITS, "rbf")]
    return tuple((a, b) for a, b in on_maps + on_units if _may_follow(a, b))


def _may_follow(first: str, second: str) -> bool:
    if second == "batch_normalization":
        return first in ("convolution", "dense")
    return (first, second) != ("dropout", "dropout")  # they would have the same name


@dataclass(frozen=True)
class Case:
    """One architecture, how it is trained, and on what."""

    number: int
    architecture: Architecture
    objective: Objective
    optimizer: Optimizer
    frozen: tuple[str, ...]
    batches: tuple[NDArray[np.int64], ...]
    examples: Examples

    def __str__(self) -> str:
        kinds = ", ".join(
            " ".join(str(value) for name, value in layer if name != "name") for layer in self.architecture.layers
        )
        sizes = [len(batch) for batch in self.batches]
        return (
            f"case {self.number}: {self.architecture.input}; {kinds}; {self.objective.loss}; {self.optimizer.kind}; "
            f"frozen {self.frozen}; batches {sizes}"
        )


def _kinds(random: np.random.Generator, pair: tuple[str, str]) -> list[str]:
    """Return the kinds of all layers, with the pair among them."""

    def some(kinds: Sequence[str], most: int) -> list[str]:
        return [str(kind) for kind in random.choice(kinds, random.integers(most + 1))]

    first, second = pair
    if pair == ("flatten", "rbf"):
        return [*some(("activation", "dropout"), 1), *pair]  # no other layer would leave as many numbers as a code has
    before, after = some(ON_MAPS, 2), some(ON_UNITS, 2)
    if first in ON_MAPS and (second in ON_MAPS or second == "flatten") and (second != first or random.random() < 0.5):
        middle = [first, second] + ([] if second == "flatten" else [*some(ON_MAPS, 1), "flatten"])
    elif first == "flatten":
        middle = [first, second]
    elif first in ON_MAPS and second in ON_MAPS:
        middle = [first, second, "flatten"]
    else:
        middle = ["flatten", *["dense"] * (second == "rbf" and first != "dense"), first, second]
    kinds = before + middle + ([] if second == "rbf" else after)
    if kinds[-1] not in ("dense", "rbf"):
        kinds.append("dense" if random.random() < 0.8 else "rbf")
    repaired: list[str] = []
    unnamed: list[str] = []  # since the last layer with a name of its own
    for kind in kinds:
        last = repaired[-1] if repaired else ""
        if not _may_follow(last, kind) or unnamed.count(kind) > (kind == "activation"):
            repaired.append("dense" if "flatten" in repaired else "convolution")
            unnamed = []
        repaired.append(kind)
        unnamed = [*unnamed, kind] if kind in ("activation", "dropout", "flatten") else []
    return repaired


def _architecture(random: np.random.Generator, kinds: Sequence[str]) -> Architecture:
    maps = int(random.choice([1, 1, 1, 2, 6]))
    side = int(random.integers(3, 20))
    if tuple(kinds[-2:]) == ("flatten", "rbf"):
        maps, shape = 1, (1, 7, 12)
    else:
        shape = (maps, side, side)
    first = shape
    layers: list[plan.Layer] = []
    functions = list(FUNCTIONS)
    for i, kind in enumerate(kinds):
        name = f"L{i}"
        after = kinds[i + 1 : i + 3]
        to_codes = "rbf" in kinds[i + 1 :] and "dense" not in kinds[i + 1 :] and "flatten" not in kinds[i + 1 :]
        layer: plan.Layer
        if kind not in ("activation", "dropout", "flatten"):
            functions = list(FUNCTIONS)
        match kind:
            case "convolution":
                layer = _convolution(random, name, shape)
            case "subsample" | "average_pool" | "max_pool":
                sizes = [size for size in (1, 2, 3, 4, 5, 7) if gcd(shape[1], shape[2]) % size == 0]
                size = sizes[-1] if random.random() < 0.2 else sizes[min(1, len(sizes) - 1)]
                size = 1 if random.random() < 0.1 else size
                chosen = {"subsample": plan.Subsample, "average_pool": plan.AveragePool, "max_pool": plan.MaxPool}[kind]
                layer = chosen(name=name, size=size)
            case "batch_normalization":
                layer = plan.BatchNormalization(name=name)
            case "dropout":
                layer = plan.Dropout(share=float(random.choice([0.1, 0.5, 0.8])))
            case "activation":
                layer = plan.Activation(function=functions.pop(int(random.integers(len(functions)))))
            case "flatten":
                layer = plan.Flatten()
            case "rbf":
                layer = plan.Rbf(name=name, factor=float(random.choice([0.5, 1.0])))
            case _:
                units = 84 if to_codes else 10 if not after else int(random.choice([1, 7, 8, 9, 16, 17, 33, 70]))
                layer = plan.Dense(name=name, units=units)
        if kind == "rbf" and shape != (len(paper.codes()[0]),):
            layers.append(plan.Dense(name=f"{name}_before", units=84))
        layers.append(layer)
        shape = layer.output_shape((84,) if kind == "rbf" else shape)
    return Architecture(input=first, layers=tuple(layers))


def _convolution(random: np.random.Generator, name: str, shape: plan.Shape) -> plan.Convolution:
    maps = int(random.choice([1, 2, 3, 5, 6, 7, 8, 9, 16, 17, 33]))
    padding = int(random.choice([0, 0, 0, 1, 2]))
    widest = min(shape[1], shape[2]) + 2 * padding
    kernel = int(random.choice([1, 2, 3, 4, 5, 5, 5, 5, 6, 7, widest]))
    if random.random() < 0.1:
        kernel, padding = min(shape[1], shape[2]), 0  # covers the whole input
    table = "lecun-1998" if shape[0] == 6 and random.random() < 0.5 else "full"
    kernel = min(kernel, widest, 9)
    return plan.Convolution(
        name=name, maps=16 if table == "lecun-1998" else maps, kernel=kernel, padding=padding, table=table
    )


def _objective(random: np.random.Generator, with_codes: bool) -> Objective:
    reduction = str(random.choice(["mean", "mean", "sum"]))
    if with_codes and random.random() < 0.7:
        if random.random() < 0.5:
            return Objective(loss="maximum_likelihood", reduction=reduction)
        return Objective(loss="maximum_a_posteriori", j=float(random.choice([0.1, 5.0])), reduction=reduction)
    match int(random.integers(6)):
        case 0:
            return Objective(loss="mean_squared_error", reduction=reduction)
        case 1:
            return Objective(label_smoothing=0.1, reduction=reduction)
        case 2:
            return Objective(loss="maximum_a_posteriori", j=1.0, reduction=reduction)
        case _:
            return Objective(reduction=reduction)


def _optimizer(random: np.random.Generator, architecture: Architecture) -> Optimizer:
    tied = any(isinstance(layer, plan.BatchNormalization) for layer in architecture.layers)
    choices: list[Optimizer] = [
        Sgd(learning_rate=1e-3),
        Sgd(learning_rate=1e-3, momentum=0.9, weight_decay=1e-2),
        Adam(learning_rate=1e-3, epsilon=1e-3, weight_decay=1e-2),
    ]
    if not tied:
        choices.append(Sdlm(learning_rate=1e-4, mu=0.05, patterns=1))
    return choices[int(random.integers(len(choices)))]


def case(number: int) -> Case:
    """Return the case of a number."""
    random = np.random.default_rng([1998, number])
    architecture = _architecture(random, _kinds(random, pairs()[number % len(pairs())]))
    side = architecture.input[1]
    counts = [int(random.choice(COUNTS)) for _ in range(3)]
    if random.random() < 0.2:
        counts = [1, 1, 1]
    images = random.integers(0, 256, (48, 28, 28), np.uint8)
    preparation = Preparation(background=-1.0, ink=1.0, resize=side)
    examples = Examples(images, random.integers(0, architecture.classes, 48), preparation, chance=number)
    names = [layer.name for layer in architecture.layers if isinstance(layer, plan.Trained)]
    frozen = tuple(name for name in names if random.random() < 0.5) if random.random() < 0.15 else ()
    return Case(
        number=number,
        architecture=architecture,
        objective=_objective(random, isinstance(architecture.layers[-1], plan.Rbf)),
        optimizer=_optimizer(random, architecture),
        frozen=frozen,
        batches=tuple(random.permutation(48)[:count] for count in counts),
        examples=examples,
    )


# Numbers of training that diverges leave even float64; such a case says nothing, and is passed over below.
@np.errstate(over="ignore", invalid="ignore")
def outcomes(drawn: Case, engine: str, precision: Precision = "float32", draw: int = 0) -> dict[str, Float]:
    """Return all that an engine says to a case: scores, gradients, second derivatives, and what training makes.

    draw  0 for the case's own first weights; another number moves them by a last digit
    """
    weights = first_weights(drawn.architecture, Pytorch(), seed=drawn.number)
    if draw:
        moves, ulp = np.random.default_rng([draw, drawn.number]), float(np.finfo(np.float32).eps)
        weights = {
            # Every other time those that are 0 move, too: behind a batch normalisation they may be a ReLU's corner.
            name: (
                array + ulp * moves.uniform(-1, 1, array.shape) * (array if draw % 2 else max(1e-2, array.max()))
            ).astype(np.float32)
            for name, array in weights.items()
        }
    network: Network = registry.get(engine).build(
        drawn.architecture, weights, drawn.objective, drawn.optimizer, frozen=drawn.frozen, precision=precision
    )
    random = np.random.default_rng(drawn.number)
    inputs = random.uniform(-1, 1, (17, *drawn.architecture.input)).astype(np.float32)
    labels = random.integers(0, drawn.architecture.classes, 17)
    said: dict[str, Float] = {f"scores of {n}": network.scores(inputs[:n]) for n in (1, 2, 3, 15, 16, 17)}
    for n in (1, 3, 17):
        loss, gradients = network.gradients(inputs[:n], labels[:n])
        said[f"loss of {n}"] = np.array([loss])
        said |= {f"gradient of {name}, {n} images": gradient for name, gradient in gradients.items()}
    if not any(isinstance(layer, plan.BatchNormalization) for layer in drawn.architecture.layers):
        curvature = network.curvature(inputs[:5])
        said |= {f"curvature of {name}": array for name, array in curvature.items()}
        if isinstance(drawn.optimizer, Sdlm):
            network.load(network.weights(), {f"curvature.{name}": array for name, array in curvature.items()})
    maps, height, width = drawn.architecture.input
    if maps == 1 and height == width:  # what images can be made into
        network.hold(drawn.examples)
        steps = network.train(drawn.batches, drawn.optimizer.learning_rate)
        said["losses"], said["correct"] = steps.losses, steps.correct
        said |= {f"trained {name}": array for name, array in network.weights().items()}
        said |= {f"state {name}": array for name, array in network.state().items()}
        said["scores after training"] = network.scores(inputs)
    return said


def differences(drawn: Case, engines: Sequence[str]) -> Iterator[str]:
    """Yield what an engine computes otherwise than NumPy in float64, by more than rounding explains.

    How far NumPy in float32 is off tells how much a case enlarges rounding. Where it is less than an engine is, NumPy
    may have been lucky: sums that cancel (all before a batch normalisation), a ReLU at 0. Then it is asked again, with
    weights a last digit away, and its worst counts.
    """
    expected, rounded = outcomes(drawn, "numpy", "float64"), [outcomes(drawn, "numpy")]

    def beyond(what: str, said: Float, draws: Sequence[dict[str, Float]]) -> str:
        array = expected[what]
        # A bias before batch normalisation has gradient 0, and rounding comes from its layer's weights.
        layer = what.replace(".bias", ".weight")
        scale = max(float(np.abs(array).max(initial=0.0)), float(np.abs(expected.get(layer, 0.0)).max()), 1e-2)
        rounding = max(float(np.abs(draw[what] - array).max(initial=0.0)) for draw in draws)
        off = float(np.abs(said - array).max(initial=0.0))
        # Where NumPy is not finite, training diverges beyond what float32 holds.
        if not np.isfinite(rounding) or off <= TOLERANCE * scale + ENLARGED * rounding:
            return ""
        return f"{what} is off by {off:.1e} of {scale:.1e}, NumPy in float32 by {rounding:.1e}"

    for engine in engines:
        said = outcomes(drawn, engine)
        if said.keys() != expected.keys():
            yield f"{engine}: {sorted(said.keys() ^ expected.keys())}"
            continue
        suspects = [what for what in expected if beyond(what, said[what], rounded)]
        if suspects and len(rounded) == 1:
            rounded += [outcomes(drawn, "numpy", draw=draw) for draw in range(1, DRAWS + 1)]
        yield from (f"{engine}: {fault}" for what in suspects if (fault := beyond(what, said[what], rounded)))


def compare(numbers: Iterable[int], engines: Sequence[str], seconds: float) -> tuple[int, list[str]]:
    """Compare the engines on the cases of these numbers, until the time is over; return how many, and what differs."""
    end, compared, found = time.monotonic() + seconds, 0, []
    for number in numbers:
        if time.monotonic() > end:
            break
        drawn = case(number)
        compared += 1
        different = list(differences(drawn, engines))
        if different:
            found.append("\n  ".join([str(drawn), *different[:3]]))
    return compared, found


def main(first: str, seconds: str, engines: str, kernels: str) -> None:
    """Compare in a process of its own, with the compiled part at this path."""
    spec = importlib.util.spec_from_file_location(compiled.MODULE, kernels)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[compiled.MODULE] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    compared, found = compare(itertools.count(int(first)), engines.split(","), float(seconds))
    print("\n".join(found))
    print(f"{compared} architectures, {len(found)} with a difference, {compiled.kernels().__file__}")


if __name__ == "__main__":
    main(*sys.argv[1:])
