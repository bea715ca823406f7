"""`lenet5 reproduce`: every published number, checked over several seeds."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from lenet5 import files
from lenet5.cli.console import literal, out
from lenet5.cli.options import AcceptChanges, DataFolder, Deadline, DeviceName, EngineName, Quiet, ThreadsOfEach
from lenet5.cli.study import Watcher, local_executor
from lenet5.engines import registry
from lenet5.jobs.processes import DEADLINE_SECONDS
from lenet5.recipes import catalogue
from lenet5.reports import record
from lenet5.reports.certificate import certificate
from lenet5.reports.comparison import Compared, compare
from lenet5.reports.reproduction import explanations, finished, merged, plain, units_for, verdicts
from lenet5.reports.reproduction import quick as quick_units
from lenet5.reports.verdict import Verdict
from lenet5.studies import runner
from lenet5.studies.ledger import Ledger
from lenet5.studies.units import Unit

ALL = "all"
COLOURS = {"reproduced": "green", "exceeded": "green", "not reproduced": "red", "contradicted": "yellow"}
WIDEST = len("a single run decides nothing")
WIDEST_HERE = 48  # columns of a claim's figures

EXAMPLES = ("lenet5 reproduce archaeology --seeds 5", "lenet5 reproduce all --quick")


def reproduce(
    recipes: Annotated[list[str], typer.Argument(help="Recipes by name, or all.")],
    seeds: Annotated[
        int | None, typer.Option(help="How many seeds, from 1; if not given 30, and 10 of long runs.", min=1)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes at a time; if not given, as many as fill the cores.", min=1)
    ] = None,
    threads: ThreadsOfEach = None,
    engine: EngineName = registry.AUTO,
    device: DeviceName = registry.AUTO,
    folder: Annotated[Path, typer.Option(help="Where the runs and the verdicts are kept.")] = Path("reproductions"),
    data_dir: DataFolder = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Train one seed of what takes minutes; take the others from the record.")
    ] = False,
    certificate_file: Annotated[
        Path | None,
        typer.Option("--certificate", help="Write versions, machines, digests and verdicts for others to check."),
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Judge by the runs that are done, and start none.")] = False,
    deadline: Deadline = DEADLINE_SECONDS,
    accept_changes: AcceptChanges = False,
    _quiet: Quiet = False,
) -> None:
    """Train what the published numbers need, and say of each whether it holds, and why."""
    names = catalogue.names() if recipes == [ALL] else tuple(recipes)
    machine = registry.get(engine, device)
    units = units_for(names, seeds, machine.name, machine.device)
    if quick:
        units = quick_units(units)
    ledger = Ledger(folder)
    if not status and units:
        with Watcher() as watcher:
            runner.run(
                units, ledger, local_executor(workers, deadline, threads), data_dir, watcher,
                accept_changes=accept_changes,
            )  # fmt: skip
    if quick:
        _tell_quick(names, units, ledger)
    else:
        _tell_all(names, units, ledger, started=not status)
    if certificate_file:
        runs = finished(units, ledger)
        found = {name: verdicts(name, runs) for name in names}
        statements = {name: compare(name, runs) for name in names}
        files.write_atomically(certificate_file, _json(certificate(found, statements, units, ledger, seeds)))
        out.print(f"written  {certificate_file}", markup=False)


def _tell_all(names: tuple[str, ...], units: list[Unit], ledger: Ledger, *, started: bool) -> None:
    """Print the verdicts; write them to a file where runs were started."""
    runs = finished(units, ledger)
    if units and not runs:
        out.print(
            f"{ledger.folder}: none of {len(units):,} runs is done; leave out --status to start them.", markup=False
        )
    found = {name: verdicts(name, runs) for name in names}
    for name, of_recipe in found.items():
        _head(name)
        for verdict in of_recipe:
            _tell(verdict)
        for compared in compare(name, runs):
            _tell_statement(compared)
    if not started:
        return
    ledger.folder.mkdir(parents=True, exist_ok=True)
    values = {name: [plain(verdict) for verdict in of_recipe] for name, of_recipe in found.items()}
    target = ledger.folder / "verdicts.json"
    files.write_atomically(target, _json(values))
    out.print(f"\nwritten  {target}; the rule: docs/reproduce.md", markup=False)


def _json(values: object) -> bytes:
    return (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode()


def _tell_quick(names: tuple[str, ...], units: list[Unit], ledger: Ledger) -> None:
    """Print the verdicts with this machine's runs, and where they are not those of the record."""
    claims = others = 0
    recorded = record.read()
    runs = merged(recorded, finished(units, ledger))
    for name in names:
        _head(name)
        for verdict, on_record in zip(verdicts(name, runs), verdicts(name, recorded), strict=True):
            _tell(verdict)
            claims += 1
            if verdict.word != on_record.word:
                others += 1
                out.print(f"{'':{WIDEST}} on record: {on_record.word}", markup=False)
        for compared in compare(name, runs):
            _tell_statement(compared)
    out.print(f"\n{claims - others} of {claims} verdicts are those of the record (docs/reproduce.md).", markup=False)
    out.print("Here seed 1 was trained; the other seeds' runs are the record's. All by yourself: without --quick.")


def _head(name: str) -> None:
    """Print a recipe's name, and which recipes explain its failed claims."""
    others = explanations(name)
    beside = f"   what would have to be true: {', '.join(others)}" if others else ""
    out.print(f"\n[bold]{name}[/]{beside}")


def _tell(verdict: Verdict) -> None:
    """Print one claim as a line: verdict, published value, ours, and what it is about."""
    claim = verdict.claim
    published, ours, interval, runs = _figures(verdict)
    about = [
        claim.quantity,
        *([claim.layer] if claim.layer else []),
        *([f"epoch {claim.epoch}"] if claim.epoch else []),
    ]
    about += [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in claim.overrides.items()]
    found = [interval, f"{runs} runs" if runs else "", "" if verdict.p is None else f"p {verdict.p:.2g}"]
    here = f"here {ours} ({', '.join(filter(None, found))})" if runs else f"here {ours}" if ours else ""
    word = f"[{COLOURS.get(verdict.word, 'default')}]{verdict.word:{WIDEST}}[/]"
    line = f"{word} {published:>9}  {here:{WIDEST_HERE}} {literal(' '.join(about))}"
    if out.width_is_known and Text.from_markup(line).cell_len > out.width:
        line = f"{word} {f'{published:>9}  {here}'.rstrip()}\n  {literal(' '.join(about))}"
    out.print(line)


def _tell_statement(compared: Compared) -> None:
    """Print one statement about two ways of training: verdict, words, and by what factor the change acts."""
    found = ""
    if compared.factors:
        least, middle, largest = compared.factors
        found = (
            f"   times {middle:.3g} ({least:.3g} to {largest:.3g}), {len(compared.values)} pairs, p {compared.p:.2g}"
        )
    word = f"[{COLOURS.get(compared.word, 'default')}]{compared.word:{WIDEST}}[/]"
    out.print(f"{word} {compared.comparison.says}{found}")


def _figures(verdict: Verdict) -> tuple[str, str, str, str]:
    """Return published value, our mean, the interval or share, and the number of runs; of a curve its last point."""
    claim = verdict.claim
    published = claim.values[-1] if claim.values else claim.value
    ours = verdict.mean[-1] if verdict.runs else verdict.ours
    interval = "{:.4g} to {:.4g}".format(*verdict.interval[-1]) if verdict.interval else ""
    if verdict.share is not None:
        interval = f"{verdict.share} keep it"
    return _text(published), _text(ours), interval, str(len(verdict.runs) or "")


def _text(value: float | tuple[int, ...] | None) -> str:
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return "" if value is None else f"{value:,.6g}" if value == int(value) else f"{value:.4g}"
