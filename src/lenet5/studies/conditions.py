"""The identity that the units of a study must have, so that no result of other data or engines counts among them."""

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
    """The conditions here and now: each unit runs in one thread; the data are read once."""

    def __init__(self, data_folder: Path | None) -> None:
        self._data_folder = data_folder
        self._fingerprints: dict[tuple[str, int | None, int], dict[str, str]] = {}

    def of(self, unit: Unit) -> Identity:
        """Return the identity of a unit, apart from its teachers, which are trained first. Raises DataError."""
        recipe = unit.recipe
        part = recipe.data, recipe.images, recipe.validation
        if part not in self._fingerprints:
            self._fingerprints[part] = identity.fingerprints(parts(recipe, self._data_folder))
        start = shipped.find(recipe.start_from) if recipe.start_from else None
        machine = registry.get(unit.engine, unit.device)
        found = identity.of_run(recipe, machine, self._fingerprints[part], start=start)
        return found | ({"threads": "1"} if "threads" in found else {})

    def check(self, unit: Unit, result: dict[str, Any], where: Path, *, accepted: bool) -> list[str]:
        """Return how the conditions of a finished unit differ from those of now, if that is accepted.

        Raises StudyError, naming what differs, when it is not accepted. Without the data no new run can be computed, so
        a finished result is not compared.
        """
        try:
            now = self.of(unit)
        except DataError:
            return []
        before = identity.recorded(result["environment"], now)
        before.pop("teachers", None)
        return identity.check(before, now, where=str(where), accepted=accepted, error=StudyError)
