"""`lenet5 data`: which data sets there are; get them, check them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from lenet5.cli import score_strings
from lenet5.cli.console import examples, literal, out
from lenet5.cli.options import DataFolder, Quiet
from lenet5.data import datasets, fetch, recognition, sources
from lenet5.data.made import strings
from lenet5.errors import DataError

app = typer.Typer(
    help="List, get and check the data sets.",
    epilog=examples("lenet5 data list", "lenet5 data fetch mnist"),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
app.command("score-strings", epilog=examples(*score_strings.EXAMPLES))(score_strings.score_strings)
Name = Annotated[str, typer.Argument(help="A data set's name; see `lenet5 data list`.")]


@app.command("list", epilog=examples("lenet5 data list", "lenet5 data list --data-dir data"))
def list_sets(data_dir: DataFolder = None) -> None:
    """List the data sets that lenet5 knows, and which are at hand."""
    folder = fetch.data_folder(data_dir)
    for data_set in sources.DATA_SETS.values():
        files = len(data_set.files) + len(data_set.by_hand)
        found = len(fetch.locate(data_set, folder))
        found += sum((folder / data_set.name / name).is_file() for name in data_set.by_hand)
        at_hand = "at hand" if found == files else f"{found} of {files} files at hand"
        parts = ", ".join(part.name for part in data_set.parts)
        out.print(f"[bold]{data_set.name}[/]  {at_hand}; {parts}; licence {data_set.licence}")
        out.print(f"    {data_set.title}", markup=False)
    out.print(f"\nlooked for in {folder}", markup=False)


@app.command("fetch", epilog=examples("lenet5 data fetch mnist", "lenet5 data fetch kmnist --data-dir data"))
def fetch_set(name: Name = "mnist", data_dir: DataFolder = None, _quiet: Quiet = False) -> None:
    """Download what is missing or damaged of a data set, and check it."""
    data_set, folder = sources.get(name), fetch.data_folder(data_dir)
    for path in fetch.fetch(data_set, folder, progress=True):
        out.print(f"{path}", markup=False)
    _introduce(data_set, data_dir)


@app.command("verify", epilog=examples("lenet5 data verify mnist"))
def verify_set(name: Name = "mnist", data_dir: DataFolder = None) -> None:
    """Check every file of a data set against its pinned digest; exit with 1 unless all are right."""
    data_set, folder = sources.get(name), fetch.data_folder(data_dir)
    checks = fetch.verify(data_set, folder)
    for check in checks:
        out.print(f"{check.status:9}  {check.path or folder / data_set.name / check.file.name}", markup=False)
        if check.reason:
            out.print(f"           {check.reason}", markup=False)
    wrong = [check for check in checks if check.status in ("missing", "damaged")]
    if wrong:
        names = ", ".join(check.file.name for check in wrong)
        missing = any(check.status == "missing" for check in wrong)
        there = f"\n{fetch.what_lies_in(data_set, folder)}" if missing else ""
        raise DataError(
            f"{data_set.name}: {names} missing or damaged. Run: lenet5 data fetch {data_set.name}{there}".rstrip()
        )
    _introduce(data_set, data_dir)


@app.command("make-strings", epilog=examples("lenet5 data make-strings numbers --count 10 --length 5"))
def make_strings(
    folder: Annotated[Path, typer.Argument(help="Where the pictures and labels.csv go.")],
    part: Annotated[
        Literal["test", "train"], typer.Option(help="Whose digits: test measures, train is for tuning.")
    ] = "test",
    count: Annotated[int, typer.Option(min=1, help="Strings of each spacing and condition.")] = 5,
    length: Annotated[int | None, typer.Option(min=1, max=50, help="Digits in each; without it 2 to 10.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other strings.")] = 1,
    data_dir: DataFolder = None,
) -> None:
    """Compose pictures of numbers from MNIST's digits, apart, touching, and degraded as in photographs."""
    written = strings.write(datasets.load("mnist", part, data_dir), folder, count=count, seed=seed, length=length)
    out.print(f"{written:,} pictures and {strings.LABELS} in {folder}", markup=False)


def _introduce(data_set: sources.DataSet, data_dir: DataFolder) -> None:
    """Say what is in a data set."""
    for part in data_set.parts:
        images = datasets.load(data_set.name, part.name, data_dir)
        out.print(f"{data_set.name} {part.name}: {len(images.labels):,} images, fingerprint {images.fingerprint}")
        if hint := recognition.hint(images.images, images.labels):
            out.print(f"[yellow]{literal(hint)}[/]")
