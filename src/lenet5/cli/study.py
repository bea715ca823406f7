"""`lenet5 study`: many runs of one recipe, over choices and seeds."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from lenet5.cli.console import err, hush, literal, out, print_json, print_table
from lenet5.cli.options import AcceptChanges, AsJson, DataFolder, Deadline, DeviceName, EngineName, Quiet, ThreadsOfEach
from lenet5.engines import registry
from lenet5.engines.contract import Engine
from lenet5.errors import StudyError
from lenet5.jobs.executor import Executor
from lenet5.jobs.processes import DEADLINE_SECONDS
from lenet5.machine import usable_cores
from lenet5.studies import plan as plans
from lenet5.studies import runner
from lenet5.studies.ledger import Ledger
from lenet5.studies.local import LocalExecutor, Task
from lenet5.studies.statistics import summary
from lenet5.studies.together import TogetherExecutor
from lenet5.studies.units import Unit, combinations, units

LOCAL = "local"

EXAMPLES = ("lenet5 study plan.toml --workers 4", "lenet5 study plan.toml --status")


def study(
    plan: Annotated[Path, typer.Argument(help="The study's plan, a TOML file; see docs/studies.md.")],
    on: Annotated[
        str, typer.Option("--on", help="Where: local, or the address of a Dask scheduler such as tcp://host:8786.")
    ] = LOCAL,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes at a time on this machine; if not given, as many as fill the cores.", min=1),
    ] = None,
    threads: ThreadsOfEach = None,
    engine: EngineName = registry.AUTO,
    device: DeviceName = registry.AUTO,
    together: Annotated[
        int, typer.Option(help="Networks of one choice that are trained at once, by engine torch.", min=1)
    ] = 1,
    folder: Annotated[
        Path | None, typer.Option(help="Where the study is kept; studies/NAME if not given.", show_default=False)
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="Data set, or your own labelled images, in place of the plan's.", show_default=False),
    ] = None,
    data_dir: DataFolder = None,
    status: Annotated[bool, typer.Option("--status", help="Tell how far it is, and start nothing.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Try what was set aside once more.")] = False,
    deadline: Deadline = DEADLINE_SECONDS,
    accept_changes: AcceptChanges = False,
    as_json: AsJson = False,
    _quiet: Quiet = False,
) -> None:
    """Run every combination of a plan's choices with every seed; what is done already is not done again."""
    hush(as_json)
    wanted = plans.read(plan)
    if data is not None:
        wanted = wanted.model_copy(update={"data": data})
    ledger = Ledger(folder or Path("studies") / wanted.name)
    machine = registry.get(engine, device)
    all_units = units(wanted, machine.name, machine.device)
    if not status:
        if again:
            for unit in all_units:
                ledger.forgive(unit)
        if together == 1:
            executor = _executor(on, workers, threads, deadline)
        else:
            executor = _together(on, workers, threads, together, machine, deadline)
        with Watcher() as watcher:
            runner.run(
                all_units, ledger, executor, data_dir, watcher, accept_changes=accept_changes, by_choice=together > 1
            )
    if as_json:
        print_json(_plain(wanted, all_units, ledger))
    else:
        _tell(wanted, all_units, ledger)


def _executor(on: str, workers: int | None, threads: int | None, deadline: float) -> Executor[Task]:
    """Return who does the units."""
    if on == LOCAL:
        return local_executor(workers, deadline, threads)
    if threads is not None:
        raise StudyError(f'--threads is for this machine; --on is "{on}". Leave one of them out.')
    if "://" not in on:
        raise StudyError(f'--on is "{on}"; expected local, or an address such as tcp://host:8786.')
    from lenet5.studies.cluster import ClusterExecutor

    return ClusterExecutor(on)


def _together(
    on: str, workers: int | None, threads: int | None, together: int, machine: Engine, deadline: float
) -> Executor[Task]:
    """Return who trains several networks at once; on a GPU one process, for one fills it."""
    if on != LOCAL:
        raise StudyError(f'--together is for this machine; --on is "{on}". Leave one of them out.')
    registry.get_together(machine.name, machine.device)  # an engine that cannot is said before anything starts
    return TogetherExecutor(
        together, workers or (_filling(threads) if machine.device == "cpu" else 1), deadline, threads or 1
    )


def local_executor(workers: int | None, deadline: float, threads: int | None = None) -> LocalExecutor:
    """Return processes on this machine, as many as fill its cores if not said otherwise."""
    return LocalExecutor(workers or _filling(threads), deadline, threads or 1)


def _filling(threads: int | None) -> int:
    """Return how many processes of this number of threads fill the cores."""
    return max(1, usable_cores() // (threads or 1))


class Watcher:
    """What a person sees while a study goes on: a bar, and a line for each run."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.fields[left]}"),
            console=out, transient=True,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=None, left="")
        self._begun = False

    def __enter__(self) -> "Watcher":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def changed(self, state: runner.State) -> None:
        """Say how far it is."""
        if not self._begun:
            missing = state.total - state.done - state.failed
            self._bar.console.print(
                f"{state.total:,} runs, {state.done:,} done already, "
                + (
                    f"{missing:,} to do, {state.workers} at a time; how long it takes is known when the first run ends"
                    if missing
                    else "nothing to do"
                )
            )
            self._begun = True
        left = "" if state.seconds_left is None else f"about {_duration(state.seconds_left)} left"
        said = f"{state.done} of {state.total} done" + (f", {state.failed} set aside" if state.failed else "")
        self._bar.update(
            self._task, total=state.total, completed=state.done + state.failed, description=said, left=left
        )

    def finished(self, unit: Unit, seconds: float) -> None:
        """Write the line of a run."""
        self._bar.console.print(f"done    {_name(unit)}   {_duration(seconds)}", markup=False)

    def failed(self, unit: Unit, error: str, set_aside: bool) -> None:
        """Write what went wrong."""
        last = error.strip().splitlines()[-1]
        then = "set aside" if set_aside else "tried again"
        err.print(f"failed  {_name(unit)}   {then}: {last}", markup=False)

    def waiting(self, unit: Unit, reason: str) -> None:
        """Write what is waited for."""
        self._bar.console.print(f"waiting {_name(unit)}   {reason}", markup=False)


def _tell(plan: plans.StudyPlan, all_units: list[Unit], ledger: Ledger) -> None:
    """Print the error of each combination: mean over the seeds, 95 % interval."""
    table = Table(*[axis.name for axis in plan.vary], "seeds", "error, %", "95 % interval", box=None, pad_edge=False)
    scored = set()
    for label, _ in combinations(plan):
        results = [ledger.result(unit) for unit in all_units if unit.label == label]
        errors = [result["test_error_percent"][-1] for result in results if result]
        scored |= {result["result"]["scored_on"] for result in results if result}
        row = [f"{len(errors)} of {len(results)}", "", ""]
        if errors:
            found = summary(errors)
            row[1] = f"{found.mean:.2f}"
            row[2] = f"{found.low:.2f} to {found.high:.2f}" if found.n > 1 else ""
        table.add_row(*map(literal, label), *row)
    print_table(table, heads=len(plan.vary))
    if scored:
        out.print(f"after the last epoch, on the {' and the '.join(sorted(scored))} images")
    for unit in all_units:
        failure = ledger.failure(unit)
        if failure:
            out.print(f"set aside: {_name(unit)}; why: {ledger.place(unit) / 'failed.json'}", markup=False)


def _plain(plan: plans.StudyPlan, all_units: list[Unit], ledger: Ledger) -> dict[str, Any]:
    """Return the state of a study as plain values: each combination with its runs, and the mean error over them."""
    choices = []
    for label, _ in combinations(plan):
        own = [unit for unit in all_units if unit.label == label]
        results = [ledger.result(unit) for unit in own]
        errors = [result["test_error_percent"][-1] for result in results if result]
        found = summary(errors) if errors else None
        choices.append(
            {
                "choice": dict(zip([axis.name for axis in plan.vary], label, strict=True)),
                "error_percent": found.mean if found else None,
                "interval_percent": [found.low, found.high] if found and found.n > 1 else None,
                "runs": [
                    {"seed": unit.seed, "result": result, "failure": ledger.failure(unit)}
                    for unit, result in zip(own, results, strict=True)
                ],
            }
        )
    done = sum(ledger.result(unit) is not None for unit in all_units)
    return {"study": plan.name, "folder": str(ledger.folder), "runs": len(all_units), "done": done, "choices": choices}


def _name(unit: Unit) -> str:
    return ", ".join([*unit.label, f"seed {unit.seed}"])


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
