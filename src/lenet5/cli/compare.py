"""`lenet5 compare`: LeNet-5 beside the other classifiers of the 1998 paper."""

from pathlib import Path
from typing import Annotated

import typer

from lenet5.cli.console import out
from lenet5.cli.options import DataFolder, Threads
from lenet5.cli.study import Watcher, local_executor
from lenet5.engines import registry
from lenet5.engines.threads import use_threads
from lenet5.jobs.processes import DEADLINE_SECONDS
from lenet5.machine import usable_cores
from lenet5.methods import catalogue, record
from lenet5.methods.catalogue import ROWS
from lenet5.methods.run import ERROR_PERCENT, Result, of_model, run
from lenet5.models.file import read
from lenet5.recipes import catalogue as recipes
from lenet5.reports.classifiers import Line, lines, with_runs
from lenet5.studies import runner
from lenet5.studies.ledger import Ledger
from lenet5.studies.units import Unit
from lenet5.training.run import RunFolder

ALL = "all"
QUICK_RECIPE = ("images=6000", "epochs=4")
WIDEST = len("a single run decides nothing")

EXAMPLES = (
    "lenet5 compare all --status",
    "lenet5 compare linear neighbours --quick",
    "lenet5 compare lenet-4 --seeds 3",
)


def compare(
    methods: Annotated[list[str], typer.Argument(help="Methods by name, or all.")],
    seeds: Annotated[int, typer.Option(help="Fits of what a seed changes, with the seeds from 1.", min=1)] = 1,
    quick: Annotated[
        bool, typer.Option("--quick", help="Take 6,000 training and 1,000 test images; then nothing is judged.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Where finished fits are kept.")] = Path("comparisons"),
    threads: Threads = None,
    data_dir: DataFolder = None,
    status: Annotated[bool, typer.Option("--status", help="Fit nothing: show what is done and on record.")] = False,
) -> None:
    """Fit the classifiers that the 1998 paper compares, and set their errors and costs beside the published ones."""
    names = list(ROWS) if methods == [ALL] else methods
    for name in names:
        catalogue.get(name)
    use_threads(threads)
    each = threads or usable_cores()
    if quick:
        _quick(names, each, folder / "quick", data_dir)
        return
    if not status:
        for name in names:
            _fit(name, seeds, each, folder, data_dir)
    results = with_runs(record.merged(record.on_record(), record.finished(folder)))
    out.print("error and rejection in percent: published, here; costs in thousands of multiply-adds and numbers kept")
    for line in lines(names, results):
        _tell(line)


def _fit(name: str, seeds: int, threads: int, folder: Path, data_dir: Path | None) -> None:
    """Fit a row with every seed that is not done yet; each is kept when it is finished."""
    row = ROWS[name]
    if row.recipe:
        for unit, place in _trained(row.recipe, seeds, (), threads, folder, data_dir):
            if not record.place(folder, name, unit.seed).exists():
                seconds = sum(Ledger(folder).result(unit)["seconds"])  # type: ignore[index]  # it is done
                record.keep(folder, name, of_model(read(place.model), seconds, data_dir))
    elif row.make:
        for seed in range(1, (seeds if row.make().seeded else 1) + 1):
            if not record.place(folder, name, seed).exists():
                out.print(f"{row.title}, seed {seed}", markup=False)
                record.keep(folder, name, run(row, seed, data_dir))


def _quick(names: list[str], threads: int, folder: Path, data_dir: Path | None) -> None:
    """Fit each row once on few images, and print its error beside the published one, without a verdict."""
    for name in names:
        row = ROWS[name]
        error: float | None = None
        if row.recipe:
            for unit, _ in _trained(row.recipe, 1, QUICK_RECIPE, threads, folder, data_dir):
                error = Ledger(folder).result(unit)["test_error_percent"][-1]  # type: ignore[index]  # it is done
        elif row.make:
            error = run(row, 1, data_dir, quick=True).error_percent
        found = "no finished fit" if error is None else f"{error:.1f} % on few images"
        out.print(f"{row.title:32} {row.error:>5} % published   {found}", markup=False)


def _trained(
    recipe: str, seeds: int, overrides: tuple[str, ...], threads: int, folder: Path, data_dir: Path | None
) -> list[tuple[Unit, RunFolder]]:
    """Train a recipe with some seeds, and return the finished units with their run folders."""
    engine = registry.get(registry.AUTO).name
    loaded = [recipes.load(recipe, [*overrides, f"seed={seed}"]) for seed in range(1, seeds + 1)]
    units = [Unit((recipe,), each, engine) for each in loaded]
    ledger = Ledger(folder)
    with Watcher() as watcher:
        runner.run(units, ledger, local_executor(1, DEADLINE_SECONDS, threads), data_dir, watcher)
    done = [(unit, result) for unit in units if (result := ledger.result(unit))]
    return [(unit, RunFolder(ledger.place(unit) / result["run"])) for unit, result in done]


def _tell(line: Line) -> None:
    """Print a row: verdict, errors, rejections, costs."""
    row, results = line.row, line.results
    fits = f"{len(results)} fit{'s' if len(results) > 1 else ''}" if results else ""
    pairs = [
        ("", row.error, line.error_percent),
        (f"rejected for {ERROR_PERCENT} %:", row.rejected, line.rejected),
        ("multiply-adds:", row.multiply_adds, _thousands(results, "multiply_adds")),
        ("memory:", row.memory, _thousands(results, "memory")),
    ]
    costs = "   ".join(f"{what} {_text(published)}, {_text(ours)}".strip() for what, published, ours in pairs)
    out.print(f"{line.verdict.word:{WIDEST}} {row.title:30} {costs}   {fits}", markup=False, soft_wrap=True)


def _thousands(results: tuple[Result, ...], field: str) -> float | None:
    return getattr(results[0], field) / 1000 if results else None


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
