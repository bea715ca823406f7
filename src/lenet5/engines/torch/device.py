"""Choice of PyTorch's device, and its deterministic settings."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lenet5.engines.contract import Precision
from lenet5.errors import EngineError


def choose(name: str) -> torch.device:
    """Return the device of that name; "auto" is the first available of cuda, mps and cpu.

    Raises EngineError when there is no such device here.
    """
    usable = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    found = [kind for kind, here in usable.items() if here]
    if name == "auto":
        return torch.device(found[0])
    if name not in found:
        raise EngineError(f'PyTorch finds no device "{name}" here; use one of {", ".join(found)}, or auto.')
    return torch.device(name)


def number_type(precision: Precision, device: torch.device) -> torch.dtype:
    """Return PyTorch's dtype for a precision. Raises EngineError when the device does not support it."""
    if precision == "float64" and device.type == "mps":
        raise EngineError('device "mps" has no float64; use float32, or device "cpu".')
    return torch.float64 if precision == "float64" else torch.float32


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Restrict CUDA to deterministic algorithms in full float32 within the block; restore the settings after it.

    The backward pass runs in the calling thread: PyTorch's threads for it start without a CUDA context, are not part of
    a graph's capture, and may prevent a process from exiting.
    The CPU needs no settings: its results are deterministic for a fixed number of threads.
    """
    if device.type != "cuda":
        yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with (
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
            torch.autograd.set_multithreading_enabled(False),
        ):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def gpu(device: torch.device) -> dict[str, str]:
    """Return the name of a CUDA device for the record; nothing for other devices."""
    return {"gpu": torch.cuda.get_device_name(device)} if device.type == "cuda" else {}
