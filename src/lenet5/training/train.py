"""Train a recipe: from its name to a finished run folder."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from lenet5 import files, metrics
from lenet5.data import prepare, sources
from lenet5.data.batches import Examples
from lenet5.data.datasets import Images, load
from lenet5.engines import registry
from lenet5.engines.scoring import score_all
from lenet5.errors import DataError, RunError
from lenet5.models import file as model_file
from lenet5.models import fold
from lenet5.models.calibration import calibrated
from lenet5.models.model import Calibration, Card, Model
from lenet5.recipes import catalogue
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Sgd
from lenet5.spec.preparation import Preparation
from lenet5.spec.recipe import Recipe
from lenet5.training.checkpoint import Position
from lenet5.training.history import EpochRow, Incident
from lenet5.training.interrupt import polite_stop
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
    machine = registry.get(engine)  # an engine that is not installed is said before any folder is made
    train_images, test_images = parts(recipe, data_folder)
    environment = environment_now() | {
        **machine.describe(),
        "recipe_digest": recipe.digest,
        "data": {part.part: part.fingerprint for part in (train_images, test_images)},
    }
    run = RunFolder.create(runs_folder, recipe, environment)
    return _carry_on(
        run, recipe, machine.name, train_images, test_images, score_train, observer, data_folder, resume=False
    )


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
    recipe, environment = run.recipe(), run.environment()
    train_images, test_images = parts(recipe, data_folder)
    now = {part.part: part.fingerprint for part in (train_images, test_images)}
    if environment.get("data") != now:
        raise RunError(
            f"{path}: was trained on data with the fingerprints {environment.get('data')}; those at hand have "
            f"{now}. Give the folder of the first with --data-dir."
        )
    engine = str(environment.get("engine"))
    return _carry_on(run, recipe, engine, train_images, test_images, score_train, observer, data_folder, resume=True)


def _carry_on(
    run: RunFolder,
    recipe: Recipe,
    engine_name: str,
    train_images: Images,
    test_images: Images,
    score_train: bool,
    observer: Observer | None,
    data_folder: Path | None,
    *,
    resume: bool,
) -> RunFolder:
    """Train what is left, the teachers first, then write the model and the result."""
    teaching = None
    if recipe.teacher:
        teachers = [_taught(teacher, run, engine_name, data_folder, observer) for teacher in teachers_of(recipe)]
        teaching = Teaching(recipe.teacher, teachers, registry.get(engine_name))
    preparation = recipe.preparation
    if preparation.subtract_mean:
        preparation = preparation.centred(prepare.mean_pixel(train_images.images))
    with files.lock_folder(run.path), polite_stop() as stop:
        files.remove_leftovers(run.checkpoints)
        trainer = Trainer(
            recipe,
            registry.get(engine_name),
            run,
            train_images,
            test_images,
            preparation,
            observer=observer or Unwatched(),
            stop=stop,
            score_train=score_train,
            teaching=teaching,
        )
        if resume:
            trainer.resume()
        trainer.to_the_end()
        _finish(run, trainer, preparation, data_folder)
    return run


def teachers_of(recipe: Recipe) -> list[Recipe]:
    """Return the recipe of each teacher: on the very part of the training set that the pupil is trained on."""
    if recipe.teacher is None:
        return []
    plan = catalogue.load(recipe.teacher.recipe, recipe.teacher.set)
    same = {"images": recipe.images, "validation": recipe.validation, "data": recipe.data}
    return [plan.model_copy(update={**same, "seed": seed}) for seed in recipe.teacher.seeds]


def _taught(
    recipe: Recipe, pupil: RunFolder, engine: str, data_folder: Path | None, observer: Observer | None
) -> Model:
    """Return a teacher: from a run beside its pupil's that is finished or can go on, or else trained now."""
    for folder in sorted(pupil.path.parent.glob(f"{recipe.name}-seed{recipe.seed}*")):
        run = RunFolder.open(folder)
        if run.recipe().digest == recipe.digest:
            if run.result() is None:
                run = resume(folder, data_folder=data_folder, observer=observer)
            return model_file.read(run.model)
    runs = pupil.path.parent
    run = train(recipe, engine=engine, data_folder=data_folder, runs_folder=runs, observer=observer)
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


def _finish(run: RunFolder, trainer: Trainer, preparation: Preparation, data_folder: Path | None) -> None:
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
        lenet5_version=str(environment["lenet5"]),
    )
    architecture, weights = fold.for_use(recipe.architecture, trainer.model_weights())
    model = Model(architecture, preparation, weights, card)
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
            "collapses": [row.text for row in trainer.history.incidents if row.what == "collapse"],
            "model_sha256": files.file_sha256(run.model),
            "finished": finished,
        }
    )
