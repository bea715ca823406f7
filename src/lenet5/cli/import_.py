"""`lenet5 import`: a model from other people's weights."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, cast

import typer

from lenet5 import files
from lenet5.cli.console import err, literal, out, percent
from lenet5.cli.options import DataFolder, DeviceName, EngineName, Quiet, Threads
from lenet5.engines import registry
from lenet5.engines.threads import use_threads
from lenet5.errors import ModelError
from lenet5.exchange.import_model import import_file
from lenet5.exchange.match_shapes import FRAMES, FUNCTIONS, POOLINGS, Choices, Frame, Function, Pooling, choices_of
from lenet5.models import file as model_file
from lenet5.recipes import catalogue
from lenet5.reports.claim_values import WEIGHTS
from lenet5.reports.verdict import judge_weights

EXAMPLES = ("lenet5 import weights.pt --measure", "lenet5 import model.pt --recipe sunnyhaze")


def import_model(
    weights: Annotated[
        Path, typer.Argument(help="A file of PyTorch, Lightning, safetensors, NumPy (.npz), ONNX or Keras.")
    ],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="The recipe that the weights were trained by: it tells the rest, and its claim on published weights "
            "is judged.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="The data set whose classes it tells apart; mnist, or the recipe's.", show_default=False),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            help="Where in the file the weights are, if it holds several networks; an error lists the places.",
            show_default=False,
        ),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Find out what is not said: try it on training images.")
    ] = False,
    background: Annotated[float | None, typer.Option(help="Input for pixel 0.", show_default=False)] = None,
    ink: Annotated[float | None, typer.Option(help="Input for pixel 255.", show_default=False)] = None,
    function: Annotated[str | None, typer.Option(help=f"{', '.join(FUNCTIONS)}.", show_default=False)] = None,
    pooling: Annotated[str | None, typer.Option(help=f"{', '.join(POOLINGS)}.", show_default=False)] = None,
    frame: Annotated[
        str | None,
        typer.Option(
            help="How 28x28 becomes 32x32: zeros (C1 pads), background (the image is padded), resize (stretched).",
            show_default=False,
        ),
    ] = None,
    squash_pools: Annotated[
        bool | None,
        typer.Option("--squash-pools/--no-squash-pools", help="S2 and S4 are squashed, too.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The model file; without it, beside the weights.", show_default=False),
    ] = None,
    threads: Threads = None,
    engine: EngineName = registry.AUTO,
    device: DeviceName = registry.AUTO,
    data_dir: DataFolder = None,
    _quiet: Quiet = False,
) -> None:
    """Make a model of other people's LeNet-5 weights. Nothing in the file is run as code."""
    use_threads(threads)
    for option, value, known in (
        ("function", function, FUNCTIONS), ("pooling", pooling, POOLINGS), ("frame", frame, FRAMES),
    ):  # fmt: skip
        if value is not None and value not in known:
            raise ModelError(f'--{option} is "{value}"; it can be {", ".join(known)}.')
    if (background is None) != (ink is None):
        raise ModelError("--background and --ink belong together: the inputs for pixels 0 and 255; give both.")
    target = output or weights.with_name(f"{weights.stem}_imported.safetensors")
    if target.exists() and weights.exists() and target.samefile(weights):
        raise ModelError(f"{target}: is the file that is read; give another one with --output.")
    if weights.exists():
        files.check_writable(target)
    said = Choices(
        cast(Function | None, function),
        cast(Pooling | None, pooling),
        cast(Frame | None, frame),
        squash_pools,
        None if background is None or ink is None else (background, ink),
    )
    plan = catalogue.load(recipe) if recipe else None
    if plan:
        said = replace(
            choices_of(plan),
            **{one.name: value for one in fields(said) if (value := getattr(said, one.name)) is not None},
        )
    done = import_file(
        weights,
        data=data or (plan.data if plan else "mnist"),
        said=said,
        network=network,
        measure=measure,
        engine=engine,
        device=device,
        data_folder=data_dir,
        progress=lambda text: err.print(text, markup=False),
    )
    for fact in done.facts:
        out.print(fact, markup=False)
    card = done.model.card
    out.print(
        f"[bold]{percent(card.test_accuracy_percent)}[/] of {card.test_images:,} {card.data} {card.scored_on} images"
    )
    for claim in plan.claims if plan else ():
        if claim.quantity == WEIGHTS:
            word = judge_weights(claim, card.test_accuracy_percent)
            out.print(f"{word}: {claim.value} % was published for {literal(claim.where)}")
    model_file.write(done.model, target)
    out.print(f"written  {target}", markup=False)
