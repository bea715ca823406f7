"""The options that several commands share, with one wording each."""

from pathlib import Path
from typing import Annotated

import typer

DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Folder of the data sets. Without it: LENET5_DATA, then the user's cache folder.",
        show_default=False,
    ),
]
EngineName = Annotated[
    str, typer.Option("--engine", help="What computes: native, numpy or torch; auto is native where it was built.")
]
DeviceName = Annotated[
    str,
    typer.Option("--device", help="Where: cpu, cuda or mps, the last two by torch; auto is the engine's fastest."),
]
