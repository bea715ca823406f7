"""The native engine's network: passes the architecture and arrays to the compiled module, and results back."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lenet5.compiled import kernels
from lenet5.engines.checks import check_inputs, check_second_derivatives, check_state, check_weights
from lenet5.engines.contract import Examples, Float, LearningRates, Precision, Steps, Weights
from lenet5.engines.native.scorer import NativeScorer, floats, layer, named_outputs
from lenet5.engines.soft_targets import soft_targets
from lenet5.errors import EngineError, ShapeError
from lenet5.spec.architecture import Architecture
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Adam, Optimizer, Sdlm, Sgd, rbf_curvature


def optimizer_arguments(optimizer: Optimizer) -> dict[str, str | float]:
    """Return an optimiser in the form that the compiled module takes; settings that a kind does not have are 0."""
    unused = dict.fromkeys(("momentum", "weight_decay", "beta1", "beta2", "epsilon", "mu"), 0.0)
    settings = optimizer.model_dump(include=set(unused))
    return unused | settings | {"optimizer": optimizer.kind}


def memories_of(optimizer: Optimizer) -> tuple[str, ...]:
    """Return the names of the optimiser's state for each trained array, such as "velocity"."""
    match optimizer:
        case Sgd(momentum=momentum):
            return ("momentum",) if momentum else ()
        case Adam():
            return "mean", "square"
        case Sdlm():
            return ("curvature",)


class NativeNetwork:
    """`engines.contract.Network` in C++. Deterministic for one instruction set, on any number of threads."""

    def __init__(
        self,
        architecture: Architecture,
        weights: Mapping[str, Float],
        objective: Objective,
        optimizer: Optimizer,
        frozen: Sequence[str],
    ) -> None:
        check_weights(architecture, weights)
        self.architecture = architecture
        self.objective = objective
        self._shapes = architecture.parameter_shapes
        still = architecture.statistics
        self._trained = [name for name in self._shapes if name not in still and name.split(".")[0] not in frozen]
        self._memories = memories_of(optimizer)
        self._counts_steps = isinstance(optimizer, Adam)
        self._at_rbf = rbf_curvature(optimizer)
        self._step_factor = optimizer.step_factor if isinstance(optimizer, Sgd) else 1.0
        self._network = kernels().Network(
            input=architecture.input,
            layers=[layer(placed, frozen=placed.name in frozen) for placed in architecture.placed],
            loss=objective.loss,
            mean=objective.reduction == "mean",
            j=objective.j or 0.0,
            **optimizer_arguments(optimizer),
        )
        self._put_weights(weights)

    def hold(self, examples: Examples) -> None:
        """Keep references; images are prepared block by block as the kernels read them, without a copy in between."""
        preparation, labels = examples.preparation, np.ascontiguousarray(examples.labels)
        classes = self.architecture.classes
        for label in (labels.min(), labels.max()) if len(labels) else ():
            if not 0 <= label < classes:
                raise ShapeError(f"label {label} is not one of this network's {classes} classes, 0 to {classes - 1}.")
        self._examples = kernels().Examples.from_bytes(
            images=np.ascontiguousarray(examples.images[:, preparation.kept(), preparation.kept()]),
            labels=labels,
            targets=self._targets(labels, examples.targets),
            chance=examples.chance,
            scale=preparation.scale(),
            padding=max(0, preparation.padding),
            resize=preparation.resize or 0,
            flips=None if examples.flips is None else np.ascontiguousarray(examples.flips, np.uint8),
            flip_vertical=preparation.flip == "vertical",
        )

    def train(self, batches: Sequence[NDArray[np.int64]], learning_rates: LearningRates) -> Steps:
        """Take one training step for each batch of indices into the current examples, all in one call to C++."""
        if not batches:
            return Steps(np.empty(0), np.empty(0, np.int64))
        order = np.concatenate(batches)
        sizes = [len(batch) for batch in batches]
        rates = np.full(len(batches), learning_rates * self._step_factor, np.float32)
        losses, correct = self._network.train(self._examples, order, sizes, rates)
        return Steps(losses, correct)

    def scores(self, inputs: Float) -> Float:
        """Return the scores (N, classes) of prepared inputs (N, maps, H, W)."""
        scores: Float = self._network.scores(self._checked(inputs))
        return scores

    def activations(self, inputs: Float) -> dict[str, Float]:
        """Return the output of each layer, by its name in `Architecture.placed`; computed by the reference kernels."""
        return named_outputs(self.architecture, self._network.activations(self._checked(inputs)))

    def gradients(self, inputs: Float, labels: NDArray[np.int64]) -> tuple[float, Weights]:
        """Return the mean loss and the gradient of the objective for each trainable array; change nothing."""
        inputs, labels = self._checked(inputs), np.ascontiguousarray(labels)
        examples = kernels().Examples.from_inputs(inputs=inputs, labels=labels, targets=self._targets(labels, None))
        loss, arrays = self._network.gradients(inputs, examples)
        return loss, self._named(self._trained, arrays)

    def curvature(self, inputs: Float) -> Weights:
        """Return the mean second derivative for each trainable array; see `engines.contract.Network`."""
        check_second_derivatives(self.architecture)
        return self._named(self._trained, self._network.curvature(self._checked(inputs), self._at_rbf))

    def weights(self) -> Weights:
        """Return a copy of the weights."""
        return self._named(self._shapes, self._network.weights())

    def state(self) -> Weights:
        """Return a copy of the optimiser's state."""
        memories, steps = self._network.state()
        state: Weights = {"steps": np.array(steps, np.int64)} if self._counts_steps else {}
        for memory, arrays in zip(self._memories, memories, strict=True):
            state |= {f"{memory}.{name}": array for name, array in self._named(self._trained, arrays).items()}
        return state

    def load(self, weights: Mapping[str, Float], state: Mapping[str, Float]) -> None:
        """Restore weights and optimiser state as returned by `weights` and `state`."""
        check_weights(self.architecture, weights)
        self.set_state(state)
        self._put_weights(weights)

    def set_state(self, state: Mapping[str, Float]) -> None:
        """Restore the optimiser's state as returned by `state`."""
        check_state(self.state(), state)
        memories = [[floats(state[f"{memory}.{name}"]) for name in self._trained] for memory in self._memories]
        self._network.set_state(memories, int(state.get("steps", 0)))

    def watch(self) -> None:
        """Start measuring where the first thread spends its time; `seconds` returns the result."""
        self._network.watch()

    def seconds(self) -> list[tuple[int, dict[str, float]]]:
        """Return the seconds of each kind of work since `watch`, for each stage: a layer and those fused with it."""
        seconds: list[tuple[int, dict[str, float]]] = self._network.seconds()
        return seconds

    def _targets(self, labels: NDArray[np.int64], given: NDArray[np.float32] | None) -> Float | None:
        targets = soft_targets(self.objective, labels, given, self.architecture.classes)
        return None if targets is None else floats(targets)

    def _put_weights(self, weights: Mapping[str, Float]) -> None:
        self._network.set_weights([floats(weights[name]) for name in self._shapes])

    def _named(self, names: Sequence[str] | Mapping[str, object], arrays: Sequence[Float]) -> Weights:
        return {name: array.reshape(self._shapes[name]) for name, array in zip(names, arrays, strict=True)}

    def _checked(self, inputs: Float) -> Float:
        check_inputs(self.architecture, inputs)
        return floats(inputs)


def _check_precision(precision: Precision) -> None:
    if precision != "float32":
        raise EngineError(f'engine "native" computes in float32; for {precision} use the numpy or torch engine.')


class NativeEngine:
    """`engines.contract.Engine` in C++."""

    name = "native"
    device = "cpu"
    threads_matter = False

    def build(
        self,
        architecture: Architecture,
        weights: Mapping[str, Float],
        objective: Objective,
        optimizer: Optimizer,
        *,
        frozen: Sequence[str] = (),
        precision: Precision = "float32",
    ) -> NativeNetwork:
        """Return a network with these initial weights.

        Raises ModelError when they do not fit, EngineError for a precision other than float32.
        """
        _check_precision(precision)
        return NativeNetwork(architecture, weights, objective, optimizer, frozen)

    def scorer(
        self, architecture: Architecture, weights: Mapping[str, Float], *, precision: Precision = "float32"
    ) -> NativeScorer:
        """Return these weights for scoring alone. Raises as `build`."""
        _check_precision(precision)
        return NativeScorer(architecture, weights)

    def describe(self) -> dict[str, str]:
        """Return the instruction set in use, which determines every byte, and the number of threads."""
        return {
            "engine": self.name,
            "instructions": kernels().instructions(),
            "device": self.device,
            "threads": str(kernels().threads()),
        }

    def peak_memory_bytes(self) -> None:
        """Return None: the engine uses main memory only."""
        return
