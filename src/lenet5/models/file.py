"""Model files: safetensors with our metadata, read strictly. Nothing in them can run as code."""

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
WEIGHTS = Path(__file__).parent / "weights"  # those that come with the package
MOST_BYTES = 4 * MOST_NUMBERS + (1 << 20)  # weights in float32, and metadata


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

    Raises ModelError, in one sentence, when the file is missing, damaged, from elsewhere, too large, or is no model
    that can answer: see `model_of`.
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
    """Return the model that metadata and weights describe; `where` is for error texts.

    Raises ModelError when the metadata are damaged, the parts do not belong together (the size of the prepared
    images and that of the network's input, the names of the classes and the scores, the weights and the layers), or a
    score could be no finite number.
    """
    try:
        architecture = Architecture.model_validate_json(metadata["architecture"])
        preparation = Preparation.model_validate_json(metadata["preparation"])
        card = Card.model_validate_json(metadata["card"])
    except KeyError as error:
        raise ModelError(f"{where}: its metadata lack {error}.") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ModelError(f"{where}: its metadata are damaged ({place or error.title}: {first['msg']}).") from None
    side = preparation.side()
    if architecture.input != (1, side, side):
        raise ModelError(
            f"{where}: its preparation makes images of shape (1, {side}, {side}), and its architecture needs "
            f"{architecture.input}; the two do not belong together."
        )
    if preparation.subtract_mean:
        raise ModelError(f"{where}: its preparation subtracts a mean that it does not hold.")
    if len(card.class_names) != architecture.classes:
        raise ModelError(
            f"{where}: names {len(card.class_names)} classes, and has scores for {architecture.classes}; each score "
            "needs one name."
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
