"""NumPy's `.npz` archives, read without pickles and within a budget of declared bytes."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.data import npy
from lenet5.errors import IdxError, ModelError
from lenet5.exchange.archive import Archive


def read(content: bytes, where: str, most_bytes: int) -> dict[str, NDArray[Any]]:
    """Return the numeric arrays in an archive by name, with `/` in names replaced by dots. Raises ModelError."""
    archive = Archive(content, where, most_bytes)
    found = {}
    for name in archive.members:
        if not name.endswith(".npy"):
            raise ModelError(f"{where}: contains {name}, which is not an array; expected a file of numpy.savez.")
        member = archive.read(name)
        try:
            header = npy.header(io.BytesIO(member), len(member), name)
        except IdxError as error:
            raise ModelError(f"{where}: {error}") from None
        array = np.frombuffer(member, header.dtype, header.count, header.start)
        key = name.removesuffix(".npy").replace("/", ".")
        found[key] = array.reshape(header.shape, order="F" if header.fortran else "C")
    return found
