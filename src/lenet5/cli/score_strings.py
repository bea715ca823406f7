"""`lenet5 data score-strings`: how well numbers in labelled pictures are read, set by set."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from lenet5 import api
from lenet5.cli.console import err, out, percent
from lenet5.cli.options import DeviceName, EngineName, Threads
from lenet5.cli.read import parsed_percent
from lenet5.data.labelled import LabelledSet, labelled_sets
from lenet5.data.made.strings import LABELS
from lenet5.data.sources import DATA_SETS
from lenet5.engines import registry
from lenet5.reading import constraints
from lenet5.reading.reader import DEFAULT, Reader
from lenet5.reading.score import Score, score

SHOWN = 5  # pictures that are left out, by name

EXAMPLES = ("lenet5 data score-strings numbers", "lenet5 data score-strings CVL --length 5 --wrong")


def score_strings(
    given: Annotated[
        list[Path], typer.Argument(help="Folders of labelled pictures, as of ORAND-CAR or CVL, or label files.")
    ],
    model: Annotated[str, typer.Option(help="A shipped model's name, a model file or a run folder.")] = DEFAULT,
    max_error: Annotated[
        str | None,
        typer.Option(help="Reject unsure digits for at most this error rate, as 1%.", show_default=False),
    ] = None,
    length: Annotated[
        str | None, typer.Option(help="Number of digits in every number, such as 4 for years.", show_default=False)
    ] = None,
    wrong: Annotated[bool, typer.Option("--wrong", help="List what is misclassified or rejected.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a set.")] = False,
    engine: EngineName = registry.AUTO,
    device: DeviceName = registry.AUTO,
    threads: Threads = None,
) -> None:
    """Read pictures of one number each and compare with their labels: what share is read exactly."""
    sets = [each for path in given for each in labelled_sets(path)]
    predictor = api.load(model, engine=engine, device=device, threads=threads)
    constraint = constraints.parse(f"length {length}") if length else None
    reader = Reader(predictor, max_error_percent=parsed_percent(max_error), constraint=constraint)
    for each in sets:
        found = _scored(reader, each)
        trained_on = predictor.model.card.data
        for picture in each.skipped[:SHOWN]:
            err.print(f'{picture.path}: left out, for its label "{picture.label}" is not one number', markup=False)
        if len(each.skipped) > SHOWN:
            err.print(f"{each.name}: {len(each.skipped) - SHOWN:,} more are left out for their labels", markup=False)
        if as_json:
            print(json.dumps(_plain(each, found, model, trained_on)))
        else:
            _print(each, found, model, trained_on)
            if wrong:
                for picture, answer in found.wrong:
                    out.print(f"    {picture.path}: {picture.label} read as {answer or 'nothing'}", markup=False)


def _scored(reader: Reader, each: LabelledSet) -> Score:
    with Progress(console=err, transient=True) as bars:
        bar = bars.add_task(each.name, total=len(each.pictures))
        return score(reader, each.pictures, lambda done: bars.update(bar, completed=done))


def _is_foreign(each: LabelledSet, trained_on: str) -> bool:
    """Return whether the model cannot have seen a set: ORAND-CAR and CVL are in none of the sets lenet5 trains on."""
    return each.layout != LABELS and trained_on in DATA_SETS


def _training(each: LabelledSet, trained_on: str) -> str:
    """Say what is known of whether the model has seen a set."""
    if _is_foreign(each, trained_on):
        return f"not used in training: the model was trained on {trained_on}"
    return f"the model was trained on {trained_on}; whether that holds any of these pictures cannot be told from here"


def _print(each: LabelledSet, found: Score, model: str, trained_on: str) -> None:
    low, high = found.exact_interval_percent
    least, most = found.edit_interval_percent
    out.print(
        f"{each.name} ({each.layout}), model {model}: {percent(found.exact_percent)} of {found.n:,} strings read "
        f"exactly, 95 % interval {low:.2f} to {high:.2f}; {percent(found.rejected_percent)} rejected; "
        f"{found.edit_percent:.2f} edits for 100 of {found.digits:,} digits, 95 % interval {least:.2f} to {most:.2f}",
        markup=False,
    )
    out.print(f"    {_training(each, trained_on)}", markup=False)


def _plain(each: LabelledSet, found: Score, model: str, trained_on: str) -> dict[str, Any]:
    return {
        "set": each.name, "layout": each.layout, "model": model, "trained_on": trained_on,
        "used_in_training": False if _is_foreign(each, trained_on) else None,
        "left_out": [str(picture.path) for picture in each.skipped],
        "n": found.n, "exact": found.exact, "exact_percent": found.exact_percent,
        "exact_interval_percent": found.exact_interval_percent,
        "rejected": found.rejected, "rejected_percent": found.rejected_percent,
        "digits": found.digits, "edits": found.edits, "edit_percent": found.edit_percent,
        "edit_interval_percent": found.edit_interval_percent if found.n > 1 else None,
        "wrong": [{"file": str(picture.path), "label": picture.label, "read": read} for picture, read in found.wrong],
    }  # fmt: skip
