"""The engine of the page: WebAssembly, run by Node."""

import gzip
import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lenet5.data import datasets
from lenet5.seeds import stream
from lenet5.web import page_training, static_page

ROOT = Path(__file__).parents[2]
START = """
import fs from "node:fs";
import { Run } from "./trainer.mjs";
const module = new WebAssembly.Module(fs.readFileSync("lenet5.wasm"));
const plan = JSON.parse(fs.readFileSync("plan.json"));
const start = (seed) => new Run(module, plan, new Uint8Array(fs.readFileSync("images")), seed);
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page's worker gets, with the images of scikit-learn's digits."""
    if not shutil.which("node"):
        pytest.skip("node is not there; get it with: apt-get install nodejs")
    folder = tmp_path_factory.mktemp("trainer")
    shutil.copy(static_page.PAGE / "trainer.js", folder / "trainer.mjs")
    (folder / "lenet5.wasm").write_bytes(gzip.decompress(page_training.ENGINE.read_bytes()))
    (folder / "plan.json").write_text(json.dumps(page_training.page_plan()))
    (folder / "images").write_bytes(
        gzip.decompress(page_training.packed(datasets.load("uci-digits", "train").cut(0, 600, "train")))
    )
    return folder


def run(folder: Path, program: str) -> str:
    (folder / "program.mjs").write_text(START + program)
    done = subprocess.run(["node", "program.mjs"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("seed", [0, 1, 99])
def test_the_engine_draws_as_numpy_does(folder: Path, seed: int) -> None:
    said = run(
        folder,
        f"""
const one = start("{seed}");
const at = one.engine.reserve(8 * 9000);
const tell = (count) => console.log(new BigInt64Array(one.engine.memory.buffer, at, count).join(" "));
one.stream("order", 3);
for (const count of [2, 10, 9000]) {{
  one.engine.permutation(count, at);
  tell(count);
}}
one.stream("curvature", 2);
one.engine.choice(9000, 500, at);
tell(500);
""",
    )
    orders = stream(seed, "order", 3)
    expected = [orders.permutation(count) for count in (2, 10, 9000)]
    expected.append(np.sort(stream(seed, "curvature", 2).choice(9000, 500, replace=False)))
    assert said.splitlines() == [" ".join(map(str, numbers)) for numbers in expected]


def test_the_engine_is_small() -> None:
    assert page_training.ENGINE.stat().st_size < 200_000


@pytest.mark.slow
def test_a_rebuild_gives_the_same_bytes() -> None:
    pytest.importorskip("ziglang", reason="pip install ziglang==0.14.1")
    spec = importlib.util.spec_from_file_location("wasm", ROOT / "native" / "packaging" / "wasm.py")
    assert spec
    assert spec.loader
    wasm = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(wasm)
    assert wasm.build() == gzip.decompress(page_training.ENGINE.read_bytes())
