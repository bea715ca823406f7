"""`lenet5 train`: a recipe in, a run folder out."""

import json
from pathlib import Path
from typing import Annotated

import typer

from lenet5 import api
from lenet5.cli.console import command, err, literal, out, percent
from lenet5.cli.options import AcceptChanges, DataFolder, DeviceName, EngineName, Quiet, Threads
from lenet5.cli.watch import watcher
from lenet5.data import datasets, fetch, recognition, sources
from lenet5.data.own import dataset as own
from lenet5.engines import registry
from lenet5.engines.threads import use_threads
from lenet5.errors import DataNotFoundError, RecipeError
from lenet5.metrics import wilson_interval_percent
from lenet5.recipes import catalogue
from lenet5.reports.claims import published_accuracy
from lenet5.spec.recipe import Recipe
from lenet5.training.run import RunFolder
from lenet5.training.start import started_from

OFFLINE = "uci-digits"
OFFLINE_EPOCHS = 60  # 1,400 images: about as many steps as one epoch of MNIST

EXAMPLES = (
    "lenet5 train archaeology",
    "lenet5 train archaeology --epochs 5 --set optimizer.lr=0.02",
    "lenet5 train modern --data my-images",
    "lenet5 train archaeology --from modern --data my-digits --freeze C1,C3",
    "lenet5 train --resume runs/archaeology-seed1",
    "lenet5 train --resume runs/archaeology-seed1 --epochs 40",
)


def train(
    recipe: Annotated[
        str | None,
        typer.Argument(help="A recipe's name (see `lenet5 recipes`) or a TOML file.", show_default=False),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Your own labelled images: a folder for each class, CSV, IDX, NumPy or Parquet; or a data set's name.",
            show_default=False,
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Start from a model's weights (fine-tuning): a shipped model's name, a model file or a run folder.",
            show_default=False,
        ),
    ] = None,
    freeze: Annotated[
        str | None,
        typer.Option(metavar="LAYERS", help="Layers whose weights stay as they are: C1,C3.", show_default=False),
    ] = None,
    engine: EngineName = registry.AUTO,
    device: DeviceName = registry.AUTO,
    epochs: Annotated[
        int | None, typer.Option(help="In place of the recipe's; with --resume, to train on.", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="In place of the recipe's.", show_default=False)] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override any field, such as optimizer.lr=0.02."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Go on with a stopped run; with --epochs, train on.", show_default=False),
    ] = None,
    runs: Annotated[Path, typer.Option(help="Where the run folder is made.")] = Path("runs"),
    score_train: Annotated[
        bool, typer.Option("--score-train", help="Score the whole training set after each epoch, too.")
    ] = False,
    offline_digits: Annotated[
        bool,
        typer.Option("--offline-digits", help="Where the data cannot be had, train on scikit-learn's small digits."),
    ] = False,
    threads: Threads = None,
    accept_changes: AcceptChanges = False,
    data_dir: DataFolder = None,
    _quiet: Quiet = False,
) -> None:
    """Train a recipe; write its model, history, result and curves to a run folder."""
    if (recipe is None) == (resume is None):
        raise RecipeError("give either a recipe, such as `lenet5 train archaeology`, or --resume RUN.")
    use_threads(threads)
    if resume is not None:
        if overrides or data or start_from or freeze or seed is not None:
            raise RecipeError(
                "--resume goes on with the run's own recipe; leave out what changes it, such as --set and "
                "--seed, or train a new run. Only --epochs may be given, to train on."
            )
        with watcher() as bar:
            run = api.resume(
                resume,
                engine=None if engine == registry.AUTO else engine,
                device=None if device == registry.AUTO else device,
                data_folder=data_dir,
                score_train=score_train,
                observer=bar,
                accept_changes=accept_changes,
                epochs=epochs,
            )
            if not bar.watched:
                out.print(f"{run.path}: is finished; train on with --epochs", markup=False)
        _tell(run)
        return
    given = list(overrides or [])
    given += [f"data={json.dumps(data)}"] if data is not None else []
    given += [f"epochs={epochs}"] if epochs is not None else []
    given += [f"seed={seed}"] if seed is not None else []
    given += [f"frozen={json.dumps([name.strip() for name in freeze.split(',')])}"] if freeze else []
    plan = catalogue.load(str(recipe), overrides=given)
    registry.get(engine, device)  # fails before anything is downloaded
    plan = datasets.fitted(_with_data(str(recipe), plan, given, data_dir, offline_digits))
    if start_from is not None:
        plan = started_from(plan, start_from)
    _introduce(plan, engine, device, data_dir)
    with watcher() as bar:
        run = api.train(
            plan,
            engine=engine,
            device=device,
            data_folder=data_dir,
            runs_folder=runs,
            score_train=score_train,
            observer=bar,
        )
    _tell(run)


def _with_data(name: str, plan: Recipe, given: list[str], data_dir: Path | None, offline_digits: bool) -> Recipe:
    """Fetch the data where they are missing; or, when allowed, plan for the digits inside scikit-learn."""
    if datasets.is_own(plan.data):
        return plan
    try:
        fetch.fetch(sources.get(plan.data), fetch.data_folder(data_dir), progress=True)
    except DataNotFoundError as error:
        if not offline_digits:
            raise
        err.print(str(error), markup=False)
        out.rule(style="yellow")
        out.print(
            f"[bold yellow]{plan.data} cannot be had now, so this run uses the small digits inside scikit-learn:[/]\n"
            f"1,797 images of 8x8 pixels (UCI, 1998) stretched to 28x28. Its accuracy says nothing about {plan.data}."
        )
        out.rule(style="yellow")
        return catalogue.load(name, overrides=[f"epochs={OFFLINE_EPOCHS}", *given, f"data={OFFLINE}"])
    return plan


def _introduce(plan: Recipe, engine: str, device: str, data_dir: Path | None) -> None:
    """Say what is about to be trained, on what, by what, and why by that."""
    facts = registry.get(engine, device).describe()
    means = ", ".join(facts[key] for key in ("instructions", "device", "gpu") if key in facts)
    out.print(f"[bold]{literal(plan.name)}[/]  {literal(plan.title)}")
    if plan.source:
        out.print(f"  source  {plan.source.author}: {plan.source.title}", markup=False)
    if plan.start_from:
        frozen = f", {', '.join(plan.frozen)} frozen" if plan.frozen else ""
        out.print(f"  from    {plan.start_from}{frozen}", markup=False)
    length = f"epochs {plan.epochs}" if plan.epochs else f"steps {plan.steps:,}"
    out.print(
        f"  network {plan.architecture.parameters:,} parameters, data {literal(plan.data)}, batch {plan.batch_size}, "
        f"{length}, seed {plan.seed}"
    )
    out.print(f"  engine  {facts['engine']} ({means}, {facts['threads']} threads)")
    if datasets.is_own(plan.data):
        _describe(plan.data)
    images = datasets.load(plan.data, "train", data_dir)
    if hint := recognition.hint(images.images, images.labels):
        out.print(f"  [yellow]{literal(hint)}[/]")
    missing = registry.missing_because("native")
    if engine == registry.AUTO and missing:
        out.print(f"  {missing}", style="yellow", markup=False, highlight=False)  # a compiler's words may hold brackets


def _describe(path: str) -> None:
    """Say what a user's own images are, and show one of each class."""
    data = own.load(Path(path))
    for line in data.description():
        out.print(f"  {line}", markup=False)
    out.print(own.sheet(data, out.width), markup=False)


def _tell(run: RunFolder) -> None:
    """Say how a finished run did, beside what was published, where it is, and what to try next."""
    result, recipe = run.result(), run.recipe()
    if result is None:
        return
    part = result.get("scored_on", "test")
    low, high = wilson_interval_percent(result["test_images_correct"], result["test_images"])
    out.print(
        f"\n[bold]{recipe.data}: {percent(result['test_accuracy_percent'])} of {result['test_images']:,} {part} images "
        f"correct[/]  (95 % interval {low:.2f} to {high:.2f}; one run, seed {result['seed']}, last epoch)"
    )
    rows = run.history().epochs
    here = {row.epoch: row.test_accuracy_percent for row in rows}
    published_here = published_accuracy(recipe, rows) if part == "test" else {}
    for epoch, published in sorted(published_here.items())[-3:]:
        out.print(f"after epoch {epoch:3d}: published {percent(published)}   here {percent(here[epoch])}")
    folder = run.path
    out.print(f"\nrun folder  {folder}   model, history, curves.png", markup=False)
    out.print("try next")
    for line, why in (
        (command("evaluate", folder, "--pictures", folder), "which images it misclassifies"),
        (command("show", folder), "the whole history"),
        (command("recipes"), "the other reproductions"),
    ):
        out.print(f"  {line}   # {why}", markup=False, soft_wrap=True)
