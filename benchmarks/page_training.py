"""Training steps of `lecun-1998` on the page, in Chromium, beside the native engine with one thread.

Pairs of runs alternate; each is the best of its rounds, because other programs only ever slow one down.
Run: python benchmarks/page_training.py
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import base64
import functools
import http.server
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from page import CHROMIUM, Quiet
from playwright.sync_api import Page, sync_playwright
from side_by_side import machine

from lenet5.data import batches, datasets
from lenet5.data.batches import Examples
from lenet5.engines import registry
from lenet5.engines.initial import first_weights
from lenet5.recipes import catalogue
from lenet5.web import page_training, static_page

PAIRS, ROUNDS, STEPS = 7, 5, 300
IMAGES = 3_000

START = """async (images) => {
  const { Run } = await import("/trainer.js");
  const { unpacked } = await import("/models.js");
  const plan = JSON.parse(new TextDecoder().decode(await unpacked("training/plan.json")));
  const module = await WebAssembly.compile(await unpacked("training/engine.wasm.gz"));
  const data = new Uint8Array(await (await fetch(images)).arrayBuffer());
  globalThis.run = new Run(module, plan, data, "1");
  run.measure = () => {};
  run.train(1);
}"""
STEP = """(steps) => {
  const end = run.images + steps, before = performance.now();
  while (run.images < end) run.train(end - run.images);
  return (performance.now() - before) * 1000 / steps;
}"""


def native(images: datasets.Images) -> Callable[[], float]:
    """Return a function that trains for some steps, and returns the microseconds of each."""
    recipe = catalogue.load("lecun-1998")
    weights = first_weights(recipe.architecture, recipe.initial, 1)
    network = registry.get("native").build(recipe.architecture, weights, recipe.objective, recipe.optimizer)
    examples = Examples(images.images, images.labels, recipe.preparation)
    network.hold(examples)
    curvature = network.curvature(examples.inputs(np.arange(500)))
    network.load(network.weights(), {f"curvature.{name}": array for name, array in curvature.items()})
    order = batches.batches(batches.order(len(images.labels), 1, 1, "constant")[:STEPS], 1)

    def train() -> float:
        began = time.perf_counter()
        network.train(order, np.full(len(order), 0.0001))
        return (time.perf_counter() - began) * 1e6 / len(order)

    return train


def best(once: Callable[[], float]) -> float:
    return min(once() for _ in range(ROUNDS))


def main() -> None:
    images = datasets.load("mnist", "train").cut(0, IMAGES, "train")
    content = images.images.tobytes() + images.labels.astype(np.uint8).tobytes()
    url = "data:application/octet-stream;base64," + base64.b64encode(content).decode()
    in_python = native(images)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        static_page.export_page(Path(folder) / "page")
        handler = functools.partial(Quiet, directory=str(Path(folder) / "page"))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page: Page = browser.new_page(bypass_csp=True)
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.evaluate(START, url)
        in_browser = functools.partial(page.evaluate, STEP, STEPS)
        pairs = [(best(in_python), best(in_browser)) for _ in range(PAIRS)]
        browser.close()
        server.shutdown()
    ratio = statistics.median(python / browser for python, browser in pairs)
    print(machine())
    print(f"native, one thread: {min(pair[0] for pair in pairs):.0f} microseconds a step")
    print(f"page, Chromium:     {min(pair[1] for pair in pairs):.0f} microseconds a step")
    print(f"the page has {100 * ratio:.0f} % of the native engine's speed (median of {PAIRS} pairs)")
    print(f"engine: {page_training.ENGINE.stat().st_size / 1000:.0f} kB compressed")


if __name__ == "__main__":
    main()
