"""The input of a shard: whether it is still what was planned, and the digest of what was read from it."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from lenet5.bulk.shards import Shard
from lenet5.errors import BulkError


def state(shard: Shard, root: Path) -> str:
    """Return 16 hexadecimal digits of the size and the time of the last change of each file of a shard.

    Another file in its place is noticed by them without being read, unless its size and time are made the same;
    `lenet5 bulk --verify` reads all.
    """
    names = shard.names or ("",)
    told = "\n".join(_told(root / shard.path / name) for name in names)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def unchanged(shard: Shard, root: Path) -> None:
    """Raise BulkError when the files of a shard are not those of when the job was planned."""
    if state(shard, root) != shard.state:
        raise BulkError(
            f"{root / shard.path}: has another size or time of last change than when the job was planned. Put "
            f"{'its files' if shard.names else 'the file'} back as before, or begin anew with another --out."
        )


class Seen:
    """A digest of all contents that were read, in their order."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, contents: Iterable[bytes | None], problems: Iterable[str]) -> None:
        """Take in some images: their bytes, or why there are none."""
        for content, problem in zip(contents, problems, strict=True):
            self._digest.update(f"{-1 if content is None else len(content)} {problem}\n".encode())
            self._digest.update(content or b"")

    def add_pixels(self, pixels: bytes) -> None:
        """Take in the pixels of some images."""
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
