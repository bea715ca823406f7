"""The network in PyTorch: the layers in a row, and one training step."""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lenet5.engines.checks import check_inputs, check_second_derivatives, check_state, check_weights
from lenet5.engines.contract import Examples, Float, LearningRates, Precision, Steps, Weights
from lenet5.engines.targets import soft_targets
from lenet5.engines.torch import device as devices
from lenet5.engines.torch.curvature import layer_curvature
from lenet5.engines.torch.graph import CapturedStep
from lenet5.engines.torch.layers import function_for
from lenet5.engines.torch.losses import curvature_of_scores, mean_loss
from lenet5.engines.torch.normalize import BatchNormalization, Dropout
from lenet5.engines.torch.optimizers import optimizer_for
from lenet5.spec.architecture import Architecture
from lenet5.spec.layers import Shape
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Optimizer, rbf_curvature
from lenet5.warp import warp

HOLD_CHUNK = 4096  # images prepared at once: 16 MB of inputs
CURVATURE_BATCH = 100  # images at a time, so that memory stays bounded


def views(flat: Tensor, shapes: Mapping[str, Shape]) -> dict[str, Tensor]:
    """Return a flat tensor's parts as named tensors of the given shapes; they share its memory."""
    parts = torch.split(flat, [prod(shape) for shape in shapes.values()])
    return {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def arrays(tensors: Mapping[str, Tensor]) -> Weights:
    """Return copies of tensors as arrays."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in tensors.items()}


class TorchNetwork:
    """`engines.contract.Network` in PyTorch. Deterministic for one device and one number of threads."""

    def __init__(
        self,
        architecture: Architecture,
        weights: Mapping[str, Float],
        objective: Objective,
        optimizer: Optimizer,
        frozen: Sequence[str],
        precision: Precision,
        device: torch.device,
    ) -> None:
        check_weights(architecture, weights)
        self.architecture = architecture
        self.objective = objective
        self._device, self._dtype = device, devices.number_type(precision, device)
        shapes = architecture.parameter_shapes
        still = architecture.statistics
        trained = {n: shape for n, shape in shapes.items() if n not in still and n.split(".")[0] not in frozen}
        fixed = {name: shape for name, shape in shapes.items() if name not in trained}
        self._flat = torch.empty(sum(map(prod, trained.values())), dtype=self._dtype, device=device)
        self._trained = views(self._flat, trained)
        self._fixed = {name: self._flat.new_empty(shape) for name, shape in fixed.items()}
        self._optimizer = optimizer_for(optimizer, self._flat)
        self._at_rbf = rbf_curvature(optimizer)
        self._state = dict(self._optimizer.counts)
        for part, flat in self._optimizer.memory.items():
            self._state |= {f"{part}.{name}": view for name, view in views(flat, trained).items()}
        self.load(weights, self.state())
        for tensor in self._trained.values():
            tensor.requires_grad_()
        everything = self._trained | self._fixed
        self._layers = {p.name: function_for(p, everything, device, i) for i, p in enumerate(architecture.placed)}
        self._normalizing = [layer for layer in self._layers.values() if isinstance(layer, BatchNormalization)]
        self._dropping = [layer for layer in self._layers.values() if isinstance(layer, Dropout)]
        self._learning_rate = self._flat.new_empty(())
        self._examples: Examples | None = None
        self._inputs, self._labels = self._flat.new_empty(0), torch.empty(0, dtype=torch.int64)
        self._targets: Tensor | None = None
        self._captured: dict[int, CapturedStep] = {}

    def hold(self, examples: Examples) -> None:
        """Put the prepared inputs of all examples on the device; those already there are not put again."""
        if examples is self._examples:
            return
        count = len(examples.labels)
        if self._inputs.shape != (count, *self.architecture.input):
            self._inputs = self._flat.new_empty(count, *self.architecture.input)
            self._labels = torch.empty(count, dtype=torch.int64, device=self._device)
            self._captured.clear()  # those read the old tensors
        for start in range(0, count, HOLD_CHUNK):
            chunk = np.arange(start, min(start + HOLD_CHUNK, count))
            self._inputs[start : start + HOLD_CHUNK] = self._moved(examples.inputs(chunk))
        self._labels.copy_(torch.tensor(examples.labels))
        targets = soft_targets(self.objective, examples.labels, examples.targets, self.architecture.classes)
        if targets is None:
            self._targets = None
        elif self._targets is not None and self._targets.shape == targets.shape:
            self._targets.copy_(torch.tensor(targets))
        else:
            self._targets = torch.tensor(targets, dtype=self._dtype, device=self._device)
            self._captured.clear()
        for layer in self._dropping:
            layer.key = examples.chance
        self._examples = examples

    def train(self, batches: Sequence[NDArray[np.int64]], learning_rates: LearningRates) -> Steps:
        """Take one training step for each batch of indices into the examples held; one learning rate each, or one.

        The device is waited for once, at the end.
        """
        sizes = [len(batch) for batch in batches]
        order = torch.from_numpy(np.concatenate([np.empty(0, np.int64), *batches])).to(self._device)
        losses = self._flat.new_empty(len(batches))
        correct = torch.empty(len(batches), dtype=torch.int64, device=self._device)
        rates = torch.tensor(np.broadcast_to(learning_rates, len(batches)), dtype=self._dtype, device=self._device)
        with devices.deterministic(self._device):
            for number, indices in enumerate(torch.split(order, sizes)):
                self._learning_rate.copy_(rates[number])
                losses[number], correct[number] = self._take_step(indices)
        return Steps(losses.cpu().numpy().astype(np.float64), correct.cpu().numpy())

    def scores(self, inputs: Float) -> Float:
        """Return the scores (N, classes) of prepared inputs (N, maps, H, W)."""
        with devices.deterministic(self._device), torch.no_grad():
            return self._forward(self._moved(inputs)).cpu().numpy()

    def activations(self, inputs: Float) -> dict[str, Float]:
        """Return the output of each layer, by its name in `Architecture.placed`."""
        x = self._moved(inputs)
        outputs: dict[str, Tensor] = {}
        with devices.deterministic(self._device), torch.no_grad():
            for name, function in self._layers.items():
                outputs[name] = x = function(x)
        return arrays(outputs)

    def gradients(self, inputs: Float, labels: NDArray[np.int64]) -> tuple[float, Weights]:
        """Return the mean loss and the gradient of the objective for each trainable array; change nothing."""
        with devices.deterministic(self._device):
            shares = soft_targets(self.objective, labels, None, self.architecture.classes)
            targets = None if shares is None else torch.tensor(shares, dtype=self._dtype, device=self._device)
            loss, _, gradient = self._there_and_back(
                self._moved(inputs), torch.tensor(labels, device=self._device), targets
            )
        shapes = {name: tuple(tensor.shape) for name, tensor in self._trained.items()}
        return loss.item(), arrays(views(gradient, shapes))

    def curvature(self, inputs: Float) -> Weights:
        """Return the mean second derivative for each trainable array; see `engines.contract.Network`."""
        check_second_derivatives(self.architecture)
        everything = self._trained | self._fixed
        totals = {name: torch.zeros_like(tensor) for name, tensor in self._trained.items()}
        with devices.deterministic(self._device), torch.no_grad():
            for batch in torch.split(self._moved(inputs), CURVATURE_BATCH):
                came_in, x = [], batch
                for function in self._layers.values():
                    came_in.append(x)
                    x = function(x)
                curv = curvature_of_scores(self.objective, x)
                for placed, x in zip(reversed(self.architecture.placed), reversed(came_in), strict=True):
                    curv, own = layer_curvature(placed, x, curv, everything, self._at_rbf)
                    for name in own.keys() & totals.keys():
                        totals[name] += own[name]
        return arrays({name: total / len(inputs) for name, total in totals.items()})

    def weights(self) -> Weights:
        """Return a copy of the weights, in the order of the architecture."""
        everything = self._trained | self._fixed
        return arrays({name: everything[name] for name in self.architecture.parameter_shapes})

    def state(self) -> Weights:
        """Return a copy of what the optimiser remembers."""
        return arrays(self._state)

    def load(self, weights: Mapping[str, Float], state: Mapping[str, Float]) -> None:
        """Put weights and optimiser state back, as `weights` and `state` returned them."""
        check_weights(self.architecture, weights)
        check_state(self.state(), state)
        with torch.no_grad():
            for own, given in ((self._trained | self._fixed, weights), (self._state, state)):
                for name, tensor in own.items():
                    tensor.copy_(torch.tensor(given[name]))

    def _forward(self, x: Tensor) -> Tensor:
        for function in self._layers.values():
            x = function(x)
        return x

    def _there_and_back(self, inputs: Tensor, labels: Tensor, targets: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Return the mean loss, how many images are right, and the gradient of all trained numbers, (P,)."""
        for layer in self._normalizing:
            layer.training = True
        scores = self._forward(inputs)
        for layer in self._normalizing:
            layer.training = False
        loss, terms = mean_loss(self.objective, scores, labels, targets)
        minimized = loss if self.objective.reduction == "mean" else loss * terms
        # A network whose layers are all frozen, or have no weights, has no gradient.
        gradients = torch.autograd.grad(minimized, list(self._trained.values())) if self._trained else ()
        correct = (scores.detach().argmax(1) == labels).sum()
        return loss.detach(), correct, torch.cat([loss.new_zeros(0), *(gradient.flatten() for gradient in gradients)])

    def _step(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Take one training step; return the mean loss and how many images were right before it."""
        inputs, labels = self._inputs.index_select(0, indices), self._labels.index_select(0, indices)
        targets = None if self._targets is None else self._targets.index_select(0, indices)
        for normalizing in self._normalizing:
            normalizing.keeps = True
        for dropping in self._dropping:
            dropping.images = indices
        loss, correct, gradient = self._there_and_back(inputs, labels, targets)
        for normalizing in self._normalizing:
            normalizing.keeps = False
        for dropping in self._dropping:
            dropping.images = None
        with torch.no_grad():
            self._optimizer.step(self._flat, gradient, self._learning_rate)
        return loss, correct

    def _take_step(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Take one training step; on CUDA by a graph, captured at the first batch of each size."""
        if self._device.type != "cuda" or self._dropping:  # what is left out is drawn outside the device
            return self._step(indices)
        size = len(indices)
        if size not in self._captured:
            changed = [self._flat, *self._fixed.values(), *self._state.values()]
            self._captured[size] = CapturedStep(self._step, indices, changed)
        return self._captured[size](indices)

    def _moved(self, inputs: Float) -> Tensor:
        """Return inputs as a tensor on the device. Raises ShapeError when they do not fit."""
        check_inputs(self.architecture, inputs)
        return torch.tensor(np.ascontiguousarray(inputs), dtype=self._dtype, device=self._device)


class TorchEngine:
    """`engines.contract.Engine` in PyTorch."""

    name = "torch"
    threads_matter = True
    warp = staticmethod(warp)  # bent copies of images, by NumPy; see `warp.py`

    def __init__(self, device: str = "auto") -> None:
        """Choose "cuda", "mps" or "cpu"; "auto" takes the first of these that is here. Raises EngineError."""
        self._device = devices.choose(device)

    def build(
        self,
        architecture: Architecture,
        weights: Mapping[str, Float],
        objective: Objective,
        optimizer: Optimizer,
        *,
        frozen: Sequence[str] = (),
        precision: Precision = "float32",
    ) -> TorchNetwork:
        """Return a network with these first weights. Raises ModelError when they do not fit."""
        return TorchNetwork(architecture, weights, objective, optimizer, frozen, precision, self._device)

    def describe(self) -> dict[str, str]:
        """Return the version of PyTorch, the device, and the instruction set and threads that the CPU's part uses."""
        return {
            "engine": self.name,
            "torch": torch.__version__,
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "device": devices.title(self._device),
            "threads": str(torch.get_num_threads()),
        }

    def peak_memory_bytes(self) -> int | None:
        """Return the most GPU memory used so far, or None on other devices."""
        return torch.cuda.max_memory_allocated(self._device) if self._device.type == "cuda" else None
