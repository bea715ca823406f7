"""Keras' files: `.h5` (HDF5) and `.keras` (a zip archive with HDF5 in it).

HDF5 is read by a large C library, so it runs in a subprocess with limited memory and time: a hostile file can crash
only that process.
"""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.distribution import install
from lenet5.errors import ModelError
from lenet5.exchange.archive import Archive

SECONDS = 60
POOLINGS = {"MaxPooling2D": "max", "AveragePooling2D": "average"}
FUNCTIONS = ("relu", "tanh", "sigmoid")
CONFIG = "model_config"  # the attribute of an .h5 file that describes the layers
MOST_LAYERS = 1_000


def read(content: bytes, where: str, most_bytes: int) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays in a file by their paths, joined with dots, and known facts about its layers.

    Raises ModelError, also when the package h5py is not installed.
    """
    config = ""
    if zipfile.is_zipfile(io.BytesIO(content)):
        archive = Archive(content, where, most_bytes)
        if "config.json" in archive.members:
            config = archive.read("config.json").decode("utf-8", "replace")
        content = archive.read("model.weights.h5")
    arrays = _hdf5(content, where)
    config = str(arrays.pop(CONFIG, np.array(config)))
    return {_renamed(name, arrays): array for name, array in arrays.items()}, _known(config)


def _hdf5(content: bytes, where: str) -> dict[str, NDArray[Any]]:
    if find_spec("h5py") is None:
        raise ModelError(f"{where}: Keras files need the package h5py: {install('keras')}")
    try:
        # HDF5_PLUGIN_PRELOAD="::" keeps the library from loading filter plugins.
        done = subprocess.run(
            [sys.executable, "-m", "lenet5.exchange.hdf5"], input=content, capture_output=True, timeout=SECONDS,
            check=False, env=os.environ | {"HDF5_PLUGIN_PRELOAD": "::"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ModelError(f"{where}: not read within {SECONDS} seconds; the file is damaged.") from None
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["its reader crashed"]
        raise ModelError(f"{where}: not a readable HDF5 file ({told[-1][:200]}).")
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as found:
        return dict(found)


def _renamed(name: str, arrays: dict[str, NDArray[Any]]) -> str:
    """Return a variable's name as in older files; Keras 3 numbers a layer's variables."""
    layer, _, last = name.removesuffix(":0").rpartition(".")
    if not layer.endswith("vars") or not last.isdigit():
        return name.removesuffix(":0")
    beside = [array for other, array in arrays.items() if other.startswith(f"{layer}.")]
    if any(array.ndim != 1 for array in beside) or len(beside) < 2:
        parts: tuple[str, ...] = ("kernel", "bias")
    else:  # batch normalisation
        parts = ("gamma", "beta", "moving_mean", "moving_variance")[-len(beside) if len(beside) == 2 else 0 :]
    return f"{layer}.{parts[int(last)]}" if int(last) < len(parts) else name


def _known(config: str) -> dict[str, Any]:
    """Return function, pooling and frame from the description of the layers, where they are unambiguous."""
    try:
        layers = list(_layers(json.loads(config)))
    except (ValueError, RecursionError):
        return {}
    functions = {f for _, own in layers if isinstance(f := own.get("activation"), str) and f in FUNCTIONS}
    poolings = {POOLINGS[kind] for kind, _ in layers if kind in POOLINGS}
    known: dict[str, Any] = {}
    if len(functions) == 1:
        known["function"] = functions.pop()
    if len(poolings) == 1:
        known["pooling"] = poolings.pop()
    first = next((own for kind, own in layers if kind == "Conv2D"), {})
    if first.get("padding") == "same":
        known["frame"] = "zeros"
    return known


def _layers(tree: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield kind and settings of each layer in a description, in order."""
    left, count = [tree], 0
    while left and count < MOST_LAYERS:
        value = left.pop()
        if isinstance(value, list):
            left.extend(reversed(value))
        elif isinstance(value, dict):
            count += 1
            if isinstance(value.get("class_name"), str) and isinstance(value.get("config"), dict):
                yield value["class_name"], value["config"]
            left.extend(reversed([inner for inner in value.values() if isinstance(inner, dict | list)]))
