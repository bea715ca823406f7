"""The torch engine, and its networks, each of which is one network of a stack."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lenet5.engines.checks import check_second_derivatives, check_state, check_weights
from lenet5.engines.contract import Examples, Float, LearningRates, Precision, Steps, Weights
from lenet5.engines.soft_targets import soft_targets
from lenet5.engines.torch import device as devices
from lenet5.engines.torch.curvature import layer_curvature
from lenet5.engines.torch.layers import Function, functions
from lenet5.engines.torch.losses import curvature_of_scores, image_losses, minimized
from lenet5.engines.torch.normalize import BatchNormalization
from lenet5.engines.torch.scorer import TorchScorer, moved, outputs_of, scores_of
from lenet5.engines.torch.stack import Stack, copies
from lenet5.spec.architecture import Architecture
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Optimizer, rbf_curvature

CURVATURE_BATCH = 100  # images in each pass, to bound memory


class TorchNetwork:
    """`engines.contract.Network` in PyTorch. Deterministic for one device and one number of threads."""

    def __init__(self, stack: Stack, number: int, optimizer: Optimizer) -> None:
        """Wrap network `number` of a stack."""
        self.architecture, self.objective = stack.architecture, stack.objective
        self._stack, self._number = stack, number
        self._at_rbf = rbf_curvature(optimizer)

    def hold(self, examples: Examples) -> None:
        """Copy the prepared inputs of all examples to the device, unless they are already there."""
        self._stack.hold(self._number, examples)

    def train(self, batches: Sequence[NDArray[np.int64]], learning_rates: LearningRates) -> Steps:
        """Take one training step for each batch of indices; one learning rate for each batch, or one for all.

        Synchronizes with the device once, at the end. The networks of a larger stack train by `TorchTogether.train`.
        """
        assert len(self._stack) == 1, "the networks of a stack are trained together"
        return self._stack.train([batches], learning_rates)[0]

    def scores(self, inputs: Float) -> Float:
        """Return the scores (N, classes) of prepared inputs (N, maps, H, W)."""
        scores: Float = scores_of(self._layers(), self._moved(inputs))[0].cpu().numpy()
        return scores

    def activations(self, inputs: Float) -> dict[str, Float]:
        """Return the output of each layer, by its name in `Architecture.placed`."""
        return outputs_of(self._layers(), self._moved(inputs))

    def gradients(self, inputs: Float, labels: NDArray[np.int64]) -> tuple[float, Weights]:
        """Return the mean loss and the gradient of the objective for each trainable array; change nothing."""
        x = self._moved(inputs)
        own = self._own()
        shares = soft_targets(self.objective, labels, None, self.architecture.classes)
        targets = None if shares is None else torch.tensor(shares, dtype=x.dtype, device=x.device)[None]
        with devices.deterministic(self._stack.device):
            for function in functions(self.architecture, own, x.device).values():
                if isinstance(function, BatchNormalization):
                    function.training = True
                x = function(x)
            losses = image_losses(self.objective, x, torch.tensor(labels, device=x.device)[None], targets)
            loss = minimized(self.objective, losses, x.shape[-1])
            trained = {name: own[name] for name in self._stack.trained}
            gradients = torch.autograd.grad(loss, list(trained.values())) if trained else ()
        return losses.mean().item(), copies(dict(zip(trained, gradients, strict=True)), 0)

    def curvature(self, inputs: Float) -> Weights:
        """Return the mean second derivative for each trainable array; see `engines.contract.Network`."""
        check_second_derivatives(self.architecture)
        own, layers = self._own(), self._layers()
        totals = {name: torch.zeros_like(own[name]) for name in self._stack.trained}
        with devices.deterministic(self._stack.device), torch.no_grad():
            for batch in torch.split(self._moved(inputs), CURVATURE_BATCH, dim=1):
                came_in, x = [], batch
                for function in layers.values():
                    came_in.append(x)
                    x = function(x)
                curv = curvature_of_scores(self.objective, x)
                for placed, x in zip(reversed(self.architecture.placed), reversed(came_in), strict=True):
                    curv, of_layer = layer_curvature(placed, x, curv, own, self._at_rbf)
                    for name in of_layer.keys() & totals.keys():
                        totals[name] += of_layer[name]
        return copies({name: total / len(inputs) for name, total in totals.items()}, 0)

    def weights(self) -> Weights:
        """Return a copy of the weights, in the order of the architecture."""
        return copies(self._stack.arrays, self._number)

    def state(self) -> Weights:
        """Return a copy of the optimiser's state."""
        return copies(self._stack.state, self._number)

    def set_state(self, state: Mapping[str, Float]) -> None:
        """Restore the optimiser's state as returned by `state`."""
        check_state(self.state(), state)
        self._stack.set_state(self._number, state)

    def load(self, weights: Mapping[str, Float], state: Mapping[str, Float]) -> None:
        """Restore weights and optimiser state as returned by `weights` and `state`."""
        check_weights(self.architecture, weights)
        self.set_state(state)
        self._stack.set_weights(self._number, weights)

    def _own(self) -> dict[str, Tensor]:
        """Return this network's slice of the weights, (1, ...) each."""
        return {name: tensor[self._number : self._number + 1] for name, tensor in self._stack.arrays.items()}

    def _layers(self) -> dict[str, Function]:
        """Return this network's layers, by name."""
        if len(self._stack) == 1:
            return self._stack.layers
        return functions(self.architecture, self._own(), self._stack.device)

    def _moved(self, inputs: Float) -> Tensor:
        """Return inputs as a tensor (1, N, ...) on the device. Raises ShapeError when they do not fit."""
        return moved(self.architecture, inputs, self._stack.dtype, self._stack.device)


class TorchTogether:
    """`engines.contract.Together` in PyTorch: a stack and its networks."""

    def __init__(self, stack: Stack, optimizer: Optimizer) -> None:
        self._stack = stack
        self.networks = [TorchNetwork(stack, number, optimizer) for number in range(len(stack))]

    def train(
        self, batches: Sequence[Sequence[NDArray[np.int64]] | None], learning_rates: LearningRates
    ) -> list[Steps]:
        """Take one training step of every network for each of its batches; see `engines.contract.Together`."""
        return self._stack.train(batches, learning_rates)

    def scores(self, inputs: Float) -> Float:
        """Return the scores (M, N, classes) that each network gives the same prepared inputs (N, maps, H, W)."""
        x = moved(self._stack.architecture, inputs, self._stack.dtype, self._stack.device)
        return self._stack.scores(x.expand(len(self._stack), *x.shape[1:])).cpu().numpy()


class TorchEngine:
    """`engines.contract.Engine` in PyTorch."""

    name = "torch"
    threads_matter = True

    def __init__(self, device: str = "auto") -> None:
        """Choose "cuda", "mps" or "cpu"; "auto" takes the first of these that is available. Raises EngineError."""
        self._device = devices.choose(device)
        self.device = self._device.type

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
        """Return a network with these initial weights. Raises ModelError when they do not fit."""
        stack = Stack(architecture, [weights], objective, optimizer, frozen, precision, self._device)
        return TorchNetwork(stack, 0, optimizer)

    def scorer(
        self, architecture: Architecture, weights: Mapping[str, Float], *, precision: Precision = "float32"
    ) -> TorchScorer:
        """Return these weights for scoring alone. Raises ModelError when they do not fit."""
        return TorchScorer(architecture, weights, precision, self._device)

    def build_together(
        self,
        architecture: Architecture,
        weights: Sequence[Mapping[str, Float]],
        objective: Objective,
        optimizer: Optimizer,
        *,
        frozen: Sequence[str] = (),
        precision: Precision = "float32",
    ) -> TorchTogether:
        """Return one network for each set of initial weights, all trained simultaneously. Raises ModelError."""
        stack = Stack(architecture, weights, objective, optimizer, frozen, precision, self._device)
        return TorchTogether(stack, optimizer)

    def describe(self) -> dict[str, str]:
        """Return the version of PyTorch, the device, and the instruction set and threads used on the CPU."""
        return {
            "engine": self.name,
            "torch": torch.__version__,
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "device": self.device,
            **devices.gpu(self._device),
            "threads": str(torch.get_num_threads()),
        }

    def peak_memory_bytes(self) -> int | None:
        """Return the peak GPU memory used so far, or None on other devices."""
        return torch.cuda.max_memory_allocated(self._device) if self._device.type == "cuda" else None
