"""A shard, the unit of work that is processed completely or not at all, as a value and as a line of JSON."""

import json
from dataclasses import asdict, dataclass
from typing import Literal, NotRequired

from lenet5 import files
from lenet5.errors import BulkError

Kind = Literal["files", "tar", "parquet", "array", "unreadable"]


@dataclass(frozen=True)
class Shard:
    """Consecutive images of one input.

    number  index of the shard in the job, from 0
    kind    "files" (single files), "tar", "parquet", "array" (IDX or NPY), or "unreadable": one row that says why
    path    the file, or for "files" the folder; relative to the input's root, "" for the root
    images  number of rows of its result
    start   start within the file: a byte of a tar, a row group of a Parquet file, an image of an array
    stop    end within the file, exclusive
    state   `inputs.state` of its files when the job was planned
    names   for "files": their names in the folder
    error   for "unreadable": the reason
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
        """Return one line of JSON; file names that are not valid Unicode are escaped."""
        return json.dumps({key: value for key, value in asdict(self).items() if value or key == "number"}) + "\n"


class Line(files.JsonObject):
    """The required fields of a line. Strings are not validated, as file names need not be Unicode."""

    number: int
    kind: Kind
    images: NotRequired[int]
    start: NotRequired[int]
    stop: NotRequired[int]
    size: NotRequired[int]


def from_line(line: str, where: str) -> Shard:
    """Return the shard that `Shard.line` wrote; `where` is for error messages. Raises BulkError."""
    values = files.parse_json(line, Line, where, BulkError)
    try:
        return Shard(**values | {"names": tuple(values.get("names", ()))})
    except TypeError as error:
        raise BulkError(f"{where}: not a line of a plan ({error}); start again with another --out.") from None
