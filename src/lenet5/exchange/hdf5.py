"""The process that reads HDF5: the file from standard input, its arrays as NPZ to standard output.

Links, and data sets that lie in other files, are not followed.
"""

import io
import sys
from typing import Any

import numpy as np

MOST_BYTES = 3 << 30  # of memory, the libraries among them
MOST_SECONDS = 30  # of computing
LARGEST_ARRAY = 1_000_000
MOST_NUMBERS = 8_000_000
MOST_ITEMS = 10_000
MOST_CONFIG = 1_000_000  # characters


def main() -> None:
    """Read, and end with 1 and a sentence on standard error where that is not possible."""
    import h5py

    _limit()
    found: dict[str, Any] = {}
    numbers = items = 0

    def take(name: str, item: Any) -> None:
        nonlocal numbers, items
        items += 1
        if items > MOST_ITEMS:
            raise ValueError(f"more than {MOST_ITEMS:,} items")
        if not isinstance(item, h5py.Dataset) or item.external or item.is_virtual or item.dtype.kind not in "fiu":
            return
        size = int(np.prod([float(side) for side in item.shape or ()]))
        numbers += size
        if size > LARGEST_ARRAY or numbers > MOST_NUMBERS:
            raise ValueError(f"{name} has shape {item.shape}, more than any array of a LeNet-5")
        found[name.replace("/", ".")] = item[()]

    try:
        with h5py.File(io.BytesIO(sys.stdin.buffer.read()), "r") as file:
            file.visititems(take)
            config = file.attrs.get("model_config", "")
            text = config.decode("utf-8", "replace") if isinstance(config, bytes) else str(config)
            found["model_config"] = np.array(text[:MOST_CONFIG])
    except Exception as error:  # its library raises many kinds for damaged files
        print(str(error).splitlines()[0] if str(error) else type(error).__name__, file=sys.stderr)
        sys.exit(1)
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **found)
    sys.stdout.buffer.write(packed.getvalue())


def _limit() -> None:
    """Bound this process's memory and time, where the system can do that."""
    try:
        import resource
    except ImportError:  # Windows has no such limits; the parent's timeout remains
        return
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))


if __name__ == "__main__":
    main()
