"""Model files: safetensors with our metadata, strictly validated. They cannot contain code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from pydantic import ValidationError

from lenet5 import files
from lenet5.engines.checks import check_weights
from lenet5.errors import ModelError
from lenet5.models import tensors
from lenet5.models.model import Card, Model
from lenet5.models.range import check_range
from lenet5.spec.architecture import MOST_NUMBERS, Architecture
from lenet5.spec.preparation import Preparation

FORMAT = "lenet5-model-1"
WEIGHTS = Path(__file__).parent / "weights"  # the shipped models
MOST_BYTES = 4 * MOST_NUMBERS + (1 << 20)  # float32 weights, and metadata


def write(model: Model, path: Path) -> None:
    """Write a model file atomically; equal models give equal bytes. Raises RunError on disk errors."""
    metadata = {
        "format": FORMAT,
        "architecture": model.architecture.model_dump_json(),
        "preparation": model.preparation.model_dump_json(),
        "card": model.card.model_dump_json(),
    }
    files.write_atomically(path, _in_order(safetensors.numpy.save(model.weights, metadata)))


def _in_order(content: bytes) -> bytes:
    """Return a safetensors file with sorted metadata; the library writes them in random order."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of 8
    return len(text).to_bytes(8, "little") + text + content[end:]


def read(path: Path) -> Model:
    """Read a model file.

    Raises ModelError when the file is missing, damaged, too large, of another format, or not a usable model: see
    `model_of`.
    """
    if not path.exists():
        raise ModelError(
            f"{path}: no such file; give a model file (.safetensors), a run folder, or the name of a shipped model "
            f"({', '.join(sorted(entry.stem for entry in WEIGHTS.glob('*.safetensors')))})."
        )
    found = tensors.read(path, MOST_BYTES)
    if found.metadata.get("format") != FORMAT:
        told = found.metadata.get("format", "no format")
        raise ModelError(f'{path}: its metadata says "{told}"; this version reads "{FORMAT}".')
    return model_of(found.metadata, found.arrays, str(path))


def model_of(metadata: Mapping[str, str], weights: Mapping[str, NDArray[Any]], where: str) -> Model:
    """Return the model that metadata and weights describe; `where` is for error messages.

    Raises ModelError when the metadata are damaged, when the parts do not match (prepared images and network input,
    class names and scores, weights and layers), or when a score might not be finite.
    """
    try:
        architecture = Architecture.model_validate_json(metadata["architecture"])
        preparation = Preparation.model_validate_json(metadata["preparation"])
        card = Card.model_validate_json(metadata["card"])
    except KeyError as error:
        raise ModelError(f"{where}: its metadata lack {error}.") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or error.title
        raise ModelError(f"{where}: its metadata are damaged ({place}: {files.reason(first)}).") from None
    side = preparation.side()
    if architecture.input != (1, side, side):
        raise ModelError(
            f"{where}: its preparation makes images of shape (1, {side}, {side}), but its architecture needs "
            f"{architecture.input}; the two do not match."
        )
    if preparation.subtract_mean:
        raise ModelError(f"{where}: its preparation subtracts a mean that the file does not contain.")
    if len(card.class_names) != architecture.classes:
        raise ModelError(
            f"{where}: names {len(card.class_names)} classes, but has scores for {architecture.classes}; every score "
            "needs a name."
        )
    for name, array in weights.items():
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise ModelError(f"{where}: {name} must hold finite float32 numbers; it is {array.dtype}, or not finite.")
    try:
        check_weights(architecture, weights)
        check_range(architecture, weights, preparation)
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from None
    return Model(architecture, preparation, dict(weights), card)
