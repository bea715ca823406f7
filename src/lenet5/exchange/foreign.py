"""Weights that others have saved: files of PyTorch and of safetensors, read without running anything in them."""

import pickle
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from lenet5.distribution import install
from lenet5.errors import ModelError

Arrays = dict[str, NDArray[np.float32]]
TORCH = (".pt", ".pth")
SAFETENSORS = ".safetensors"
LARGEST_BYTES = 50_000_000  # a LeNet-5 has 0.25 MB of weights; with an optimiser's state a few times as much
LARGEST_ARRAY = 1_000_000  # numbers; C5 has 48,000
NESTED = ("state_dict", "model_state_dict", "model", "net", "weights")
COUNTER = "num_batches_tracked"  # of batch normalisation, and no weight


@dataclass(frozen=True)
class Foreign:
    """What a file holds.

    arrays    float32 by name, in the file's order where it has one
    metadata  of safetensors
    """

    arrays: Arrays
    metadata: dict[str, str]


def read(path: Path) -> Foreign:
    """Read the weights in a file (.pt, .pth or .safetensors).

    Raises ModelError, in one sentence or two, when the file is missing, damaged, too large or of another kind, when
    it holds more than weights, which would have to run as code, and when PyTorch is needed and not installed.
    """
    if path.suffix not in (*TORCH, SAFETENSORS):
        raise ModelError(f"{path}: weights are read from files that end in {', '.join((*TORCH, SAFETENSORS))}.")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check the path.") from None
    if path.is_dir() or size > LARGEST_BYTES:
        found = "a folder" if path.is_dir() else f"{size / 1e6:,.0f} MB"
        raise ModelError(f"{path}: is {found}; a file with the weights of a LeNet-5 has less than 50 MB.")
    return _safetensors(path) if path.suffix == SAFETENSORS else Foreign(_unwrapped(path, _torch(path)), {})


def _safetensors(path: Path) -> Foreign:
    try:
        with safetensors.safe_open(path, framework="numpy") as content:
            arrays = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118  not a dict
            metadata = content.metadata() or {}
    except (safetensors.SafetensorError, OSError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: not a readable safetensors file ({error}).") from None
    return Foreign(_unwrapped(path, arrays), metadata)


def _torch(path: Path) -> dict[Any, Any]:
    """Return what a file of PyTorch holds, as PyTorch's reader for weights alone reads it."""
    if find_spec("torch") is None:
        raise ModelError(f"{path}: PyTorch files need PyTorch: {install('torch')}")
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile file can raise anything in a reader
        text = str(error)
        if (isinstance(error, pickle.UnpicklingError) and "nsupported" in text) or "TorchScript" in text:
            raise ModelError(
                f"{path}: holds more than weights, which would run as code when it is read, so it is refused. "
                "Ask for a file made by torch.save(model.state_dict(), ...)."
            ) from None
        reason = (text.strip().splitlines() or [type(error).__name__])[0][:100]
        raise ModelError(f"{path}: not a readable PyTorch file ({reason}); it may be cut short.") from None
    if not isinstance(content, dict):
        raise ModelError(f"{path}: holds a {type(content).__name__}; expected the dictionary of model.state_dict().")
    return content


def _unwrapped(path: Path, content: dict[Any, Any]) -> Arrays:
    """Return the arrays of a dictionary, or of the one that lies in it."""
    for key in NESTED:
        if isinstance(content.get(key), dict):
            content = content[key]
            break
    found = {str(name): value for name, value in content.items() if not str(name).endswith(COUNTER)}
    if not found:
        raise ModelError(f"{path}: holds no weights.")
    return {name: _array(path, name, value) for name, value in found.items()}


def _array(path: Path, name: str, value: Any) -> NDArray[np.float32]:
    """Return a tensor as float32. Raises ModelError for anything else."""
    shape = getattr(value, "shape", None)
    if shape is None:
        raise ModelError(f'{path}: "{name}" is a {type(value).__name__}; expected the weights of a network alone.')
    if np.prod(shape, dtype=np.float64) > LARGEST_ARRAY:
        raise ModelError(f"{path}: {name} has shape {tuple(shape)}, more than any array of a LeNet-5.")
    try:
        array = np.array(value if isinstance(value, np.ndarray) else value.detach().float().numpy(), np.float32)
    except (TypeError, ValueError, RuntimeError, NotImplementedError) as error:  # sparse, quantised, not on a device
        raise ModelError(f"{path}: {name} cannot be read as plain numbers ({str(error).splitlines()[0]}).") from None
    if not np.isfinite(array).all():
        raise ModelError(f"{path}: {name} holds numbers that are not finite.")
    return array
