"""The command `lenet5`: the list of what it can do, and how it ends."""

import io
import os
import select
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, NamedTuple, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from lenet5.distribution import VERSION
from lenet5.errors import InterruptedRunError, Lenet5Error

WIDEST_HELP = 80  # columns


class Home(NamedTuple):
    """A command's module in this folder, its function or group there, and its line in the list of commands."""

    module: str
    attribute: str
    summary: str


# EXAMPLES of a module end its help. The summaries fit one line; they stand here so that the list of commands, as well
# as the version, is printed without importing any command.
HOMES = {
    "train": Home("train", "train", "Train a recipe; write its model, history and result."),
    "refine": Home("refine", "refine", "Train a model on, to read whole numbers better."),
    "evaluate": Home("evaluate", "evaluate", "Measure a model on a data set: accuracy, calibration."),
    "read": Home("read", "read", "Read the handwritten numbers in pictures, line by line."),
    "show": Home("show", "show", "Show the card of a model, or the history of a run."),
    "summary": Home("summary", "summary", "Print the layers of a recipe's network."),
    "recipes": Home("recipes", "recipes", "List the recipes that come with lenet5."),
    "reproduce": Home("reproduce", "reproduce", "Train what published numbers need, and compare."),
    "compare": Home("compare", "compare", "Compare classifiers as the 1998 paper does."),
    "report": Home("report", "report", "Write a run or a study into one HTML file."),
    "study": Home("study", "study", "Run a plan: every combination of choices and seeds."),
    "bulk": Home("bulk", "bulk", "Read millions of images in resumable shards."),
    "export": Home("export", "export", "Write a model as ONNX, C99 or plain weights."),
    "import": Home("import_", "import_model", "Convert LeNet-5 weights from other libraries."),
    "page": Home("page", "page", "Write the page: draw a digit, watch the network think."),
    "serve": Home("serve", "serve", "Serve models over HTTP."),
    "doctor": Home("doctor", "doctor", "Examine this installation, for a bug report."),
    "data": Home("data", "app", "List, fetch and check the data sets."),
}


class Commands(Mapping[str, TyperCommand | TyperGroup]):
    """The commands by name. Each is imported when it is looked up: no command waits for the others' libraries."""

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        home = HOMES[name]
        module = import_module(f"lenet5.cli.{home.module}")
        found = getattr(module, home.attribute)
        if not isinstance(found, typer.Typer):
            from lenet5.cli.console import examples

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

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands, by their summaries."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, home.summary) for name, home in HOMES.items()])


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
        _end(128 + stop.signal_number, str(stop), heading="")
    except Lenet5Error as error:
        _end(1, str(error))
    except BrokenPipeError:
        if not _reader_is_gone():
            _end(1, "a process or a connection of this command has ended; run it again.")
        _drop_output()  # nobody is left to tell
        sys.exit(1)
    except OSError as error:
        _drop_output()
        what = error.filename or "the output"
        _end(1, f"{what}: cannot be written or read ({error.strerror or error}).")


def _end(code: int, message: str, *, heading: str = "error: ") -> NoReturn:
    """Print a message to standard error, and exit."""
    from lenet5.cli.console import err  # imports rich, which the version and the list of commands do without

    err.print(f"[bold red]{heading}[/]", end="")
    err.print(message, markup=False)
    sys.exit(code)


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
