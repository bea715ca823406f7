"""/openapi.json is held against the server by Schemathesis, with requests that fit it and many that do not."""

import subprocess
import sys
from pathlib import Path

from serving import Running

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "unsupported_method",
)  # fmt: skip


def test_the_server_keeps_to_its_description(server: Running, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json", "--checks", ",".join(CHECKS),
         "--max-examples", "10", "--seed", "1998", "--generation-database", "none", "--no-color"],
        capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "Tested: 9" in done.stdout
    assert server.ask("/readyz").status == 200
