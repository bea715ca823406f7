"""What people do with the page: by mouse, finger, keyboard and screen reader, in the dark, on a small phone."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from paging import SEVEN, draw, plate, says
from PIL import Image
from playwright.sync_api import Browser, Page, Route

from lenet5.web.limits import Limits
from lenet5.web.static_page import export_single_file


def picture() -> bytes:
    """A photograph of a 1: dark ink on grey paper."""
    pixels = np.full((120, 100), 200, np.uint8)
    pixels[20:100, 46:56] = 40
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def test_a_mouse_draws_undoes_erases_and_clears(page: Page) -> None:
    says(page, "3")  # the sample that welcomes
    page.click("#clear")
    says(page, "·")
    draw(page, SEVEN)
    says(page, "7")
    draw(page, [(60, 260), (220, 260)])
    page.keyboard.press("Control+z")
    says(page, "7")
    page.click("#eraser")
    draw(page, SEVEN)
    page.click("#clear")
    says(page, "·")


def test_the_eraser_takes_ink_away(page: Page) -> None:
    page.click("#clear")
    draw(page, SEVEN)
    ink = "document.querySelector('#sheet').getContext('2d').getImageData(0, 0, 240, 240).data.reduce((a, b) => a + b)"
    before = page.evaluate(ink)
    page.click("#eraser")
    draw(page, SEVEN[:3])
    assert page.evaluate(ink) < 0.8 * before


def test_a_finger_draws_and_the_page_does_not_scroll(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(".plate")
    page.click("#clear")
    says(page, "·")
    page.evaluate("document.querySelector('#sheet').scrollIntoView({block: 'start'})")
    before = page.evaluate("scrollY")
    box = page.locator("#sheet").bounding_box()
    assert box
    touch = context.new_cdp_session(page)
    places = [{"x": box["x"] + x * box["width"] / 280, "y": box["y"] + y * box["height"] / 280} for x, y in SEVEN]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [places[0]]})
    for place in places[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    says(page, "7")
    assert page.evaluate("scrollY") == before
    context.close()


def test_the_keyboard_alone_draws_and_walks_through_the_maps(page: Page) -> None:
    page.focus("#clear")
    page.keyboard.press("Enter")
    says(page, "·")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.id") == "sheet"
    page.keyboard.press("Space")
    for _ in range(14):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    says(page, "1")
    page.focus(".plate >> nth=0")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert "S2, map 2 of 6" in (page.evaluate("document.activeElement.ariaLabel") or "")
    assert "S2 2, row 8, column 9" in page.inner_text(".readout")
    page.keyboard.press("Enter")
    assert page.inner_text(".inspector h3") == "S2 2, row 8, column 9"
    page.keyboard.press("End")
    assert page.evaluate("document.querySelectorAll('.plate[tabindex=\"0\"]').length") == 1
    page.keyboard.press("Enter")
    assert page.inner_text(".inspector h3") == "output, digit 9"


def test_an_answer_is_named_by_its_digit_and_measured_by_squares(page: Page) -> None:
    plate(page, "output", 2).click()
    assert page.inner_text(".inspector h3") == "output, digit 2"
    assert "squared differences from the code" in page.inner_text(".sum")
    page.locator(".inspector input[type=range]").first.fill("1")
    assert re.search(r"1 of 84: −0[.]5 × .* − .*² = ", page.inner_text(".step"))


def test_what_is_announced_is_the_chosen_networks_word(page: Page) -> None:
    page.wait_for_function("() => live.textContent.startsWith('lecun-1998 says 3')")
    page.locator(".panel select").first.select_option("modern")
    page.wait_for_function("() => live.textContent.startsWith('modern says 3')")
    assert "harder" not in page.inner_text(".panel header small")
    page.locator(".panel select").first.select_option("digits")
    page.wait_for_function(
        "() => document.querySelector('.panel header small').textContent.includes('a harder set than MNIST')"
    )


def test_one_probability_is_written_one_way(page: Page) -> None:
    page.wait_for_function("() => live.textContent.startsWith('lecun-1998 says 3')")
    page.locator(".panel select").first.select_option("modern")
    page.wait_for_function("() => live.textContent.startsWith('modern says 3')")
    share = page.inner_text(".bars .best .share")
    assert page.inner_text("#guess span") == share
    assert page.inner_text("#live").endswith(share)


def test_an_empty_sheet_has_no_answer(page: Page) -> None:
    page.click("#clear")
    says(page, "·")
    assert set(page.locator(".bars .share").all_inner_texts()) == {"–"}
    assert page.locator(".bars .best").count() == 0


def test_a_photograph_beyond_the_servers_limits_is_shrunk(page: Page) -> None:
    sent: list[bytes] = []

    def answer(route: Route) -> None:
        sent.append(route.request.post_data_buffer or b"")
        route.fulfill(status=200, json={"width": 100, "height": 100, "lines": []})

    page.route("**/v1/read", answer)
    large = io.BytesIO()
    Image.fromarray(np.full((4_000, 9_000), 200, np.uint8)).save(large, "PNG")
    page.set_input_files("#photo", {"name": "wide.png", "mimeType": "image/png", "buffer": large.getvalue()})
    page.wait_for_selector(".photograph canvas")
    content = sent[0][sent[0].index(b"\xff\xd8") :]
    with Image.open(io.BytesIO(content)) as opened:
        assert opened.format == "JPEG"
        assert max(opened.size) <= Limits().picture_side_px
        assert opened.size[0] * opened.size[1] <= Limits().picture_pixels
    assert len(sent[0]) <= Limits().body_bytes


def test_a_link_brings_back_drawing_network_unit_and_language(page: Page, browser: Browser) -> None:
    page.click("#clear")
    draw(page, SEVEN)
    says(page, "7")
    page.locator(".panel select").first.select_option("modern")
    page.wait_for_function("() => live.textContent.startsWith('modern says 7')")
    plate(page, "C3", 3).click()
    page.click("#language")
    page.wait_for_function("() => location.hash.includes('language=zh') && location.hash.includes('unit=2.')")
    link, heading = page.url, page.inner_text(".inspector h3")
    other = browser.new_page(locale="en-GB")
    other.goto(link)
    says(other, "7")
    assert other.inner_text(".inspector h3") == heading
    assert other.input_value(".panel select") == "modern"
    assert other.evaluate("document.documentElement.lang") == "zh-CN"
    other.close()


def test_a_link_brings_back_edited_kernels_and_silenced_maps(page: Page, browser: Browser) -> None:
    says(page, "3")
    page.locator(".training input").fill("5")
    page.wait_for_function("() => document.querySelector('.state').textContent.startsWith('after 60,000')")
    plate(page, "C1", 1).click()
    page.get_by_role("button", name="Blur").click()
    page.locator(".equation canvas").last.click(position={"x": 75, "y": 75})
    page.locator(".kernel-tools input").fill("-1.5")
    plate(page, "S2", 4).click()
    page.get_by_role("button", name="Silence this map").click()
    page.wait_for_function("() => location.hash.includes('silenced=') && location.hash.includes('unit=1.')")
    link, distances = page.url, page.locator(".race .share").all_inner_texts()
    other = browser.new_page(locale="en-GB")
    other.goto(link)
    says(other, page.inner_text("#guess b"))
    assert other.locator(".race .share").all_inner_texts() == distances
    assert other.inner_text(".state").endswith("changed by you")
    plate(other, "C1", 1).click()
    for _ in range(2):
        other.locator(".editor").get_by_role("button", name="Undo").click()
    other.wait_for_function("() => location.hash.includes('silenced=') && !location.hash.includes('edits=')")
    other.close()


@pytest.mark.parametrize(
    "words",
    [
        "drawing=d!",
        "edits=0.7.blur_9.9.blur_1.0.zero_0.149.1e9_",
        "silenced=0.99_77.0",
        "trained=7",
        "drawing=d3g",
        "unit=99.99999",
        "network=nothing",
        "language=xx",
        "%ff&&==",
    ],
)
def test_a_link_that_is_not_understood_shows_the_page(browser: Browser, address: str, words: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}#{words}")
    says(page, "3")
    page.close()


def test_one_file_works_from_the_disk(browser: Browser, tmp_path: Path) -> None:
    export_single_file(tmp_path / "page.html")
    page = browser.new_page(locale="en-GB")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "page.html").as_uri())
    says(page, "3")
    page.locator(".panel select").first.select_option("sunnyhaze")
    page.wait_for_function("() => live.textContent.startsWith('sunnyhaze says')")
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}
    page.close()


def test_in_a_frame_only_the_sheet_and_the_network_are_shown(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 800, "height": 600}, locale="en-GB")
    page.goto(f"{address}?embed=1")
    says(page, "3")
    for layer in ("C1", "output"):
        seen = plate(page, layer, 0).bounding_box()
        assert seen
        assert seen["y"] + seen["height"] <= 600  # without scrolling
    assert page.evaluate("document.documentElement.scrollWidth") <= 800
    assert not page.is_visible(".masthead")
    assert not page.is_visible("#photo")
    assert page.is_visible("#sheet")
    page.close()


def test_what_is_shown_is_copied_as_a_picture(page: Page) -> None:
    says(page, "3")
    page.evaluate("() => { navigator.clipboard.write = () => Promise.reject(new Error('not allowed')); }")
    with page.expect_download() as download:
        page.click("#copy")
    with Image.open(download.value.path()) as opened:
        assert opened.format == "PNG"
        assert opened.size[0] == 1200


def test_without_script_the_page_says_what_it_needs(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert "needs JavaScript" in page.inner_text(".no-script")
    assert not page.is_visible(".waiting")
    context.close()


def test_two_networks_answer_side_by_side(page: Page) -> None:
    page.click("#compare")
    page.wait_for_function("() => document.querySelectorAll('.panel .bars .best').length === 2")
    page.locator(".panel").nth(1).locator("select").select_option("sunnyhaze")
    page.wait_for_selector(".panel:nth-child(2) .plate")
    assert page.locator(".code").count() == 10  # only the network of 1998 has codes
    page.click("#compare")
    assert page.locator(".panel").count() == 1


def test_before_training_the_network_knows_nothing(page: Page) -> None:
    page.locator(".training input").fill("0")
    page.wait_for_function("() => document.querySelector('.state output').textContent === 'after 0 images'")
    page.wait_for_function("() => Number.parseFloat(document.querySelector('.race .best .share').textContent) > 5")
    page.locator(".training input").fill("5")
    page.wait_for_function("() => Number.parseFloat(document.querySelector('.race .best .share').textContent) < 5")


def test_the_error_of_each_stage_stands_beside_it_and_they_are_played(page: Page) -> None:
    page.locator(".training input").fill("0")
    page.wait_for_function(
        "() => document.querySelector('.state').textContent.startsWith('after 0 images85.05 % wrong')"
    )
    ticks = [float(text) for text in page.locator(".ticks span").all_inner_texts()]
    assert ticks == sorted(ticks, reverse=True)
    page.click("[data-keep=play-training]")
    page.wait_for_function("() => document.querySelector('.state').textContent.startsWith('after 2,000 images10.64 %')")
    page.click("[data-keep=play-training]")  # stops
    page.wait_for_timeout(1200)
    assert "after 2,000 images" in page.inner_text(".state")
    page.locator(".training input").fill("5")
    page.click("[data-keep=play-training]")
    page.wait_for_function("() => document.querySelector('.state').textContent.startsWith('finished0.91 %')")
    assert page.inner_text("[data-keep=play-training]") == "▶"


def test_centring_is_what_saves_a_small_digit_in_a_corner(page: Page) -> None:
    page.click("#clear")
    draw(page, [(x // 4 + 200, y // 4 + 200) for x, y in SEVEN])
    page.wait_for_function("() => document.querySelector('#guess b').textContent !== '·'")
    penalty = "Math.min(...[...document.querySelectorAll('.race .share')].map((each) => parseFloat(each.textContent)))"
    page.wait_for_timeout(100)
    centred = page.evaluate(penalty)
    page.uncheck("#centring")
    page.wait_for_timeout(100)
    assert page.evaluate(penalty) > centred


def test_turning_a_digit_changes_what_the_network_sees(page: Page) -> None:
    says(page, "3")
    share = page.inner_text(".bars .best .share")
    page.click("summary:has([data-words=disturb])")
    page.locator("#sliders input").first.fill("90")
    page.wait_for_function("(share) => document.querySelector('.bars .best .share').textContent !== share", arg=share)
    page.click("#reset")
    page.wait_for_function("(share) => document.querySelector('.bars .best .share').textContent === share", arg=share)


def test_several_digits_on_the_sheet_are_a_number(page: Page) -> None:
    page.click("#clear")
    for left in (-20, 70, 160):
        draw(page, [(int(0.45 * x) + left, y // 2 + 60) for x, y in SEVEN])
    says(page, "777")
    buttons = page.locator("#number button")
    assert buttons.count() == 3
    assert buttons.last.get_attribute("aria-pressed") == "true"
    page.wait_for_function("() => document.querySelector('#live').textContent.startsWith('777')")  # after a pause
    assert page.inner_text("#guess span").startswith("7: ")  # the probability is that of the digit shown
    buttons.first.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.matches('#number button:first-child[aria-pressed=true]')")
    page.uncheck("#centring")
    page.wait_for_function("() => document.querySelector('#number').hidden")
    page.check("#centring")
    page.click("#clear")
    draw(page, SEVEN)
    says(page, "7")
    assert not page.is_visible("#number")


def test_a_digit_of_a_photograph_is_sent_through_the_network(page: Page) -> None:
    def digit(text: str, left: int) -> dict[str, object]:
        return {"box": [left, 20, left + 10, 100], "answers": [{"text": text, "probability": 0.9}]}

    number = {"text": "71", "box": [5, 20, 56, 100], "rejected": False, "digits": [digit("7", 5), digit("1", 46)]}
    page.route(
        "**/v1/read", lambda route: route.fulfill(json={"width": 100, "height": 120, "lines": [{"numbers": [number]}]})
    )
    for size in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.set_input_files("#photo", {"name": "one.png", "mimeType": "image/png", "buffer": picture()})
        page.wait_for_selector(".photograph canvas")
        assert page.inner_text(".findings strong") == "71"
        page.get_by_role("button", name="1: send this digit through the network").click()
        says(page, "1")
        assert not page.is_visible(".findings")
        page.get_by_role("button", name="Show the photograph").click()
        assert page.is_visible(".photograph")
        page.keyboard.press("Escape")
        assert not page.is_visible(".findings")


def test_without_a_server_a_photograph_is_read_as_one_digit(page: Page) -> None:
    page.set_input_files("#photo", {"name": "one.png", "mimeType": "image/png", "buffer": picture()})
    page.wait_for_function("() => document.querySelector('#photo-result').textContent.includes('lenet5 serve')")
    says(page, "1")


def test_a_file_that_is_no_picture_gets_a_sentence(page: Page) -> None:
    page.set_input_files("#photo", {"name": "one.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.wait_for_function("() => document.querySelector('#photo-result').textContent.includes('not a picture')")


def test_the_guess_is_announced_but_not_with_every_stroke(page: Page) -> None:
    page.evaluate("""() => {
      window.heard = [];
      new MutationObserver(() => heard.push(live.textContent)).observe(live, {childList: true});
    }""")
    for digit in (1, 2, 0, 4):
        page.click(f"#sample-list button:nth-child({digit + 1})")
    page.wait_for_function("() => heard.at(-1)?.includes('says 4')")
    assert len(page.evaluate("heard")) <= 2


def test_every_request_goes_to_the_page_itself(browser: Browser, address: str) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_selector(".plate")
    assert len(asked) > 10
    assert {url for url in asked if not url.startswith(address)} == set()
    page.close()


def test_chinese_is_complete_and_keeps_the_drawing(page: Page) -> None:
    says(page, "3")
    page.click("#language")
    page.wait_for_function("() => document.querySelector('.panel header label').textContent.includes('网络')")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    says(page, "3")
    assert page.inner_text("#clear") == "清空"
    plate(page, "输出", 0).click()
    assert page.inner_text(".inspector h3").startswith("输出，数字")
    plate(page, "S2", 0).click()
    assert "缩放 tanh" in page.inner_text(".sum")


@pytest.mark.parametrize("width", [320, 768, 1440])
def test_no_width_scrolls_sideways(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    page.locator(".plate").nth(20).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(page: Page, packages: Path, scheme: str) -> None:
    axe = packages / "axe-core" / "axe.min.js"
    page.emulate_media(color_scheme=scheme)
    page.click("#compare")
    page.wait_for_function("() => document.querySelectorAll('.panel .plate').length > 90")
    page.locator(".plate").nth(16).click()
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.evaluate(axe.read_text(encoding="utf-8"))
    for _ in ("the drawer", "the tour"):
        found = page.evaluate("axe.run()")
        assert [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found["violations"]] == []
        page.click("#tour")
        page.wait_for_selector(".tour")
