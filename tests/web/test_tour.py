"""The guided tour: by buttons, by link, left early, and without motion."""

from paging import plate, says
from playwright.sync_api import Browser, Page

STEPS = ["Pixels", "Kernel", "Map", "Subsampling", "Table I", "C5", "F6", "Codes"]


def test_eight_steps_lead_from_the_pixels_to_the_answer(stage: Page) -> None:
    stage.click("#sample-list button:nth-child(8)")
    says(stage, "7")
    stage.click("#tour")
    for number, title in enumerate(STEPS, 1):
        stage.wait_for_function("(title) => document.querySelector('.tour h3').textContent.endsWith(title)", arg=title)
        assert stage.inner_text(".tour h3").startswith(f"{number} of 8")
        stage.wait_for_function("() => document.querySelector('.tour p').textContent.length > 40")
        assert stage.locator(".spot").count() == 1
        assert stage.evaluate("document.documentElement.scrollHeight") <= 720
        stage.click(".tour .primary")
    stage.wait_for_function("() => !document.querySelector('.tour')")
    assert stage.is_visible(".panel header")


def test_the_last_step_names_the_answer(stage: Page) -> None:
    stage.click("#sample-list button:nth-child(8)")
    says(stage, "7")
    stage.click("#tour")
    for _ in range(7):
        stage.click(".tour .primary")
    stage.wait_for_function("() => document.querySelector('.tour p').textContent.endsWith('the answer: 7.')")
    assert stage.inner_text(".readout").startswith("output, digit 7")


def test_a_step_is_reached_by_a_link_with_its_network(browser: Browser, address: str) -> None:
    page = browser.new_page(locale="en-GB", reduced_motion="reduce")
    page.goto(f"{address}#network=modern&tour=5")
    page.wait_for_function("() => document.querySelector('.tour h3')?.textContent.endsWith('Table I')")
    page.wait_for_function("() => document.querySelector('.readout').textContent.startsWith('C3 16')")
    assert page.input_value(".panel select") == "lecun-1998"
    page.wait_for_function("() => location.hash.includes('tour=5')")
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.querySelector('.tour') && !location.hash.includes('tour')")
    assert page.evaluate("document.activeElement.id") == "tour"
    page.close()


def test_the_tour_moves_unless_motion_is_unwelcome(browser: Browser, address: str) -> None:
    corner = "(it) => it.getContext('2d').getImageData(27, 27, 1, 1).data[3]"
    for motion, seen in (("reduce", 255), ("no-preference", 0)):
        page = browser.new_page(locale="en-GB", reduced_motion=motion)
        page.goto(f"{address}#tour=3")
        page.wait_for_selector(".chosen")
        assert page.locator(".plate.chosen .map").evaluate(corner) == seen
        page.close()


def test_the_tour_keeps_its_step_in_the_other_language(stage: Page) -> None:
    stage.click("#tour")
    stage.click(".tour .primary")
    stage.click("#language")
    stage.wait_for_function("() => document.querySelector('.tour h3').textContent.endsWith('卷积核')")
    assert plate(stage, "C1", 0).is_visible()
    assert stage.is_visible("#drawer")
