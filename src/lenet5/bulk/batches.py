"""The images of a shard in batches: file contents, or an error message for each image that cannot be read."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lenet5.bulk import tar
from lenet5.bulk.columns import contents_of, image_column, name_column
from lenet5.bulk.inputs import unchanged
from lenet5.bulk.needs import library
from lenet5.bulk.shards import Shard
from lenet5.bulk.tar import MOST_NAME

BATCH = 4096
BATCH_BYTES = 64 << 20  # of the contents of a batch, exceeded by at most one file
ROWS = 256  # read from Parquet at a time, since a value shared by many rows is copied for each of them
Item = tuple[str, bytes | None, str]  # name, content or None, problem or ""


@dataclass(frozen=True)
class Batch:
    """Consecutive images: names, contents (None if unreadable) and problems ("" if none), N of each."""

    names: list[str]
    contents: list[bytes | None]
    problems: list[str]


def batches(shard: Shard, root: Path, most_bytes: int, column: str = "") -> Iterator[Batch]:
    """Yield the images of a shard, all kinds but "array", in batches.

    most_bytes  larger files are not read
    column      image column of a Parquet file; "" selects it automatically

    Raises BulkError when a file has changed since the job was planned, and OSError when it cannot be read.
    """
    unchanged(shard, root)
    found: Iterator[Item] = iter([(shard.path, None, shard.error)])
    if shard.kind == "parquet":
        found = _parquet(shard, root, most_bytes, column)
    elif shard.kind != "unreadable":
        found = {"files": _files, "tar": _tar}[shard.kind](shard, root, most_bytes)
    batch, size = Batch([], [], []), 0
    for name, content, problem in found:
        batch.names.append(name)
        batch.contents.append(content)
        batch.problems.append(problem)
        size += len(content or b"") + len(name)
        if len(batch.names) == BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = Batch([], [], []), 0
    if batch.names:
        yield batch


def _files(shard: Shard, root: Path, most_bytes: int) -> Iterator[Item]:
    for name in shard.names:
        path = f"{shard.path}/{name}" if shard.path else name
        # Parquet cannot store undecodable bytes of a file name; they are escaped.
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        try:
            status = (root / path).stat()
            size = status.st_size
            if not stat.S_ISREG(status.st_mode):  # opening a pipe would block
                yield shown, None, "not a regular file"
            elif size > most_bytes:
                yield shown, None, _too_large(size, most_bytes)
            else:
                yield shown, (root / path).read_bytes(), ""
        except OSError as error:
            yield shown, None, f"cannot be read ({error.strerror})"


def _tar(shard: Shard, root: Path, most_bytes: int) -> Iterator[Item]:
    with (root / shard.path).open("rb", buffering=1 << 20) as file:
        for member in tar.members(file, shard.start, shard.stop):
            name = f"{shard.path}/{member.name}"
            if member.problem:
                yield name, None, member.problem
            elif member.size > most_bytes:
                yield name, None, _too_large(member.size, most_bytes)
            else:
                file.seek(member.at)
                yield name, file.read(member.size), ""


def _parquet(shard: Shard, root: Path, most_bytes: int, column: str) -> Iterator[Item]:
    """Yield the rows of some row groups; for a file that cannot be opened, one row with an error."""
    parquet = library("pyarrow.parquet")
    try:
        with parquet.ParquetFile(root / shard.path, memory_map=True) as file:
            yield from _row_groups(file, shard, most_bytes, column)
    except Exception as error:  # of many types; a damaged file must never end a job
        yield shard.path, None, f"not a readable Parquet file ({_first_line(error)})"


def _row_groups(file: Any, shard: Shard, most_bytes: int, column: str) -> Iterator[Item]:
    """Yield the rows of some row groups; a damaged group yields an error row for each missing row."""
    metadata, schema = file.metadata, file.schema_arrow
    wanted, trouble = image_column(schema, column)
    names = name_column(schema, wanted)
    row = sum(metadata.row_group(group).num_rows for group in range(shard.start))
    for group in range(shard.start, shard.stop):
        end, why = row + metadata.row_group(group).num_rows, trouble
        try:
            if not why:
                columns = [wanted, names] if names else [wanted]
                for batch in file.iter_batches(ROWS, row_groups=[group], columns=columns):
                    for item in _rows(batch, wanted, names, shard.path, row, most_bytes):
                        row += 1
                        yield item
        except Exception as error:  # as above
            why = f"its row group of the Parquet file is damaged ({_first_line(error)})"
        for number in range(row, end):
            yield f"{shard.path}#{number}", None, why or "missing from its row group of the Parquet file"
        row = end


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _rows(batch: Any, wanted: str, names: str, path: str, first: int, most_bytes: int) -> Iterator[Item]:
    contents = contents_of(batch.column(wanted))
    told = batch.column(names).to_pylist() if names else [None] * len(contents)
    for number, (content, name) in enumerate(zip(contents, told, strict=True), first):
        shown = f"{path}#{number}" if name is None else str(name)[:MOST_NAME]
        if content is not None and len(content) > most_bytes:
            yield shown, None, _too_large(len(content), most_bytes)
        else:
            yield shown, content, "" if content is not None else "no image in this row"


def _too_large(size: int, most: int) -> str:
    return f"{size:,} bytes, expected at most {most:,}"
