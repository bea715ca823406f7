"""Detection of changes in the input of a shard, and the digest of its contents."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from lenet5.bulk.shards import Shard
from lenet5.errors import BulkError


def state(shard: Shard, root: Path) -> str:
    """Return 16 hexadecimal digits, a digest of the sizes and modification times of a shard's files.

    It detects changed files without reading them, unless size and time were forged; `lenet5 bulk --verify` reads
    everything.
    """
    names = shard.names or ("",)
    told = "\n".join(_told(root / shard.path / name) for name in names)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def unchanged(shard: Shard, root: Path) -> None:
    """Raise BulkError when the files of a shard have changed since the job was planned."""
    if state(shard, root) != shard.state:
        raise BulkError(
            f"{root / shard.path}: size or modification time have changed since the job was planned. Restore "
            f"{'its files' if shard.names else 'the file'}, or start again with another --out."
        )


class Seen:
    """A digest of all contents read so far, in order."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, contents: Iterable[bytes | None], problems: Iterable[str]) -> None:
        """Add images: their bytes, or their error messages."""
        for content, problem in zip(contents, problems, strict=True):
            self._digest.update(f"{-1 if content is None else len(content)} {problem}\n".encode())
            self._digest.update(content or b"")

    def add_pixels(self, pixels: bytes) -> None:
        """Add the pixels of images."""
        self._digest.update(pixels)

    def hexdigest(self) -> str:
        """Return the SHA-256 as 64 hexadecimal digits."""
        return self._digest.hexdigest()


def _told(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        return f"{error.errno}"
    return f"{status.st_size} {status.st_mtime_ns}"
