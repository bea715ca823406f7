"""Checkpoints: everything a run needs to go on as if it had never stopped.

A checkpoint is a folder `seed-1-epoch-2-step-1875` with the arrays (safetensors) and a manifest: position, recipe,
environment, the rows of the history, and digests of it all. It appears whole, under its final name, or not at all. It
is the only truth about a run; the other files of the run folder are copies of what it holds. A damaged one is found
when it is read, and the one before it is used. No random state is stored: streams are counter-based (see `seeds.py`),
so the seed and the position are enough.
"""

import contextlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors.numpy
from typing_extensions import TypedDict

from lenet5 import files
from lenet5.engines.contract import Weights
from lenet5.errors import RunError
from lenet5.models import tensors
from lenet5.training import history
from lenet5.training.history import Row

FORMAT = "lenet5-checkpoint-2"
MOST_BYTES = 1 << 30
KEPT = 2  # the newest, and the one to fall back on
# The first format had no epoch in its names; such checkpoints are found, and refused in words.
NAME = re.compile(r"seed-(\d{1,18})-(?:epoch-(\d{1,18})-)?step-(\d{1,18})")


class OtherFormatError(RunError):
    """A checkpoint was written by another version of lenet5."""


@dataclass(frozen=True)
class Position:
    """How far a run has come.

    seed        the seed in use: the recipe's, or that of a restart (`seeds.restarted`)
    epoch       the epoch under way, from 1
    step        steps taken in the whole run
    epoch_step  steps taken in this epoch
    loss_sum, correct, seen, seconds   running totals of this epoch: loss times images, images correctly classified,
                images, seconds of training
    """

    seed: int
    epoch: int = 1
    step: int = 0
    epoch_step: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    seen: int = 0
    seconds: float = 0.0


class PositionFields(TypedDict):
    """The fields of a position, as a manifest holds them."""

    seed: int
    epoch: int
    step: int
    epoch_step: int
    loss_sum: float
    correct: int
    seen: int
    seconds: float


@dataclass(frozen=True)
class Checkpoint:
    """One moment of a run.

    weights      of the network
    state        what the optimiser remembers
    recipe       the text of recipe.toml
    environment  the content of environment.json, the run's identity in it
    rows         the history so far
    sums         sums of the weights that are averaged (float64)
    """

    position: Position
    weights: Weights
    state: Weights
    recipe: str
    environment: dict[str, Any]
    rows: Sequence[Row] = ()
    sums: Weights = field(default_factory=dict)


class Manifest(files.JsonObject):
    """The fields that manifests of every format have."""

    format: str
    position: PositionFields
    arrays_sha256: str
    manifest_sha256: str


class ManifestOfFormat(files.JsonObject):
    """The further fields of a manifest of this format."""

    recipe: str
    environment: files.JsonObject
    history: list[Any]


def save(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint into `folder`, read it back, then drop all but the newest two. Raises RunError."""
    position = checkpoint.position
    place = folder / f"seed-{position.seed}-epoch-{position.epoch}-step-{position.step}"
    if place.exists():  # the same moment again; under the same conditions its weights are the same
        with contextlib.suppress(RunError):
            if read(place).environment == checkpoint.environment:
                return place
        files.remove_folder(place)
    arrays = {f"weights/{name}": array for name, array in checkpoint.weights.items()}
    arrays |= {f"state/{name}": array for name, array in checkpoint.state.items()}
    arrays |= {f"sums/{name}": array for name, array in checkpoint.sums.items()}
    content = safetensors.numpy.save(arrays)
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "position": asdict(position),
        "recipe": checkpoint.recipe,
        "environment": checkpoint.environment,
        "history": [history.to_values(row) for row in checkpoint.rows],
        "arrays_bytes": len(content),
        "arrays_sha256": files.sha256_hex(content),
    }
    manifest["manifest_sha256"] = _digest(manifest)
    files.write_folder_atomically(
        place, {"arrays.safetensors": content, "manifest.json": json.dumps(manifest, indent=1).encode()}
    )
    read(place)  # never drop an old checkpoint for a new one that cannot be read
    for old in _folders(folder)[KEPT:]:
        files.remove_folder(old)
    return place


def newest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """Return the newest checkpoint that is whole, and a sentence for each damaged one that was passed over.

    Raises OtherFormatError at one of another version.
    """
    skipped: list[str] = []
    for place in _folders(folder):
        try:
            return read(place), skipped
        except OtherFormatError:
            raise
        except RunError as error:
            skipped.append(str(error))
    return None, skipped


def read(place: Path) -> Checkpoint:
    """Read one checkpoint folder. Raises RunError when anything in it is missing or changed, or of another format."""
    try:
        manifest = files.read_json(place / "manifest.json", Manifest)
        content = files.read_bytes(place / "arrays.safetensors", MOST_BYTES)
    except RunError as error:
        raise RunError(f"{place}: the checkpoint cannot be read ({error})") from None
    digest = manifest.pop("manifest_sha256")
    if digest != _digest(manifest) or manifest["arrays_sha256"] != files.sha256_hex(content):
        raise RunError(f"{place}: the checkpoint is damaged; its digest is not the one in its manifest.")
    if manifest["format"] != FORMAT:
        raise OtherFormatError(
            f"{place}: the checkpoint has the format {manifest['format']}, expected {FORMAT}. Finish this run with the "
            "version of lenet5 that began it, or begin anew with `lenet5 train`."
        )
    files.checked(manifest, ManifestOfFormat, str(place / "manifest.json"))
    parts: dict[str, Weights] = {"weights": {}, "state": {}, "sums": {}}
    for name, array in tensors.parse(content, str(place), RunError).arrays.items():
        part, _, own_name = name.partition("/")
        if part not in parts:
            raise RunError(f"{place}: the checkpoint holds {name}, which is none of {', '.join(parts)}.")
        parts[part][own_name] = array
    rows = [history.from_values(values, str(place)) for values in manifest["history"]]
    return Checkpoint(
        Position(**manifest["position"]),
        recipe=manifest["recipe"],
        environment=manifest["environment"],
        rows=rows,
        **parts,
    )


def _digest(manifest: dict[str, Any]) -> str:
    return files.sha256_hex(json.dumps(manifest, sort_keys=True).encode())


def _folders(folder: Path) -> list[Path]:
    """All checkpoint folders, the newest first; those of a restart, whose seed is larger, are newer."""
    found = [(match, place) for place in folder.glob("seed-*") if (match := NAME.fullmatch(place.name))]
    return [place for match, place in sorted(found, key=lambda item: _age(item[0]), reverse=True)]


def _age(name: re.Match[str]) -> tuple[int, int, int]:
    seed, epoch, step = (int(number or 0) for number in name.groups())
    return seed, step, epoch
