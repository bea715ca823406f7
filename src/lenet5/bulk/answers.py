"""The result of a shard: one Parquet file whose bytes depend only on the shard, the model and the versions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5 import metrics
from lenet5.bulk import arrays
from lenet5.bulk.batches import BATCH, Batch, batches
from lenet5.bulk.decode import LARGEST_BYTES, decode
from lenet5.bulk.inputs import Seen, unchanged
from lenet5.bulk.needs import library
from lenet5.bulk.sealed import sealed
from lenet5.bulk.shards import Shard
from lenet5.errors import ModelError
from lenet5.inference.predictor import Predictor
from lenet5.jobs.executor import Alive
from lenet5.spec.digits import NOT_A_DIGIT


def digits_of(predictor: Predictor) -> NDArray[np.int8]:
    """Return the digit of each class, -1 for "not a digit". Raises ModelError when the model has other classes."""
    names = predictor.model.card.class_names
    known = {str(digit): digit for digit in range(10)} | {NOT_A_DIGIT: -1}
    if not set(names) <= set(known):
        raise ModelError(f"the model's classes are {', '.join(names[:3])} ...; reading digits needs one of digits.")
    return np.array([known[name] for name in names], np.int8)


def result(
    shard: Shard, root: Path, predictor: Predictor, column: str, about: dict[str, str], alive: Alive = lambda: None
) -> bytes:
    """Return the Parquet file of a shard of single digits.

    Columns: name; digit (null: rejected, or no image); probability of the best class, calibrated; margin, the best
    score minus the second best; second, the digit of the second best class (null if that is not a digit); rejected
    ("not a digit" or null); error (why there is no answer).

    about  entries of the file's metadata
    alive  called regularly to report progress

    Raises BulkError when the input has changed, OSError when it cannot be read.
    """
    arrow = library("pyarrow")
    digits, seen, parts = digits_of(predictor), Seen(), []
    for names, pixels, problems in _read(shard, root, column, seen):
        parts.append(_table(names, pixels, problems, predictor, digits))
        alive()
    return packed(arrow.concat_tables(parts), about | {"lenet5.input": seen.hexdigest()})


def input_digest(shard: Shard, root: Path, column: str) -> str:
    """Return the digest of a shard's current images. Raises BulkError or OSError."""
    seen = Seen()
    for _ in _read(shard, root, column, seen):
        pass
    return seen.hexdigest()


def packed(table: Any, about: dict[str, str]) -> bytes:
    """Return a table as the bytes of a Parquet file, with its counts and provenance in the metadata."""
    compute = library("pyarrow.compute")
    answer = "digit" if "digit" in table.column_names else "text"  # single digits, or pages
    counts = {
        "images": len(table),
        "errors": len(table) - table["error"].null_count,
        "answered": compute.count(table[answer]).as_py(),
    }
    if "rejected" in table.column_names:
        counts["rejected"] = len(table) - table["rejected"].null_count
    told = about | {f"lenet5.{name}": str(count) for name, count in counts.items()}
    table = table.replace_schema_metadata({key: told[key] for key in sorted(told)})
    return sealed(table, ["rejected", "error"])


def _read(
    shard: Shard, root: Path, column: str, seen: Seen
) -> Iterator[tuple[list[str], NDArray[np.uint8], list[str]]]:
    if shard.kind == "array":
        unchanged(shard, root)
        for start in range(shard.start, shard.stop, BATCH):
            stop = min(start + BATCH, shard.stop)
            names = [f"{shard.path}#{number}" for number in range(start, stop)]
            pixels = arrays.part(root / shard.path, start, stop)
            seen.add_pixels(pixels.tobytes())
            yield names, pixels, [""] * (stop - start)
        return
    batch: Batch
    for batch in batches(shard, root, LARGEST_BYTES, column):
        seen.add(batch.contents, batch.problems)
        pixels = decode(batch.contents, batch.problems)
        yield batch.names, pixels, batch.problems


def _table(
    names: list[str], pixels: NDArray[np.uint8], problems: list[str], predictor: Predictor, digits: NDArray[np.int8]
) -> Any:
    """Return the rows of a batch; images with a problem are scored, too, but their answers are null."""
    arrow = library("pyarrow")
    bad = np.array([bool(problem) for problem in problems], np.bool_)
    scores = predictor.scores(pixels)
    # As in Predictor.probabilities, but reusing the scores, which are expensive and needed for the margin, too.
    probabilities = metrics.softmax(scores / np.float32(predictor.temperature)).max(axis=1)
    rows, first, others = np.arange(len(scores)), scores.argmax(axis=1), scores.copy()
    others[rows, first] = -np.inf
    second = others.argmax(axis=1)
    lead = scores[rows, first] - scores[rows, second]
    digit, runner_up = digits[first], digits[second]
    return arrow.table(
        {
            "name": arrow.array(names, arrow.string()),
            "digit": arrow.array(digit, mask=bad | (digit < 0)),
            "probability": arrow.array(probabilities.astype(np.float32), mask=bad),
            "margin": arrow.array(lead.astype(np.float32), mask=bad),
            "second": arrow.array(runner_up, mask=bad | (runner_up < 0)),
            "rejected": arrow.array(np.full(len(names), NOT_A_DIGIT, object), arrow.string(), mask=bad | (digit >= 0)),
            "error": arrow.array(np.array(problems, object), arrow.string(), mask=~bad),
        }
    )
