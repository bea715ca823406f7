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
from lenet5.exchange.steps import NORMALIZATION, WEIGHTS, known_of, scale_of

SECONDS = 60
CONFIG = "model_config"  # the attribute of an .h5 file that describes the layers
STEPS = {
    "Conv2D": WEIGHTS, "Dense": WEIGHTS, "BatchNormalization": NORMALIZATION, "MaxPooling2D": "max",
    "AveragePooling2D": "average",
}  # fmt: skip
FUNCTION_LAYERS = ("ELU", "LeakyReLU", "PReLU", "ReLU", "ThresholdedReLU")
MOST_LAYERS = 1_000


ArrayByName = dict[str, NDArray[Any]]
Layer = tuple[str, dict[str, Any]]  # its kind and its settings


def read(content: bytes, where: str, most_bytes: int) -> tuple[ArrayByName, dict[str, Any]]:
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
    config = str(arrays.pop(CONFIG)) or config
    arrays = {_renamed(name, arrays): array for name, array in arrays.items()}
    try:
        layers = list(_layers(json.loads(config)))
    except (ValueError, RecursionError):
        layers = []
    return _with_epsilon(arrays, layers), _known(layers, _scaling(arrays, layers), where)


def _hdf5(content: bytes, where: str) -> ArrayByName:
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


def _renamed(name: str, arrays: ArrayByName) -> str:
    """Return a variable's name as in older files; Keras 3 numbers a layer's variables."""
    layer, _, last = name.removesuffix(":0").rpartition(".")
    if not layer.endswith("vars") or not last.isdigit():
        return name.removesuffix(":0")
    beside = [array for other, array in arrays.items() if other.startswith(f"{layer}.")]
    if len(beside) == 3 and all(array.size == 1 for array in beside):  # Normalization of the inputs
        parts: tuple[str, ...] = ("mean", "variance", "count")
    elif any(array.ndim != 1 for array in beside) or len(beside) < 2:
        parts = ("kernel", "bias")
    else:  # batch normalisation
        parts = ("gamma", "beta", "moving_mean", "moving_variance")[-len(beside) if len(beside) == 2 else 0 :]
    return f"{layer}.{parts[int(last)]}" if int(last) < len(parts) else name


def _with_epsilon(arrays: ArrayByName, layers: list[Layer]) -> ArrayByName:
    """Return the arrays without an input normalisation's, and batch normalisation's epsilon beside its variances."""
    epsilons = {own.get("epsilon") for kind, own in layers if kind == "BatchNormalization"}
    inputs = _groups_of_inputs(arrays)
    kept = {name: array for name, array in arrays.items() if name.rpartition(".")[0] not in inputs}
    if len(epsilons) == 1 and isinstance(epsilon := epsilons.pop(), float):
        groups = [name.rpartition(".")[0] for name in kept if name.endswith(".moving_variance")]
        kept |= {f"{group}.epsilon": np.array(epsilon) for group in groups}
    return kept


def _groups_of_inputs(arrays: ArrayByName) -> list[str]:
    """Return the locations of layers of the kind Normalization: a mean, a variance and the number of their inputs."""
    groups = {name.rpartition(".")[0] for name in arrays}
    return [group for group in groups if {f"{group}.mean", f"{group}.variance", f"{group}.count"} <= arrays.keys()]


def _scaling(arrays: ArrayByName, layers: list[Layer]) -> tuple[float, float] | None:
    """Return the inputs for background and ink, where the model contains a layer that scales its inputs."""
    for kind, own in layers:
        if kind == "Rescaling":
            factor, shift = own.get("scale"), own.get("offset", 0.0)
        elif kind == "Normalization":
            mean, variance = own.get("mean"), own.get("variance")
            for group in _groups_of_inputs(arrays):
                mean, variance = (arrays[f"{group}.{part}"] for part in ("mean", "variance"))
            if mean is None or variance is None or np.size(mean) != 1 or np.size(variance) != 1:
                continue
            deviation = float(np.sqrt(np.maximum(np.asarray(variance, float).item(), 1e-14)))  # Keras' epsilon, squared
            factor, shift = 1 / deviation, -np.asarray(mean, float).item() / deviation
        else:
            continue
        if isinstance(factor, int | float) and isinstance(shift, int | float):
            return scale_of(factor, shift, of_bytes=False)
    return None


def _known(layers: list[Layer], scale: tuple[float, float] | None, where: str) -> dict[str, Any]:
    """Return the choices that the description of the layers determines. Raises ModelError for unsupported layers."""
    steps: list[str] = []
    known: dict[str, Any] = {} if scale is None else {"scale": scale}
    for kind, own in layers:
        if WEIGHTS not in steps and kind in ("Conv2D", "ZeroPadding2D"):
            if own.get("padding") in ("same", 2, [2, 2], [[2, 2], [2, 2]]):
                known["frame"] = "zeros"
            if kind == "Conv2D":
                known["flattened"] = "maps" if own.get("data_format") == "channels_first" else "places"
        if kind in STEPS:
            steps.append(STEPS[kind])
        if kind in FUNCTION_LAYERS:
            plain = kind == "ReLU" and not own.get("max_value") and not own.get("negative_slope")
            steps.append("relu" if plain else kind)
        elif kind in (*STEPS, "Activation") and isinstance(function := own.get("activation"), str | dict):
            word = function if isinstance(function, str) else str(function.get("class_name", "a custom function"))
            steps += [] if word == "linear" else [word]
    return known | known_of(steps, where)


def _layers(tree: Any) -> Iterator[Layer]:
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
