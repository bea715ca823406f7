"""The network that only runs its layers forward."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from lenet5.engines.checks import check_inputs, check_weights
from lenet5.engines.contract import Float, Precision, Weights
from lenet5.engines.line import at_every_column
from lenet5.engines.torch import device as devices
from lenet5.engines.torch.layers import Function, functions
from lenet5.spec.architecture import Architecture
from lenet5.spec.layers import Flatten


def scores_of(layers: Mapping[str, Function], x: Tensor) -> Tensor:
    """Return the scores (M, N, classes) of inputs (M, N, maps, H, W)."""
    with devices.deterministic(x.device), torch.no_grad():
        for function in layers.values():
            x = function(x)
    return x


def outputs_of(layers: Mapping[str, Function], x: Tensor) -> Weights:
    """Return the output of each layer for inputs (1, N, maps, H, W) of one network, by its name."""
    outputs: Weights = {}
    with devices.deterministic(x.device), torch.no_grad():
        for name, function in layers.items():
            x = function(x)
            outputs[name] = x[0].cpu().numpy().copy()
    return outputs


def moved(architecture: Architecture, inputs: Float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return inputs as a tensor (1, N, ...) on a device. Raises ShapeError when they do not fit the architecture."""
    check_inputs(architecture, inputs)
    return torch.tensor(np.ascontiguousarray(inputs), dtype=dtype, device=device)[None]


class TorchScorer:
    """`engines.contract.Scorer` in PyTorch."""

    def __init__(
        self, architecture: Architecture, weights: Mapping[str, Float], precision: Precision, device: torch.device
    ) -> None:
        check_weights(architecture, weights)
        self.architecture, self._device = architecture, device
        self._dtype = devices.number_type(precision, device)
        tensors = {name: torch.tensor(w, dtype=self._dtype, device=device)[None] for name, w in weights.items()}
        self._layers = functions(architecture, tensors, device)

    def scores(self, inputs: Float) -> Float:
        """Return the scores (N, classes) of prepared inputs (N, maps, H, W)."""
        scores: Float = scores_of(self._layers, self._moved(inputs))[0].cpu().numpy()
        return scores

    def activations(self, inputs: Float) -> dict[str, Float]:
        """Return the output of each layer, by its name in `Architecture.placed`."""
        return outputs_of(self._layers, self._moved(inputs))

    def line_scores(self, line: Float) -> Float:
        """Return the scores of the windows that begin at each column of a line; see `engines.contract.Scorer`."""
        return at_every_column(self._slide, self.architecture, line)

    def _slide(self, line: Float) -> Float:
        sliding = {
            # From `Flatten` on each column is a window of its own: dense layers run as convolutions of 1 x 1.
            placed.name: _columns if isinstance(placed.layer, Flatten) else self._layers[placed.name]
            for placed in self.architecture.placed
        }
        x = torch.tensor(np.ascontiguousarray(line), dtype=self._dtype, device=self._device)[None, None]
        scores: Float = scores_of(sliding, x)[0].cpu().numpy()
        return scores

    def _moved(self, inputs: Float) -> Tensor:
        return moved(self.architecture, inputs, self._dtype, self._device)


def _columns(x: Tensor) -> Tensor:
    """Return each column of maps one row high as an image of its own: (1, 1, C, 1, L) -> (1, L, C)."""
    return x[:, 0, :, 0].mT.contiguous()
