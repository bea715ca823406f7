"""How the commands speak: results to standard output, what goes wrong to standard error."""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.text import Text

# Characters that command a terminal, and those that turn the direction of writing: a name in a file may hold them.
COMMANDS = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
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


out = EscapingConsole(highlight=False, soft_wrap=True)
err = EscapingConsole(stderr=True, highlight=False, soft_wrap=True)


def escaped(text: str) -> str:
    r"""Return a text with control characters as escapes, such as \x1b; line feeds and tabs stay."""
    return text.translate(SHOWN)


def literal(value: object) -> str:
    """Return a value for a text with markup, so that brackets in it are shown and mean nothing."""
    return escape(str(value))


def program() -> str:
    """Return how a person calls lenet5 from here: by its name where that is found, else by its path."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{Path(sys.executable).name} -m lenet5"
    return "lenet5" if shutil.which("lenet5") else str(called)


def megabytes(count: int) -> str:
    """Write bytes as megabytes (10^6)."""
    return f"{count / 1e6:,.0f} MB"


def percent(value: float) -> str:
    """Write a percentage to the image in ten thousand."""
    return f"{value:.2f} %"
