"""Train a recipe: from its name to a finished run folder."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lenet5 import files, metrics
from lenet5.data import prepare, sources
from lenet5.data.batches import Examples
from lenet5.data.datasets import Images, fitted, is_own, load
from lenet5.engines import registry
from lenet5.engines.contract import Engine, Network
from lenet5.engines.scoring import score_all
from lenet5.errors import DataError, InterruptedRunError, RunError
from lenet5.models import file as model_file
from lenet5.models import fold, shipped
from lenet5.models.calibration import calibrated
from lenet5.models.model import Calibration, Card, Model
from lenet5.recipes import catalogue
from lenet5.spec import text
from lenet5.spec.digits import NOT_A_DIGIT
from lenet5.spec.recipe import Recipe
from lenet5.training import checkpoint, identity
from lenet5.training.checkpoint import Checkpoint, Position
from lenet5.training.distillation import Distillation
from lenet5.training.early_stopping import stops_early
from lenet5.training.history import EpochRow, Incident
from lenet5.training.interrupt import StopRequest, polite_stop
from lenet5.training.run import RunFolder, environment_now
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
    machine = registry.get(engine, device)  # reports what is missing before a folder is made
    images = parts(recipe, data_folder)
    work = Work(recipe, machine, images, data_folder, score_train=score_train, observer=observer)
    run = work.begin(runs_folder)
    with files.lock_folder(run.path), work.ready(run) as trainer:
        trainer.to_the_end()
        finish(run, trainer, data_folder)
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
    device: str | None = None,
    data_folder: Path | None = None,
    score_train: bool = False,
    observer: Observer | None = None,
    accept_changes: bool = False,
    epochs: int | None = None,
) -> RunFolder:
    """Go on with a run that was stopped or killed; its end is the same, byte for byte. A finished run is left as is.

    engine, device  the run's own if not given
    epochs          train on, to more epochs than the recipe has; that is recorded
    accept_changes  go on also under other conditions, such as another engine, version or data; that is recorded

    Raises RunError when the folder is not a run, is in use, was begun under other conditions, or has trained for so
    many epochs already.
    """
    run = RunFolder.open(path)
    with files.lock_folder(path):
        found = find(run)
        engine = engine or found.engine
        machine = registry.get(engine, device or (found.device if engine == found.engine else registry.AUTO))
        images = parts(found.recipe, data_folder)
        work = Work(found.recipe, machine, images, data_folder, score_train=score_train, observer=observer)
        if epochs is None and work.is_done(run, found, accept_changes=accept_changes):
            return run
        with work.ready(run, found, accept_changes=accept_changes, epochs=epochs) as trainer:
            trainer.to_the_end()
            finish(run, trainer, data_folder)
    return run


@dataclass(frozen=True)
class Found:
    """What is left of a run that was begun before.

    checkpoint      the newest that is whole, or None
    recipe          the run's own
    engine, device  the names of what it was begun with
    incidents       what was found damaged, to be put on record
    """

    checkpoint: Checkpoint | None
    recipe: Recipe
    engine: str
    device: str
    incidents: tuple[tuple[str, str], ...]

    @property
    def epochs(self) -> int:
        """The number of epochs that are over."""
        return self.checkpoint.position.epoch - 1 if self.checkpoint else 0


def find(run: RunFolder) -> Found:
    """Return what is left of a run, whose folder is held; leftovers of killed processes are removed.

    Raises RunError or RecipeError when the recipe is damaged and there is no checkpoint that holds it.
    """
    files.remove_leftovers(run.path)
    files.remove_leftovers(run.checkpoints)
    found, skipped = checkpoint.newest(run.checkpoints)
    incidents = [("damaged checkpoint", sentence) for sentence in skipped]
    environment, damaged = run.recorded_environment(), []
    recipe = run.recorded_recipe() if found else run.recipe()
    if found and recipe is None:
        recipe = text.parse(found.recipe, where="the recipe in the checkpoint")
        damaged.append("recipe.toml is damaged or gone")
    assert recipe is not None, "without a checkpoint, a recipe that cannot be read raises"
    if environment.get("engine") not in registry.NAMES or environment.get("device") not in registry.DEVICES:
        environment = found.environment if found else {"engine": registry.AUTO, "device": registry.AUTO}
        damaged += ["environment.json is damaged or gone"] if found else []
    if damaged:
        incidents.append(("repaired", f"{' and '.join(damaged)}; it is written anew from the checkpoint"))
    return Found(found, recipe, environment["engine"], environment["device"], tuple(incidents))


def _longer(recipe: Recipe, found: Found, epochs: int) -> Recipe:
    """Return a recipe with more epochs than a run has trained. Raises RunError where there are none to train."""
    # The weights of epochs that were averaged cannot be told apart again.
    least = found.epochs + max(1, recipe.averaged_epochs)
    if epochs < least:
        raise RunError(
            f"{recipe.name}: has trained for {found.epochs} epochs, and --epochs is {epochs}; give {least} or more."
        )
    return recipe.model_copy(update={"epochs": epochs, "steps": None})


class Work:
    """A recipe with all that training it needs: an engine, the data, and the teachers."""

    def __init__(
        self,
        recipe: Recipe,
        machine: Engine,
        data: tuple[Images, Images],
        data_folder: Path | None,
        *,
        score_train: bool = False,
        observer: Observer | None = None,
        together: int = 1,
    ) -> None:
        """Take what is at hand.

        together  how many networks are trained at once with this one, itself included
        """
        self._recipe, self._machine, (self._train, self._test) = recipe, machine, data
        self._data_folder, self._score_train, self._observer = data_folder, score_train, observer or Unwatched()
        self._together = together
        self._teachers: list[Model] = []
        self._start = shipped.find(recipe.start_from) if recipe.start_from else None

    def begin(self, runs_folder: Path) -> RunFolder:
        """Make the folder of a new run. Raises RunError."""
        return RunFolder.create(runs_folder, self._recipe, self._environment())

    def is_done(self, run: RunFolder, found: Found, *, accept_changes: bool) -> bool:
        """Return whether a run is finished, under these very conditions: its files stay as they are.

        Raises RunError as `ready`.
        """
        moment = found.checkpoint
        changed = moment and self._changes(moment, run.path, accept_changes)
        return moment is not None and not changed and run.is_whole() and self._is_at_its_end(moment)

    @contextmanager
    def ready(
        self,
        run: RunFolder,
        found: Found | None = None,
        *,
        accept_changes: bool = False,
        epochs: int | None = None,
        stop: StopRequest | None = None,
        network: Network | None = None,
    ) -> Iterator[Trainer]:
        """Give the trainer of a run, whose folder is held: the teachers trained, the checkpoint loaded.

        found    what is left of a run that was begun before; None for a new one
        epochs   train on until this number of epochs
        stop     what the trainer looks at; if None, a signal asks it to stop while the block runs
        network  see `Trainer`

        Raises RunError when the run was begun under other conditions, and that is not accepted, or when it has already
        reached `epochs`.
        """
        longer = _longer(self._recipe, found, epochs) if found and epochs is not None else self._recipe
        moment = found.checkpoint if found else None
        if moment:
            self._changes(moment, run.path, accept_changes)  # before teachers are trained in vain
        self._teach(run)
        changes = self._changes(moment, run.path, accept_changes) if moment else []
        if moment and longer is not self._recipe:
            changes.append(f"epochs was {moment.position.epoch - 1}, now {epochs}")
            if not longer.patience:
                moment = replace(moment, sums={})  # of the epochs that were the last ones
            run.withdraw_result()
        self._recipe = longer
        environment, incidents = self._environment(), list(found.incidents) if found else []
        if moment:
            if changes:
                incidents.append(("changed", "; ".join(changes)))
                record = {"step": moment.position.step, "changes": changes}
                environment["changes"] = [*moment.environment.get("changes", []), record]
            else:
                environment = moment.environment
            if not self._is_at_its_end(moment):
                incidents.append(("resumed", f"at step {moment.position.step}"))
        elif found:
            incidents.append(("begun anew", "there is no whole checkpoint"))
        run.write_record(self._recipe, environment)
        with nullcontext(stop) if stop else polite_stop() as request:
            trainer = self._trainer(run, environment, request, network)
            trainer.begin(moment)
            for what, words in incidents:
                trainer.note(what, words)
            yield trainer

    def _trainer(
        self, run: RunFolder, environment: dict[str, Any], stop: StopRequest, network: Network | None
    ) -> Trainer:
        recipe, machine = self._recipe, self._machine
        distillation = Distillation(recipe.teacher, self._teachers, machine) if recipe.teacher else None
        preparation = recipe.preparation
        if preparation.subtract_mean:
            preparation = preparation.centred(prepare.mean_pixel(self._train.images))
        return Trainer(
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
            distillation=distillation,
            network=network,
            together=self._together,
            start=self._start,
        )

    def _is_at_its_end(self, moment: Checkpoint) -> bool:
        total = self._recipe.total_epochs(len(self._train.labels))
        rows = [row for row in moment.rows if isinstance(row, EpochRow)]
        return moment.position.epoch > total or stops_early(self._recipe, rows)

    def _identity(self) -> identity.Identity:
        """Return what decides the bytes of this run."""
        return identity.of_run(
            self._recipe, self._machine, identity.fingerprints((self._train, self._test)), self._teachers, self._start
        )

    def _environment(self) -> dict[str, Any]:
        """Return the content of environment.json."""
        together = {"together": self._together} if self._together > 1 else {}
        known = environment_now() | self._machine.describe() | self._identity()
        return known | together | {"recipe_digest": self._recipe.digest}

    def _changes(self, found: Checkpoint, path: Path, accepted: bool) -> list[str]:
        """Return how the conditions of now differ from a checkpoint's. Raises RunError when that is not accepted."""
        now = self._identity()
        before = identity.recorded(found.environment, now)
        if "teachers" not in now:  # not trained or loaded yet
            before.pop("teachers", None)
        return identity.check(before, now, where=str(path), accepted=accepted)

    def _teach(self, run: RunFolder) -> None:
        """Have the teachers, if there are any: from runs beside the pupil's, or trained now."""
        try:
            self._teachers = [
                _taught(teacher, run, self._machine, self._data_folder, self._observer)
                for teacher in teachers_of(self._recipe)
            ]
        except InterruptedRunError as stop:  # the teacher's run is saved; going on with the pupil's goes on with it
            raise InterruptedRunError(stop.signal_number, str(run.path)) from None


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
    run = train(
        recipe,
        engine=machine.name,
        device=machine.device,
        data_folder=data_folder,
        runs_folder=runs,
        observer=observer,
    )
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
    scorer = trainer.engine.scorer(model.architecture, model.weights)
    scores = score_all(scorer, Examples(kept.images, kept.labels, model.preparation))
    none = kept.class_names.index(NOT_A_DIGIT) if NOT_A_DIGIT in kept.class_names else None
    words = f"{len(kept.labels):,} images of {data} kept from training"
    return calibrated(scores, kept.labels, images=words, none=none)


def finish(run: RunFolder, trainer: Trainer, data_folder: Path | None) -> None:
    """Write `model.safetensors` and `result.json`. No epoch is chosen by its test accuracy."""
    recipe, last = trainer.recipe, trainer.chosen_row
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
        test_images=last.test_images,
        test_accuracy_percent=last.test_accuracy_percent,
        lenet5_version=str(trainer.environment["lenet5"]),
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
            "test_images": last.test_images,
            "test_images_correct": last.test_correct,
            "test_accuracy_percent": last.test_accuracy_percent,
            "test_accuracy_interval_percent": metrics.wilson_interval_percent(last.test_correct, last.test_images),
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
