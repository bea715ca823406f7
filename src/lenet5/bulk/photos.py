"""Adapter to the reader of photographs: takes a picture's bytes, returns the text of its pages."""

from collections.abc import Callable
from pathlib import Path

from lenet5.bulk.answers import packed
from lenet5.bulk.batches import batches
from lenet5.bulk.inputs import Seen
from lenet5.bulk.needs import library
from lenet5.bulk.shards import Shard
from lenet5.errors import Lenet5Error
from lenet5.inference.predictor import Predictor
from lenet5.jobs.executor import Alive

LARGEST_BYTES = 100 << 20
Texts = Callable[[bytes], list[str]]  # a picture's file -> the text of each of its pages


def reader(predictor: Predictor) -> Texts:
    """Return a function that reads pictures with a model. Raises ModelError when the model is not one of digits."""
    from lenet5.reading.reader import Reader  # takes half a second, for scipy.ndimage

    made = Reader(predictor)
    return lambda content: [page.text for page in made.read_all(content)]


def result(shard: Shard, root: Path, texts: Texts, about: dict[str, str], alive: Alive = lambda: None) -> bytes:
    """Return the Parquet file of a shard of pictures: name, page (from 1), text, error; one row per page.

    alive  called after each picture to report progress

    Raises BulkError when the input has changed, OSError when it cannot be read.
    """
    arrow, seen = library("pyarrow"), Seen()
    names: list[str] = []
    pages: list[int | None] = []
    found: list[str | None] = []
    errors: list[str | None] = []
    for batch in batches(shard, root, LARGEST_BYTES):
        seen.add(batch.contents, batch.problems)
        for name, content, problem in zip(batch.names, batch.contents, batch.problems, strict=True):
            read, why = _read(content, problem, texts)
            alive()
            rows: list[tuple[int | None, str | None]] = list(enumerate(read, 1)) if read else [(None, None)]
            for number, text in rows:
                names.append(name)
                pages.append(number)
                found.append(text)
                errors.append(why or None)
    columns = {"name": names, "page": arrow.array(pages, arrow.int32()), "text": arrow.array(found, arrow.string())}
    table = arrow.table(columns | {"error": arrow.array(errors, arrow.string())})
    return packed(table, about | {"lenet5.input": seen.hexdigest()})


def input_digest(shard: Shard, root: Path, column: str) -> str:
    """Return the digest of a shard's current pictures. Raises BulkError or OSError."""
    seen = Seen()
    for batch in batches(shard, root, LARGEST_BYTES, column):
        seen.add(batch.contents, batch.problems)
    return seen.hexdigest()


def _read(content: bytes | None, problem: str, texts: Texts) -> tuple[list[str], str]:
    if content is None:
        return [], problem
    try:
        return texts(content), ""
    except Lenet5Error as error:
        return [], str(error)
    except Exception as error:  # one picture that crashes the reader must not end a job
        return [], f"cannot be read ({type(error).__name__}: {str(error)[:200]})"
