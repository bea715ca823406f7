"""Latency of one update of the page while somebody draws, from the ink to every map, in Chromium.

Run: python benchmarks/page.py
"""

import functools
import http.server
import statistics
import tempfile
import threading
import time
from pathlib import Path

from playwright.sync_api import sync_playwright
from side_by_side import machine

from lenet5.web.static_page import export_page

CHROMIUM = "/usr/bin/chromium"
STROKES = 12  # the first two warm the compiler up and do not count
GOAL_MS = 16.0


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


def measure(address: str) -> tuple[float, list[float]]:
    """Return the seconds from loading to the first guess, and what each update took, in milliseconds."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        started = time.perf_counter()
        page.goto(address)
        page.wait_for_selector(".bars .best")
        first = time.perf_counter() - started
        page.locator(".layer").nth(2).locator(".plate").first.hover()  # a unit's sum is shown, too
        box = page.locator("#sheet").bounding_box()
        assert box
        for stroke in range(STROKES):
            if stroke == 2:
                page.evaluate("import('/main.js').then(({app}) => { app.updates.length = 0; })")
            page.mouse.move(box["x"] + 60, box["y"] + 40 + 14 * stroke)
            page.mouse.down()
            page.mouse.move(box["x"] + 240, box["y"] + 60 + 14 * stroke, steps=30)
            page.mouse.up()
        updates = page.evaluate("import('/main.js').then(({app}) => app.updates)")
        browser.close()
    return first, updates


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        export_page(Path(folder) / "page")
        handler = functools.partial(Quiet, directory=str(Path(folder) / "page"))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        first, updates = measure(f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()
    p95 = statistics.quantiles(updates, n=20)[-1]
    print(machine())
    print(f"first guess after {first:.2f} s")
    middle = statistics.median(updates)
    print(f"{len(updates)} updates: median {middle:.1f} ms, p95 {p95:.1f} ms (goal {GOAL_MS:.0f} ms)")


if __name__ == "__main__":
    main()
