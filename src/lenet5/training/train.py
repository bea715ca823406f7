"""Train a recipe: from its name to a finished run folder."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lenet5 import files, metrics
from lenet5.data import prepare, sources
from lenet5.data.batches import Examples
from lenet5.data.datasets import Images, fitted, is_own, load
from lenet5.engines import registry
from lenet5.engines.contract import Engine
from lenet5.engines.scoring import score_all
from lenet5.errors import DataError, InterruptedRunError, RunError
from lenet5.models import file as model_file
from lenet5.models import fold, shipped
from lenet5.models.calibration import calibrated
from lenet5.models.model import Calibration, Card, Model
from lenet5.recipes import catalogue
from lenet5.spec import text
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Sgd
from lenet5.spec.preparation import Preparation
from lenet5.spec.recipe import Recipe
from lenet5.training import checkpoint, identity
from lenet5.training.checkpoint import Checkpoint, Position
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
    work = _Work(recipe, machine, parts(recipe, data_folder), data_folder, score_train, observer or Unwatched())
    run = RunFolder.create(runs_folder, recipe, work.environment())
    with files.lock_folder(run.path):
        work.teach(run)
        work.to_the_end(run, work.environment(), None, [])
    return run


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
    engine: str | None = None,
    data_folder: Path | None = None,
    score_train: bool = False,
    observer: Observer | None = None,
    accept_changes: bool = False,
    epochs: int | None = None,
) -> RunFolder:
    """Go on with a run that was stopped or killed; its end is the same, byte for byte. A finished one stays as it is.

    engine          the run's own if not given
    epochs          train on, to more epochs than the recipe has; that is recorded
    accept_changes  go on also with another recipe, engine, version, number of threads or other data; that is recorded

    Raises RunError when the folder is not a run, is in use, was begun under other conditions, or has trained for so
    many epochs already.
    """
    run = RunFolder.open(path)
    with files.lock_folder(path):
        files.remove_leftovers(path)
        files.remove_leftovers(run.checkpoints)
        found, damaged = checkpoint.newest(run.checkpoints)
        incidents = [("damaged checkpoint", sentence) for sentence in damaged]
        recipe, engine_name, repaired = _record(run, found)
        if repaired:
            incidents.append(("repaired", f"{repaired}; it is written anew from the checkpoint"))
        longer = _longer(recipe, found, epochs) if epochs is not None else recipe
        machine = registry.get(engine or engine_name)
        work = _Work(recipe, machine, parts(recipe, data_folder), data_folder, score_train, observer or Unwatched())
        if found:
            changes = _changes(found, work, path, accept_changes)  # before teachers are trained in vain
            if not changes and longer is recipe and run.is_whole() and _is_at_its_end(found, recipe, work):
                return run
        work.teach(run)
        environment = work.environment()
        if found is None:
            incidents.append(("begun anew", "there is no whole checkpoint"))
        else:
            changes = _changes(found, work, path, accept_changes)
            if longer is not recipe:
                changes.append(f"epochs was {found.position.epoch - 1}, now {epochs}")
                work.lengthen(longer)
                found = replace(found, sums={})  # of the epochs that were the last ones
                run.withdraw_result()
            if changes:
                incidents.append(("changed", "; ".join(changes)))
                record = {"step": found.position.step, "changes": changes}
                environment = work.environment()
                environment["changes"] = [*found.environment.get("changes", []), record]
            else:
                environment = found.environment
            if not _is_at_its_end(found, longer, work):
                incidents.append(("resumed", f"at step {found.position.step}"))
        work.to_the_end(run, environment, found, incidents)
    return run


def _longer(recipe: Recipe, found: Checkpoint | None, epochs: int) -> Recipe:
    """Return a recipe with more epochs than a run has trained. Raises RunError where there are none to train."""
    done = found.position.epoch - 1 if found else 0
    least = done + max(1, recipe.averaged_epochs)  # the weights of epochs that were averaged cannot be told apart again
    if epochs < least:
        raise RunError(f"{recipe.name}: has trained for {done} epochs, and --epochs is {epochs}; give {least} or more.")
    return recipe.model_copy(update={"epochs": epochs, "steps": None})


def _is_at_its_end(found: Checkpoint, recipe: Recipe, work: "_Work") -> bool:
    return found.position.epoch > recipe.total_epochs(work.images)


def _changes(found: Checkpoint, work: "_Work", path: Path, accepted: bool) -> list[str]:
    """Return how the conditions of now differ from those of a checkpoint. Raises RunError when that is not accepted."""
    now = work.identity()
    before = identity.recorded(found.environment, now)
    if "teachers" not in now:  # not trained or loaded yet
        before.pop("teachers", None)
    return identity.check(before, now, where=str(path), accepted=accepted)


def _record(run: RunFolder, found: Checkpoint | None) -> tuple[Recipe, str, str]:
    """Return the recipe of a run, the name of its engine, and which of its files are damaged ("" for none).

    Raises RunError or RecipeError when the recipe is damaged and there is no checkpoint that holds it.
    """
    environment, damaged = run.recorded_environment(), []
    recipe = run.recorded_recipe() if found else run.recipe()
    if found and recipe is None:
        recipe = text.parse(found.recipe, where="the recipe in the checkpoint")
        damaged.append("recipe.toml is damaged or gone")
    assert recipe is not None, "without a checkpoint, a recipe that cannot be read raises"
    name = environment.get("engine")
    if name not in registry.NAMES:
        name = found.environment["engine"] if found else registry.AUTO
        damaged += ["environment.json is damaged or gone"] if found else []
    return recipe, str(name), " and ".join(damaged)


class _Work:
    """A recipe with all that training it needs: an engine, the data, and the teachers."""

    def __init__(
        self,
        recipe: Recipe,
        machine: Engine,
        data: tuple[Images, Images],
        data_folder: Path | None,
        score_train: bool,
        observer: Observer,
    ) -> None:
        self._recipe, self._machine, (self._train, self._test) = recipe, machine, data
        self._data_folder, self._score_train, self._observer = data_folder, score_train, observer
        self._teachers: list[Model] = []
        self._start = shipped.find(recipe.start_from) if recipe.start_from else None

    @property
    def images(self) -> int:
        """The number of training images."""
        return len(self._train.labels)

    def lengthen(self, recipe: Recipe) -> None:
        """Take a recipe that differs in its epochs alone."""
        self._recipe = recipe

    def identity(self) -> identity.Identity:
        """Return what decides the bytes of this run."""
        return identity.of_run(
            self._recipe, self._machine, identity.fingerprints((self._train, self._test)), self._teachers, self._start
        )

    def environment(self) -> dict[str, Any]:
        """Return the content of environment.json."""
        return environment_now() | self._machine.describe() | self.identity() | {"recipe_digest": self._recipe.digest}

    def teach(self, run: RunFolder) -> None:
        """Have the teachers, if there are any: from runs beside the pupil's, or trained now."""
        try:
            self._teachers = [
                _taught(teacher, run, self._machine, self._data_folder, self._observer)
                for teacher in teachers_of(self._recipe)
            ]
        except InterruptedRunError as stop:  # the teacher's run is saved; going on with the pupil's goes on with it
            raise InterruptedRunError(stop.signal_number, str(run.path)) from None

    def to_the_end(
        self,
        run: RunFolder,
        environment: dict[str, Any],
        found: Checkpoint | None,
        incidents: Sequence[tuple[str, str]],
    ) -> None:
        """Train what is left, from a checkpoint where there is one; then write the model and the result."""
        recipe, machine = self._recipe, self._machine
        run.write_record(recipe, environment)
        teaching = Teaching(recipe.teacher, self._teachers, machine) if recipe.teacher else None
        preparation = recipe.preparation
        if preparation.subtract_mean:
            preparation = preparation.centred(prepare.mean_pixel(self._train.images))
        with polite_stop() as stop:
            trainer = Trainer(
                recipe,
                machine,
                run,
                self._train,
                self._test,
                preparation,
                environment=environment,
                observer=self._observer,
                stop=stop,
                score_train=self._score_train,
                teaching=teaching,
                start=self._start,
            )
            trainer.begin(found)
            for what, words in incidents:
                trainer.note(what, words)
            trainer.to_the_end()
            _finish(run, trainer, preparation, self._data_folder)


def teachers_of(recipe: Recipe) -> list[Recipe]:
    """Return the recipe of each teacher: on the very part of the training set that the pupil is trained on."""
    if recipe.teacher is None:
        return []
    plan = catalogue.load(recipe.teacher.recipe, recipe.teacher.set)
    same = {"images": recipe.images, "validation": recipe.validation, "data": recipe.data}
    return [fitted(plan.model_copy(update={**same, "seed": seed})) for seed in recipe.teacher.seeds]


def _taught(recipe: Recipe, pupil: RunFolder, machine: Engine, data_folder: Path | None, observer: Observer) -> Model:
    """Return a teacher: from a run beside its pupil's that is finished or can go on, or else trained now."""
    now = identity.of_run(recipe, machine, identity.fingerprints(parts(recipe, data_folder)))
    for folder in sorted(pupil.path.parent.glob(f"{recipe.name}-seed{recipe.seed}*")):
        try:
            run = RunFolder.open(folder)
            found, _ = checkpoint.newest(run.checkpoints)
        except RunError:  # no run, or one of another version
            continue
        if (
            found is None
            or found.environment.get("changes")
            or identity.differences(identity.recorded(found.environment, now), now)
        ):
            continue
        if not run.is_whole():
            run = resume(folder, data_folder=data_folder, observer=observer)
        return model_file.read(run.model)
    runs = pupil.path.parent
    run = train(recipe, engine=machine.name, data_folder=data_folder, runs_folder=runs, observer=observer)
    return model_file.read(run.model)


def _calibration(model: Model, trainer: Trainer, data_folder: Path | None) -> Calibration | None:
    """Return how sure the model may be, by images kept from training; None where none are kept."""
    data = trainer.recipe.data
    if trainer.test.part == "validation":
        kept = trainer.test
    elif not is_own(data) and any(part.name == "validation" for part in sources.get(data).parts):
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
        lenet5_version=str(trainer.environment["lenet5"]),
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
            "changes": trainer.environment.get("changes", []),
            "failed_starts": [row.text for row in trainer.history.incidents if row.what == "failed start"],
            "collapses": [row.text for row in trainer.history.incidents if row.what == "collapse"],
            "model_sha256": files.file_sha256(run.model),
            "finished": finished,
        }
    )
