"""The options that several commands share, with one wording each."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from lenet5.cli.console import hush
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
ThreadsOfEach = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=MOST_THREADS,
        help="Threads that compute in each process; 1 if not given. With more, there are fewer processes.",
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
    Literal["auto", "native", "numpy", "torch"],
    typer.Option("--engine", help="What computes; auto is native where it was built, otherwise numpy."),
]
DeviceName = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    typer.Option("--device", help="Where; cuda and mps by torch, auto is the engine's fastest."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object in place of text.")]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="Print nothing but warnings, errors and JSON.",
        callback=hush,
        expose_value=False,
        show_default=False,
    ),
]
