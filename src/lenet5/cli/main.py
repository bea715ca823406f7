"""The command `lenet5`: the list of what it can do, and how it ends."""

import io
import os
import select
import sys
from typing import Annotated

import typer

from lenet5.cli import (
    bulk,
    data,
    doctor,
    evaluate,
    export,
    import_,
    page,
    read,
    recipes,
    report,
    reproduce,
    serve,
    show,
    study,
    summary,
    train,
)
from lenet5.cli.console import err
from lenet5.distribution import VERSION
from lenet5.errors import InterruptedRunError, Lenet5Error

app = typer.Typer(
    help="LeNet-5, reproduced: train the published recipes, check their numbers, use the models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(read.read)
app.command()(show.show)
app.command()(summary.summary)
app.command()(recipes.recipes)
app.command()(reproduce.reproduce)
app.command()(report.report)
app.command()(study.study)
app.command()(bulk.bulk)
app.command()(export.export)
app.command("import")(import_.import_model)
app.command()(page.page)
app.command()(serve.serve)
app.command()(doctor.doctor)
app.add_typer(data.app, name="data")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lenet5 {VERSION}")
        raise typer.Exit


@app.callback()
def main(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """LeNet-5, reproduced: train the published recipes, check their numbers, use the models."""


def run() -> None:
    """Run the command line. Exit codes: 0 done, 1 a clear error, 2 wrong usage, 128 + n stopped by signal n."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that the terminal has not is shown as an escape
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # a full disk shows here; when Python ends, it would show as a traceback
    except InterruptedRunError as stop:
        err.print(str(stop), markup=False)
        sys.exit(128 + stop.signal_number)
    except Lenet5Error as error:
        err.print("[bold red]error:[/] ", end="")
        err.print(str(error), markup=False)
        sys.exit(1)
    except BrokenPipeError:
        if not _reader_is_gone():
            err.print("[bold red]error:[/] a process or a connection of this command has ended; run it again.")
            sys.exit(1)
        _drop_output()  # nobody is left to tell
        sys.exit(1)
    except OSError as error:
        _drop_output()
        what = error.filename or "the output"
        err.print(f"error: {what}: cannot be written or read ({error.strerror or error}).", markup=False)
        sys.exit(1)


def _reader_is_gone() -> bool:
    """Return whether standard output is a pipe that nobody reads any more, as after `| head`."""
    if not hasattr(select, "poll"):  # Windows, which has no such signal
        return True
    look = select.poll()
    look.register(sys.stdout.fileno(), select.POLLERR)
    return bool(look.poll(0))


def _drop_output() -> None:
    """Send what is not yet written nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
