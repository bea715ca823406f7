"""Training steps captured once as a CUDA graph, then replayed: one launch instead of a thousand."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

Steps = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # indices (K, M, N) and rates (K,) -> results of each step
WARM_UP_STEPS = 3  # libraries set up their workspaces in the first calls, which must not be captured


class CapturedSteps:
    """Captured steps of one shape, called like the original function. Each call overwrites the results."""

    def __init__(self, steps: Steps, indices: Tensor, rates: Tensor, changed: Iterable[Tensor]) -> None:
        """Capture steps, then restore every tensor that they changed.

        steps    must neither wait for the device nor read anything but tensors at fixed addresses
        indices  any batches of the right shape, with a learning rate for each
        changed  every tensor that the steps modify
        """
        self._indices, self._rates = indices.clone(), rates.clone()
        before = [(tensor, tensor.detach().clone()) for tensor in changed]
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_STEPS):
                steps(self._indices, self._rates)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._results = steps(self._indices, self._rates)
        with torch.no_grad():
            for tensor, values in before:
                tensor.copy_(values)

    def __call__(self, indices: Tensor, rates: Tensor) -> tuple[Tensor, Tensor]:
        """Take the steps for these batches, at these rates."""
        self._indices.copy_(indices)
        self._rates.copy_(rates)
        self._graph.replay()
        return self._results
