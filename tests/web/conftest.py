"""The exported page behind a small web server, in a real Chromium."""

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from paging import says
from playwright.sync_api import Browser, Page, sync_playwright

from lenet5.web.static_page import export_page

CHROMIUM = "/usr/bin/chromium"
QUIET = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update"


def missing(what: str, command: str) -> None:
    """Skip, with the command that gets what is missing; in continuous integration fail."""
    sentence = f"{what} is not there; get it with: {command}"
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)


class Server(http.server.SimpleHTTPRequestHandler):
    """Serves the folder; there is no reader behind it, so a POST is a 501."""

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "page"
    export_page(folder)
    return folder


@pytest.fixture(scope="session")
def address(exported: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Server, directory=str(exported)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        missing("chromium", "apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET.split(), "--disable-sync"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, loaded, at a desktop's size; whatever it complains of in its console fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", reduced_motion="reduce")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    page.wait_for_selector(".plate")
    yield page
    context.close()
    # A POST that finds no reader is a 501 in the console, and is meant.
    assert not [text for text in complaints if "501" not in text]


@pytest.fixture
def stage(browser: Browser, address: str) -> Iterator[Page]:
    """The page on a laptop, with its first answer; an error in it fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, locale="en-GB", reduced_motion="reduce")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    says(page, "3")
    yield page
    context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder of what tests/web/package.json names."""
    folder = Path(__file__).parent / "node_modules"
    if not (folder / "typescript").exists() or not (folder / "axe-core").exists():
        missing("what tests/web/package.json names", "npm ci --prefix tests/web")
    return folder
