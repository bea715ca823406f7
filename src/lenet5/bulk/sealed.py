"""Results that carry the digest of all their bytes, so that one that is damaged or swapped is noticed.

The digest stands in the metadata of the Parquet file itself. It is taken while zeros stand in its place; so the file
needs no other one beside it, and is written at once.
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
    """Return a table as the bytes of a Parquet file with its digest; each page has a checksum as well.

    dictionaries  columns of few different values
    """
    parquet = library("pyarrow.parquet")
    target = io.BytesIO()
    with parquet.ParquetWriter(
        target, table.schema, compression="zstd", use_dictionary=dictionaries, write_page_checksum=True
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({DIGEST: BLANK.decode()})  # the last of the metadata, which end the file
    content = target.getvalue()
    return _with_digest(content, content.rindex(BLANK), files.sha256_hex(content).encode())


def check(path: Path, about: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata of a result once it is known to be whole, and the one that belongs there.

    about  what its metadata must say

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
        raise _damaged(path, "its bytes do not have the digest that it carries")
    wrong = [f"{key} is {told.get(key)}, expected {value}" for key, value in about.items() if told.get(key) != value]
    if wrong:
        raise _damaged(path, f"it is another result than belongs here ({wrong[0]})")
    return told


def _with_digest(content: bytes, place: int, digest: bytes) -> bytes:
    return content[:place] + digest + content[place + len(BLANK) :]


def _damaged(path: Path, why: str) -> BulkError:
    return BulkError(f"{path}: damaged: {why}. Delete it, and the same command does this shard again.")
