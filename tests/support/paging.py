"""Hands and eyes for tests of the page: draw on its sheet, find its maps, wait for its answer."""

from playwright.sync_api import Locator, Page

SEVEN = [(70, 60), (130, 58), (200, 60), (170, 120), (145, 180), (130, 230)]


def says(page: Page, answer: str) -> None:
    """Wait until the guess is this."""
    page.wait_for_function("(answer) => document.querySelector('#guess b').textContent === answer", arg=answer)


def draw(page: Page, points: list[tuple[int, int]]) -> None:
    """Draw a line by mouse, on a sheet of 280x280."""
    box = page.locator("#sheet").bounding_box()
    assert box
    places = [(box["x"] + x * box["width"] / 280, box["y"] + y * box["height"] / 280) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def plate(page: Page, layer: str, number: int) -> Locator:
    """The picture of a map of a layer, or the row of an answer; counted from 0."""
    found = (
        page.locator(".panel").first.locator(f".layer:has(h3:text-matches('^{layer}'))").locator(".plate").nth(number)
    )
    return found.locator(".map, .answer")
