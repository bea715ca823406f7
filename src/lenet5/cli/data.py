"""`lenet5 data`: which data sets there are, get them, check them."""

from typing import Annotated

import typer
from rich.table import Table

from lenet5.cli.console import out
from lenet5.cli.options import DataFolder
from lenet5.data import fetch, sources
from lenet5.errors import DataError

app = typer.Typer(help="List, get and check the data sets.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="A data set's name; see `lenet5 data list`.")]


@app.command("list")
def list_() -> None:
    """List the data sets that lenet5 knows."""
