"""Reasons for missing answers: the error texts in the results of a job."""

from collections import Counter
from pathlib import Path

from lenet5.bulk.needs import library

LOOKED_AT = 100  # result files, the first ones: enough to tell people what is wrong


def reasons(folder: Path) -> list[tuple[str, int]]:
    """Return the most frequent errors in a job's results and how often each occurs, the most frequent first."""
    parquet = library("pyarrow.parquet")
    counts: Counter[str] = Counter()
    for path in sorted(folder.glob("shards/*/*.parquet"))[:LOOKED_AT]:
        counts.update(text for text in parquet.read_table(path, columns=["error"])["error"].to_pylist() if text)
    return counts.most_common()
