"""Several runs of one recipe, a seed each, trained at once as networks side by side.

Each run has its folder, history, checkpoints and result as if it were alone. All trainers go forward in step: what
they ask for is done for all at once, and each gets its own answer.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lenet5 import files
from lenet5.data.batches import Examples
from lenet5.data.datasets import Images
from lenet5.engines.contract import Together, TogetherEngine
from lenet5.engines.scoring import score_all_together
from lenet5.errors import Lenet5Error
from lenet5.models import shipped
from lenet5.training import checkpoint
from lenet5.training import trainer as loop
from lenet5.training.checkpoint import Position
from lenet5.training.interrupt import StopRequest, polite_stop
from lenet5.training.run import RunFolder
from lenet5.training.start import weights_to_start
from lenet5.training.train import Work, find, finish
from lenet5.training.trainer import Batches, Observer, Request, Trainer


def place_of(run: RunFolder) -> tuple[int, int, int]:
    """Return epoch, step and step of the epoch at which a run goes on; only runs at one place can go on together."""
    found, _ = checkpoint.newest(run.checkpoints)
    position = found.position if found else Position(seed=0)
    return position.epoch, position.step, position.epoch_step


def train_together(
    runs: Sequence[RunFolder],
    machine: TogetherEngine,
    images: tuple[Images, Images],
    data_folder: Path | None = None,
    *,
    observer: Observer | None = None,
    accept_changes: bool = False,
) -> list[Lenet5Error | None]:
    """Go on with runs to their ends; return for each what ended it before, or None where it is finished.

    runs            new or unfinished; they differ in nothing but the seed, and stand at one place
    images          what they are trained on and scored on
    accept_changes  as in `train.resume`

    Seconds in a run's history are its share of the time of all. Raises RunError when a folder is in use, or was begun
    under other conditions.
    """
    stop = StopRequest()
    with polite_stop() as asked, ExitStack() as held:
        for run in runs:
            held.enter_context(files.lock_folder(run.path))
        found = [find(run) for run in runs]
        plan = found[0].recipe
        start = shipped.find(plan.start_from) if plan.start_from else None
        together = machine.build_together(
            plan.architecture,
            [weights_to_start(each.recipe, start, each.recipe.seed) for each in found],
            plan.objective,
            plan.optimizer,
            frozen=plan.frozen,
        )
        trainers = []
        for run, each, network in zip(runs, found, together.networks, strict=True):
            work = Work(each.recipe, machine, images, data_folder, observer=observer, together=len(runs))
            begun = each if any(run.checkpoints.iterdir()) or run.history_path.exists() else None
            ready = work.ready(run, begun, accept_changes=accept_changes, stop=stop, network=network)
            trainers.append(held.enter_context(ready))
        return _InStep(trainers, together, stop, asked).to_the_end(data_folder)


class _InStep:
    """Trainers that go forward at once."""

    def __init__(self, trainers: Sequence[Trainer], together: Together, stop: StopRequest, asked: StopRequest) -> None:
        """Take trainers with the networks that they began with.

        stop   what the trainers look at; set between two rounds, so that all of them stop at one place
        asked  what a signal sets
        """
        self._trainers, self._together = trainers, together
        self._stop, self._asked = stop, asked
        self._errors: list[Lenet5Error | None] = [None] * len(trainers)

    def to_the_end(self, data_folder: Path | None) -> list[Lenet5Error | None]:
        """Train until none is left; return what ended each before its time."""
        work = {number: trainer.work() for number, trainer in enumerate(self._trainers)}
        answers: dict[int, Any] = dict.fromkeys(work)
        while answers:
            requests = self._go_on(work, answers, data_folder)
            self._stop.signal_number = self._asked.signal_number
            answers = self._answers(requests)
        return self._errors

    def _go_on(
        self, work: dict[int, loop.Work], answers: dict[int, Any], data_folder: Path | None
    ) -> dict[int, Request]:
        """Give each trainer its answer; return what those ask for that have not ended."""
        requests = {}
        for number, answer in answers.items():
            trainer = self._trainers[number]
            try:
                requests[number] = work[number].send(answer)
            except StopIteration:
                assert trainer.run is not None, "trainers of a study have folders"
                finish(trainer.run, trainer, data_folder)
            except Lenet5Error as error:
                self._errors[number] = error
        return requests

    def _answers(self, requests: dict[int, Request]) -> dict[int, Any]:
        """Do what is asked for: at once for those in step, alone for those that began again with another seed."""
        networks = self._together.networks
        in_step = {n: request for n, request in requests.items() if self._trainers[n].network is networks[n]}
        answers = {n: self._trainers[n].answer(request) for n, request in requests.items() if n not in in_step}
        steps = {n: request for n, request in in_step.items() if isinstance(request, Batches)}
        assert len(steps) in (0, len(in_step)), "trainers in step ask for the same"
        if steps:
            started = time.perf_counter()
            rates = next(iter(steps.values())).learning_rates
            done = self._together.train([steps[n].batches if n in steps else None for n in range(len(networks))], rates)
            share = (time.perf_counter() - started) / len(steps)
            answers |= {n: (done[n], share) for n in steps}
        elif in_step:
            examples = next(request for request in in_step.values() if isinstance(request, Examples))
            scores = score_all_together(self._together, examples)
            answers |= {n: scores[n] for n in in_step}
        return answers
