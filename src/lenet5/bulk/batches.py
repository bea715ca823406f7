"""A shard -> the contents of its images, some thousand at a time, with a sentence for each that cannot be had."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from lenet5.bulk import tar
from lenet5.bulk.columns import contents_of, image_column, name_column
from lenet5.bulk.inputs import unchanged
from lenet5.bulk.needs import library
from lenet5.bulk.shards import Shard

BATCH = 4096
Item = tuple[str, bytes | None, str]  # name, content or None, what is wrong or ""


@dataclass(frozen=True)
class Batch:
    """Images next to each other, (N,) each: names, contents (None: could not be had), and what is wrong ("")."""

    names: list[str]
    contents: list[bytes | None]
    problems: list[str]


def batches(shard: Shard, root: Path, most_bytes: int, column: str = "") -> Iterator[Batch]:
    """Yield the images of a shard, all kinds but "array", in batches.

    most_bytes  larger files are not read
    column      of a Parquet file; "" finds it

    Raises BulkError when a file is not as it was when the job was planned, and OSError when it cannot be read.
    """
    unchanged(shard, root)
    found: Iterator[Item] = iter([(shard.path, None, shard.error)])
    if shard.kind == "parquet":
        found = _parquet(shard, root, column)
    elif shard.kind != "unreadable":
        found = {"files": _files, "tar": _tar}[shard.kind](shard, root, most_bytes)
    # Pictures are large: their batches hold few, so that memory stays bounded.
    few = max(1, min(BATCH, (BATCH << 20) // most_bytes))
    while some := list(islice(found, few)):
        names, contents, problems = (list(part) for part in zip(*some, strict=True))
        yield Batch(names, contents, problems)


def _files(shard: Shard, root: Path, most_bytes: int) -> Iterator[Item]:
    for name in shard.names:
        path = f"{shard.path}/{name}" if shard.path else name
        # Undecodable bytes of a name cannot be kept in Parquet; they are shown as escapes.
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        try:
            status = (root / path).stat()
            size = status.st_size
            if not stat.S_ISREG(status.st_mode):  # to open a pipe would wait for ever
                yield shown, None, "no regular file"
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


def _parquet(shard: Shard, root: Path, column: str) -> Iterator[Item]:
    """Yield the rows of some row groups; a damaged group gives as many rows with an error as are missing."""
    parquet, arrow = library("pyarrow.parquet"), library("pyarrow")
    with parquet.ParquetFile(root / shard.path, memory_map=True) as file:
        metadata, schema = file.metadata, file.schema_arrow
        wanted, trouble = image_column(schema, column)
        names = name_column(schema, wanted)
        row = sum(metadata.row_group(group).num_rows for group in range(shard.start))
        for group in range(shard.start, shard.stop):
            end, why = row + metadata.row_group(group).num_rows, trouble
            try:
                if not why:
                    columns = [wanted, names] if names else [wanted]
                    for batch in file.iter_batches(BATCH, row_groups=[group], columns=columns):
                        for item in _rows(batch, wanted, names, shard.path, row):
                            row += 1
                            yield item
            except (arrow.ArrowException, OSError) as error:
                why = f"its part of the Parquet file is damaged ({str(error).splitlines()[0]})"
            for number in range(row, end):
                yield f"{shard.path}#{number}", None, why or "missing from its part of the Parquet file"
            row = end


def _rows(batch: Any, wanted: str, names: str, path: str, first: int) -> Iterator[Item]:
    contents = contents_of(batch.column(wanted))
    told = batch.column(names).to_pylist() if names else [None] * len(contents)
    for number, (content, name) in enumerate(zip(contents, told, strict=True), first):
        shown = f"{path}#{number}" if name is None else str(name)
        yield shown, content, "" if content is not None else "no image in this row"


def _too_large(size: int, most: int) -> str:
    return f"{size:,} bytes, expected at most {most:,}"
