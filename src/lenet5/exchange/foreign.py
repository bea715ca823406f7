"""Weights from other programs: PyTorch, Lightning, safetensors, NumPy, ONNX and Keras, read without running anything.

Each format gives a tree: dictionaries and lists with arrays in them, whatever they are nested in. Each dictionary that
holds arrays is a candidate for being the weights of a network; `fit.py` says which of them is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5 import files
from lenet5.budget import Budget
from lenet5.errors import ModelError
from lenet5.exchange import keras_file, npz_file, onnx_file, torch_file
from lenet5.exchange.pickled import Stored
from lenet5.models import tensors

Arrays = dict[str, NDArray[np.float32]]
TORCH = (".pt", ".pth", ".ckpt", ".bin")
SUFFIXES = (*TORCH, ".safetensors", ".npz", ".onnx", ".h5", ".hdf5", ".keras")
LARGEST_BYTES = 50_000_000  # a LeNet-5 has 0.25 MB of weights; with an optimiser's state a few times as much
LARGEST_ARRAY = 1_000_000  # numbers; C5 has 48,000
MOST_NUMBERS = 8_000_000  # of all arrays in a file
MOST_DEPTH = 20  # dictionaries within dictionaries
MOST_CANDIDATES = 100
COUNTER = "num_batches_tracked"  # of batch normalisation, and no weight
# Under these words lies what training remembers of the weights; its arrays have their shapes.
NOT_WEIGHTS = ("optim", "momentum", "exp_avg", "scheduler", "scaler", "callbacks", "loops")


@dataclass(frozen=True)
class Foreign:
    """What a file holds.

    candidates  place in the file ("state_dict", "" for all of it) -> arrays, float32 by name; the outermost first
    metadata    of safetensors and of ONNX
    known       what the file tells of the network beside its weights: some of the fields of `fit.Choices`
    """

    candidates: dict[str, Arrays]
    metadata: dict[str, str] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)

    @property
    def arrays(self) -> Arrays:
        """The arrays of the first candidate."""
        return next(iter(self.candidates.values()))


def read(path: Path) -> Foreign:
    """Read the weights in a file; its name tells the format.

    Raises ModelError, in one sentence or two, when the file is missing, damaged, too large or of another kind, when
    it holds more than weights, which would have to run as code, and when a package is needed and not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ModelError(f"{path}: weights are read from files that end in {', '.join(SUFFIXES)}.")
    content, where = files.read_bytes(path, LARGEST_BYTES, ModelError), str(path)
    reader = Reader(where)
    if suffix == ".safetensors":
        found = tensors.parse(content, where)
        return Foreign(reader.candidates(found.arrays), found.metadata)
    if suffix == ".npz":
        return Foreign(reader.candidates(npz_file.read(content, where, LARGEST_BYTES)))
    if suffix == ".onnx":
        arrays, metadata, known = onnx_file.read(content, where, MOST_NUMBERS)
        return Foreign(reader.candidates(arrays), metadata, known)
    if suffix in (".h5", ".hdf5", ".keras"):
        arrays, known = keras_file.read(content, where, LARGEST_BYTES)
        return Foreign(reader.candidates(arrays), {}, known)
    tree, numbers = torch_file.read(content, where, LARGEST_BYTES)
    if not isinstance(tree, dict):
        raise ModelError(f"{where}: holds a {type(tree).__name__}; expected the dictionary of model.state_dict().")
    return Foreign(Reader(where, numbers).candidates(tree))


class Reader:
    """Finds the arrays in a tree, within one budget for the whole file."""

    def __init__(self, where: str, numbers: Callable[[Stored], NDArray[np.float32]] | None = None) -> None:
        self._where, self._numbers = where, numbers
        self._budget = Budget(where, MOST_NUMBERS, "numbers", ModelError)
        self._arrays: dict[int, NDArray[np.float32]] = {}

    def candidates(self, tree: Any) -> dict[str, Arrays]:
        """Return each dictionary's arrays, those in it and further in, by the dictionary's place. Raises ModelError."""
        found: dict[str, Arrays] = {}
        faults: list[ModelError] = []
        known: set[frozenset[int]] = set()  # which arrays: an outer dictionary often holds those of an inner alone
        for place, node in self._dictionaries(tree):
            try:
                arrays = {name: self._array(name, value) for name, value in self._leaves(node)}
            except ModelError as error:  # of an array that may belong to something else than the network
                faults.append(error)
                continue
            which = frozenset(map(id, arrays.values()))
            if arrays and which not in known:
                found[place] = arrays
                known.add(which)
        if not found:
            raise faults[0] if faults else ModelError(f"{self._where}: holds no weights.")
        return found

    def _dictionaries(self, tree: Any) -> Iterator[tuple[str, dict[Any, Any]]]:
        """Yield the dictionaries of a tree, outer before inner, each once."""
        left, seen = [("", tree)], set()
        for place, node in left:  # grows while it is walked
            if id(node) in seen or place.count(".") > MOST_DEPTH:
                continue
            seen.add(id(node))
            if isinstance(node, dict):
                if len(seen) <= MOST_CANDIDATES:
                    yield place, node
                for key, value in node.items():
                    if isinstance(value, dict | list | tuple) and not _is_of_training(str(key)):
                        left.append((f"{place}.{key}".lstrip("."), value))
            elif isinstance(node, list | tuple):
                left += [(place, value) for value in node if isinstance(value, dict | list | tuple)]

    def _leaves(self, node: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
        """Yield the arrays in a dictionary and in those within it, by names joined with dots."""
        left, seen = [("", node)], {id(node)}
        for before, inner in left:
            for key, value in inner.items():
                name = f"{before}{key}"
                if _is_of_training(str(key)) or name.endswith(COUNTER):
                    continue
                if isinstance(value, dict) and id(value) not in seen and name.count(".") < MOST_DEPTH:
                    seen.add(id(value))
                    left.append((f"{name}.", value))
                elif isinstance(value, Stored | np.ndarray):
                    yield name, value

    def _array(self, name: str, value: Any) -> NDArray[np.float32]:
        """Return a tensor as float32, the same one once. Raises ModelError for what is too large or not finite."""
        if id(value) in self._arrays:
            return self._arrays[id(value)]
        count = float(np.prod(value.shape, dtype=np.float64))
        if count > LARGEST_ARRAY or max(value.shape, default=0) > LARGEST_ARRAY:
            raise ModelError(f"{self._where}: {name} has shape {tuple(value.shape)}, more than any array of a LeNet-5.")
        self._budget.take(int(count), name)
        if isinstance(value, Stored):
            assert self._numbers is not None
            array = self._numbers(value)
        else:
            with np.errstate(over="ignore", invalid="ignore"):  # what leaves float32 is refused below
                array = value.astype(np.float32)
        if not np.isfinite(array).all():
            raise ModelError(f"{self._where}: {name} holds numbers that are not finite.")
        self._arrays[id(value)] = array
        return array


def _is_of_training(key: str) -> bool:
    return any(word in key.lower() for word in NOT_WEIGHTS)
