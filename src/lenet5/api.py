"""The functions of `import lenet5`, named like the commands."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console

from lenet5.data.datasets import ALL, fitted, is_own
from lenet5.data.datasets import load as load_data
from lenet5.engines import registry
from lenet5.engines.threads import use_threads
from lenet5.errors import RecipeError
from lenet5.exchange import write
from lenet5.exchange.to_onnx import Form
from lenet5.exchange.write import Exported
from lenet5.inference.ensemble import Ensemble
from lenet5.inference.evaluation import Evaluation
from lenet5.inference.evaluation import evaluate as evaluate_predictor
from lenet5.inference.predictor import Predictor
from lenet5.models import shipped
from lenet5.progress import Bar, Wanted
from lenet5.reading.predictor import ReadingPredictor
from lenet5.recipes import catalogue
from lenet5.spec import text
from lenet5.spec.recipe import Recipe
from lenet5.training import train as training
from lenet5.training.run import RunFolder
from lenet5.training.start import started_from
from lenet5.training.trainer import Observer


def train(
    recipe: str | Recipe,
    *,
    data: Path | str | None = None,
    start_from: Path | str | None = None,
    freeze: Sequence[str] = (),
    engine: str = registry.AUTO,
    device: str = registry.AUTO,
    seed: int | None = None,
    epochs: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    data_folder: Path | str | None = None,
    runs_folder: Path | str = "runs",
    score_train: bool = False,
    threads: int | None = None,
    progress: Wanted = True,
    observer: Observer | None = None,
) -> RunFolder:
    """Train a recipe and return its run folder, with model, history, result and curves.

    recipe       a shipped recipe's name, the path of a TOML file, or a Recipe
    engine       "native", "numpy" or "torch"; "auto" is native where it was built
    device       "cpu", "cuda" or "mps", the last two by torch; "auto" is the engine's fastest
    data         another data set's name, or the path of your own labelled images: a folder for each class, or CSV, IDX,
                 NumPy or Parquet files; the network then has an output for each of their classes
    start_from   a shipped model's name, a model file or a run folder: its network and weights are trained on with the
                 recipe's optimizer (fine-tuning); a last layer of another size is drawn anew
    freeze       layers whose weights stay as they are, such as ("C1", "C3")
    overrides    fields by dotted name, such as {"optimizer.learning_rate": 0.02}
    score_train  score the whole training set after each epoch, too
    threads      that compute in this process from now on; as many as there are cores if not given
    progress     show a bar, and a line for each epoch; "curve" also draws the curves anew after each epoch, in a
                 notebook; False is silent
    observer     is told instead of the bar

    Raises Lenet5Error of the kind that fits; see `lenet5.errors`.

    Examples
    --------
    >>> run = lenet5.train("archaeology", epochs=1, seed=3)  # doctest: +SKIP
    >>> run.result()["test_accuracy_percent"]  # doctest: +SKIP
    97.6

    """
    use_threads(threads)
    if overrides is not None and not isinstance(overrides, Mapping):
        raise RecipeError(f'overrides is {overrides!r}; expected a dictionary such as {{"batch_size": 64}}.')
    given = dict(overrides or {})
    given |= {
        key: value for key, value in (("data", _name(data)), ("seed", seed), ("epochs", epochs)) if value is not None
    }
    changes = [f"{key}={_toml(value)}" for key, value in given.items()]
    changes += [f"frozen={json.dumps(list(freeze))}"] if freeze else []
    if isinstance(recipe, Recipe):
        plan = text.parse(text.dump(recipe), where=recipe.name, overrides=changes)
    else:
        plan = catalogue.load(recipe, overrides=changes)
    plan = fitted(plan)
    if start_from is not None:
        plan = started_from(plan, str(start_from))
    with _watched(progress, observer) as watcher:
        run = training.train(
            plan,
            engine=engine,
            device=device,
            data_folder=_path(data_folder),
            runs_folder=Path(runs_folder),
            score_train=score_train,
            observer=watcher,
        )
    _draw(run)
    return run


def resume(
    run: Path | str,
    *,
    engine: str | None = None,
    device: str | None = None,
    data_folder: Path | str | None = None,
    score_train: bool = False,
    threads: int | None = None,
    progress: Wanted = True,
    observer: Observer | None = None,
    accept_changes: bool = False,
    epochs: int | None = None,
) -> RunFolder:
    """Go on with a run that was stopped or killed; the end is the same, byte for byte. A finished run is left as is.

    engine, device  the run's own if not given
    epochs          train on, to more epochs than the run has; that is recorded
    threads, progress, observer  as in `train`
    accept_changes  go on also under other conditions than those the run was begun under (recipe, data, engine, ...),
                    which then ends in other bytes; the changes are recorded

    Raises RunError, naming what differs, when the conditions are others and that is not accepted; Lenet5Error of the
    kind that fits otherwise.
    """
    use_threads(threads)
    with _watched(progress, observer) as watcher:
        folder = training.resume(
            Path(run),
            engine=engine,
            device=device,
            data_folder=_path(data_folder),
            score_train=score_train,
            observer=watcher,
            accept_changes=accept_changes,
            epochs=epochs,
        )
    _draw(folder)
    return folder


def load(
    model: Path | str, *, engine: str = registry.AUTO, device: str = registry.AUTO, threads: int | None = None
) -> ReadingPredictor:
    """Return a model ready to answer; one of digits can `read` pictures.

    model    the name of a model that comes with the package, such as "modern"; a model file (.safetensors); a run
             folder
    device   "cpu", "cuda" or "mps", the last two by engine "torch"; "auto" is the engine's fastest
    threads  as in `train`

    Raises ModelError when it cannot be read, EngineError when the engine is not installed.
    """
    use_threads(threads)
    return ReadingPredictor(shipped.find(model), engine=engine, device=device)


def evaluate(
    model: Path | str | Predictor | Sequence[Path | str | Predictor],
    *,
    data: Path | str | None = None,
    part: str | None = None,
    data_folder: Path | str | None = None,
    engine: str = registry.AUTO,
    device: str = registry.AUTO,
    threads: int | None = None,
) -> Evaluation:
    """Return how well a model does on a data set: accuracy, interval, confusion, misclassified images.

    model  anything that `load` takes; several are an ensemble, which answers by the mean of their probabilities
    data  a data set's name, or the path of your own labelled images; what the model was trained on if not given
    part  "test" if not given; of your own images that the model was not trained on, all
    threads  as in `train`

    Raises Lenet5Error of the kind that fits.
    """
    use_threads(threads)
    models = [model] if isinstance(model, Path | str | Predictor) else model
    members = [each if isinstance(each, Predictor) else load(each, engine=engine, device=device) for each in models]
    trained_on = members[0].model.card.data
    name = _name(data) or trained_on
    predictor = members[0] if len(members) == 1 else Ensemble(members)
    unseen = is_own(name) and Path(name).resolve() != Path(trained_on).resolve()
    part = part or (ALL if unseen else "test")
    return evaluate_predictor(predictor, load_data(name, part, _path(data_folder)))


def export(
    model: Path | str | Predictor,
    path: Path | str | None = None,
    *,
    to: str,
    weights: str | None = None,
    integers: bool = False,
    prefix: str = "lenet5",
    batch: int | None = None,
    floats: bool = False,
    threads: int | None = None,
    data_folder: Path | str | None = None,
) -> Exported:
    """Write a model for another program, and return the files and what was checked.

    path      the file, or for "c" the folder; without it, beside the model: model.onnx, model_plain.safetensors, c/
    to        "onnx", "c" (one header and one source file in C99) or "safetensors" (PyTorch's names and shapes)
    weights   of "c": "float" (the default) or "int8"; with `integers`, "int8" (the default) or "int4"
    integers  of "c": compute in integers only, for microcontrollers; needs training images of the model's data set
    prefix    of "c": begins the names of files and functions
    batch     of "onnx": the number of images, if it is fixed, as OpenCV requires
    floats    of "onnx": whether the images are float32 (N, 1, 28, 28), 0..255, instead of uint8 (N, 28, 28)
    threads   as in `train`

    Raises ModelError, RunError, EngineError.

    Examples
    --------
    >>> lenet5.export("runs/archaeology-seed1", to="onnx").files  # doctest: +SKIP
    (PosixPath('runs/archaeology-seed1/model.onnx'),)

    """
    use_threads(threads)
    predictor = model if isinstance(model, Predictor) else load(model)
    if path is None:
        beside = Path() if isinstance(model, Predictor) else Path(model)
        beside = beside if beside.is_dir() else beside.parent
        path = beside / {"onnx": "model.onnx", "c": "c"}.get(to, "model_plain.safetensors")
    form = Form(batch, floats) if batch is not None or floats else None
    return write.export(
        predictor,
        Path(path),
        to=to,
        weights=weights,
        integers=integers,
        prefix=prefix,
        form=form,
        data_folder=_path(data_folder),
    )


def _watched(wanted: Wanted, observer: Observer | None) -> AbstractContextManager[Observer | None]:
    """Return who watches: the observer given, or a bar where it is wanted."""
    if observer is not None or not wanted:
        return nullcontext(observer)
    return Bar(Console(highlight=False), curve=wanted == "curve")


def _draw(run: RunFolder) -> None:
    """Draw a finished run's curves."""
    from lenet5.reports import run_pictures  # its library of pictures takes a third of a second to import

    run_pictures.draw(run)


def _path(folder: Path | str | None) -> Path | None:
    return None if folder is None else Path(folder)


def _name(data: Path | str | None) -> str | None:
    """Return the name of a data set, or a path as a recipe holds it."""
    return str(data.resolve()) if isinstance(data, Path) else data


def _toml(value: Any) -> str:
    """Write a plain value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)
