"""`lenet5 bulk`: very many images into Parquet files."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bar

from lenet5.bulk.plan import SHARD_IMAGES
from lenet5.bulk.reasons import reasons
from lenet5.bulk.run import DEFAULT, LOCAL, Progress, read
from lenet5.bulk.verify import verify as verify_job
from lenet5.cli.console import counted, err, out
from lenet5.cli.options import AcceptChanges, Deadline, DeviceName, EngineName, Quiet, ThreadsOfEach
from lenet5.engines import registry
from lenet5.errors import BulkError
from lenet5.jobs.processes import DEADLINE_SECONDS

REASONS_SHOWN = 3

EXAMPLES = ("lenet5 bulk digits.tar --out answers", "lenet5 bulk photos/ --out answers --photos")


def bulk(
    given: Annotated[Path, typer.Argument(metavar="IN", help="A folder, or a tar, Parquet, IDX or NPY file.")],
    folder: Annotated[Path, typer.Option("--out", help="Where the results are kept; a job cut off goes on there.")],
    model: Annotated[str, typer.Option("--model", help="A shipped model's name, or a model file.")] = DEFAULT,
    on: Annotated[
        str, typer.Option("--on", help="Where: local, or the address of a Dask scheduler such as tcp://host:8786.")
    ] = LOCAL,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes at a time on this machine; if not given, as many as fill the cores.", min=1),
    ] = None,
    threads: ThreadsOfEach = None,
    shard_images: Annotated[
        int, typer.Option(help="Images in one result file, done whole or not at all.", min=1)
    ] = SHARD_IMAGES,
    column: Annotated[str, typer.Option(help="The images' column in Parquet, if several could be it.")] = "",
    photos: Annotated[
        bool, typer.Option("--photos", help="Pictures of any size with writing, not single 28x28 digits.")
    ] = False,
    engine: EngineName = registry.AUTO,
    device: DeviceName = registry.AUTO,
    deadline: Deadline = DEADLINE_SECONDS,
    accept_changes: AcceptChanges = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Only check the results: read them and all the input again."),
    ] = False,
    _quiet: Quiet = False,
) -> None:
    """Read very many images; what is done already is not done again, and a bad image is a row with an error."""
    if on != LOCAL and "://" not in on:
        raise BulkError(f'--on is "{on}"; expected local, or an address such as tcp://host:8786.')
    if on != LOCAL and threads is not None:
        raise BulkError(f'--threads is for this machine; --on is "{on}". Leave one of them out.')
    started = time.monotonic()
    here = 0
    bar = Bar(TextColumn("{task.description}"), BarColumn(bar_width=24), console=out, transient=True)
    task = bar.add_task("planning", total=None)

    def watch(progress: Progress) -> None:
        nonlocal here
        here = progress.here
        rate = here / (time.monotonic() - started)
        said = f"{progress.images_done:,} of {progress.images:,} images" + (f", {rate:,.0f}/s" if here else "")
        bar.update(task, total=progress.shards, completed=progress.done, description=said)

    if verify:
        _verify(given, folder, bar, task)
        return
    with bar:
        made = read(
            given, folder, model=model, on=on, workers=workers, threads=threads or 1, shard_images=shard_images,
            column=column, photos=photos, engine=engine, device=device, deadline=deadline,
            accept_changes=accept_changes, observer=watch, waiting=lambda text: err.print(text, markup=False),
        )  # fmt: skip
    seconds = time.monotonic() - started
    done_now = f"; {here:,} done now in {seconds:,.0f} s, {here / seconds:,.0f}/s" if here else ""
    out.print(
        f"{counted(made['images'], 'row')}: {made['answered']:,} answered, {made['rejected']:,} rejected, "
        f"{made['errors']:,} with an error{done_now}"
    )
    shards = counted(made["shards"], "Parquet file")
    out.print(f"{folder / 'shards'}: {shards}; totals in {folder / 'manifest.json'}", markup=False)
    if made["errors"]:
        for text, count in reasons(folder)[:REASONS_SHOWN]:
            err.print(f"{count:,} with the error: {text}", markup=False)
    if made["errors"] == made["images"]:
        raise BulkError(f"{given}: none of its images could be read.")


def _verify(given: Path, folder: Path, bar: Bar, task: TaskID) -> None:
    with bar:
        found = verify_job(
            given, folder, lambda done, shards: bar.update(task, total=shards, completed=done, description="verifying")
        )
    missing = f"; {found.missing:,} are not done yet" if found.missing else ""
    out.print(f"{found.shards - found.missing:,} of {found.shards:,} shards are whole, and made of this input{missing}")
