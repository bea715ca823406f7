"""The models that come with the package: trained by its own recipes, ready offline."""

from pathlib import Path

from lenet5.errors import ModelError
from lenet5.models import file
from lenet5.models.model import Model


def names() -> tuple[str, ...]:
    """Return the names of the shipped models, such as "modern"."""
    return tuple(sorted(path.stem for path in file.WEIGHTS.glob("*.safetensors")))


def read(name: str) -> Model:
    """Return a shipped model. Raises ModelError where its file is damaged."""
    return file.read(file.WEIGHTS / f"{name}.safetensors")


def is_shipped(model: Path) -> bool:
    """Whether these words name a shipped model and no file."""
    return not model.exists() and str(model) in names()


def find(model: Path | str) -> Model:
    """Return a model by a shipped one's name, its file, or the run folder that holds it. Raises ModelError."""
    path = Path(model)
    if is_shipped(path):
        return read(str(path))
    if path.is_dir():
        if not (path / "model.safetensors").exists():
            raise ModelError(f"{path}: holds no model.safetensors; its run is not finished, or it is no run folder.")
        path = path / "model.safetensors"
    return file.read(path)
