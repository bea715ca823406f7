"""The command `lenet5`: the list of what it can do, and how it ends."""

import io
import os
import select
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from lenet5.cli.console import err, examples
from lenet5.distribution import VERSION
from lenet5.errors import InterruptedRunError, Lenet5Error

WIDEST_HELP = 80  # columns
# Each command: its module here, and the function or group of commands in it. EXAMPLES of a module end its help.
HOMES = {
    "train": ("train", "train"),
    "evaluate": ("evaluate", "evaluate"),
    "read": ("read", "read"),
    "show": ("show", "show"),
    "summary": ("summary", "summary"),
    "recipes": ("recipes", "recipes"),
    "reproduce": ("reproduce", "reproduce"),
    "compare": ("compare", "compare"),
    "report": ("report", "report"),
    "study": ("study", "study"),
    "bulk": ("bulk", "bulk"),
    "export": ("export", "export"),
    "import": ("import_", "import_model"),
    "page": ("page", "page"),
    "serve": ("serve", "serve"),
    "doctor": ("doctor", "doctor"),
    "data": ("data", "app"),
}


class Commands(Mapping[str, TyperCommand | TyperGroup]):
    """The commands by name. Each is imported when it is looked up: no command waits for the others' libraries."""

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        module_name, attribute = HOMES[name]
        module = import_module(f"lenet5.cli.{module_name}")
        found = getattr(module, attribute)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            alone.command(name, epilog=examples(*module.EXAMPLES))(found)
            found = alone
        command: Any = get_command(found)
        command.name = name
        return command  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[str]:
        return iter(HOMES)

    def __len__(self) -> int:
        return len(HOMES)


class Front(TyperGroup):
    """The group of all commands."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands: Any = Commands()

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the help."""
        return list(self.commands)


app = typer.Typer(
    cls=Front,
    help="LeNet-5, reproduced: train the published recipes, check their numbers, use the models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help stays readable in 40 columns and in a pipe
    context_settings={
        "help_option_names": ["-h", "--help"],
        "terminal_width": min(shutil.get_terminal_size().columns, WIDEST_HELP),  # unsaid, it is never below 50
    },
)


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
            app(prog_name="lenet5")  # also as `python -m lenet5`; completion goes by this name
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
