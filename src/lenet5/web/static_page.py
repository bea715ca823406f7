"""The page as files for any web host: nothing runs but the page itself."""

import json
from pathlib import Path

from lenet5 import files
from lenet5.models import file
from lenet5.models.model import Card

PAGE = Path(__file__).parent / "page"
TRAINING = Path(__file__).parent / "training"  # weights kept early in training, MODEL.safetensors
FACTS = ("test_accuracy_percent", "test_images", "scored_on", "data", "class_names", "epochs", "seed", "trained_on")


def model_list() -> list[dict[str, object]]:
    """Return what models/models.json says: name and file of each shipped model, and the facts of its card.

    `training`, where weights were kept early in its training, names their file and after how many images each was kept.
    Raises ModelError where a shipped file is damaged.
    """
    return [
        {"name": path.stem, "file": path.name, **_facts(file.read(path).card), **_training(path.stem)}
        for path in sorted(file.WEIGHTS.glob("*.safetensors"))
    ]


def contents() -> dict[str, bytes]:
    """Return every file of the static page: its path inside the folder -> what it holds."""
    found = {path.name: path.read_bytes() for path in sorted(PAGE.iterdir()) if path.is_file()}
    for path in (*file.WEIGHTS.glob("*.safetensors"), *TRAINING.glob("*.safetensors")):
        found[f"models/{_served(path)}"] = path.read_bytes()
    found["models/models.json"] = json.dumps(model_list(), indent=1).encode()
    return found


def export_page(folder: Path) -> list[Path]:
    """Write the page and the shipped models to a new folder; return the files. Raises RunError when it exists."""
    written = contents()
    files.write_folder_atomically(folder, written)
    return [folder / name for name in written]


def _facts(card: Card) -> dict[str, object]:
    return card.model_dump(mode="json", include=set(FACTS))


def _served(path: Path) -> str:
    return path.name if path.parent == file.WEIGHTS else f"{path.stem}.training.safetensors"


def _training(name: str) -> dict[str, object]:
    """Return the entry `training` of a model, or nothing."""
    path = TRAINING / f"{name}.safetensors"
    if not path.exists():
        return {}
    with path.open("rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    images = sorted({int(tensor.split("/")[0]) for tensor in header if "/" in tensor})
    return {"training": {"file": _served(path), "images": images}}
