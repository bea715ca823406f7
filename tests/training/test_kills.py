"""Runs that are killed again and again, at random moments, end in the bytes of an unbroken run."""

import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from killable import work

from lenet5.models import file as model_file
from lenet5.training.history import EpochRow
from lenet5.training.identity import weights_digest
from lenet5.training.run import RunFolder

# Forked from a server that has imported everything and computed nothing, so that a new process is there at once.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["lenet5.training.train", "lenet5.engines.native.network", "torch"])
RECIPES = {
    "small": ["archaeology", "images=200", "epochs=3", "batch_size=4"],
    "normalised": ["modern", "images=120", "epochs=3", "batch_size=16", "averaged_epochs=2"],
}
MEASURED = {"seconds", "images_per_second", "peak_memory_bytes"}


def outcome(folder: Path) -> tuple[Any, ...]:
    """All of a finished run that must not depend on kills."""
    run = RunFolder.open(folder)
    result = run.result() or {}
    rows = [{key: value for key, value in asdict(row).items() if key not in MEASURED} for row in epochs(run)]
    kept = {key: result[key] for key in ("test_accuracy_percent", "test_loss", "train_loss", "steps", "epochs")}
    return weights_digest(model_file.read(run.model).weights), rows, kept


def epochs(run: RunFolder) -> list[EpochRow]:
    return run.history().epochs


def stopped(process: BaseProcess, seconds: float, number: int) -> bool:
    """Send a signal to a process after so many seconds; return whether it came before the end of the work."""
    process.join(seconds)
    if process.exitcode is None:
        os.kill(process.pid or 0, number)
        process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL, -signal.SIGTERM, 75), process.exitcode
    return process.exitcode != 0


def chain(start: Callable[[], BaseProcess], seconds: float, chance: random.Random) -> int:
    """Do one run to its end, killing it on the way; return how often."""
    kills = 0
    while True:
        number = signal.SIGTERM if chance.random() < 0.25 else signal.SIGKILL
        # Ever longer, so that the run comes to its end, however busy the machine has become.
        if not stopped(start(), seconds * chance.random() * 1.05**kills, number):
            return kills
        kills += 1


def stress(tmp_path: Path, data: Path, engine: str, network: str, kills: int) -> None:
    recipe = RECIPES[network]
    name = f"{recipe[0]}-seed1"

    def start(runs: Path) -> BaseProcess:
        """Start work, and return when its process is there and has imported what it needs."""
        begun = PROCESSES.Event()
        process = PROCESSES.Process(target=work, args=(begun, recipe, engine, runs, data))
        process.start()
        assert begun.wait(60)
        return process

    straight = start(tmp_path / "straight")
    begun = time.monotonic()
    straight.join()
    seconds = time.monotonic() - begun
    expected = outcome(tmp_path / "straight" / name)
    chance, done, chains = random.Random(f"{engine} {network}"), 0, 0
    while done < kills:
        runs = tmp_path / f"after-{chains}"
        done += chain(lambda runs=runs: start(runs), seconds, chance)  # type: ignore[misc]
        chains += 1
        assert outcome(runs / name) == expected
        assert not list(runs.glob(f"{name}/**/.writing-*"))
        shutil.rmtree(runs)
    print(f"{engine}, {network}: {done} kills, {chains} runs", flush=True)  # shown by pytest -s


@pytest.mark.parametrize(("engine", "network"), [("native", "small"), ("native", "normalised"), ("numpy", "small")])
def test_a_run_killed_again_and_again_ends_in_the_same_bytes(
    small_mnist: Path, tmp_path: Path, engine: str, network: str
) -> None:
    stress(tmp_path, small_mnist, engine, network, kills=2)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["native", "numpy", "torch"])
@pytest.mark.parametrize("network", RECIPES)
def test_two_hundred_kills_change_no_byte(small_mnist: Path, tmp_path: Path, engine: str, network: str) -> None:
    stress(tmp_path, small_mnist, engine, network, kills=200)
