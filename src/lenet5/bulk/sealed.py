"""Result files with an embedded digest of their bytes, to detect damaged or swapped files.

The digest is in the metadata of the Parquet file itself and is computed with zeros in its place, so that no second
file is needed and the result is written in one step.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lenet5 import files
from lenet5.bulk.needs import library
from lenet5.errors import BulkError

DIGEST = "lenet5.sha256"
BLANK = b"0" * 64


def sealed(table: Any, dictionaries: list[str]) -> bytes:
    """Return a table as the bytes of a Parquet file with its digest; each page has a checksum, too.

    dictionaries  columns with few distinct values
    """
    parquet = library("pyarrow.parquet")
    target = io.BytesIO()
    with parquet.ParquetWriter(
        target, table.schema, compression="zstd", use_dictionary=dictionaries, write_page_checksum=True
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({DIGEST: BLANK.decode()})  # comes last, at the end of the file
    content = target.getvalue()
    return _with_digest(content, content.rindex(BLANK), files.sha256_hex(content).encode())


def check(path: Path, about: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata of a result, after checking that it is undamaged and belongs there.

    about  the required metadata

    Raises BulkError.
    """
    arrow, parquet = library("pyarrow"), library("pyarrow.parquet")
    try:
        content = path.read_bytes()
        raw = parquet.read_metadata(io.BytesIO(content)).metadata or {}
        told = {key.decode(): value.decode() for key, value in raw.items()}
        digest = told[DIGEST]
        place = content.rindex(digest.encode())
        whole = files.sha256_hex(_with_digest(content, place, BLANK)) == digest
    except (arrow.ArrowException, OSError, ValueError, KeyError) as error:
        raise _damaged(path, f"it cannot be read: {str(error).splitlines()[0]}") from None
    if not whole:
        raise _damaged(path, "its bytes do not match its digest")
    wrong = [f"{key} is {told.get(key)}, expected {value}" for key, value in about.items() if told.get(key) != value]
    if wrong:
        raise _damaged(path, f"it is the result of another shard or job ({wrong[0]})")
    return told


def _with_digest(content: bytes, place: int, digest: bytes) -> bytes:
    return content[:place] + digest + content[place + len(BLANK) :]


def _damaged(path: Path, why: str) -> BulkError:
    return BulkError(f"{path}: damaged: {why}. Delete it, and the same command processes this shard again.")
