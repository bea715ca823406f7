"""Division of the input into shards, in an order that depends only on the input: sorted names, files front to back.

A plan is made once and streamed to and from disk, so it never needs to fit in memory; only the names of one folder are
sorted in memory. A file that cannot be planned becomes one row with an error, as a bad image does.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lenet5.budget import Budget
from lenet5.bulk import tar
from lenet5.bulk.arrays import length
from lenet5.bulk.inputs import state
from lenet5.bulk.needs import library
from lenet5.bulk.shards import Kind, Shard
from lenet5.errors import BulkError, IdxError, Lenet5Error

SHARD_IMAGES = 20_000
PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
# Rows per byte of a Parquet file above which it counts as damaged or malicious; identical images compress to hundreds
# per byte.
MOST_ROWS_A_BYTE = 1000
MOST_ROWS_A_GROUP = 1 << 22
ARRAYS = (".npy", ".idx", "-ubyte", ".idx.gz", "-ubyte.gz")


def root_of(given: Path) -> Path:
    """Return the folder that names in the results are relative to. Raises BulkError when the input does not exist."""
    if not given.exists():
        raise BulkError(f"{given}: no such file or folder; give a folder, a tar, a Parquet, IDX or NPY file.")
    return (given if given.is_dir() else given.parent).absolute()


def shards(given: Path, images: int = SHARD_IMAGES, *, photos: bool = False) -> Iterator[Shard]:
    """Yield the shards of a folder or file, with `images` images in each except the last.

    Hidden files (".name") are skipped; every other file yields at least one row. A Parquet file is split between row
    groups only. Raises BulkError when a folder cannot be listed.
    """
    root = root_of(given)
    folders = _walk(root, "") if given.is_dir() else iter([("", [given.name])])
    unnumbered = (shard for folder, names in folders for shard in _of_folder(root, folder, names, images, photos))
    before = None
    for number, shard in enumerate(unnumbered):
        if before is None or shard.names or shard.path != before.path:
            before = replace(shard, state=state(shard, root))
        yield replace(shard, number=number, state=before.state)


def _of_folder(root: Path, folder: str, names: list[str], images: int, photos: bool) -> Iterator[Shard]:
    """Yield the shards of the files of one folder, not numbered yet."""
    singles: list[str] = []
    for name in names:
        kind = _kind(name)
        if kind != "files":
            yield from _parted(root, f"{folder}/{name}" if folder else name, kind, images, photos)
            continue
        singles.append(name)
        if len(singles) == images:
            yield Shard(0, "files", folder, len(singles), names=tuple(singles))
            singles = []
    if singles:
        yield Shard(0, "files", folder, len(singles), names=tuple(singles))


def _walk(root: Path, folder: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each folder with the names of its files, sorted; links to folders are not followed."""
    try:
        with os.scandir(root / folder) as entries:
            seen = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries if entry.name[0] != "."]
    except OSError as error:
        raise BulkError(f"{root / folder}: cannot be listed ({error.strerror}); make it readable.") from None
    seen.sort()
    yield folder, [name for name, is_folder in seen if not is_folder]
    for name, is_folder in seen:
        if is_folder:
            yield from _walk(root, f"{folder}/{name}" if folder else name)


def _kind(name: str) -> Kind:
    small = name.lower()
    if small.endswith(".tar"):
        return "tar"
    if small.endswith(".parquet"):
        return "parquet"
    if small.endswith(ARRAYS):
        return "array"
    return "unreadable" if small.endswith(PACKED) else "files"


def _parted(root: Path, path: str, kind: Kind, images: int, photos: bool) -> Iterator[Shard]:
    """Yield the shards of one file that holds many images."""
    whole = root / path
    if kind == "unreadable":
        yield _unreadable(path, "a compressed tar, which allows no random access; decompress it and read the .tar")
        return
    if not whole.is_file():
        yield _unreadable(path, "not a regular file")
        return
    if photos and kind == "array":
        yield _unreadable(path, "an array of single digits, expected pictures; read it without --photos")
        return
    try:
        found = {"tar": _tar, "parquet": _parquet, "array": _array}[kind](whole, images)
        for start, stop, count in found:
            yield Shard(0, kind, path, count, start, stop)
    except BulkError:
        raise
    except Exception as error:  # a damaged file must not keep the other files from being read
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        if not isinstance(error, OSError | Lenet5Error):
            said = f"damaged ({type(error).__name__}: {said})"
        yield _unreadable(path, said.removeprefix(f"{whole}: ")[:500])


def _unreadable(path: str, error: str) -> Shard:
    return Shard(0, "unreadable", path, 1, error=error)


Part = tuple[int, int, int]  # start, stop, images


def _tar(path: Path, images: int) -> Iterator[Part]:
    with path.open("rb", buffering=1 << 20) as file:
        start = count = last = 0
        for member in tar.members(file, 0, path.stat().st_size):
            if count == images:
                yield start, member.begin, count
                count = 0
            if count == 0:
                start = member.begin
            count, last = count + 1, member.begin
        if count:
            yield start, last + 1, count


def _parquet(path: Path, images: int) -> Iterator[Part]:
    parquet, arrow = library("pyarrow.parquet"), library("pyarrow")
    try:
        metadata = parquet.read_metadata(path)
    except arrow.ArrowException as error:
        raise OSError(0, f"not a readable Parquet file ({str(error).splitlines()[0]})") from None
    budget = Budget("the Parquet file", MOST_ROWS_A_BYTE * path.stat().st_size, "rows", IdxError)
    start = count = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        budget.take(rows, f"row group {group}")
        if rows > MOST_ROWS_A_GROUP:
            raise IdxError(f"{rows:,} rows in one row group, expected at most {MOST_ROWS_A_GROUP:,}; split it")
        if count and count + rows > images:
            yield start, group, count
            start, count = group, 0
        count += rows
    if count:
        yield start, metadata.num_row_groups, count


def _array(path: Path, images: int) -> Iterator[Part]:
    total = length(path)
    for start in range(0, total, images):
        yield start, min(start + images, total), min(images, total - start)
