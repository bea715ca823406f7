"""M networks of one architecture side by side in PyTorch; the first axis of every tensor counts networks.

They share the optimiser's settings and the batch size; each has its own weights, optimiser state, examples and batches.
A single network is a stack of one. On CUDA several steps are captured as one graph: its batches, learning rates and
results are tensors on the device, with which each call synchronizes once.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lenet5.engines.checks import check_weights
from lenet5.engines.contract import Examples, Float, LearningRates, Precision, Steps, Weights
from lenet5.engines.soft_targets import soft_targets
from lenet5.engines.torch import device as devices
from lenet5.engines.torch.graph import CapturedSteps
from lenet5.engines.torch.layers import functions
from lenet5.engines.torch.losses import image_losses, minimized
from lenet5.engines.torch.normalize import BatchNormalization, Dropout
from lenet5.engines.torch.optimizers import optimizer_for
from lenet5.spec.architecture import Architecture
from lenet5.spec.layers import Shape
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Optimizer

HOLD_CHUNK = 4096  # images prepared at once; 16 MB of inputs
STEPS_AT_ONCE = 16  # training steps in one CUDA graph; the cost of its launch is then small
IMAGES_AT_ONCE = 16_384  # upper limit of the images in one CUDA graph, over all networks; bounds the gathered inputs


def views(flat: Tensor, shapes: Mapping[str, Shape]) -> dict[str, Tensor]:
    """Split a tensor (M, P) into named views (M, ...) of the given shapes."""
    parts = torch.split(flat, [prod(shape) for shape in shapes.values()], dim=1)
    return {name: part.view(-1, *shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


class Stack:
    """Weights, optimiser and examples of M networks, and their training steps."""

    def __init__(
        self,
        architecture: Architecture,
        weights: Sequence[Mapping[str, Float]],
        objective: Objective,
        optimizer: Optimizer,
        frozen: Sequence[str],
        precision: Precision,
        device: torch.device,
    ) -> None:
        for first in weights:
            check_weights(architecture, first)
        self.architecture, self.objective, self.device = architecture, objective, device
        self.dtype = devices.number_type(precision, device)
        shapes, M = architecture.parameter_shapes, len(weights)
        still = architecture.statistics
        trained = {n: shape for n, shape in shapes.items() if n not in still and n.split(".")[0] not in frozen}
        self._flat = torch.empty(M, sum(map(prod, trained.values())), dtype=self.dtype, device=device)
        self.trained = views(self._flat, trained)
        fixed = {name: self._flat.new_empty(M, *shape) for name, shape in shapes.items() if name not in trained}
        self.arrays = {name: (self.trained | fixed)[name] for name in shapes}
        self._optimizer = optimizer_for(optimizer, self._flat)
        self.state = {name: count.view(M) for name, count in self._optimizer.counts.items()}
        for part, flat in self._optimizer.memory.items():
            self.state |= {f"{part}.{name}": view for name, view in views(flat, trained).items()}
        for number, first in enumerate(weights):
            self.set_weights(number, first)
        for tensor in self.trained.values():
            tensor.requires_grad_()
        self.layers = functions(architecture, self.arrays, device)
        self._normalizing = [layer for layer in self.layers.values() if isinstance(layer, BatchNormalization)]
        self._dropping = [layer for layer in self.layers.values() if isinstance(layer, Dropout)]
        self._changed = [self._flat, *fixed.values(), *self._optimizer.counts.values()]
        self._changed += self._optimizer.memory.values()
        self._held: list[Examples | None] = [None] * M
        self._targets: Tensor | None = None
        self._captured: dict[tuple[int, ...], CapturedSteps] = {}
        self._starts = torch.zeros(M, 1, dtype=torch.int64, device=device)  # first row of each network's examples
        self._allocate(1, 0)
        self._keys = torch.zeros(M, dtype=torch.int64, device=device)
        for layer in self._dropping:
            layer.keys = self._keys

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, number: int, examples: Examples) -> None:
        """Copy the prepared inputs of a network's examples to the device, unless they are already there.

        Networks with the same examples share one copy; as soon as they differ, each network gets its own.
        """
        self._keys[number] = examples.chance
        before, self._held[number] = self._held[number], examples
        if before is not None and _same(examples, before):
            return
        if self._count != len(examples.labels):
            self._allocate(1, len(examples.labels))
            self._held = [examples if other == number else None for other in range(len(self))]
        others = [held for other, held in enumerate(self._held) if held is not None and other != number]
        if self._copies < len(self) and others:
            if all(_same(examples, held) for held in others):
                return
            self._unshare()
        self._fill(int(self._starts[number]), examples)

    def train(
        self, batches: Sequence[Sequence[NDArray[np.int64]] | None], learning_rates: LearningRates
    ) -> list[Steps]:
        """Take one training step of every network for each of its batches; one learning rate each, or one for all.

        batches  one series for each network, all of the same number and sizes; None for a network that has finished,
                 whose weights are undefined from then on
        """
        going = next(each for each in batches if each is not None)
        sizes = [len(batch) for batch in going]
        order = np.zeros((len(self), sum(sizes)), np.int64)
        for row, each in zip(order, batches, strict=True):
            if each:
                assert [len(batch) for batch in each] == sizes, "the networks of a stack take batches of the same size"
                row[:] = np.concatenate(each)
        indices = torch.from_numpy(order).to(self.device)
        rates = torch.tensor(np.broadcast_to(learning_rates, len(going)), dtype=self.dtype, device=self.device)
        losses, right = [], []
        with devices.deterministic(self.device):
            start = step = 0
            for size, count in self._parts(sizes):
                of_steps = indices[:, start : start + count * size].view(len(self), count, size).transpose(0, 1)
                loss, correct = self._take(of_steps, rates[step : step + count])
                losses.append(loss.transpose(0, 1).flatten(1))
                right.append(correct.transpose(0, 1).flatten(1))
                start, step = start + count * size, step + count
        if not losses:
            return [Steps(np.empty(0), np.empty(0, np.int64)) for _ in batches]
        # Summed on the host, so that the result does not depend on the number of steps in a call.
        image_loss = torch.cat(losses, dim=1).cpu().numpy().astype(np.float64)
        image_right = torch.cat(right, dim=1).cpu().numpy().astype(np.int64)
        starts = np.cumsum([0, *sizes[:-1]])
        return [
            Steps(np.add.reduceat(loss, starts) / sizes, np.add.reduceat(correct, starts))
            for loss, correct in zip(image_loss, image_right, strict=True)
        ]

    def scores(self, inputs: Tensor) -> Tensor:
        """Return the scores (M, N, classes) of prepared inputs (M, N, maps, H, W)."""
        with devices.deterministic(self.device), torch.no_grad():
            return self._forward(inputs)

    def set_weights(self, number: int, weights: Mapping[str, Float]) -> None:
        """Restore one network's weights."""
        _put(weights, self.arrays, number)

    def set_state(self, number: int, state: Mapping[str, Float]) -> None:
        """Restore one network's optimiser state."""
        _put(state, self.state, number)

    def _allocate(self, copies: int, count: int) -> None:
        """Allocate device memory for `copies` sets of `count` examples; at first all networks use the first set."""
        self._copies, self._count = copies, count
        self._inputs = self._flat.new_empty(copies * count, *self.architecture.input)
        self._labels = torch.zeros(copies * count, dtype=torch.int64, device=self.device)
        self._targets = None
        self._starts.zero_()
        self._captured.clear()  # the graphs read the old tensors

    def _unshare(self) -> None:
        """Give each network its own copy of the examples that all have shared."""
        M, inputs, labels, targets = len(self), self._inputs, self._labels, self._targets
        self._allocate(M, self._count)
        self._inputs.copy_(inputs.repeat(M, 1, 1, 1))
        self._labels.copy_(labels.repeat(M))
        self._targets = None if targets is None else targets.repeat(M, 1)
        self._starts.copy_(torch.arange(M)[:, None] * self._count)

    def _fill(self, start: int, examples: Examples) -> None:
        """Prepare examples, and write them from row `start` on."""
        count = len(examples.labels)
        for first in range(0, count, HOLD_CHUNK):
            chunk = np.arange(first, min(first + HOLD_CHUNK, count))
            inputs = torch.tensor(examples.inputs(chunk), dtype=self.dtype, device=self.device)
            self._inputs[start + first : start + first + len(chunk)] = inputs
        self._labels[start : start + count] = torch.tensor(examples.labels, device=self.device)
        targets = soft_targets(self.objective, examples.labels, examples.targets, self.architecture.classes)
        if (targets is None) != (self._targets is None):
            self._captured.clear()
            self._targets = None if targets is None else self._flat.new_zeros(len(self._labels), targets.shape[1])
        if targets is not None and self._targets is not None:
            self._targets[start : start + count] = torch.tensor(targets, dtype=self.dtype, device=self.device)

    def _parts(self, sizes: Sequence[int]) -> list[tuple[int, int]]:
        """Return (batch size, number of steps) for each part of a call: full graphs first, then single steps."""
        parts = []
        for size, same in groupby(sizes):
            count, most = len(list(same)), self._steps_at_once(size)
            parts += [(size, most)] * (count // most)
            parts += [(size, 1)] * (count % most)
        return parts

    def _steps_at_once(self, size: int) -> int:
        return max(1, min(STEPS_AT_ONCE, IMAGES_AT_ONCE // (size * len(self))))

    def _take(self, indices: Tensor, rates: Tensor) -> tuple[Tensor, Tensor]:
        """Take steps; on CUDA by a graph, captured for the first batches of each shape."""
        if self.device.type != "cuda":
            return self._steps(indices, rates)
        shape = tuple(indices.shape)
        if shape not in self._captured:
            self._captured[shape] = CapturedSteps(self._steps, indices, rates, self._changed)
        losses, correct = self._captured[shape](indices, rates)
        return losses.clone(), correct.clone()

    def _steps(self, indices: Tensor, rates: Tensor) -> tuple[Tensor, Tensor]:
        """Take K training steps; return each image's loss before the update and whether it was correct, (K, M, N) each.

        indices  (K, M, N) into each network's examples    rates  (K,)
        """
        rows = (indices + self._starts).flatten()
        inputs = self._inputs.index_select(0, rows).view(*indices.shape, *self.architecture.input)
        labels = self._labels.index_select(0, rows).view(indices.shape)
        targets = None
        if self._targets is not None:
            targets = self._targets.index_select(0, rows).view(*indices.shape, -1)
        scores = torch.stack([
            self._step(indices[k], inputs[k], labels[k], None if targets is None else targets[k], rates[k])
            for k in range(len(indices))
        ])  # fmt: skip
        return image_losses(self.objective, scores, labels, targets), scores.argmax(-1) == labels

    def _step(
        self, images: Tensor, inputs: Tensor, labels: Tensor, targets: Tensor | None, learning_rate: Tensor
    ) -> Tensor:
        """Take one training step of every network; return the scores (M, N, classes) before it."""
        for layer in self._normalizing:
            layer.training = layer.keeps = True
        for dropping in self._dropping:
            dropping.images = images
        scores = self._forward(inputs)
        for layer in self._normalizing:
            layer.training = layer.keeps = False
        for dropping in self._dropping:
            dropping.images = None
        losses = image_losses(self.objective, scores, labels, targets)
        loss = minimized(self.objective, losses, scores.shape[-1])
        # Networks whose layers are all frozen, or have no weights, have no gradient.
        gradients = torch.autograd.grad(loss, list(self.trained.values())) if self.trained else ()
        with torch.no_grad():
            gradient = torch.cat([self._flat.new_zeros(len(self), 0), *(g.flatten(1) for g in gradients)], dim=1)
            self._optimizer.step(self._flat, gradient, learning_rate)
        return scores.detach()

    def _forward(self, x: Tensor) -> Tensor:
        for function in self.layers.values():
            x = function(x)
        return x


def _put(arrays: Mapping[str, Float], tensors: Mapping[str, Tensor], number: int) -> None:
    """Write arrays into one network's slice of tensors (M, ...)."""
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor[number].copy_(torch.tensor(arrays[name]))


def copies(tensors: Mapping[str, Tensor], number: int) -> Weights:
    """Return copies of one network's slice of tensors (M, ...), as arrays."""
    return {name: tensor.detach()[number].cpu().numpy().copy() for name, tensor in tensors.items()}


def _same(one: Examples, other: Examples) -> bool:
    """Return whether two examples have the same inputs and targets; their dropout keys may differ."""
    return one is other or (
        one.images is other.images
        and one.labels is other.labels
        and one.flips is other.flips
        and one.targets is other.targets
        and one.preparation == other.preparation
    )
