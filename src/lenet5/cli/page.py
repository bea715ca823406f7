"""`lenet5 page`: the page as static files."""

from pathlib import Path
from typing import Annotated

import typer

from lenet5.cli.console import out

EXAMPLES = ("lenet5 page --export site",)


def page(
    export: Annotated[Path, typer.Option(help="A new folder to write to.", show_default=False)],
) -> None:
    """Write the page (draw a digit, watch the network think) and the shipped models for any web host."""
    from lenet5.web.static_page import export_page

    written = export_page(export)
    size = sum(path.stat().st_size for path in written if path.parent == export)
    out.print(f"written  {export}: {len(written)} files; the page itself is {size / 1000:.0f} kB", markup=False)
    out.print(f"         look at it with: python -m http.server --directory {export}", markup=False)
