"""`lenet5 report`: a run, or a study, as one HTML file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lenet5 import api, files
from lenet5.cli.console import command, out
from lenet5.cli.options import DataFolder, Quiet
from lenet5.errors import RunError
from lenet5.inference.evaluation import Evaluation, evaluate
from lenet5.reports import study_results
from lenet5.reports.translations import Language
from lenet5.training.run import RunFolder
from lenet5.training.train import parts

COMPARED = 8  # choices of a study whose models answer again; the first with all its seeds, the others with one
ANSWERING = 5  # seeds of the first choice

EXAMPLES = ("lenet5 report runs/archaeology-seed1", "lenet5 report studies/batch-size --lang zh --to report.html")


def report(
    folder: Annotated[Path, typer.Argument(help="A finished run's folder, or the folder of a study.")],
    to: Annotated[Path | None, typer.Option(help="The file to write; report.html in the folder if not given.")] = None,
    lang: Annotated[Language, typer.Option(help="en or zh.")] = "en",
    data_dir: DataFolder = None,
    _quiet: Quiet = False,
) -> None:
    """Write everything about a run or a study into one HTML file that needs nothing else."""
    page = _run(folder, lang, data_dir) if (folder / "recipe.toml").exists() else _study(folder, lang, data_dir)
    target = to or folder / "report.html"
    files.write_atomically(target, page.encode())
    out.print(f"written  {target}", markup=False)


def _run(folder: Path, lang: Language, data_dir: Path | None) -> str:
    from lenet5.reports import run_report  # a third of a second, for its library of pictures

    run = RunFolder.open(folder)
    result = run.result()
    if result is None:
        raise RunError(f"{folder}: is not finished; go on with: {command('train', '--resume', folder)}")
    if result.get("scored_on", "test") != "test":
        raise RunError(f"{folder}: was scored on {result['scored_on']} images; a report is about the test set.")
    return run_report.report(run, api.evaluate(folder, data_folder=data_dir), lang)


def _study(folder: Path, lang: Language, data_dir: Path | None) -> str:
    from lenet5.reports import study_report

    units = study_results.read(folder)
    verdicts = folder / "verdicts.json"
    claims: dict[str, list[dict[str, Any]]] = (
        files.read_json(verdicts, dict[str, list[dict[str, Any]]]) if verdicts.exists() else {}
    )
    evaluations: dict[str, list[Evaluation]] = {}
    for label, own in list(study_results.by_label(units).items())[:COMPARED]:
        answering = own[:1] if evaluations else own[:ANSWERING]
        evaluations[label] = [_answers(unit, data_dir) for unit in answering]
    same = next(iter(evaluations.values()))[0].data.fingerprint
    evaluations = {label: outcomes for label, outcomes in evaluations.items() if outcomes[0].data.fingerprint == same}
    return study_report.report(folder, units, claims, evaluations, lang)


def _answers(unit: study_results.Finished, data_dir: Path | None) -> Evaluation:
    """Let a unit's model answer once more for the images that it was scored on."""
    return evaluate(api.load(unit.run.model), parts(unit.run.recipe(), data_dir)[1])
