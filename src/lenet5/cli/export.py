"""`lenet5 export`: a model for another program."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from lenet5 import api
from lenet5.cli.console import out
from lenet5.cli.options import DataFolder, Quiet, Threads

EXAMPLES = (
    "lenet5 export modern --to onnx -o modern.onnx",
    "lenet5 export modern --to onnx --batch 1 --inputs float -o opencv.onnx",
    "lenet5 export runs/archaeology-seed1 --to c --weights int8",
    "lenet5 export modern --to c --integers -o firmware",
)


def export(
    model: Annotated[Path, typer.Argument(help="A run folder, a model file, or a shipped model's name.")],
    to: Annotated[
        Literal["onnx", "c", "safetensors"],
        typer.Option(help="The form; c is C99, one header and one source file."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File, or for c folder; without it, beside the model.", show_default=False),
    ] = None,
    weights: Annotated[
        Literal["float", "int8", "int4"] | None,
        typer.Option(
            help="For c: float or int8; with --integers int8 or int4, an eighth of the size.",
            show_default="float, or int8 with --integers",
        ),
    ] = None,
    integers: Annotated[
        bool,
        typer.Option(
            "--integers", help="For c: integers only, for microcontrollers; reads training images of the model's data."
        ),
    ] = False,
    prefix: Annotated[str, typer.Option(help="For c: begins the names of the files and functions.")] = "lenet5",
    batch: Annotated[
        int | None,
        typer.Option(
            help="For onnx: a fixed number of images, for programs such as OpenCV 4; without it, any number.",
            show_default=False,
        ),
    ] = None,
    inputs: Annotated[
        Literal["uint8", "float"],
        typer.Option(help="For onnx; uint8 is (N, 28, 28), float is float32 (N, 1, 28, 28), both 0 to 255."),
    ] = "uint8",
    threads: Threads = None,
    data_dir: DataFolder = None,
    _quiet: Quiet = False,
) -> None:
    """Write a model as ONNX, C99 or plain weights; say what was checked."""
    done = api.export(
        model,
        output,
        to=to,
        weights=weights,
        integers=integers,
        prefix=prefix,
        batch=batch,
        floats=inputs == "float",
        threads=threads,
        data_folder=data_dir,
    )
    for path in done.files:
        out.print(f"written  {path}", markup=False)
    for fact in done.facts:
        out.print(f"         {fact}", markup=False)
