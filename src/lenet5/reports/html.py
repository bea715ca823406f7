"""Figures and tables become one HTML file that needs nothing else: it can be mailed, printed, read on a phone."""

import io
import re
from collections.abc import Sequence
from html import escape, unescape

import matplotlib as mpl
from matplotlib.figure import Figure

from lenet5.reports import style
from lenet5.reports.translations import Language, say

LETTERS = re.compile(r"(?<=>)[^<>]+(?=</(?:text|tspan)>)")

CSS = """
:root { color-scheme: light dark; }
body { font: 16px/1.55 system-ui, "PingFang SC", "Microsoft YaHei", sans-serif; color: #222; background: #fff;
       max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .3rem .7rem; text-align: left; border-bottom: 1px solid #ddd; vertical-align: top; }
th { border-bottom: 2px solid #888; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0; } figure svg { max-width: 100%; height: auto; } figcaption { color: #555; font-size: .9rem; }
pre { background: #f4f4f4; padding: .7rem; overflow-x: auto; font-size: .85rem; }
a { color: #0060a8; }
@media screen and (prefers-color-scheme: dark) {
  body { color: #ddd; background: #181818; } a { color: #7cc0ff; } pre { background: #262626; }
  th, td { border-color: #444; } figcaption { color: #aaa; }
  figure svg { filter: invert(.9) hue-rotate(180deg); }
}
@media print { body { max-width: none; font-size: 11pt; } h2 { break-after: avoid; }
               figure, tr { break-inside: avoid; } }
"""


def page(title: str, body: Sequence[str], *, language: str = "en") -> str:
    """Return a whole HTML page: title, and the parts one under another."""
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def heading(text: str, *, anchor: str = "") -> str:
    """Return a heading of a section; an anchor is what links on the page lead to."""
    return f'<h2 id="{anchor}">{escape(text)}</h2>' if anchor else f"<h2>{escape(text)}</h2>"


def link(text: str, anchor: str) -> str:
    """Return a link to a heading on the same page."""
    return f'<p><a href="#{anchor}">{escape(text)}</a></p>'


def paragraph(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>"


def commands(lines: Sequence[str]) -> str:
    """Return commands as they are typed."""
    return f"<pre>{escape(chr(10).join(lines))}</pre>"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """Return a table that scrolls by itself on a narrow screen.

    numbers  the columns, counted from 0, that are set flush right
    """
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="number">{escape(cell)}</td>' if column in numbers else f"<td>{escape(cell)}</td>"
            for column, cell in enumerate(row)
        )
        + "</tr>\n"
        for row in rows
    )
    return f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>'


def picture(drawn: Figure, description: str, *, language: Language = "en") -> str:
    """Return a figure as SVG inside the page, described for those who cannot see it.

    In English its letters are shapes. In another language they are text, which the reader's browser has the fonts for,
    and its words are translated where `say` knows them.
    """
    content = io.StringIO()
    with style.styled(), mpl.rc_context({} if language == "en" else {"svg.fonttype": "none"}):
        drawn.savefig(content, format="svg", metadata={"Date": None})
    svg = content.getvalue()
    if language != "en":
        svg = LETTERS.sub(lambda found: escape(say(unescape(found[0]), language), quote=False), svg)
    svg = svg[svg.index("<svg") :].replace("<svg ", f'<svg role="img" aria-label="{escape(description)}" ', 1)
    return f"<figure>{svg}<figcaption>{escape(description)}</figcaption></figure>"
