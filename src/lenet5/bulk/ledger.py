"""The state of a job, all of it on disk. A shard is done when its result file exists; there is no other list.

OUT/
    job.json                      input, model, identity and a digest of itself; its presence marks the plan as complete
    plan.jsonl                    the shards, one per line
    shards/000123/000123456.parquet   the result of a shard; a thousand per folder
    shards/000123/sums.json       counts and SHA-256 of that folder, written when all is done
    manifest.json                 totals; its presence marks the job as done
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lenet5 import files, machine
from lenet5.bulk import sealed
from lenet5.bulk.shards import Shard, from_line
from lenet5.errors import BulkError, BusyError

A_FOLDER = 1000  # shards per folder, so that the cost of listing one does not grow with the job
ANEW = "start again with another --out, or delete this one"
COUNTS = ("images", "answered", "rejected", "errors")


class Job(files.JsonObject):
    """The required fields of job.json."""

    shards: int
    images_planned: int
    plan_sha256: str
    model: str
    model_sha256: str
    engine: str
    identity: files.JsonObject


class Ledger:
    """The folder of one job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def plan(self) -> Path:
        """The path of the plan."""
        return self.folder / "plan.jsonl"

    def job(self) -> dict[str, Any] | None:
        """Return the job's description, None before planning. Raises BulkError when it or the plan is damaged."""
        job = _read(self.folder / "job.json", Job)
        if job is None:
            return None
        if job.pop("job_sha256", None) != _digest(job):
            raise BulkError(f"{self.folder / 'job.json'}: damaged, or of another version; {ANEW}.")
        try:
            plan = files.file_sha256(self.plan)
        except OSError as error:
            raise BulkError(f"{self.plan}: cannot be read ({error.strerror}); {ANEW}.") from None
        if plan != job["plan_sha256"]:
            raise BulkError(f"{self.plan}: damaged: its digest is not the one in job.json; {ANEW}.")
        return job

    def keep_job(self, job: dict[str, Any]) -> None:
        """Write the job's description. Raises RunError."""
        files.write_atomically(self.folder / "job.json", json_bytes({**job, "job_sha256": _digest(job)}))

    def shards(self) -> Iterator[Shard]:
        """Stream all shards of the plan. Raises BulkError."""
        try:
            with self.plan.open(encoding="utf-8") as lines:
                for number, line in enumerate(lines, 1):
                    yield from_line(line, f"{self.plan}, line {number}")
        except (OSError, UnicodeDecodeError) as error:
            raise BulkError(f"{self.plan}: cannot be read ({error}); {ANEW}.") from None

    def states(self) -> Iterator[tuple[Shard, bool]]:
        """Yield each shard and whether it is done; lists one folder for each thousand."""
        done: set[str] = set()
        for shard in self.shards():
            if shard.number % A_FOLDER == 0:
                done = self._listed(shard.number // A_FOLDER)
            yield shard, self.place(shard.number).name in done

    def place(self, number: int) -> Path:
        """Return the path of a shard's result, which may not exist yet."""
        return self._thousand(number // A_FOLDER) / f"{number:09}.parquet"

    def finish(self, number: int, content: bytes) -> None:
        """Write the result of a shard atomically. Idempotent. Raises RunError."""
        place = self.place(number)
        make_folder(place.parent)
        files.write_atomically(place, content)

    @contextlib.contextmanager
    def alone(self, number: int) -> Iterator[None]:
        """Lock a shard within the block. Raises BusyError when another process of this machine holds the lock.

        Locks byte `number` of a single file, so that a million shards do not need a million lock files. The lock is
        released when the process ends, in whatever way. A process can hold one shard at a time. Raises RunError where
        the file system has no locks.
        """
        with (self.folder / ".shards").open("a+b") as file:
            try:
                machine.lock_byte(file.fileno(), number)
            except OSError as error:
                if not files.held_elsewhere(error):
                    raise files.unlockable(self.folder, error) from None
                raise BusyError(f"shard {number}, maybe others, which another process has locked") from None
            yield

    def seal(self, count: int, about: Callable[[int], dict[str, str]]) -> dict[str, Any]:
        """Read, total and hash the results of `count` shards, folder by folder; write and return the manifest.

        about  number of a shard -> the required metadata of its result

        Raises BulkError when a result is damaged or belongs to another shard or job.
        """
        totals = dict.fromkeys((*COUNTS, "bytes"), 0)
        folders = {}
        for thousand in range(-(-count // A_FOLDER)):
            folder = self._thousand(thousand)
            sums = self._sums(range(thousand * A_FOLDER, min(count, (thousand + 1) * A_FOLDER)), about)
            files.remove_leftovers(folder)  # safe: every shard is done, so nobody is writing
            files.write_atomically(folder / "sums.json", json_bytes(sums))
            for key in totals:
                totals[key] += sums[key]
            folders[folder.name] = files.file_sha256(folder / "sums.json")
        manifest = {**(self.job() or {}), **totals, "sums": folders}
        files.write_atomically(self.folder / "manifest.json", json_bytes(manifest))
        return manifest

    def _sums(self, numbers: range, about: Callable[[int], dict[str, str]]) -> dict[str, Any]:
        totals = dict.fromkeys((*COUNTS, "bytes"), 0)
        digests = {}
        for number in numbers:
            path = self.place(number)
            told = sealed.check(path, about(number))
            digests[path.name] = told[sealed.DIGEST]
            totals["bytes"] += path.stat().st_size
            for key in COUNTS:
                totals[key] += int(told.get(f"lenet5.{key}", 0))
        return {**totals, "sha256": digests}

    def _thousand(self, thousand: int) -> Path:
        return self.folder / "shards" / f"{thousand:06}"

    def _listed(self, thousand: int) -> set[str]:
        try:
            return {path.name for path in self._thousand(thousand).iterdir()}
        except FileNotFoundError:
            return set()


def make_folder(folder: Path) -> None:
    """Create a folder unless it exists. Raises BulkError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BulkError(f"{folder}: cannot be created ({error.strerror}); choose another --out.") from None


def json_bytes(values: dict[str, Any]) -> bytes:
    """Return values as the bytes of a JSON file."""
    return (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def _read(path: Path, form: Any) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        values: dict[str, Any] = files.read_json(path, form, BulkError)
    except BulkError as error:
        raise BulkError(f"{error} {ANEW[0].upper()}{ANEW[1:]}.") from None
    return values


def _digest(job: dict[str, Any]) -> str:
    return files.sha256_hex(json.dumps(job, sort_keys=True).encode())
