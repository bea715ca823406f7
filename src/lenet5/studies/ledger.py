"""The state of a study, all of it on disk: runners are stateless, and a restart runs only the missing units.

A study's folder:

order.json                 the digests of all units, in the order of the plan, which reports follow
units/<digest>/            one unit
    result.json            the result; its presence marks the unit as done
    failed.json            why the unit is set aside after two attempts
    changes.json           accepted differences between the conditions of the result and later ones
    <recipe>-seed<n>/      the run folder
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from lenet5 import files
from lenet5.errors import StudyError
from lenet5.jobs.loop import ATTEMPTS
from lenet5.studies.units import Unit

SECONDS_FOR_THE_ORDER = 10.0
ORDER = "order.json"


class RunResult(files.JsonObject):
    """The required fields of a run's figures."""

    recipe: str
    scored_on: str


class Outcome(files.JsonObject):
    """The required fields of a unit's result.json."""

    label: list[str]
    seed: int
    run: str
    result: RunResult
    environment: files.JsonObject
    test_error_percent: Annotated[list[float], Field(min_length=1)]
    test_loss: list[float]
    seconds: list[float]


class Attempts(files.JsonObject):
    """The required fields of attempts.json."""

    errors: list[str]


class Failure(Attempts):
    """The required fields of failed.json."""

    label: list[str]
    seed: int


class Ledger:
    """The folder of one study."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep_order(self, units: Iterable[Unit]) -> None:
        """Record the order of the units; those of earlier plans come after them.

        Raises StudyError or RunError where the folder cannot be written or locked.
        """
        self._make(self.folder)
        with files.lock_folder(self.folder, seconds=SECONDS_FOR_THE_ORDER):
            digests = dict.fromkeys([*(unit.digest for unit in units), *order(self.folder)])
            files.write_atomically(self.folder / ORDER, _json(list(digests)))

    def place(self, unit: Unit) -> Path:
        """Return the folder of a unit, and create it if needed. Raises StudyError."""
        return self._make(self.folder / "units" / unit.digest)

    def result(self, unit: Unit) -> dict[str, Any] | None:
        """Return the result of a unit, or None while it is not done. Raises StudyError when the file is damaged."""
        return _read(self.folder / "units" / unit.digest / "result.json", Outcome)

    def failure(self, unit: Unit) -> dict[str, Any] | None:
        """Return why a unit is set aside, or None."""
        return _read(self.folder / "units" / unit.digest / "failed.json", Failure)

    def finish(self, unit: Unit, result: dict[str, Any]) -> None:
        """Record the result of a unit. Idempotent."""
        place = self.place(unit)
        files.write_atomically(place / "result.json", _json(result))
        (place / "failed.json").unlink(missing_ok=True)

    def receive(self, unit: Unit, result: dict[str, Any], contents: dict[str, bytes]) -> None:
        """Record a result together with the files that another machine returned with it."""
        for name, content in contents.items():
            target = self.place(unit) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            files.write_atomically(target, content)
        if self.result(unit) is None:
            self.finish(unit, result)

    def fail(self, unit: Unit, error: str) -> bool:
        """Record a failed attempt; return whether the unit is now set aside."""
        place = self.place(unit)
        before = _read(place / "attempts.json", Attempts) or {"errors": []}
        errors = [*before["errors"], error]
        if len(errors) < ATTEMPTS:
            files.write_atomically(place / "attempts.json", _json({"errors": errors}))
            return False
        files.write_atomically(place / "failed.json", _json({"label": unit.label, "seed": unit.seed, "errors": errors}))
        (place / "attempts.json").unlink(missing_ok=True)
        return True

    def accept(self, unit: Unit, changes: list[str]) -> None:
        """Record that a result is counted although its conditions differ from the current ones."""
        files.write_atomically(self.place(unit) / "changes.json", _json(changes))

    def forgive(self, unit: Unit) -> None:
        """Allow a unit that was set aside to be tried again."""
        for name in ("failed.json", "attempts.json"):
            (self.place(unit) / name).unlink(missing_ok=True)

    @staticmethod
    def _make(path: Path) -> Path:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StudyError(f"{path}: cannot be created ({error.strerror}); choose another --folder.") from None
        return path

    @contextmanager
    def alone(self, unit: Unit) -> Iterator[None]:
        """Lock a unit within the block, after removing partial files that killed processes left behind.

        Raises BusyError when another process holds it, RunError where the file system has no locks.
        """
        place = self.place(unit)
        with files.lock_folder(place):
            files.remove_leftovers(place)
            yield


def order(folder: Path) -> list[str]:
    """Return the digests of a study's units in the order of its plan; an empty list if no order was recorded."""
    try:
        digests: list[str] = files.read_json(folder / ORDER, list[str], StudyError)
    except StudyError:
        return []
    return digests


def _json(values: dict[str, Any] | list[str]) -> bytes:
    return (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode()


def _read(path: Path, form: Any) -> dict[str, Any] | None:
    """Return the contents of a JSON file, or None when it does not exist. Raises StudyError when it is damaged."""
    if not path.exists():
        return None
    try:
        values: dict[str, Any] = files.read_json(path, form, StudyError)
    except StudyError as error:
        raise StudyError(f"{error} Delete it, and the unit is run again.") from None
    return values
