"""Runs as a kill in their last epoch leaves them."""

import shutil
from pathlib import Path


def interrupted(finished: Path, place: Path) -> Path:
    """Copy a finished run into a folder, without its model, its result and its newest checkpoint; return the copy."""
    copy = place / finished.name
    shutil.copytree(finished, copy)
    for name in ("model.safetensors", "result.json"):
        (copy / name).unlink()
    newest = max((copy / "checkpoints").iterdir(), key=lambda folder: int(folder.name.rpartition("-")[2]))
    shutil.rmtree(newest)
    return copy
