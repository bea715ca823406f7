"""Results of a study, read from its folder alone, without its plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lenet5 import files
from lenet5.errors import StudyError
from lenet5.studies import ledger
from lenet5.training.run import RunFolder


@dataclass(frozen=True)
class Finished:
    """One finished unit: its label, its seed, its result as it was written, and its run folder."""

    label: str
    seed: int
    result: dict[str, Any]
    run: RunFolder

    @property
    def errors(self) -> list[float]:
        """The error after each epoch, in percent, on what the run was scored on."""
        return [float(error) for error in self.result["test_error_percent"]]

    @property
    def scored_on(self) -> str:
        """Which images: "test" or "validation"."""
        return str(self.result["result"]["scored_on"])


def read(folder: Path) -> list[Finished]:
    """Return the finished units of a study, by label in the order of the plan, then by seed.

    A folder of `lenet5 reproduce` holds several recipes; then a label begins with the recipe's name.

    Raises StudyError when the folder is no study's, or nothing in it is finished.
    """
    if not (folder / "units").is_dir():
        raise StudyError(f"{folder}: neither a run folder nor a study's; a study's folder holds units/.")
    places = {digest: place for place, digest in enumerate(ledger.order(folder))}
    results = {
        path: files.read_json(path, ledger.Outcome, StudyError)
        for path in sorted(
            (folder / "units").glob("*/result.json"), key=lambda path: places.get(path.parent.name, len(places))
        )
    }
    if not results:
        raise StudyError(f"{folder}: no run of this study is finished yet.")
    recipes = {result["result"]["recipe"] for result in results.values()}
    found = []
    for path, result in results.items():
        words = [result["result"]["recipe"]] if len(recipes) > 1 else []
        label = ", ".join(dict.fromkeys([*words, *result["label"]]))
        found.append(Finished(label, result["seed"], result, RunFolder(path.parent / result["run"])))
    order = list(dict.fromkeys(unit.label for unit in found))
    return sorted(found, key=lambda unit: (order.index(unit.label), unit.seed))


def by_label(units: Sequence[Finished]) -> dict[str, list[Finished]]:
    """Return the units of each choice, in their order."""
    return {label: [unit for unit in units if unit.label == label] for label in dict.fromkeys(u.label for u in units)}


def set_aside(folder: Path) -> list[tuple[str, str]]:
    """Return label with seed, and the last line of the error, of each unit that is set aside."""
    failures = [files.read_json(path, ledger.Failure, StudyError) for path in (folder / "units").glob("*/failed.json")]
    return sorted(
        (f"{', '.join(failure['label'])}, seed {failure['seed']}", failure["errors"][-1].strip().splitlines()[-1])
        for failure in failures
    )
