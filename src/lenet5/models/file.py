"""Model files: safetensors with our metadata, read strictly. Nothing in them can run as code."""

import json
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy
from pydantic import ValidationError

from lenet5 import files
from lenet5.engines.checks import check_weights
from lenet5.errors import ModelError
from lenet5.models.model import Card, Model
from lenet5.spec.architecture import Architecture
from lenet5.spec.preparation import Preparation

FORMAT = "lenet5-model-1"
WEIGHTS = Path(__file__).parent / "weights"  # those that come with the package


def write(model: Model, path: Path) -> None:
    """Write a model file, whole or not at all; equal models give equal bytes. Raises RunError when the disk refuses."""
    metadata = {
        "format": FORMAT,
        "architecture": model.architecture.model_dump_json(),
        "preparation": model.preparation.model_dump_json(),
        "card": model.card.model_dump_json(),
    }
    files.write_atomically(path, _in_order(safetensors.numpy.save(model.weights, metadata)))


def _in_order(content: bytes) -> bytes:
    """Return a safetensors file with its metadata sorted: the library writes them in a random order."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + content[end:]


def read(path: Path) -> Model:
    """Read a model file.

    Raises ModelError, in one sentence, when the file is missing, damaged, from elsewhere, or holds weights
    that do not fit its own architecture.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as content:
            metadata = content.metadata() or {}
            weights = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118  not a dict
    except FileNotFoundError:
        raise ModelError(
            f"{path}: no such file; give a model file (.safetensors), a run folder, or the name of a shipped model "
            f"({', '.join(sorted(entry.stem for entry in WEIGHTS.glob('*.safetensors')))})."
        ) from None
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path}: not a readable safetensors file ({error}).") from None
    if metadata.get("format") != FORMAT:
        found = metadata.get("format", "no format")
        raise ModelError(f'{path}: its metadata says "{found}"; this version reads "{FORMAT}".')
    try:
        architecture = Architecture.model_validate_json(metadata["architecture"])
        preparation = Preparation.model_validate_json(metadata["preparation"])
        card = Card.model_validate_json(metadata["card"])
    except (KeyError, ValidationError, json.JSONDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path}: its metadata is damaged ({reason}).") from None
    check_weights(architecture, weights)
    for name, array in weights.items():
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise ModelError(f"{path}: {name} must hold finite float32 numbers; it is {array.dtype}, or not finite.")
    return Model(architecture, preparation, weights, card)
