"""The finished fits: one small file each in a folder, and those on record, which come with the package."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from importlib import resources
from pathlib import Path

from lenet5 import files
from lenet5.methods.catalogue import ROWS
from lenet5.methods.run import Result

NAME = "record.json"


class Kept(files.JsonObject):
    """A fit as a file holds it."""

    seed: int
    train_images: int
    test_images: int
    errors: int
    rejected: float | None
    multiply_adds: int
    memory: int
    seconds: float


Results = dict[str, list[Result]]  # by the name of the row, in the order of the seeds


def place(folder: Path, name: str, seed: int) -> Path:
    """Return where the fit of a row with a seed is kept."""
    return folder / "methods" / f"{name}-seed{seed}.json"


def keep(folder: Path, name: str, result: Result) -> None:
    """Write a finished fit. Raises RunError where the folder cannot be written."""
    target = place(folder, name, result.seed)
    target.parent.mkdir(parents=True, exist_ok=True)
    files.write_atomically(target, (json.dumps(asdict(result)) + "\n").encode())


def finished(folder: Path) -> Results:
    """Return the fits that a folder holds. Raises RunError for a damaged file, with its name."""
    found: Results = {}
    for name in ROWS:
        for path in sorted((folder / "methods").glob(f"{name}-seed[0-9]*.json")):
            found.setdefault(name, []).append(Result(**files.read_json(path, Kept)))
    return {name: sorted(results, key=lambda result: result.seed) for name, results in found.items()}


def on_record() -> Results:
    """Return the fits that come with the package."""
    text = resources.files("lenet5.methods").joinpath(NAME).read_text(encoding="utf-8")
    return {name: [Result(**each) for each in results] for name, results in json.loads(text).items()}


def merged(recorded: Results, fresh: Results) -> Results:
    """Return recorded fits with fresh ones in the place of those of the same seed."""
    return {
        name: _by_seed([*recorded.get(name, ()), *fresh.get(name, ())])
        for name in ROWS
        if name in recorded or name in fresh
    }


def write(path: Path, results: Results) -> None:
    """Write fits as the package's record, a line each; the same fits give the same bytes."""
    rows = [
        f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(asdict(each)) for each in fits) + "\n]"
        for name, fits in results.items()
    ]
    path.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


def _by_seed(results: Iterable[Result]) -> list[Result]:
    latest = {result.seed: result for result in results}
    return [latest[seed] for seed in sorted(latest)]
