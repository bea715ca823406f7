"""What the Dockerfile runs, run here, where not a byte can be written to any file."""

import json
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

DOCKERFILE = Path(__file__).parents[3] / "Dockerfile"


def words(instruction: str, port: int) -> list[str]:
    """Return the command of an instruction, with another port, and this Python's programs in place of the image's."""
    line = next(line for line in DOCKERFILE.read_text().splitlines() if line.startswith(instruction))
    found = [word.replace("8000", str(port)) for word in json.loads(line[line.index("[") :])]
    programs = {"lenet5": [sys.executable, "-m", "lenet5"], "python": [sys.executable]}
    return programs[found[0]] + found[1:]


def without_writing() -> None:
    """Let the process that is about to start write to pipes and sockets only, as on a read-only file system."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_the_image_needs_a_token_writes_nothing_and_says_how_it_is() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    bare = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TMPDIR": "/nonexistent", "OMP_NUM_THREADS": "1"}
    how: dict[str, Any] = {"cwd": "/", "preexec_fn": without_writing, "env": bare, "text": True}
    entry, health = words("ENTRYPOINT", port), words("HEALTHCHECK", port)

    def healthy() -> bool:
        return subprocess.run(health, **how, capture_output=True, timeout=60, check=False).returncode == 0

    refused = subprocess.run(entry, **how, capture_output=True, timeout=60, check=False)
    assert refused.returncode == 1
    assert "it has no token" in " ".join(refused.stderr.split())
    assert not healthy()
    how["env"] = bare | {"LENET5_TOKEN": "correct-horse-battery"}
    with subprocess.Popen(entry, **how, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            end = time.monotonic() + 60
            while not healthy():
                assert time.monotonic() < end, "it is not healthy after a minute"
            process.terminate()
            said, complaints = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0
    assert said.startswith("serving")
    assert complaints.startswith("warning") or not complaints
