"""Files of `torch.save`: zip archives, and the older form of one pickle after another. PyTorch is not needed."""

import io
import zipfile
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from lenet5.errors import ModelError
from lenet5.exchange import pickled
from lenet5.exchange.archive import Archive
from lenet5.exchange.pickled import Storage, Stored

MAGIC = 0x1950A86A20F9469CFC6C  # at the beginning of files of PyTorch before 1.6
Numbers = Callable[[Stored], NDArray[np.float32]]


def read(content: bytes, where: str, most_bytes: int) -> tuple[Any, Numbers]:
    """Return the value in a file, with tensors as `Stored`, and a function that returns a tensor's numbers.

    Raises ModelError for a file that is damaged or contains objects other than weights; the returned function raises it
    for a tensor that exceeds its storage.
    """
    if zipfile.is_zipfile(io.BytesIO(content)):
        return _zipped(content, where, most_bytes)
    return _one_after_another(content, where)


def _zipped(content: bytes, where: str, most_bytes: int) -> tuple[Any, Numbers]:
    archive = Archive(content, where, most_bytes)
    roots = [name.removesuffix("data.pkl") for name in archive.members if name.endswith("data.pkl")]
    if len(roots) != 1:
        raise ModelError(f"{where}: not a file of torch.save: a zip archive with {len(roots)} parts named data.pkl.")
    root = roots[0]
    if f"{root}constants.pkl" in archive.members:
        raise _refused(where, "a program (TorchScript)")
    tree = _value(io.BytesIO(archive.read(f"{root}data.pkl")), where)
    order = archive.read(f"{root}byteorder") if f"{root}byteorder" in archive.members else b"little"
    storages: dict[str, bytes] = {}

    def numbers(stored: Stored) -> NDArray[np.float32]:
        key = stored.storage.key
        if key not in storages:
            storages[key] = archive.read(f"{root}data/{key}")
        return _numbers(stored, storages[key], where, swapped=order.strip() == b"big")

    return tree, numbers


def _one_after_another(content: bytes, where: str) -> tuple[Any, Numbers]:
    """Read the older format: magic number, version, sizes of the machine, value, storage keys, storages."""
    file = io.BytesIO(content)
    first = _value(file, where)
    if first != MAGIC:
        return first, lambda stored: _numbers(stored, b"", where, swapped=False)
    _, machine, tree, keys = (_value(file, where) for _ in range(4))
    swapped = isinstance(machine, dict) and machine.get("little_endian") is False
    sizes = {storage.key: storage for storage in _storages(tree)}
    storages: dict[str, bytes] = {}
    for key in keys if isinstance(keys, list) else []:
        storage = sizes.get(key) if isinstance(key, str) else None
        count = int.from_bytes(file.read(8), "big" if swapped else "little")
        if storage is None or count != storage.count:
            raise ModelError(f"{where}: its storages are not those that its value refers to; it may be truncated.")
        storages[storage.key] = file.read(count * _dtype(storage).itemsize)
    return tree, lambda stored: _numbers(stored, storages.get(stored.storage.key, b""), where, swapped=swapped)


def _value(file: io.BytesIO, where: str) -> Any:
    try:
        return pickled.load(file)
    except pickled.RefusedError as error:
        raise _refused(where, str(error)[:100]) from None
    except pickled.DamagedError as error:
        raise ModelError(f"{where}: not a readable PyTorch file ({str(error)[:100]}); it may be truncated.") from None


def _refused(where: str, what: str) -> ModelError:
    return ModelError(
        f"{where}: holds more than weights, namely {what}, which would run as code when it is read, so it is refused. "
        "Ask for a file made by torch.save(model.state_dict(), ...)."
    )


def _storages(tree: Any) -> list[Storage]:
    """Return the storage of every tensor in a value; shared containers are visited only once."""
    found, seen, left = [], set(), [tree]
    while left:
        value = left.pop()
        if isinstance(value, Stored):
            found.append(value.storage)
        elif isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            left.extend(value.values() if isinstance(value, dict) else value)
    return found


def _dtype(storage: Storage) -> np.dtype[Any]:
    return np.dtype("<u2" if storage.dtype == "bfloat16" else storage.dtype)


def _numbers(stored: Stored, content: bytes, where: str, *, swapped: bool) -> NDArray[np.float32]:
    """Return a copy of a tensor as float32. Raises ModelError when it exceeds its storage."""
    dtype = _dtype(stored.storage)
    if not prod(stored.shape):
        return np.empty(stored.shape, np.float32)
    last = stored.offset + sum((size - 1) * stride for size, stride in zip(stored.shape, stored.strides, strict=True))
    if (last + 1) * dtype.itemsize > len(content):
        raise ModelError(f"{where}: a tensor of shape {stored.shape} lies outside its storage; the file is damaged.")
    flat = np.frombuffer(content, dtype.newbyteorder(">") if swapped else dtype, last + 1 - stored.offset,
                         stored.offset * dtype.itemsize)  # fmt: skip
    if stored.storage.dtype == "bfloat16":  # the upper half of a float32
        flat = (flat.astype(np.uint32) << 16).view(np.float32)
    steps = tuple(stride * flat.itemsize for stride in stored.strides)
    with np.errstate(over="ignore"):  # overflow is detected by the caller
        return as_strided(flat, stored.shape, steps, writeable=False).astype(np.float32)
