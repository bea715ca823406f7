"""A training step captured once as a CUDA graph, then replayed: one launch in place of a hundred."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

Step = Callable[[Tensor], tuple[Tensor, Tensor]]
WARM_UP_STEPS = 3  # libraries set up their workspaces in the first calls, which must not be captured


class CapturedStep:
    """A step for one batch size, called like the step itself. The next call overwrites its results."""

    def __init__(self, step: Step, indices: Tensor, changed: Iterable[Tensor]) -> None:
        """Capture a step; leaves everything as it was.

        step     takes the indices of a batch; it may not wait for the device
        indices  any batch of the right size
        changed  every tensor that the step changes
        """
        self._indices = indices.clone()
        kept = [(tensor, tensor.detach().clone()) for tensor in changed]
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_STEPS):
                step(self._indices)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._results = step(self._indices)
        with torch.no_grad():
            for tensor, before in kept:
                tensor.copy_(before)

    def __call__(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Take the step for these indices."""
        self._indices.copy_(indices)
        self._graph.replay()
        return self._results
