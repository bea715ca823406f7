"""The identity that every unit of a study must share, so that results of other data or engines are not mixed in."""

from pathlib import Path
from typing import Any

from lenet5.engines import registry
from lenet5.errors import DataError, StudyError
from lenet5.models import shipped
from lenet5.studies.units import Unit
from lenet5.training import identity
from lenet5.training.identity import Identity
from lenet5.training.train import parts


class Conditions:
    """The current conditions: data, which are read once, engine, and the number of threads that compute a unit."""

    def __init__(self, data_folder: Path | None, threads: int) -> None:
        self._data_folder, self._threads = data_folder, threads
        self._fingerprints: dict[tuple[str, int | None, int], dict[str, str]] = {}

    def of(self, unit: Unit) -> Identity:
        """Return the identity of a unit without its teachers, which are trained first. Raises DataError."""
        recipe = unit.recipe
        part = recipe.data, recipe.images, recipe.validation
        if part not in self._fingerprints:
            self._fingerprints[part] = identity.fingerprints(parts(recipe, self._data_folder))
        start = shipped.find(recipe.start_from) if recipe.start_from else None
        machine = registry.get(unit.engine, unit.device)
        found = identity.of_run(recipe, machine, self._fingerprints[part], start=start)
        return found | ({"threads": str(self._threads)} if "threads" in found else {})

    def check(self, unit: Unit, result: dict[str, Any], where: Path, *, accepted: bool) -> list[str]:
        """Return how the conditions of a finished unit differ from the current ones, if differences are accepted.

        Raises StudyError, naming the differences, when they are not accepted. Without the data nothing new can be
        computed, so finished results are not checked.
        """
        try:
            now = self.of(unit)
        except DataError:
            return []
        before = identity.recorded(result["environment"], now)
        before.pop("teachers", None)
        return identity.check(before, now, where=str(where), accepted=accepted, error=StudyError)
