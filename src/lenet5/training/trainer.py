"""The training loop over epochs and batches."""

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lenet5 import metrics
from lenet5.data import batches as data_batches
from lenet5.data.batches import Examples
from lenet5.data.datasets import Images
from lenet5.engines.contract import Engine, Float, Network, Steps, Weights
from lenet5.engines.scoring import count_correct, score_all
from lenet5.errors import InterruptedRunError, TrainingError
from lenet5.models.model import Model
from lenet5.seeds import restarted, restarts_so_far, stream
from lenet5.spec import text
from lenet5.spec.layers import Dropout
from lenet5.spec.optimizer import Sdlm
from lenet5.spec.preparation import Preparation
from lenet5.spec.recipe import Recipe
from lenet5.training import checkpoint
from lenet5.training.checkpoint import Checkpoint, Position
from lenet5.training.diagnosis import diagnose, failed_start
from lenet5.training.distillation import Distillation
from lenet5.training.early_stopping import stops_early
from lenet5.training.history import EpochRow, History, Incident, StepRow, resized
from lenet5.training.interrupt import StopRequest
from lenet5.training.peak_memory import process_peak_bytes
from lenet5.training.run import RunFolder
from lenet5.training.start import weights_to_start
from lenet5.training.straight_through import StraightThrough
from lenet5.training.weighting import image_weights

SECONDS_A_CALL = 0.25  # of training between two looks at the clock, the keyboard and the progress bar
DIAGNOSED_IMAGES = 256


class Observer(Protocol):
    """Who watches a run: the command line's progress bar, or nobody."""

    def started(self, steps: int) -> None:
        """Called once, with the number of steps of the whole run."""
        ...

    def progress(self, position: Position, loss: float, images_per_second: float) -> None:
        """Called some times a second with the running mean loss of the epoch."""
        ...

    def epoch(self, row: EpochRow) -> None:
        """Called after each epoch."""
        ...

    def incident(self, incident: Incident) -> None:
        """Called when something happens that a reader of the run must know."""
        ...


@dataclass(frozen=True)
class Batches:
    """Training steps that a trainer asks for; the answer is what they did, and the seconds that they took."""

    batches: Sequence[NDArray[np.int64]]
    learning_rates: NDArray[np.float64]


# What a trainer asks of its network; the answer to examples is their scores.
Request = Batches | Examples
Work = Generator[Request, Any, None]


class Trainer:
    """One run, from its first weights or from a checkpoint to its end."""

    def __init__(
        self,
        recipe: Recipe,
        engine: Engine,
        run: RunFolder | None,
        train: Images,
        test: Images,
        preparation: Preparation,
        *,
        environment: dict[str, Any],
        observer: Observer,
        stop: StopRequest,
        score_train: bool,
        distillation: Distillation | None = None,
        network: Network | None = None,
        together: int = 1,
        start: Model | None = None,
    ) -> None:
        """Begin with the recipe's first weights.

        run       where checkpoints and history are kept; None: nowhere, all stays in memory
        network   one that has them already: one of `together` that are trained at once
        together  how many networks share the engine's time
        start     the model whose weights these are, where the recipe starts from one
        """
        self.distillation, self._start = distillation, start
        self.recipe, self.engine, self.run = recipe, engine, run
        self.train, self.test, self.preparation = train, test, preparation
        self.examples = Examples(train.images, train.labels, preparation)
        self.observer, self.stop, self.score_train = observer, stop, score_train
        self.environment = environment
        self.history = History(run.history_path if run else None, [])
        self._weights = image_weights(recipe.class_weight, train)
        self._majority_percent = 100 * float(np.bincount(test.labels).max()) / len(test.labels)
        self.network = self._rounding(network) if network else self._new_network(recipe.seed)
        self._together = together
        self.position = Position(seed=recipe.seed)
        self._sums: Weights = {}  # of the weights that are averaged, or the best ones so far

    def begin(self, found: Checkpoint | None) -> None:
        """Go back to a checkpoint, with the history that it holds; without one, to the first weights."""
        if found:
            self.network.load(found.weights, found.state)
            self.position, self._sums = found.position, found.sums
        self.history.replace([resized(row, len(self.test.labels)) for row in found.rows] if found else ())

    def to_the_end(self) -> None:
        """Train every epoch that is left.

        Raises InterruptedRunError after a stop request, TrainingError when the loss is not a number.
        """
        work = self.work()
        request = next(work, None)
        while request is not None:
            try:
                request = work.send(self.answer(request))
            except StopIteration:
                return

    def answer(self, request: Request) -> tuple[Steps, float] | Float:
        """Let the network do what was asked for."""
        if isinstance(request, Examples):
            return score_all(self.network, request)
        started = time.perf_counter()
        steps = self.network.train(request.batches, request.learning_rates)
        return steps, time.perf_counter() - started

    def work(self) -> Work:
        """Train every epoch that is left, asking for training steps and scores, which the caller sends.

        So several trainers can go forward at once. Raises as `to_the_end`.
        """
        self.observer.started(self.recipe.total_steps(len(self.train.labels)))
        self._save()  # a disk that is full says so now, not after the first epoch
        while not self.is_over:
            yield from self._one_epoch()
            self._add_to_average()
            row = yield from self._score()
            before = self.history.epochs[-1:]
            self.history.add(row)
            self.observer.epoch(row)
            if self.recipe.patience and self.chosen_row == row:
                self._sums = {name: array.astype(np.float64) for name, array in self.network.weights().items()}
            if self.guesses(row):
                self._note_failure(row, collapsed=bool(before) and not self.guesses(before[0]))
                if row.epoch == 1 and self.recipe.restarts:
                    self._start_again()
                    continue
            self.position = Position(self.position.seed, self.position.epoch + 1, self.position.step)
            if self.is_over:
                self._note_end(row)
            self._save()

    @property
    def is_over(self) -> bool:
        """Whether every epoch is trained, or validation says that more would not help."""
        total = self.recipe.total_epochs(len(self.train.labels))
        return self.position.epoch > total or stops_early(self.recipe, self.history.epochs)

    @property
    def chosen_row(self) -> EpochRow:
        """The epoch whose weights a model gets: the last, or with patience the first with the smallest loss."""
        rows = self.history.epochs
        return min(rows, key=lambda row: row.test_loss) if self.recipe.patience else rows[-1]

    def _note_end(self, row: EpochRow) -> None:
        """Put on record that the run stops early, or that it has learnt nothing."""
        if self.recipe.patience and row.epoch < self.recipe.total_epochs(len(self.train.labels)):
            best = self.chosen_row
            self.note(
                "stopped early",
                f"{self.recipe.patience} epochs without a smaller validation loss than after epoch {best.epoch}, "
                f"{best.test_loss:.4g}; that epoch's weights are kept",
            )
        if row.epoch > 1 and self.guesses(row):  # after a single epoch it is a failed start
            self.note(
                "not learnt",
                f"after {row.epoch} epochs the accuracy is {row.test_accuracy_percent:.2f} %, no better than guessing; "
                "do not use this model",
            )

    def model_weights(self) -> Weights:
        """Return the weights that a model of this moment has: the network's, or their mean over the last epochs."""
        first = self._first_averaged_epoch
        last = min(self.position.epoch, self.recipe.total_epochs(len(self.train.labels)))
        if not self._sums:
            return self.network.weights()
        if self.recipe.patience:
            return {name: array.astype(np.float32) for name, array in self._sums.items()}
        return {name: (total / (last - first + 1)).astype(np.float32) for name, total in self._sums.items()}

    @property
    def _first_averaged_epoch(self) -> int:
        return max(1, self.recipe.total_epochs(len(self.train.labels)) - self.recipe.averaged_epochs + 1)

    def _add_to_average(self) -> None:
        """After each epoch whose weights count."""
        if self.recipe.patience or self.position.epoch < self._first_averaged_epoch:
            return
        for name, array in self.network.weights().items():
            self._sums[name] = self._sums.get(name, 0) + array.astype(np.float64)

    def _one_epoch(self) -> Work:
        """Take the steps that this epoch still needs, some at a time."""
        recipe, seed, epoch = self.recipe, self.position.seed, self.position.epoch
        count = len(self.train.labels)
        examples = data_batches.examples_for_epoch(
            self.examples,
            seed,
            epoch,
            distortion=recipe.distortion,
            dropout=any(isinstance(layer, Dropout) for layer in recipe.architecture.layers),
        )
        if self.distillation:
            examples = self.distillation.with_targets(examples)
        self.network.hold(examples)
        if isinstance(recipe.optimizer, Sdlm) and self.position.epoch_step == 0:
            self._estimate_curvature(recipe.optimizer, examples)
        order = data_batches.order(count, seed, epoch, recipe.sampling, self._weights)
        left_in_run = recipe.total_steps(count) - self.position.step
        left = data_batches.batches(order, recipe.batch_size, start=self.position.epoch_step)[:left_in_run]
        at_once = 1
        while left:
            now, left = left[:at_once], left[at_once:]
            first = self.position.step + 1
            rates = np.array([self._learning_rate(step) for step in range(first, first + len(now))])
            steps, seconds = yield Batches(now, rates)
            self._account(now, steps, seconds)
            at_once = max(1, int(SECONDS_A_CALL / (self._together * seconds / len(now))))
            if self.stop.signal_number is not None:
                self.note("interrupted", f"by signal {self.stop.signal_number}, saved")
                self._save()
                raise InterruptedRunError(self.stop.signal_number, str(self.run.path) if self.run else "")

    def _learning_rate(self, step: int) -> float:
        """Return that of a step, counted from 1. A schedule is asked for the middle of each step, so none is 0."""
        recipe, images = self.recipe, len(self.train.labels)
        a_epoch, total = recipe.steps_per_epoch(images), recipe.total_steps(images)
        return recipe.optimizer.learning_rate * recipe.schedule.factor((step - 0.5) / a_epoch, total / a_epoch)

    def _estimate_curvature(self, optimizer: Sdlm, examples: Examples) -> None:
        """Give the optimiser the second derivatives that decide every weight's rate in this epoch."""
        count = len(examples.labels)
        random = stream(self.position.seed, "curvature", self.position.epoch)
        chosen = np.sort(random.choice(count, min(optimizer.patterns, count), replace=False))
        curvature = self.network.curvature(examples.inputs(chosen))
        state = {f"curvature.{name}": array for name, array in curvature.items()}
        self.network.set_state(state)

    def _account(self, batches: Sequence[NDArray[np.int64]], steps: Steps, seconds: float) -> None:
        """Add some steps to the running totals. Raises TrainingError at a loss that is not a number."""
        before = self.position
        sizes = [len(batch) for batch in batches]
        loss_sum = before.loss_sum
        for index, loss in enumerate(steps.losses.tolist()):
            step = before.step + index + 1
            if not np.isfinite(loss):
                self._stopped(step, before.epoch, before.epoch_step + index + 1, batches[index].tolist())
            loss_sum += loss * sizes[index]
            if self.recipe.report_every and step % self.recipe.report_every == 0:
                self.history.add(StepRow(step, loss))
        self.position = replace(
            before,
            step=before.step + len(batches),
            epoch_step=before.epoch_step + len(batches),
            loss_sum=loss_sum,
            correct=before.correct + int(steps.correct.sum()),
            seen=before.seen + sum(sizes),
            seconds=before.seconds + seconds,
        )
        self.observer.progress(self.position, loss_sum / self.position.seen, sum(sizes) / seconds)

    def _score(self) -> Generator[Request, Any, EpochRow]:
        """Score the test set, and the training set when asked for."""
        done = self.position
        test_loss, test_correct = yield from self._loss_and_correct(self.test)
        after: tuple[float | None, int | None] = None, None
        if self.score_train:
            after = yield from self._loss_and_correct(self.train)
        return EpochRow(
            epoch=done.epoch,
            step=done.step,
            learning_rate=self._learning_rate(done.step),
            train_loss=done.loss_sum / done.seen,
            train_correct=done.correct,
            train_images=done.seen,
            test_loss=test_loss,
            test_correct=test_correct,
            test_images=len(self.test.labels),
            seconds=done.seconds,
            images_per_second=done.seen / done.seconds,
            peak_memory_bytes=self.engine.peak_memory_bytes() or process_peak_bytes(),
            train_loss_after=after[0],
            train_correct_after=after[1],
            train_images_after=len(self.train.labels) if self.score_train else None,
        )

    def _loss_and_correct(self, images: Images) -> Generator[Request, Any, tuple[float, int]]:
        """Return the mean loss on a whole set and the number of correctly classified images, in bounded memory."""
        examples = Examples(images.images, images.labels, self.preparation)
        if self._sums and not self.recipe.patience:
            average = self.engine.scorer(self.recipe.architecture, self.model_weights())
            scores = score_all(average, examples)
        else:
            scores = yield examples
        return metrics.loss(self.recipe.objective, scores, images.labels), count_correct(scores, images.labels)

    def guesses(self, row: EpochRow) -> bool:
        """Return whether an epoch's accuracy is no better than guessing."""
        return failed_start(row.test_accuracy_percent, len(self.test.class_names), self._majority_percent)

    def _note_failure(self, row: EpochRow, *, collapsed: bool) -> None:
        """Put a failed start, once, or a collapse, at any epoch, on record with its likely reasons."""
        if not collapsed and row.epoch > 1:
            return
        chosen = np.arange(min(DIAGNOSED_IMAGES, len(self.train.labels)))
        reasons = diagnose(
            self.network,
            self.recipe.architecture,
            self.examples.inputs(chosen),
            self.train.labels[chosen],
            steps=row.step,
            learning_rate=row.learning_rate,
        )
        self.note(
            "collapse" if collapsed else "failed start",
            f"seed {self.position.seed}, epoch {row.epoch}: test accuracy {row.test_accuracy_percent:.2f} %, loss "
            f"{row.train_loss:.4g}, no better than guessing. Likely: {' '.join(reasons)}",
        )

    def _start_again(self) -> None:
        """Begin again from a stream that no other seed uses. Raises TrainingError when the recipe allows no more."""
        attempt = restarts_so_far(self.recipe.seed, self.position.seed) + 1
        if attempt > self.recipe.restarts:
            raise TrainingError(
                f"{self.recipe.name}: seed {self.recipe.seed} failed to start {attempt} times; "
                f"{self.history.path} says what was wrong with each."
            )
        seed = restarted(self.recipe.seed, attempt)
        self.network = self._new_network(seed)
        self.position, self._sums = Position(seed=seed), {}
        # The new start counts its steps from 0; only the incidents stay on record.
        self.history.replace([replace(incident, step=0) for incident in self.history.incidents])
        self.note("restart", f"number {attempt}, with seed {seed}")
        self._save()

    def _stopped(self, step: int, epoch: int, batch: int, images: list[int]) -> None:
        """Put a loss that is not a number on record, and raise TrainingError."""
        shown = ", ".join(map(str, images[:20])) + (", ..." if len(images) > 20 else "")
        self.note("stopped", f"loss not finite at batch {batch} of epoch {epoch}; training images {shown}")
        raise TrainingError(
            f"the loss is not a finite number at batch {batch} of epoch {epoch} (step {step}). {self._kept()}"
            "A smaller learning rate may help."
        )

    def _save(self) -> None:
        """Write a checkpoint of this moment. Raises TrainingError when a weight is not a number."""
        weights = self.network.weights()
        broken = [name for name, array in weights.items() if not np.isfinite(array).all()]
        if broken:
            raise TrainingError(
                f"{broken[0]} is not finite after step {self.position.step}. {self._kept()}"
                "A smaller learning rate may help."
            )
        if self.run is None:
            return
        moment = Checkpoint(
            self.position,
            weights,
            self.network.state(),
            recipe=text.dump(self.recipe),
            environment=self.environment,
            rows=self.history.rows,
            sums=self._sums,
        )
        checkpoint.save(self.run.checkpoints, moment)

    def _kept(self) -> str:
        return f"The checkpoint of the last whole epoch is kept in {self.run.checkpoints}. " if self.run else ""

    def note(self, what: str, words: str) -> None:
        """Put an incident on record."""
        incident = Incident(self.position.step, what, words)
        self.history.add(incident)
        self.observer.incident(incident)

    def _new_network(self, seed: int) -> Network:
        """Return a network with the first weights: those that a seed gives, or those of the model to start from."""
        recipe = self.recipe
        weights = weights_to_start(recipe, self._start, seed)
        return self._rounding(
            self.engine.build(recipe.architecture, weights, recipe.objective, recipe.optimizer, frozen=recipe.frozen)
        )

    def _rounding(self, network: Network) -> Network:
        """Return a network that rounds its weights after every step, where the recipe says so."""
        kind = self.recipe.quantized_weights
        return StraightThrough(network, kind) if kind else network
