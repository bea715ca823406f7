"""The models shipped with the package, trained by its own recipes and available offline."""

from pathlib import Path

from lenet5.errors import ModelError
from lenet5.models import file
from lenet5.models.model import Model


def names() -> tuple[str, ...]:
    """Return the names of the shipped models, such as "modern"."""
    return tuple(sorted(path.stem for path in file.WEIGHTS.glob("*.safetensors")))


def read(name: str) -> Model:
    """Return a shipped model. Raises ModelError when its file is damaged."""
    return file.read(file.WEIGHTS / f"{name}.safetensors")


def is_shipped(model: Path) -> bool:
    """Return whether this is the name of a shipped model and not of a file."""
    return not model.exists() and str(model) in names()


def find(model: Path | str) -> Model:
    """Return a model by the name of a shipped one, its file, or its run folder. Raises ModelError."""
    path = Path(model)
    if is_shipped(path):
        return read(str(path))
    if path.is_dir():
        if not (path / "model.safetensors").exists():
            raise ModelError(f"{path}: contains no model.safetensors: an unfinished run, or not a run folder.")
        path = path / "model.safetensors"
    return file.read(path)
