"""The run folder: one training run on disk.

recipe.toml        the recipe as it was run, overrides included
environment.json   the run's identity, and the machine
history.jsonl      what happened, row by row
checkpoints/       the newest two; each holds all of the above, which are copies
model.safetensors  the outcome
result.json        its figures
"""

import json
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lenet5 import files
from lenet5.display import Shown
from lenet5.errors import RecipeError, RunError
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


class RunFolder(Shown):
    """Names, reads and writes the files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.model = path / "model.safetensors"
        self._recipe = path / "recipe.toml"
        self._environment = path / "environment.json"
        self._result = path / "result.json"

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

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
                number += 1
            except OSError as error:
                raise RunError(
                    f"{path}: the run folder cannot be made ({error.strerror}); choose another with --runs."
                ) from None
        run = cls(path)
        run.write_record(recipe, environment)
        return run

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Open a run made before. Raises RunError when the folder is not one."""
        run = cls(path)
        if not run._recipe.is_file() and not any(run.checkpoints.glob("seed-*")):
            raise RunError(
                f"{path}: not a run folder, or one whose making was cut off: it holds neither recipe.toml nor a "
                "checkpoint. Begin anew with `lenet5 train RECIPE`."
            )
        return run

    def write_record(self, recipe: Recipe, environment: Mapping[str, Any]) -> None:
        """Write down what is run, and under which conditions. Raises RunError."""
        files.write_atomically(self._environment, _json(environment))
        files.write_atomically(self._recipe, text.dump(recipe).encode())  # last: with it the folder is a run

    def recipe(self) -> Recipe:
        """Return the recipe as it was run. Raises RecipeError when its file is damaged."""
        return text.parse(files.read_text(self._recipe), where=str(self._recipe))

    def environment(self) -> dict[str, Any]:
        """Return what is recorded of the machine and the data. Raises RunError."""
        environment: dict[str, Any] = files.read_json(self._environment, Environment)
        return environment

    def recorded_recipe(self) -> Recipe | None:
        """Return the recipe, or None where its file is damaged or gone."""
        try:
            return self.recipe()
        except (RunError, RecipeError):
            return None

    def recorded_environment(self) -> dict[str, Any]:
        """Return what is recorded of the machine and the data; nothing where the file is damaged or gone."""
        try:
            return self.environment()
        except RunError:
            return {}

    @property
    def history_path(self) -> Path:
        """The file of the history."""
        return self.path / "history.jsonl"

    def history(self) -> History:
        """Return the rows so far. Raises RunError when they are damaged."""
        return History(self.history_path)

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write the figures of a finished run."""
        files.write_atomically(self._result, _json(result))

    def result(self) -> dict[str, Any] | None:
        """Return the figures, or None while the run is not finished. Raises RunError."""
        return files.read_json(self._result, Result) if self._result.exists() else None

    def withdraw_result(self) -> None:
        """Take the figures back: the run is trained on. Raises RunError."""
        try:
            self._result.unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{self._result}: cannot be removed ({error.strerror}).") from None

    def is_whole(self) -> bool:
        """Return whether the run is finished and its model is the one in its result."""
        try:
            result = self.result() or {}
            return bool(result) and result.get("model_sha256") == files.file_sha256(self.model)
        except (RunError, OSError):
            return False


def environment_now() -> dict[str, Any]:
    """Return what a record tells of this process and machine beside the run's identity."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": usable_cores(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _json(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()
