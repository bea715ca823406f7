"""The run folder: one training run on disk.

recipe.toml        the recipe as it was run, overrides included
environment.json   versions, machine, engine, threads, data fingerprints
history.jsonl      what happened, row by row
checkpoints/       the newest two
model.safetensors  the outcome
result.json        its figures
"""

import json
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lenet5 import files
from lenet5.distribution import VERSION
from lenet5.errors import RunError
from lenet5.machine import usable_cores
from lenet5.spec import text
from lenet5.spec.recipe import Recipe
from lenet5.training.history import History


class Environment(files.JsonObject):
    """What of environment.json must be there."""

    lenet5: str


class Result(files.JsonObject):
    """What of result.json must be there."""

    seed: int
    test_images: int
    test_images_correct: int
    test_accuracy_percent: float


class RunFolder:
    """Names, reads and writes the files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.model = path / "model.safetensors"
        self._recipe = path / "recipe.toml"
        self._environment = path / "environment.json"
        self._result = path / "result.json"

    @classmethod
    def create(cls, runs_folder: Path, recipe: Recipe, environment: Mapping[str, Any]) -> "RunFolder":
        """Make a new folder `<recipe>-seed<seed>`, numbered if that name is taken. Raises RunError."""
        name = f"{recipe.name}-seed{recipe.seed}"
        number = 1
        while True:
            path = runs_folder / (name if number == 1 else f"{name}-{number}")
            try:
                path.mkdir(parents=True)
                (path / "checkpoints").mkdir()
                break
            except FileExistsError:
                if not path.is_dir():
                    raise RunError(f"{path}: a file stands where the run folder should go.") from None
                number += 1
            except OSError as error:
                raise RunError(
                    f"{path}: the run folder cannot be made ({error.strerror}); choose another with --runs."
                ) from None
        run = cls(path)
        files.write_atomically(run._recipe, text.dump(recipe).encode())
        files.write_atomically(run._environment, _json(environment))
        return run

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Open a run made before. Raises RunError when the folder is not one."""
        run = cls(path)
        if not run._recipe.is_file():
            raise RunError(f"{path}: not a run folder; it holds no recipe.toml.")
        return run

    def recipe(self) -> Recipe:
        """Return the recipe as it was run. Raises RecipeError when its file is damaged."""
        return text.parse(files.read_text(self._recipe), where=str(self._recipe))

    def environment(self) -> dict[str, Any]:
        """Return what is recorded of the machine and the data. Raises RunError."""
        environment: dict[str, Any] = files.read_json(self._environment, Environment)
        return environment

    def history(self) -> History:
        """Return the rows so far. Raises RunError when they are damaged."""
        return History(self.path / "history.jsonl")

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write the figures of a finished run."""
        files.write_atomically(self._result, _json(result))

    def result(self) -> dict[str, Any] | None:
        """Return the figures, or None while the run is not finished. Raises RunError."""
        return files.read_json(self._result, Result) if self._result.exists() else None


def environment_now() -> dict[str, Any]:
    """Return what a record must tell of this process and machine to repeat a run."""
    return {
        "lenet5": VERSION,
        "python": sys.version.split()[0],
        "numpy": version("numpy"),  # draws first weights and order, whatever the engine
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": usable_cores(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _json(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()
