"""A shard: the piece of a job that is done whole or not at all, as a value and as a line of text."""

import json
from dataclasses import asdict, dataclass
from typing import Literal, NotRequired

from lenet5 import files
from lenet5.errors import BulkError

Kind = Literal["files", "tar", "parquet", "array", "unreadable"]


@dataclass(frozen=True)
class Shard:
    """Some images of one input, in their order.

    number  its place in the job, from 0
    kind    "files" (single files), "tar", "parquet", "array" (IDX or NPY), or "unreadable": one row that says why
    path    the file, or for "files" the folder; relative to the input's root, "" for the root
    images  how many rows its result has
    start   where it begins in the file: a byte of a tar, a row group of a Parquet file, an image of an array
    stop    where it ends, excluded
    state   of its files when the job was planned, see `inputs.state`
    names   for "files": their names in the folder
    error   for "unreadable": why
    """

    number: int
    kind: Kind
    path: str = ""
    images: int = 0
    start: int = 0
    stop: int = 0
    state: str = ""
    names: tuple[str, ...] = ()
    error: str = ""

    def line(self) -> str:
        """Return it as one line of JSON; file names that are no Unicode survive as escapes."""
        return json.dumps({key: value for key, value in asdict(self).items() if value or key == "number"}) + "\n"


class Line(files.JsonObject):
    """What of a line must be there. The texts are not looked at: names of files need not be Unicode."""

    number: int
    kind: Kind
    images: NotRequired[int]
    start: NotRequired[int]
    stop: NotRequired[int]
    size: NotRequired[int]


def from_line(line: str, where: str) -> Shard:
    """Return the shard that `Shard.line` wrote; `where` is for error texts. Raises BulkError."""
    values = files.parse_json(line, Line, where, BulkError)
    try:
        return Shard(**values | {"names": tuple(values.get("names", ()))})
    except TypeError as error:
        raise BulkError(f"{where}: no line of a plan ({error}); begin anew with another --out.") from None
