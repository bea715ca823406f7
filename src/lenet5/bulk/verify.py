"""Verification of a job's results against its input: reads everything again and writes nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lenet5.bulk import answers, photos, sealed
from lenet5.bulk.ledger import Ledger
from lenet5.bulk.plan import root_of
from lenet5.bulk.run_shard import about
from lenet5.errors import BulkError, Lenet5Error

SHOWN = 5  # faults listed in the error message


@dataclass(frozen=True)
class Verified:
    """The number of shards, and the number of shards that are not done."""

    shards: int
    missing: int


def verify(given: Path, out: Path, watch: Callable[[int, int], None]) -> Verified:
    """Check all results of a job against all of its input.

    watch  called with the number of shards checked and their total number

    Raises BulkError, naming the first faults, when a result is damaged, belongs to another shard or job, or was
    computed from another input; also when `out` does not hold a job on this input.
    """
    ledger = Ledger(out)
    job = ledger.job()
    if job is None:
        raise BulkError(f"{out}: does not hold a job; give the --out of one.")
    if job["input"] != str(given.absolute()):
        raise BulkError(f"{out}: holds a job on {job['input']}, not on {given.absolute()}.")
    root = root_of(given)
    faults: list[str] = []
    missing = 0
    for shard, done in ledger.states():
        if done:
            try:
                told = sealed.check(ledger.place(shard.number), about(job, shard.number))
                digest = photos.input_digest if job["photos"] else answers.input_digest
                if told["lenet5.input"] != digest(shard, root, job["column"]):
                    faults.append(f"{root / shard.path}: differs from the input of shard {shard.number}.")
            except (Lenet5Error, OSError) as error:
                faults.append(str(error))
        missing += not done
        watch(shard.number + 1, job["shards"])
    if faults:
        more = f" And {len(faults) - SHOWN:,} more." if len(faults) > SHOWN else ""
        raise BulkError(f"{len(faults):,} of {job['shards']:,} shards are wrong. {' '.join(faults[:SHOWN])}{more}")
    return Verified(job["shards"], missing)
