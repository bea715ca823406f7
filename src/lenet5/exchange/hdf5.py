"""A subprocess that reads an HDF5 file from standard input and writes its arrays as NPZ to standard output.

Links and external data sets are not followed.
"""

import io
import sys
from typing import Any

import numpy as np

MOST_BYTES = 3 << 30  # of memory, including the libraries
MOST_SECONDS = 30  # of CPU time
LARGEST_ARRAY = 1_000_000
MOST_NUMBERS = 8_000_000
MOST_ITEMS = 10_000
MOST_CONFIG = 1_000_000  # characters


def main() -> None:
    """Convert the file; on failure exit with 1 and one sentence on standard error."""
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
            raise ValueError(f"{name} has shape {item.shape}, too large for a LeNet-5")
        found[name.replace("/", ".")] = item[()]

    try:
        with h5py.File(io.BytesIO(sys.stdin.buffer.read()), "r") as file:
            file.visititems(take)
            config = file.attrs.get("model_config", "")
            text = config.decode("utf-8", "replace") if isinstance(config, bytes) else str(config)
            found["model_config"] = np.array(text[:MOST_CONFIG])
    except Exception as error:  # the library raises many types for damaged files
        print(str(error).splitlines()[0] if str(error) else type(error).__name__, file=sys.stderr)
        sys.exit(1)
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **found)
    sys.stdout.buffer.write(packed.getvalue())


def _limit() -> None:
    """Limit this process's memory and CPU time, if the system supports it."""
    try:
        import resource
    except ImportError:  # Windows has no such limits; the parent's timeout remains
        return
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))


if __name__ == "__main__":
    main()
