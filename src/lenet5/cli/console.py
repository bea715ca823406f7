"""The commands' output: results on standard output, warnings and errors on standard error."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.measure import Measurement
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

# Characters that command a terminal, and those that turn the direction of writing: a name in a file may hold them.
COMMANDS = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
WIDEST = 1000  # columns of a table in a pipe
INDENT = 2  # columns before a continuation
SHOWN = {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in COMMANDS}


class EscapingConsole(Console):
    """A console that writes what files hold as text, whatever it is: control characters are shown as escapes."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a string as rich text, escaped first: rich drops a bell or a form feed."""
        return super().render_str(escaped(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable; those of rich itself, which move the cursor, stay as they are."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=escaped(segment.text))

    @property
    def width_is_known(self) -> bool:
        """Whether lines are seen as wide as the console is: on a terminal, or on standard output with COLUMNS set."""
        return self.is_terminal or (not self.stderr and "COLUMNS" in os.environ)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; where the width is known, lines break between words."""
        if self.width_is_known:
            options = {"soft_wrap": False} | options
        super().print(*objects, **options)


out = EscapingConsole(highlight=False, soft_wrap=True)
err = EscapingConsole(stderr=True, highlight=False, soft_wrap=True)


def print_table(table: Table, *, heads: int = 1) -> None:
    """Print a table; where it is wider than the console, each row as a heading with the other cells below.

    heads  the number of first columns that make the heading
    """
    widest = Measurement.get(out, out.options.update(width=WIDEST), table).maximum
    if not out.width_is_known:
        out.print(table, width=widest, crop=False)
        return
    if widest <= out.width:
        out.print(table)
        return
    names = [str(column.header) for column in table.columns]
    for row in zip(*(column.cells for column in table.columns), strict=True):
        cells = [(name, str(cell)) for name, cell in zip(names, row, strict=True) if str(cell)]
        head = [text for name, text in cells if name in names[:heads]]
        facts = [f"{name} {text}" for name, text in cells if name not in names[:heads]]
        out.print(" ".join([names[0], *head]).strip())
        if facts:
            out.print(Padding(_listed(facts, out.width - INDENT), (0, 0, 0, INDENT), expand=False))


def _listed(facts: list[str], width: int) -> str:
    """Return facts with commas between them, on lines that end between two facts where these are short enough."""
    lines: list[str] = []
    for number, fact in enumerate(facts):
        word = fact if number == len(facts) - 1 else f"{fact},"
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and Text.from_markup(longer).cell_len <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def print_json(values: object) -> None:
    """Print values as one JSON document, in ASCII, so that it is safe in any terminal; NaN and infinity are null."""
    sys.stdout.write(json.dumps(_finite(values), indent=1) + "\n")


def _finite(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {str(key): _finite(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [_finite(value) for value in values]
    return None if isinstance(values, float) and not isfinite(values) else values


def hush(quiet: bool) -> None:
    """Print nothing more to standard output but JSON."""
    out.quiet = out.quiet or quiet


def escaped(text: str) -> str:
    r"""Return a text with control characters as escapes, such as \x1b; line feeds and tabs stay."""
    return text.translate(SHOWN)


def literal(value: object) -> str:
    """Return a value for a text with markup, so that brackets in it are shown and mean nothing."""
    return escape(str(value))


def command(*words: object) -> str:
    """Return a command of lenet5 to be copied into a shell, its arguments quoted where that is needed."""
    texts = [str(word) for word in words]
    return f"{program()} {subprocess.list2cmdline(texts) if os.name == 'nt' else shlex.join(texts)}"


def examples(*lines: str) -> str:
    """Return the end of a command's help: lines to be copied, kept as they are."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


def program() -> str:
    """Return how a person calls lenet5 from here: by its name where that is found, else by its path."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{Path(sys.executable).name} -m lenet5"
    return "lenet5" if shutil.which("lenet5") else shlex.quote(str(called))


def counted(count: int, noun: str) -> str:
    """Write a count with its noun, which takes an s for any number but 1."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def megabytes(count: int) -> str:
    """Write bytes as megabytes (10^6)."""
    return f"{count / 1e6:,.0f} MB"


def percent(value: float) -> str:
    """Write a percentage to the image in ten thousand."""
    return f"{value:.2f} %"
