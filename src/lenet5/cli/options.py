"""The options that several commands share, with one wording each."""

from pathlib import Path
from typing import Annotated

import typer

from lenet5.engines.threads import MOST_THREADS

DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Folder of the data sets. Without it: LENET5_DATA, then the user's cache folder.",
        show_default=False,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=MOST_THREADS,
        help="Threads that compute. Without it: OMP_NUM_THREADS, then one for each core; fewer where more cannot help.",
        show_default=False,
    ),
]
AcceptChanges = Annotated[
    bool,
    typer.Option(
        "--accept-changes",
        help="Go on although recipe, data, engine or version have changed since the work was begun; it is recorded.",
    ),
]
Deadline = Annotated[
    float,
    typer.Option(
        "--deadline",
        help="Seconds without a sign of life after which a worker process counts as hung: it is ended, and its work is "
        "tried again.",
        min=1,
    ),
]
EngineName = Annotated[
    str, typer.Option("--engine", help="What computes: native, numpy or torch; auto is native where it was built.")
]
DeviceName = Annotated[
    str,
    typer.Option("--device", help="Where: cpu, cuda or mps, the last two by torch; auto is the engine's fastest."),
]
