"""Checkpoints: everything a run needs to go on as if it had never stopped.

A checkpoint is a folder `seed-1-step-1875` with the arrays (safetensors) and a manifest with their size and
SHA-256. It appears whole, under its final name, or not at all. A damaged one is found when it is read, and
the one before it is used. No random state is stored: streams are counter-based (see `seeds.py`), so the
seed and the position are enough.
"""

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors.numpy
from typing_extensions import TypedDict

from lenet5 import files
from lenet5.engines.contract import Weights
from lenet5.errors import RunError
from lenet5.models import tensors

FORMAT = "lenet5-checkpoint-1"
MOST_BYTES = 1 << 30
NAME = re.compile(r"seed-(?P<seed>\d{1,18})-step-(?P<step>\d{1,18})")
KEPT = 2  # the newest, and the one to fall back on


@dataclass(frozen=True)
class Position:
    """How far a run has come.

    seed        the seed in use: the recipe's, or that of a restart (`seeds.restarted`)
    epoch       the epoch under way, from 1
    step        steps taken in the whole run
    epoch_step  steps taken in this epoch
    loss_sum, correct, seen, seconds   running totals of this epoch: loss times images, images right,
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
    """Position, weights, what the optimiser remembers, and the sums of the weights that are averaged (float64)."""

    position: Position
    weights: Weights
    state: Weights
    sums: Weights = field(default_factory=dict)


class Manifest(files.JsonObject):
    """What of manifest.json must be there."""

    format: str
    position: PositionFields
    arrays_sha256: str
    manifest_sha256: str


def save(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint into `folder`, read it back, then drop all but the newest two. Raises RunError."""
    place = folder / f"seed-{checkpoint.position.seed}-step-{checkpoint.position.step}"
    if place.exists():  # the same step again: the same content, if it can be read
        try:
            read(place)
        except RunError:
            files.remove_folder(place)
        else:
            return place
    arrays = {f"weights/{name}": array for name, array in checkpoint.weights.items()}
    arrays |= {f"state/{name}": array for name, array in checkpoint.state.items()}
    arrays |= {f"sums/{name}": array for name, array in checkpoint.sums.items()}
    content = safetensors.numpy.save(arrays)
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "position": asdict(checkpoint.position),
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
    """Return the newest checkpoint that is whole, and a sentence for each damaged one that was passed over."""
    skipped: list[str] = []
    for place in _folders(folder):
        try:
            return read(place), skipped
        except RunError as error:
            skipped.append(str(error))
    return None, skipped


def read(place: Path) -> Checkpoint:
    """Read one checkpoint folder. Raises RunError when anything in it is missing or changed."""
    try:
        manifest = files.read_json(place / "manifest.json", Manifest)
        content = files.read_bytes(place / "arrays.safetensors", MOST_BYTES)
    except RunError as error:
        raise RunError(f"{place}: the checkpoint cannot be read ({error})") from None
    digest = manifest.pop("manifest_sha256")
    whole = (
        manifest["format"] == FORMAT
        and digest == _digest(manifest)
        and manifest["arrays_sha256"] == files.sha256_hex(content)
    )
    if not whole:
        raise RunError(f"{place}: the checkpoint is damaged; its digest is not the one in its manifest.")
    parts: dict[str, Weights] = {"weights": {}, "state": {}, "sums": {}}
    for name, array in tensors.parse(content, str(place), RunError).arrays.items():
        part, _, own_name = name.partition("/")
        if part not in parts:
            raise RunError(f"{place}: the checkpoint holds {name}, which is none of {', '.join(parts)}.")
        parts[part][own_name] = array
    return Checkpoint(Position(**manifest["position"]), **parts)


def _digest(manifest: dict[str, Any]) -> str:
    return files.sha256_hex(json.dumps(manifest, sort_keys=True).encode())


def _folders(folder: Path) -> list[Path]:
    """All checkpoint folders, the newest first; those of a restart, whose seed is larger, are newer."""
    named = [(match, place) for place in folder.glob("seed-*-step-*") if (match := NAME.fullmatch(place.name))]
    ages = {place: (int(match["seed"]), int(match["step"])) for match, place in named}  # not of copies, or of others
    return sorted(ages, key=ages.__getitem__, reverse=True)
