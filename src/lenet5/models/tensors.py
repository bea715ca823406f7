"""Reading of safetensors files: arrays by name, and metadata."""

import json
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from lenet5 import files
from lenet5.errors import Lenet5Error, ModelError

DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"), "F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2"),
    "I64": np.dtype("<i8"), "I32": np.dtype("<i4"), "I16": np.dtype("<i2"), "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"), "U32": np.dtype("<u4"), "U16": np.dtype("<u2"), "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}  # fmt: skip


@dataclass(frozen=True)
class Tensors:
    """The contents of a file: arrays in native byte order, bfloat16 as float32; and metadata."""

    arrays: dict[str, NDArray[Any]]
    metadata: dict[str, str]


def read(path: Path, most_bytes: int, error: type[Lenet5Error] = ModelError) -> Tensors:
    """Return the contents of a file. Raises `error` if it is larger than `most_bytes`, or damaged."""
    return parse(files.read_bytes(path, most_bytes, error), str(path), error)


def parse(content: bytes, where: str, error: type[Lenet5Error] = ModelError) -> Tensors:
    """Return the contents from the bytes of a file; `where` is for error messages. Raises `error`."""
    try:
        parts = safetensors.deserialize(content)  # type: ignore[no-untyped-call]
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata = header.get("__metadata__") or {}
    except (safetensors.SafetensorError, ValueError, RecursionError) as problem:
        raise error(f"{where}: not a readable safetensors file ({problem}).") from None
    # Sorted by name: the order of the library changes from call to call.
    return Tensors(
        {name: _array(name, part, where, error) for name, part in sorted(parts, key=itemgetter(0))}, metadata
    )


def _array(name: str, part: Any, where: str, error: type[Lenet5Error]) -> NDArray[Any]:
    dtype = DTYPES.get(part["dtype"])
    if dtype is None:
        raise error(f"{where}: {name} has type {part['dtype']}; supported types are {', '.join(DTYPES)}.")
    flat = np.frombuffer(part["data"], dtype)
    if part["dtype"] == "BF16":  # the upper half of a float32
        flat = (flat.astype(np.uint32) << 16).view(np.float32)
    try:
        return flat.reshape(part["shape"]).astype(flat.dtype.newbyteorder("="))
    except ValueError as problem:  # more dimensions, or a larger empty one, than NumPy allows
        raise error(f"{where}: {name} cannot be read ({problem}).") from None
