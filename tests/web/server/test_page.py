"""The page as `lenet5 serve` serves it, in a real browser: its photographs are read by the server, which has MNIST."""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser
from serving import Running


def test_a_photograph_is_read_by_the_server(server: Running, browser: Browser, photograph: bytes) -> None:
    context = browser.new_context(locale="en-GB", reduced_motion="reduce")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(server.url)
    page.wait_for_selector(".plate")
    page.set_input_files("#photo", {"name": "number.png", "mimeType": "image/png", "buffer": photograph})
    page.wait_for_selector(".photograph canvas")
    assert "".join(page.locator(".findings strong").all_inner_texts()) == "7210"
    page.click("#language")
    assert page.inner_text(".findings h2") == "照片"
    assert "".join(page.locator(".findings strong").all_inner_texts()) == "7210"
    page.click(".findings .close")
    page.click("#language")
    assert not page.is_visible(".findings")
    assert "Numbers found: 1" in page.inner_text("#photo-result")
    page.set_input_files("#photo", {"name": "number.png", "mimeType": "image/png", "buffer": photograph[:300]})
    page.wait_for_function("() => document.querySelector('#photo-result').textContent.includes('not a picture')")
    context.close()
    assert not complaints, "the content-security-policy, or the page, is at fault"


def test_the_server_sends_its_mnist_to_train_on_once_it_is_there(
    serve: Callable[..., Running], small_mnist: Path, tmp_path: Path, browser: Browser
) -> None:
    server = serve("--model", "modern", environment={"LENET5_DATA": str(tmp_path)})
    missing = server.ask("/training/images.gz")
    assert (missing.status, missing.problem) == (404, "not-found")
    assert str(tmp_path) not in missing.content.decode()
    page = browser.new_page(locale="en-GB")
    page.goto(server.url)
    page.wait_for_selector(".plate")
    page.click("#train summary")
    page.click("#train-step")
    page.wait_for_function("() => document.querySelector('#train-told').textContent.includes('data fetch mnist')")

    shutil.copytree(small_mnist / "mnist", tmp_path / "mnist")
    page.click("#train-step")
    page.wait_for_function("() => document.querySelector('#train-numbers').textContent.includes('1; pass 1 of 20')")
    sent = server.ask("/training/images.gz")
    assert len(gzip.decompress(sent.content)) == 2000 * 785
    assert server.ask("/training/images.gz", If_None_Match=sent.headers["etag"]).status == 304

    # The worker may compile the engine, but the page itself may neither compile nor evaluate anything. Later, because
    # what a test evaluates is exempt.
    for forbidden in ("new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))", "eval('1')"):
        later = f"setTimeout(() => {{ try {{ {forbidden}; done('done'); }} catch (error) {{ done(error.name); }} }})"
        assert page.evaluate(f"() => new Promise((done) => {later})") in ("CompileError", "EvalError")
    page.close()
