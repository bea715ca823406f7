"""Work for the processes that tests kill."""

import os
import time
from multiprocessing.synchronize import Event
from pathlib import Path

from lenet5.errors import InterruptedRunError
from lenet5.jobs.executor import Alive, Outcome
from lenet5.recipes import catalogue
from lenet5.training.train import resume, train


def work(begun: Event, recipe: list[str], engine: str, runs: Path, data: Path) -> None:
    """Begin the run, or go on with it: what a person does after each kill."""
    begun.set()
    plan = catalogue.load(recipe[0], recipe[1:])
    folder = runs / f"{plan.name}-seed1"
    try:
        if not folder.exists():
            train(plan, engine=engine, data_folder=data, runs_folder=runs)
        elif not (folder / "recipe.toml").exists():  # nothing was begun in there; see the message of `RunFolder.open`
            os.rename(folder, folder.with_name(f"half-made-{time.monotonic_ns()}"))
            train(plan, engine=engine, data_folder=data, runs_folder=runs)
        else:
            resume(folder, data_folder=data)
    except InterruptedRunError:
        os._exit(75)


def doubled(number: int, alive: Alive) -> Outcome:
    """Double a number, with a sign of life."""
    alive()
    return Outcome("done", {"doubled": 2 * number})
