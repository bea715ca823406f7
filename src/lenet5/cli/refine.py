"""`lenet5 refine`: a model that reads, trained on through the lattices of whole numbers."""

from pathlib import Path
from typing import Annotated

import typer

from lenet5.cli.console import command, err, out
from lenet5.cli.options import DataFolder, EngineName, Threads
from lenet5.engines import registry
from lenet5.engines.threads import use_threads
from lenet5.errors import RunError
from lenet5.lattice_training.refined import COUNT, RECIPE, refined
from lenet5.lattice_training.train import Pass, Schedule
from lenet5.models import file, shipped

EXAMPLES = ("lenet5 refine digits.safetensors", "lenet5 refine digits.safetensors --from runs/digits-seed1")
USUAL = Schedule()


def refine(
    target: Annotated[Path, typer.Argument(help="The model file to be written.")],
    start_from: Annotated[
        str, typer.Option("--from", metavar="MODEL", help="A shipped model's name, a model file or a run folder.")
    ] = RECIPE,
    numbers: Annotated[
        int, typer.Option(min=1, help="Pictures of numbers to train on, beside a fourth as many of words.")
    ] = COUNT,
    passes: Annotated[int, typer.Option(min=1, help="How often each is shown.")] = USUAL.passes,
    learning_rate: Annotated[float, typer.Option(min=1e-6, help="At the start; it falls to 0.")] = USUAL.learning_rate,
    seed: Annotated[int, typer.Option(help="Of the order in which they are shown.")] = USUAL.seed,
    data_folder: DataFolder = None,
    engine: EngineName = registry.AUTO,
    threads: Threads = None,
) -> None:
    """Train a model on so that whole numbers are read, not single digits (LeCun 1998, sections VI and VII)."""
    if not target.parent.is_dir():
        raise RunError(f"{target}: there is no folder {target.parent}; make it, or name another.")
    use_threads(threads)
    schedule = Schedule(passes=passes, learning_rate=learning_rate, seed=seed)
    model = refined(
        shipped.find(start_from), registry.get(engine, "cpu"), schedule, count=numbers, data_folder=data_folder,
        report=_print,
    )  # fmt: skip
    file.write(model, target)
    out.print(f"{target}: {model.card.test_accuracy_percent:.2f} % of {model.card.test_images:,} single images correct")
    out.print(command("read", "--model", target, "photo.jpg"))


def _print(done: Pass) -> None:
    err.print(f"pass {done.number}: mean loss of a number {done.loss:.4f}")
