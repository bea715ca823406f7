"""Training on the page, in a real Chromium."""

import functools
import gzip
import hashlib
import http.server
import json
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from paging import says
from playwright.sync_api import Browser, Page

from lenet5.data import datasets
from lenet5.web import page_training, static_page

PASSES = 2
SEED = 12345678901234567890  # more than a double holds
IMAGES = 600  # of scikit-learn's digits
COUNT = IMAGES - IMAGES // 10  # the last tenth is held out
DIGEST = """() => import("/main.js").then(async ({app}) => {
  const arrays = app.panels[0].edits.learned.flatMap(({weight, bias}) => [weight, bias]);
  const digest = await crypto.subtle.digest("SHA-256", await new Blob(arrays).arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
})"""


@pytest.fixture(scope="module")
def digits() -> bytes:
    return page_training.packed(datasets.load("uci-digits", "train").cut(0, IMAGES, "train"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, digits: bytes) -> Iterator[str]:
    """The exported page with scikit-learn's digits to train on, for two passes; its address."""
    folder = tmp_path_factory.mktemp("training") / "page"
    static_page.export_page(folder, digits)
    plan = json.loads((folder / static_page.PLAN).read_text())
    plan["learning_rates"] = plan["learning_rates"][:PASSES]
    (folder / static_page.PLAN).write_text(json.dumps(plan))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open an address with the training card; an error in the page fails the test."""
    contexts, complaints = [], []

    def open_card(address: str, locale: str = "en-GB") -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 720}, locale=locale, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        says(page, "3")
        page.click("#train summary")
        return page

    yield open_card
    for context in contexts:
        context.close()
    assert complaints == []


def learned(page: Page, images: int) -> None:
    """Wait until the network has learned from so many images, and is at rest."""
    text = f"{images:,};"
    page.wait_for_function(
        "(text) => document.querySelector('#train-numbers dd')?.textContent.startsWith(text)"
        " && document.querySelector('#train-play').textContent.includes('Play')",
        arg=text,
    )


def digest(page: Page) -> str:
    """The SHA-256 of the weights on the stage."""
    return str(page.evaluate(DIGEST))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the baseline of ARM has fused multiply-add")
def test_the_same_seed_gives_the_same_bytes_as_the_native_engine(
    visit: Callable[..., Page], site: str, tmp_path: Path
) -> None:
    page = visit(site)
    page.fill("#train-seed", str(SEED))
    page.select_option("#train-pace", "0")
    page.click("#train-step")
    learned(page, 1)
    page.click("#train-play")
    page.wait_for_function("() => document.querySelector('#train-told').textContent.includes('passes are done')")
    learned(page, PASSES * COUNT)

    settings = ["data=uci-digits", f"images={COUNT}", f"epochs={PASSES}", f"seed={SEED}"]
    command = [sys.executable, "-m", "lenet5", "train", "lecun-1998", "--engine", "native", "--runs", str(tmp_path)]
    command += [word for setting in settings for word in ("--set", setting)]
    environment = os.environ | {"LENET5_INSTRUCTIONS": "baseline"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (model,) = tmp_path.glob("*/model.safetensors")
    trained = safetensors.numpy.load_file(model)
    names = [array["name"] for array in page_training.page_plan()["weights"]]
    assert digest(page) == hashlib.sha256(b"".join(trained[name].tobytes() for name in names)).hexdigest()


def test_a_step_shows_its_image_and_rewinding_repeats_it(visit: Callable[..., Page], site: str) -> None:
    page = visit(site)
    states = []
    for _ in range(2):
        for count in (1, 2, 3):
            page.click("#train-step")
            learned(page, count)
        states.append((digest(page), page.inner_text("#train-example"), page.inner_text("#train-numbers")))
        assert "Learned from a " in states[-1][1]
        page.click("#train-rewind")
        learned(page, 0)
    assert states[0] == states[1]
    page.fill("#train-seed", "2")
    page.press("#train-seed", "Tab")
    page.click("#train-step")
    learned(page, 1)
    assert digest(page) != states[0][0]


def test_the_network_on_the_stage_is_the_one_that_learns(visit: Callable[..., Page], site: str) -> None:
    page = visit(site)
    page.select_option("#train-pace", "0")
    page.click("#train-play")
    learned(page, PASSES * COUNT)
    assert "trained here up to image 1,080" in page.inner_text(".panel header")
    correct = float(page.inner_text("#train-numbers dd:last-of-type").split(" %")[0])
    assert correct > 60  # of scikit-learn's digits, after two passes
    assert page.locator("#train-kernels canvas").count() == 6
    page.click("#language")
    assert "在此训练到第 1,080 张图" in page.inner_text(".panel header")
    assert "训练" in page.inner_text("#train summary")
    page.click("[data-keep=restore]")
    page.wait_for_function("() => document.querySelector('.state').textContent.includes('0.91')")


def test_another_network_stops_the_training(visit: Callable[..., Page], site: str) -> None:
    page = visit(site)
    page.select_option("#train-pace", "10")
    page.click("#train-play")
    page.wait_for_function("() => document.querySelector('.state').textContent.includes('trained here')")
    page.locator(".panel select").first.select_option("modern")
    page.wait_for_function("() => document.querySelector('#train-play').textContent.includes('Play')")
    assert page.locator(".panel select").first.input_value() == "modern"
    page.click("#train-step")
    page.wait_for_function("() => document.querySelector('.panel select').value === 'lecun-1998'")


def test_a_seed_is_a_whole_number(visit: Callable[..., Page], site: str) -> None:
    page = visit(site)
    page.fill("#train-seed", "one")
    page.click("#train-play")
    assert "whole number" in page.inner_text("#train-told")
    assert not page.is_visible("#train-results")


def test_a_page_without_images_says_so(visit: Callable[..., Page], address: str) -> None:
    page = visit(address)
    page.click("#train-play")
    page.wait_for_function("() => document.querySelector('#train-told').textContent.includes('--with-mnist')")
    assert not page.is_visible("#train-results")


def test_the_single_file_trains_without_a_server(visit: Callable[..., Page], tmp_path: Path, digits: bytes) -> None:
    static_page.export_single_file(tmp_path / "page.html", digits)
    page = visit((tmp_path / "page.html").as_uri())
    page.click("#train-step")
    learned(page, 1)
    assert "trained here up to image 1" in page.inner_text(".panel header")


def test_the_single_file_without_images_says_so(visit: Callable[..., Page], tmp_path: Path) -> None:
    static_page.export_single_file(tmp_path / "page.html")
    page = visit((tmp_path / "page.html").as_uri())
    page.click("#train-step")
    page.wait_for_function("() => document.querySelector('#train-told').textContent.includes('--with-mnist')")


def test_the_images_of_mnist_are_the_first_of_its_training_set(mnist_folder: Path) -> None:
    packed = np.frombuffer(gzip.decompress(page_training.images(mnist_folder)), np.uint8)
    train = datasets.load("mnist", "train", mnist_folder)
    count = page_training.IMAGES
    assert len(packed) == count * 785
    assert np.array_equal(packed[: count * 784].reshape(-1, 28, 28), train.images[:count])
    assert np.array_equal(packed[count * 784 :], train.labels[:count])


def test_axe_finds_no_violation_in_the_training(visit: Callable[..., Page], site: str, packages: Path) -> None:
    page = visit(site, locale="zh-CN")
    for _ in range(2):
        page.click("#train-step")
        page.wait_for_function("() => !document.querySelector('#train-example')?.hidden")
    page.evaluate((packages / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    assert [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found["violations"]] == []
