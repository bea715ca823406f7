"""Weights from other programs: PyTorch, Lightning, safetensors, NumPy, ONNX and Keras, read without executing code.

Each format yields a tree of nested dictionaries and lists with arrays. Each dictionary that contains arrays is a
candidate for the weights of a network; `match_shapes.py` determines the right one.
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
LARGEST_BYTES = 50_000_000  # of a file; a LeNet-5 has 0.25 MB of weights, with an optimiser's state a few times as much
LARGEST_ARRAY = 1_000_000  # numbers in one array; C5 has 48,000
MOST_NUMBERS = 8_000_000  # in all arrays of a file
MOST_DEPTH = 20  # of nested dictionaries
MOST_CANDIDATES = 100
COUNTER = "num_batches_tracked"  # of batch normalisation; a running average of weights may make it a fraction
# Keys of training state, whose arrays have the same shapes as the weights.
NOT_WEIGHTS = ("optim", "momentum", "exp_avg", "scheduler", "scaler", "callbacks", "loops")
# Keys of a loss function's own constants.
OF_LOSS = frozenset({"criterion", "loss", "loss_fn", "loss_function", "class_weight", "class_weights", "pos_weight"})


@dataclass(frozen=True)
class Foreign:
    """The contents of a file.

    candidates  location in the file ("state_dict", "" for the whole file) -> float32 arrays by name; outermost first
    metadata    metadata of safetensors and ONNX
    known       fields of `match_shapes.Choices` that the file records
    """

    candidates: dict[str, Arrays]
    metadata: dict[str, str] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)

    @property
    def arrays(self) -> Arrays:
        """The arrays of the first candidate."""
        return next(iter(self.candidates.values()))


def read(path: Path) -> Foreign:
    """Read the weights in a file, whose suffix determines the format.

    Raises ModelError when the file is missing, damaged, too large or of another format, when it contains objects other
    than weights, which would have to run as code, and when a required package is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ModelError(f"{path}: weights can be read from files that end in {', '.join(SUFFIXES)}.")
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
    if not isinstance(tree, dict | list | tuple):
        raise ModelError(f"{where}: holds a {type(tree).__name__}; expected the dictionary of model.state_dict().")
    return Foreign(Reader(where, numbers).candidates(tree))


class Reader:
    """Collects the arrays of a tree, within one budget for the whole file."""

    def __init__(self, where: str, numbers: Callable[[Stored], NDArray[np.float32]] | None = None) -> None:
        self._where, self._numbers = where, numbers
        self._budget = Budget(where, MOST_NUMBERS, "numbers", ModelError)
        self._arrays: dict[int, NDArray[np.float32]] = {}

    def candidates(self, tree: Any) -> dict[str, Arrays]:
        """Return the arrays in and below each dictionary, by its location. Raises ModelError."""
        found: dict[str, Arrays] = {}
        faults: list[ModelError] = []
        known: set[frozenset[int]] = set()  # sets of arrays seen: an outer dictionary may contain just an inner one
        for place, node in self._dictionaries(tree):
            try:
                arrays = {name: self._array(name, value) for name, value in self._leaves(node)}
            except ModelError as error:  # perhaps in an array that is not part of the network
                faults.append(error)
                continue
            which = frozenset(map(id, arrays.values()))
            if arrays and which not in known:
                found[place] = arrays
                known.add(which)
        if not found:
            raise faults[0] if faults else ModelError(f"{self._where}: holds no weights.")
        return found

    def _dictionaries(self, tree: Any) -> Iterator[tuple[str, Any]]:
        """Yield the dictionaries and the lists of arrays in a tree, outer before inner, each once."""
        left, seen = [("", tree)], set()
        for place, node in left:  # grows during iteration
            if id(node) in seen or place.count(".") > MOST_DEPTH:
                continue
            seen.add(id(node))
            if _holds_names(node) and len(seen) <= MOST_CANDIDATES:
                yield place, node
            items = node.items() if isinstance(node, dict) else enumerate(node)
            for key, value in items:
                if isinstance(value, dict | list | tuple) and not _is_of_training(str(key)):
                    left.append((f"{place}.{key}".lstrip("."), value))

    def _leaves(self, node: Any) -> Iterator[tuple[str, Any]]:
        """Yield the arrays in and below a dictionary or list, with names joined by dots."""
        left, seen = [("", node)], {id(node)}
        for before, inner in left:
            for key, value in inner.items() if isinstance(inner, dict) else enumerate(inner):
                name = f"{before}{key}"
                if _is_of_training(str(key)) or name.endswith(COUNTER) or not OF_LOSS.isdisjoint(name.split(".")):
                    continue
                if _holds_names(value) and id(value) not in seen and name.count(".") < MOST_DEPTH:
                    seen.add(id(value))
                    left.append((f"{name}.", value))
                elif isinstance(value, Stored | np.ndarray) and not _is_counter(value):
                    yield name, value

    def _array(self, name: str, value: Any) -> NDArray[np.float32]:
        """Return a tensor as float32, cached. Raises ModelError when it is too large or not finite."""
        if id(value) in self._arrays:
            return self._arrays[id(value)]
        count = float(np.prod(value.shape, dtype=np.float64))
        if count > LARGEST_ARRAY or max(value.shape, default=0) > LARGEST_ARRAY:
            raise ModelError(f"{self._where}: {name} has shape {tuple(value.shape)}, too large for a LeNet-5.")
        self._budget.take(int(count), name)
        if isinstance(value, Stored):
            assert self._numbers is not None
            array = self._numbers(value)
        else:
            with np.errstate(over="ignore", invalid="ignore"):  # overflow is detected below
                array = value.astype(np.float32)
        if not np.isfinite(array).all():
            raise ModelError(f"{self._where}: {name} holds numbers that are not finite.")
        self._arrays[id(value)] = array
        return array


def _holds_names(value: Any) -> bool:
    """Whether a value is a dictionary, or a list with arrays, which are named by their positions."""
    return isinstance(value, dict) or (
        isinstance(value, list | tuple) and any(isinstance(each, Stored | np.ndarray) for each in value)
    )


def _is_counter(value: Stored | NDArray[Any]) -> bool:
    """Whether an array is one whole number, such as the number of batches seen by batch normalisation."""
    dtype = value.storage.dtype if isinstance(value, Stored) else value.dtype
    return not value.shape and dtype != "bfloat16" and np.dtype(dtype).kind in "iu"


def _is_of_training(key: str) -> bool:
    return any(word in key.lower() for word in NOT_WEIGHTS)
