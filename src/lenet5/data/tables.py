"""Tables of comma-separated values, as spreadsheets and other programs write them."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from lenet5.errors import DataError

DELIMITERS = ",;\t"
LONGEST_FIELD = 1 << 20  # characters


def rows(path: Path) -> Iterator[list[str]]:
    """Yield the rows of a table that are not empty, as texts; the delimiter is a comma, a semicolon or a tab.

    Raises DataError where the file cannot be read, is not UTF-8 text, or breaks the format.
    """
    csv.field_size_limit(min(LONGEST_FIELD, sys.maxsize))
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = max(DELIMITERS, key=file.readline(LONGEST_FIELD).count)
            file.seek(0)
            yield from (row for row in csv.reader(file, delimiter=delimiter) if row)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text; save it as UTF-8"
        raise DataError(f"{path}: cannot be read ({why}).") from None
    except csv.Error as error:
        raise DataError(f"{path}: is no table of commas ({error}).") from None
