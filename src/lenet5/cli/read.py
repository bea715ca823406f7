"""`lenet5 read`: the numbers in photographs and scans."""

import csv
import glob
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from lenet5 import api
from lenet5.cli import bulk as very_many
from lenet5.cli.console import err, escaped, out, percent
from lenet5.cli.options import DeviceName, EngineName, Threads
from lenet5.engines import registry
from lenet5.errors import ReadingError
from lenet5.reading import constraints, doubts, explain
from lenet5.reading.as_json import page_as_json
from lenet5.reading.opening.pictures import pictures
from lenet5.reading.page import Page
from lenet5.reading.pipeline import Trace
from lenet5.reading.reader import DEFAULT, DEFAULTS, Reader
from lenet5.reading.recognition.decode import COMBINED

STDIN = "-"
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".pgm", ".ppm", ".pdf"}
UNREAD = {".heic", ".heif"}  # pictures, too: to be reported, not passed over
NAMED = 5  # files passed over in a folder, by name

EXAMPLES = ("lenet5 read photo.jpg", "lenet5 read form.pdf --length 8 --max-error 1%")


def read(
    images: Annotated[
        list[str], typer.Argument(help="Pictures, PDFs, folders of them, patterns; - is standard input.")
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help=f"A shipped model's name, a model file or a run folder. [default: {DEFAULT}, or the method's own]",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        Literal["combined", "lattice", "space-displacement"],
        typer.Option(
            help="lattice cuts and chooses; space-displacement slides along the line without a cut; combined cuts, and "
            "slides where that leaves a doubt."
        ),
    ] = COMBINED,
    as_json: Annotated[bool, typer.Option("--json", help="Print all that is known, a JSON object a page.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a row a digit.")] = False,
    max_error: Annotated[
        str | None,
        typer.Option(help="Reject unsure digits for at most this error rate, as 1%.", show_default=False),
    ] = None,
    length: Annotated[
        str | None, typer.Option(help="Number of digits in every number, such as 5 or 4..6.", show_default=False)
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="Every number is like this, # any digit, as 20##.", show_default=False)
    ] = None,
    luhn: Annotated[bool, typer.Option("--luhn", help="Every number ends in Luhn's check digit.")] = False,
    digits_only: Annotated[
        bool, typer.Option("--digits-only", help="Leave out signs and question marks for unread ink between digits.")
    ] = False,
    bright: Annotated[
        bool | None,
        typer.Option("--bright/--dark", help="The writing is brighter, or darker, than its paper.", show_default=False),
    ] = None,
    explain_dir: Annotated[
        Path | None, typer.Option("--explain", help="Write a picture of each stage here.", show_default=False)
    ] = None,
    bulk: Annotated[bool, typer.Option("--bulk", help="Very many single digits, as `lenet5 bulk` reads them.")] = False,
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="With --bulk: where the results are kept.", show_default=False)
    ] = None,
    engine: EngineName = registry.AUTO,
    device: DeviceName = registry.AUTO,
    threads: Threads = None,
) -> None:
    """Read the handwritten numbers in pictures, line by line."""
    if bulk or out_dir:
        others = (
            as_json,
            as_csv,
            max_error,
            length,
            pattern,
            luhn,
            digits_only,
            bright is not None,
            explain_dir,
            method != COMBINED,
        )
        if not (bulk and out_dir) or len(images) != 1 or any(others):
            raise typer.BadParameter(
                "--bulk takes one folder or file, --out, --model, --engine and --device; see also: lenet5 bulk --help"
            )
        very_many.bulk(Path(images[0]), out_dir, model=model or DEFAULT, engine=engine, device=device)
        return
    if as_json and as_csv:
        raise typer.BadParameter("give --json or --csv, not both")
    reader = Reader(
        api.load(model or DEFAULTS.get(method, DEFAULT), engine=engine, device=device, threads=threads),
        max_error_percent=parsed_percent(max_error),
        constraint=constraints.wanted(length, pattern, luhn),
        method=method,
        digits_only=digits_only,
    )
    if reader.threshold:
        chosen = reader.threshold
        err.print(
            f"at most {chosen.max_error_percent:g} % wrong: digits below probability {chosen.probability:.3f} are "
            f"rejected, {percent(chosen.rejected_percent)} of the model's calibration images"
        )
    table = csv.writer(sys.stdout) if as_csv else None
    if table:
        table.writerow(COLUMNS)
    failed, paths = 0, [path for given in images for path in _paths(given)]
    for index, path in enumerate(paths):
        try:
            for page in _pages(reader, path, bright, explain_dir and explain_dir / _folder(path, index, len(paths))):
                if table:
                    table.writerows(_rows(page))
                elif as_json:
                    print(json.dumps(page_as_json(page)))
                else:
                    _print(page, headed=len(paths) > 1 or page.page > 1)
        except ReadingError as error:
            failed += 1
            err.print(f"error: {error}", markup=False)
    if failed:
        raise typer.Exit(1)


def parsed_percent(given: str | None) -> float | None:
    """Return a percentage written "1%", "1 %" or "1"."""
    if given is None:
        return None
    try:
        value = float(given.strip().removesuffix("%"))
    except ValueError:
        value = -1.0
    if not 0 < value < 100:
        raise ReadingError(f"--max-error {given}: expected a percentage above 0 and below 100, as 1%.")
    return value


def _paths(given: str) -> list[str]:
    """Return the pictures that an argument names; itself where it names none, to be reported when it is opened."""
    path = Path(given)
    if path.is_dir():
        return _in_folder(path) or [given]
    if given != STDIN and not path.exists() and glob.has_magic(given):
        return sorted(glob.glob(given, recursive=True)) or [given]
    return [given]


def _in_folder(folder: Path) -> list[str]:
    """Return the pictures in a folder; what else is in it is named, except for hidden files."""
    seen = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    kept = [each for each in seen if each.suffix.lower() in SUFFIXES | UNREAD and not each.is_dir()]
    others = [f"{each.name}/" if each.is_dir() else each.name for each in seen if each not in set(kept)]
    if others:
        more = f" and {len(others) - NAMED:,} more" if len(others) > NAMED else ""
        err.print(f"{folder}: passed over, not named like pictures: {', '.join(others[:NAMED])}{more}", markup=False)
    return [str(each) for each in kept]


def _pages(reader: Reader, path: str, bright: bool | None, explain_dir: Path | None) -> Iterator[Page]:
    opened = pictures(sys.stdin.buffer, "standard input") if path == STDIN else pictures(path)
    for picture in opened:
        trace = Trace(kept=explain_dir is not None)
        page = reader.page(picture, bright=bright, trace=trace)
        if explain_dir is not None:
            explain.write(explain_dir / f"page-{page.page}" if page.page > 1 else explain_dir, picture, page, trace)
        yield page


def _folder(path: str, index: int, count: int) -> str:
    """Name a picture's folder of stages: none where it is the only one."""
    return f"{index + 1:0{len(str(count))}d}-{Path(path).stem}" if count > 1 else ""


def _print(page: Page, *, headed: bool) -> None:
    name = page.name if page.page == 1 else f"{page.name}, page {page.page}"
    for note in page.notes:
        err.print(f"{name}: {note}", markup=False)
    if unsure := sum(bool(digit.rejected) for number in page.numbers for digit in number.digits):
        err.print(f"{name}: {unsure:,} rejected as unsure; --json says which and why", markup=False)
    for sentence in doubts.sentences(page):
        err.print(f"{name}: {sentence}", markup=False)
    if headed:
        out.print(f"{name}:", markup=False)
    out.print(page.text or "no digits found", markup=False)


COLUMNS = (
    "name", "page", "line", "number", "number_text", "number_left", "number_top", "number_right", "number_bottom",
    "digit", "text", "left", "top", "right", "bottom", "answer_1", "probability_1", "answer_2", "probability_2",
    "answer_3", "probability_3", "margin", "rejected", "column",
)  # fmt: skip


def _rows(page: Page) -> Iterator[list[object]]:
    """Yield a row a digit, as COLUMNS name them; lines, numbers, digits and a table's columns are counted from 1."""
    for row, line in enumerate(page.lines, 1):
        for place, number in enumerate(line.numbers, 1):
            for index, digit in enumerate(number.digits, 1):
                answers = [cell for answer in digit.answers for cell in (answer.text, f"{answer.probability:.6f}")]
                yield [
                    escaped(page.name), page.page, row, place, number.text, *asdict(number.box).values(), index,
                    digit.text, *asdict(digit.box).values(), *answers, f"{digit.margin:.4f}", digit.rejected,
                    number.column,
                ]  # fmt: skip
