"""Pages with generated parts, each between two marks: `<!-- NAME -->` and `<!-- end of NAME -->`."""

import re
from pathlib import Path


def fill(page: str, name: str, content: str) -> str:
    """Return a page with new content between the marks of a name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n\n{content}\n\n{end}", page, flags=re.DOTALL)


def write(pages: dict[Path, str]) -> None:
    """Write each page to its file."""
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
