"""Phrases that a native speaker stumbles over, in source, handbook and README: none may come back."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PARTS = ("src", "native", "docs", "benchmarks", "README.md", "CONTRIBUTING.md")
SUFFIXES = {".py", ".md", ".toml", ".cpp", ".h", ".js", ".html"}
LOG = ROOT / "docs" / "notebook.md"  # dated entries, kept as they were written
BANNED = (
    r"\bso (many|much|few|large|small) an? ",  # "so large a share"
    r"\bat most so (many|much)\b",
    r"\bthousand million\b",
    r"\bis right for\b",
    r"\bthere and back\b",
    r"\b(what|how) \w+ bears?\b",
    r"\bwhoever\b",
    r"\bwhat is as it is\b",
    r"\bneed not do again\b",
)
OPENING = re.compile(r'(r?"""|// )(What|Which|How|Whether|Who|Where|Why)\b')


def texts() -> list[Path]:
    files = [
        path for part in PARTS for path in ([ROOT / part] if (ROOT / part).is_file() else (ROOT / part).rglob("*"))
    ]
    kept = [path for path in files if path.suffix in SUFFIXES and path != LOG and "_build" not in path.parts]
    assert len(kept) > 200, "the sources are not where this test looks for them"
    return kept


@pytest.mark.parametrize("phrase", BANNED)
def test_no_banned_phrase(phrase: str) -> None:
    """Across line breaks, too."""
    pattern = re.compile(phrase.replace(" ", r"\s+(?:(?:#|//|\*)\s*)?"), re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in texts()
        for match in pattern.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_a_file_begins_with_its_subject() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in texts()
        if path.suffix in {".py", ".cpp", ".h"} and OPENING.match(path.read_text(encoding="utf-8"))
    ]
    assert not found
