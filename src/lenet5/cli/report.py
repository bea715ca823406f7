"""`lenet5 report`: a run as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from lenet5 import api, files
from lenet5.cli.console import out
from lenet5.cli.options import DataFolder
from lenet5.errors import RunError
from lenet5.reports.run_report import report as page
from lenet5.reports.words import Language
from lenet5.training.run import RunFolder


def report(
    run: Annotated[Path, typer.Argument(help="A finished run's folder.")],
    to: Annotated[
        Path | None, typer.Option(help="The file to write; report.html in the run folder if not given.")
    ] = None,
    lang: Annotated[Language, typer.Option(help="en or zh.")] = "en",
    data_dir: DataFolder = None,
) -> None:
    """Write everything about a run into one HTML file that needs nothing else."""
    folder = RunFolder.open(run)
    result = folder.result()
    if result is None:
        raise RunError(f"{run}: is not finished; go on with: lenet5 train --resume {run}")
    if result.get("scored_on", "test") != "test":
        raise RunError(f"{run}: was scored on {result['scored_on']} images; a report is about the test set.")
    outcome = api.evaluate(run, data_folder=data_dir)
    target = to or run / "report.html"
    files.write_atomically(target, page(folder, outcome, lang).encode())
    out.print(f"written  {target}", markup=False)
