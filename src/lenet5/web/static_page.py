"""Export of the page as static files for any web host."""

import base64
import json
import re
from pathlib import Path

from lenet5 import files
from lenet5.errors import RunError
from lenet5.models import file
from lenet5.models.model import Card
from lenet5.spec.digits import knows_digits
from lenet5.web import page_training

PAGE = Path(__file__).parent / "page"
TRAINING = Path(__file__).parent / "training"  # weights kept early in training, MODEL.safetensors
# For the single file, which contains everything and loads nothing.
SINGLE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' data:; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)
MOST_PARAMETERS = 100_000
ENGINE, PLAN, IMAGES = "training/engine.wasm.gz", "training/plan.json", "training/images.gz"
FACTS = ("test_accuracy_percent", "test_images", "scored_on", "data", "class_names", "epochs", "seed", "trained_on")


def model_list() -> list[dict[str, object]]:
    """Return the contents of models/models.json: name, file and card of each shipped model that the page can draw.

    `training`, if weights from early training exist, names their file, the number of images before each, and the error
    rate of each on the test images, in percent. Raises ModelError when a shipped file is damaged.
    """
    return [
        {"name": path.stem, "file": path.name, **_facts(file.read(path).card), **_training(path.stem)}
        for path in _drawable()
    ]


def _drawable() -> list[Path]:
    """Return the files of the shipped models that classify a drawn digit and whose layers fit on the page."""
    models = {path: file.read(path) for path in sorted(file.WEIGHTS.glob("*.safetensors"))}
    return [
        path
        for path, model in models.items()
        if knows_digits(model.card.class_names) and model.architecture.parameters <= MOST_PARAMETERS
    ]


def contents(*, images: bool) -> dict[str, bytes]:
    """Return every file of the static page but the training images: path inside the folder -> contents.

    images  whether the training images will be at IMAGES
    """
    found = {path.name: path.read_bytes() for path in sorted(PAGE.iterdir()) if path.is_file()}
    for path in (*_drawable(), *TRAINING.glob("*.safetensors")):
        found[f"models/{_served(path)}"] = path.read_bytes()
    found["models/models.json"] = json.dumps(model_list(), indent=1).encode()
    found[ENGINE] = page_training.ENGINE.read_bytes()
    found[PLAN] = json.dumps(page_training.page_plan() | {"images": IMAGES if images else None}).encode()
    return found


def export_page(folder: Path, images: bytes | None = None) -> list[Path]:
    """Write the page and the shipped models to a new folder; return the files. Raises RunError when it exists.

    images  what `page_training.images` returns, so that the page can train; None leaves them out
    """
    written = _with(images)
    files.write_folder_atomically(folder, written)
    return [folder / name for name in written]


def single_file(images: bytes | None = None) -> bytes:
    """Return the page with the shipped models as one HTML file that also works from file://.

    Modules and models are embedded as base64, because browsers load neither from other local files. The modules import
    one another through an import map, because relative addresses do not work in data: URLs.

    images  as for `export_page`
    """
    page = {path.name: path.read_text(encoding="utf-8") for path in sorted(PAGE.iterdir()) if path.is_file()}
    modules = {name: source for name, source in page.items() if name.endswith(".js")}
    imports = {f"lenet5/{name}": _data_url("text/javascript", _by_map(source)) for name, source in modules.items()}
    embedded = {name: base64.b64encode(content).decode() for name, content in _with(images).items() if "/" in name}
    html = page["index.html"]
    for tag, replacement in (
        ("default-src 'self'", SINGLE_POLICY),
        ('href="icon.svg"', f'href="{_data_url("image/svg+xml", page["icon.svg"])}"'),
        ('<link rel="stylesheet" href="style.css">', f"<style>{page['style.css']}</style>"),
        (
            '<link rel="modulepreload" href="main.js">',
            f'<script type="importmap">{json.dumps({"imports": imports})}</script>\n'
            f'<script type="application/json" id="embedded">{json.dumps(embedded)}</script>',
        ),
        ('<script type="module" src="main.js"></script>', '<script type="module">import "lenet5/main.js";</script>'),
    ):
        assert html.count(tag) == 1, f"index.html has not exactly one {tag}"
        html = html.replace(tag, replacement)
    return html.encode()


def export_single_file(path: Path, images: bytes | None = None) -> None:
    """Write the page as one HTML file. Raises RunError when the file exists, or on disk errors."""
    if path.exists():
        raise RunError(f"{path} already exists; choose another name.")
    files.write_atomically(path, single_file(images))


def _with(images: bytes | None) -> dict[str, bytes]:
    """Return every file of the static page, with the training images if they are given."""
    return contents(images=images is not None) | ({} if images is None else {IMAGES: images})


def _by_map(source: str) -> str:
    """Rewrite the names of other modules in a module to use the import map."""
    return re.sub(r'(from |import |resolve\()"\./([a-z_]+\.js)"', r'\1"lenet5/\2"', source)


def _data_url(kind: str, text: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"


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
    errors = json.loads(header["__metadata__"]["errors_percent"])
    return {"training": {"file": _served(path), "images": images, "errors_percent": errors}}
