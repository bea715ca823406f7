"""The page as `lenet5 serve` serves it, in a real browser: its photographs are read by the server."""

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
    page.set_input_files("#photo", {"name": "number.png", "mimeType": "image/png", "buffer": photograph[:300]})
    page.wait_for_function("() => document.querySelector('#photo-result').textContent.includes('not a picture')")
    context.close()
    assert not complaints, "the content-security-policy, or the page, is at fault"
