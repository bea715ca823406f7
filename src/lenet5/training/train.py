"""Train a recipe: from its name to a finished run folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from lenet5 import files, metrics
from lenet5.data import prepare, sources
from lenet5.data.batches import Examples
from lenet5.data.datasets import Images, load
from lenet5.engines import registry
from lenet5.engines.contract import Engine, Network
from lenet5.engines.scoring import score_all
from lenet5.errors import DataError, RunError
from lenet5.models import file as model_file
from lenet5.models import fold
from lenet5.models.calibration import calibrated
from lenet5.models.model import Calibration, Card, Model
from lenet5.recipes import catalogue
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Sgd
from lenet5.spec.recipe import Recipe
from lenet5.training.checkpoint import Position
from lenet5.training.history import EpochRow, Incident
from lenet5.training.interrupt import StopRequest, polite_stop
from lenet5.training.run import RunFolder, environment_now
from lenet5.training.teaching import Teaching
from lenet5.training.trainer import Observer, Trainer


class Unwatched:
    """An observer that looks away."""

    def started(self, steps: int) -> None:
        """Ignore."""

    def progress(self, position: Position, loss: float, images_per_second: float) -> None:
        """Ignore."""

    def epoch(self, row: EpochRow) -> None:
        """Ignore."""

    def incident(self, incident: Incident) -> None:
        """Ignore."""


def train(
    recipe: Recipe,
    *,
    engine: str = registry.AUTO,
    device: str = registry.AUTO,
    data_folder: Path | None = None,
    runs_folder: Path = Path("runs"),
    score_train: bool = False,
    observer: Observer | None = None,
) -> RunFolder:
    """Train a recipe from its first weights, and return the folder of the finished run.

    data_folder  where the data sets lie; see `data.fetch.data_folder` for what None means
    score_train  score the whole training set after each epoch, too

    Raises DataNotFoundError, EngineError, RunError, TrainingError, and InterruptedRunError after Ctrl-C.
    """
    machine = registry.get(engine, device)  # what is missing is said before any folder is made
    images = parts(recipe, data_folder)
    run = begin(recipe, machine, images, runs_folder)
    return _carry_on(run, machine, images, score_train, observer, data_folder, resume=False)


def begin(
    recipe: Recipe, machine: Engine, images: tuple[Images, Images], runs_folder: Path, *, together: int = 1
) -> RunFolder:
    """Make the folder of a new run. Raises RunError.

    together  how many networks are trained at once with this one, itself included
    """
    environment = environment_now() | {
        **machine.describe(),
        **({"together": together} if together > 1 else {}),
        "recipe_digest": recipe.digest,
        "data": {part.part: part.fingerprint for part in images},
    }
    return RunFolder.create(runs_folder, recipe, environment)


def parts(recipe: Recipe, data_folder: Path | None) -> tuple[Images, Images]:
    """Return what a recipe trains on and what it is scored on: the test set, or a part kept from training.

    Raises DataError when the training set is too small for that.
    """
    train_set = load(recipe.data, "train", data_folder)
    kept = len(train_set.labels) - recipe.validation
    if kept < (recipe.images or 1):
        raise DataError(
            f"{recipe.data} has {len(train_set.labels):,} training images; {recipe.validation:,} for validation leave "
            f"{max(kept, 0):,}, and the recipe trains on {recipe.images or 1:,}."
        )
    training = train_set.cut(0, recipe.images or kept, "train")
    if recipe.validation:
        return training, train_set.cut(kept, len(train_set.labels), "validation")
    return training, load(recipe.data, "test", data_folder)


def resume(
    path: Path,
    *,
    data_folder: Path | None = None,
    score_train: bool = False,
    observer: Observer | None = None,
) -> RunFolder:
    """Go on with a run that was stopped or killed; its end is the same, byte for byte.

    Raises RunError when the folder is not a run, is in use, or was made with other data.
    """
    run = RunFolder.open(path)
    images = parts(run.recipe(), data_folder)
    check_data(run, images)
    return _carry_on(run, machine_of(run), images, score_train, observer, data_folder, resume=True)


def check_data(run: RunFolder, images: tuple[Images, Images]) -> None:
    """Raise RunError unless a run was begun on these very images."""
    recorded, now = run.environment().get("data"), {part.part: part.fingerprint for part in images}
    if recorded != now:
        raise RunError(
            f"{run.path}: was trained on data with the fingerprints {recorded}; those at hand have "
            f"{now}. Give the folder of the first with --data-dir."
        )


def machine_of(run: RunFolder) -> Engine:
    """Return the engine, on the device, that a run was begun with. Raises EngineError where it is not here."""
    environment = run.environment()
    device = str(environment.get("device"))
    # Before there was --device, the record of a run on a GPU had the GPU's name here.
    return registry.get(str(environment.get("engine")), device if device in registry.DEVICES else "cuda")


def _carry_on(
    run: RunFolder,
    machine: Engine,
    images: tuple[Images, Images],
    score_train: bool,
    observer: Observer | None,
    data_folder: Path | None,
    *,
    resume: bool,
) -> RunFolder:
    """Train what is left, then write the model and the result."""
    with (
        polite_stop() as stop,
        ready(
            run, machine, images, stop, score_train=score_train, observer=observer, data_folder=data_folder,
            resume=resume,
        ) as trainer,
    ):  # fmt: skip
        trainer.to_the_end()
        finish(run, trainer, data_folder)
    return run


@contextmanager
def ready(
    run: RunFolder,
    machine: Engine,
    images: tuple[Images, Images],
    stop: StopRequest,
    *,
    score_train: bool = False,
    observer: Observer | None = None,
    data_folder: Path | None = None,
    resume: bool,
    network: Network | None = None,
    together: int = 1,
) -> Iterator[Trainer]:
    """Hold a run's folder while the block runs, and give its trainer, the teachers trained, the checkpoint loaded.

    network, together  see `Trainer`
    """
    recipe = run.recipe()
    preparation, teaching = recipe.preparation, None
    if recipe.teacher:
        teachers = [_taught(teacher, run, machine, data_folder, observer) for teacher in teachers_of(recipe)]
        teaching = Teaching(recipe.teacher, teachers, machine)
    if preparation.subtract_mean:
        preparation = preparation.centred(prepare.mean_pixel(images[0].images))
    with files.lock_folder(run.path):
        files.remove_leftovers(run.checkpoints)
        trainer = Trainer(
            recipe,
            machine,
            run,
            *images,
            preparation,
            observer=observer or Unwatched(),
            stop=stop,
            score_train=score_train,
            teaching=teaching,
            network=network,
            together=together,
        )
        if resume:
            trainer.resume()
        yield trainer


def teachers_of(recipe: Recipe) -> list[Recipe]:
    """Return the recipe of each teacher: on the very part of the training set that the pupil is trained on."""
    if recipe.teacher is None:
        return []
    plan = catalogue.load(recipe.teacher.recipe, recipe.teacher.set)
    same = {"images": recipe.images, "validation": recipe.validation, "data": recipe.data}
    return [plan.model_copy(update={**same, "seed": seed}) for seed in recipe.teacher.seeds]


def _taught(
    recipe: Recipe, pupil: RunFolder, machine: Engine, data_folder: Path | None, observer: Observer | None
) -> Model:
    """Return a teacher: from a run beside its pupil's that is finished or can go on, or else trained now."""
    for folder in sorted(pupil.path.parent.glob(f"{recipe.name}-seed{recipe.seed}*")):
        run = RunFolder.open(folder)
        if run.recipe().digest == recipe.digest:
            if run.result() is None:
                run = resume(folder, data_folder=data_folder, observer=observer)
            return model_file.read(run.model)
    runs = pupil.path.parent
    run = train(
        recipe, engine=machine.name, device=machine.device, data_folder=data_folder, runs_folder=runs,
        observer=observer,
    )  # fmt: skip
    return model_file.read(run.model)


def _calibration(model: Model, trainer: Trainer, data_folder: Path | None) -> Calibration | None:
    """Return how sure the model may be, by images kept from training; None where none are kept."""
    data = trainer.recipe.data
    if trainer.test.part == "validation":
        kept = trainer.test
    elif any(part.name == "validation" for part in sources.get(data).parts):
        kept = load(data, "validation", data_folder)
    else:
        return None
    network = trainer.engine.build(model.architecture, model.weights, Objective(), Sgd(learning_rate=1.0))
    scores = score_all(network, Examples(kept.images, kept.labels, model.preparation))
    none = kept.class_names.index(sources.NOT_A_DIGIT) if sources.NOT_A_DIGIT in kept.class_names else None
    words = f"{len(kept.labels):,} images of {data} kept from training"
    return calibrated(scores, kept.labels, images=words, none=none)


def finish(run: RunFolder, trainer: Trainer, data_folder: Path | None) -> None:
    """Write `model.safetensors` and `result.json` from the last weights. No epoch is chosen by its test accuracy."""
    recipe, last = trainer.recipe, trainer.history.epochs[-1]
    test_count = len(trainer.test.labels)
    correct = round(last.test_accuracy_percent * test_count / 100)
    environment = run.environment()
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    card = Card(
        recipe=recipe.name,
        recipe_digest=recipe.digest,
        data=recipe.data,
        data_fingerprint=trainer.train.fingerprint,
        class_names=trainer.train.class_names,
        seed=trainer.position.seed,
        engine=trainer.engine.name,
        epochs=last.epoch,
        steps=last.step,
        scored_on=trainer.test.part,
        test_images=test_count,
        test_accuracy_percent=last.test_accuracy_percent,
        trained_on=finished,
        lenet5_version=str(environment["lenet5"]),
    )
    architecture, weights = fold.for_use(recipe.architecture, trainer.model_weights())
    model = Model(architecture, trainer.preparation, weights, card)
    calibration = _calibration(model, trainer, data_folder)
    model = replace(model, card=card.model_copy(update={"calibration": calibration}))
    model_file.write(model, run.model)
    run.write_result(
        {
            "recipe": recipe.name,
            "recipe_digest": recipe.digest,
            "data": recipe.data,
            "engine": trainer.engine.name,
            "seed": trainer.position.seed,
            "epochs": last.epoch,
            "steps": last.step,
            "scored_on": trainer.test.part,
            "test_images": test_count,
            "test_images_correct": correct,
            "test_accuracy_percent": last.test_accuracy_percent,
            "test_accuracy_interval_percent": metrics.wilson_interval_percent(correct, test_count),
            "test_loss": last.test_loss,
            "train_loss": last.train_loss,
            "train_accuracy_percent": last.train_accuracy_percent,
            "seconds": sum(row.seconds for row in trainer.history.epochs),
            "peak_memory_bytes": max(row.peak_memory_bytes for row in trainer.history.epochs),
            "failed_starts": [row.text for row in trainer.history.incidents if row.what == "failed start"],
            "model_sha256": files.file_sha256(run.model),
            "finished": finished,
        }
    )
