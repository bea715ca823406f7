"""`lenet5 page`: the page as static files."""

from pathlib import Path
from typing import Annotated

import typer

from lenet5.cli.console import out
from lenet5.cli.options import Quiet

EXAMPLES = ("lenet5 page --export site", "lenet5 page --export page.html --with-mnist")


def page(
    export: Annotated[
        Path, typer.Option(help="A new folder to write to, or a new file NAME.html.", show_default=False)
    ],
    with_mnist: Annotated[
        bool,
        typer.Option("--with-mnist", help="Include 10,000 training images of MNIST (1.6 MB): the page can then train."),
    ] = False,
    _quiet: Quiet = False,
) -> None:
    """Write the page (draw a digit, watch the network think) and the shipped models.

    A folder is for any web host; one HTML file, with all in it, opens by double-click.
    """
    from lenet5.web.page_training import images
    from lenet5.web.static_page import export_page, export_single_file

    training = images() if with_mnist else None
    if export.suffix.lower() in (".html", ".htm"):
        export_single_file(export, training)
        out.print(f"written  {export}: {export.stat().st_size / 1e6:.1f} MB; open it in a browser", markup=False)
        return
    written = export_page(export, training)
    size = sum(path.stat().st_size for path in written if path.parent == export)
    out.print(f"written  {export}: {len(written)} files; the page itself is {size / 1000:.0f} kB", markup=False)
    out.print(f"         look at it with: python -m http.server --directory {export}", markup=False)
