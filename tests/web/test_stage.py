"""The stage: everything in sight, the wiring, the drawer that explains a unit, and what can be changed."""

import pytest
from paging import plate
from playwright.sync_api import Locator, Page

from lenet5.spec import paper

SIZES = [(1280, 720), (1440, 900), (390, 844), (320, 640)]


def box(element: Locator) -> tuple[float, float, float, float]:
    found = element.bounding_box()
    assert found
    return found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"]


def colour_of_first_pixel(page: Page, layer: str, number: int) -> list[int]:
    return list(
        plate(page, layer, number).evaluate(
            "(it) => [...it.getContext('2d').getImageData(0, 0, 1, 1).data].slice(0, 3)"
        )
    )


def distances(page: Page) -> list[str]:
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.locator(".race .share").all_inner_texts()


def test_a_laptop_shows_everything_without_scrolling(stage: Page) -> None:
    height = "document.documentElement.scrollHeight"
    assert stage.evaluate(height) <= 720
    left, _top, right, bottom = box(stage.locator(".flow"))
    assert right <= 1280
    assert bottom <= 720
    for layer, number in (("C1", 5), ("C3", 15), ("F6", 0), ("output", 9)):
        assert left <= box(plate(stage, layer, number))[0]
        assert box(plate(stage, layer, number))[3] <= bottom
    plate(stage, "C3", 2).click()
    assert stage.evaluate(height) <= 720


def test_f6_is_a_picture_of_7_by_12_beside_the_ten_codes(stage: Page) -> None:
    assert plate(stage, "F6", 0).evaluate("(it) => [it.width, it.height]") == [7, 12]
    assert stage.locator(".race .code").count() == 10
    shortest = stage.evaluate(
        "() => [...document.querySelectorAll('.race .bar span')].map((it) => it.getBoundingClientRect().width)"
    )
    assert shortest.index(min(shortest)) == 3
    assert "nearest code: 3" in stage.inner_text(".nearest")


@pytest.mark.parametrize("number", [0, 9, 15])
def test_a_map_of_c3_is_joined_to_its_maps_of_table_1(stage: Page, number: int) -> None:
    plate(stage, "C3", number).hover()
    assert stage.locator(".link:not(.forward)").count() == len(paper.maps_seen()[number])
    lit = stage.locator(".layer.pooled.few .plate").evaluate_all("(all) => all.map((it) => it.matches('.seen'))")
    assert [below for below, seen in enumerate(lit) if seen] == list(paper.maps_seen()[number])


def test_a_map_of_s2_is_joined_to_the_maps_of_c3_that_see_it(stage: Page) -> None:
    plate(stage, "S2", 4).hover()
    assert stage.locator(".link.forward").count() == sum(4 in seen for seen in paper.maps_seen())


def test_the_wiring_is_heard(stage: Page) -> None:
    assert stage.get_by_role("button", name="C3, map 1 of 16, sees maps 1, 2, 3", exact=True).count() == 1


@pytest.mark.parametrize("size", SIZES)
def test_the_drawer_never_covers_what_it_explains(stage: Page, size: tuple[int, int]) -> None:
    stage.set_viewport_size({"width": size[0], "height": size[1]})
    for layer, number in (("C1", 5), ("C3", 12), ("output", 8)):
        plate(stage, layer, number).click()
        drawer = box(stage.locator("#drawer"))
        left, top, right, bottom = box(plate(stage, layer, number))
        assert right <= drawer[0] or left >= drawer[2] or bottom <= drawer[1] or top >= drawer[3], layer
        assert top >= 0
        assert bottom <= size[1]
        stage.keyboard.press("Escape")
        assert not stage.locator("#drawer").is_visible()


def test_what_a_unit_looks_at_stands_beside_its_kernel(stage: Page) -> None:
    plate(stage, "C3", 0).click()
    tables = stage.locator(".equation canvas")
    assert [round(box(table)[2] - box(table)[0]) for table in tables.all()] == [150, 150]
    stage.locator(".equation select").select_option(label="S2 3")
    stage.click(".every summary")
    stage.wait_for_selector(".every td")
    assert stage.locator(".every tbody tr").count() == 3 * 25 + 2  # the bias and the sum


def test_the_sum_is_followed_to_its_end(stage: Page) -> None:
    plate(stage, "C1", 1).click()
    terms = stage.get_by_role("slider", name="Terms added")
    terms.fill("24")
    assert stage.inner_text(".step").startswith("24 of 25: ")
    terms.press("ArrowRight")
    assert stage.inner_text(".step").startswith("25 of 25: ")
    so_far = stage.inner_text(".step").rsplit(" ", 1)[1]
    assert f"= {so_far} → scaled tanh" in stage.inner_text(".sum")
    stage.locator(".equation canvas").first.click(position={"x": 45, "y": 15})
    assert stage.inner_text(".step").startswith("2 of 25: ")


def test_the_backward_pass_of_a_unit_is_followed(stage: Page) -> None:
    plate(stage, "C1", 1).click()
    forward = stage.inner_text(".sum")
    stage.get_by_role("button", name="Backward").click()
    assert "3 would lead 8 more" in stage.inner_text(".step")
    assert stage.locator(".equation select option").all_inner_texts() == ["gradient S2 2"]
    assert "slope" in stage.inner_text(".curves")
    assert not stage.locator(".editor").is_visible()
    plate(stage, "S2", 1).click()
    seen = [f"gradient C3 {number + 1}" for number, maps in enumerate(paper.maps_seen()) if 1 in maps]
    assert stage.locator(".equation select option").all_inner_texts() == seen
    stage.get_by_role("slider", name="Terms added").fill("30")
    assert stage.inner_text(".step").startswith(f"30 of {25 * len(seen)}: ")
    plate(stage, "output", 3).click()
    assert stage.inner_text(".sum strong") == "1"
    plate(stage, "C1", 1).click()
    stage.get_by_role("button", name="Backward").click()
    assert stage.inner_text(".sum") == forward


def test_a_unit_walks_over_its_map(stage: Page) -> None:
    plate(stage, "S4", 0).click(position={"x": 3, "y": 3})
    assert stage.inner_text(".inspector h3") == "S4 1, row 1, column 1"
    stage.get_by_role("button", name="Step", exact=True).click()
    assert stage.inner_text(".inspector h3") == "S4 1, row 1, column 2"
    stage.get_by_role("slider", name="Place on the map").fill("20")
    assert stage.inner_text(".inspector h3") == "S4 1, row 5, column 1"
    last = "(it) => it.getContext('2d').getImageData(4, 4, 1, 1).data[3]"
    assert plate(stage, "S4", 0).evaluate(last) == 0  # what was not reached is not there yet
    stage.get_by_role("button", name="▶ Play").click()
    stage.wait_for_function("() => document.querySelector('.inspector h3').textContent.endsWith('row 5, column 5')")
    assert plate(stage, "S4", 0).evaluate(last) == 255


def test_a_click_pins_a_unit_and_escape_lets_go(stage: Page) -> None:
    plate(stage, "C3", 0).click()
    pinned = stage.inner_text(".inspector h3")
    assert pinned.startswith("C3 1")
    plate(stage, "C1", 2).hover()
    assert stage.inner_text(".inspector h3") == pinned
    stage.focus(".inspector .close")
    stage.keyboard.press("Escape")
    assert "C3, map 1 of 16" in stage.evaluate("document.activeElement.ariaLabel")
    plate(stage, "C1", 2).hover(position={"x": 20, "y": 20})
    assert stage.inner_text(".readout").startswith("C1 3")


def test_a_kernel_is_changed_and_brought_back(stage: Page) -> None:
    plate(stage, "C1", 1).click()
    learned = distances(stage)
    stage.get_by_role("button", name="Zero").click()
    zero = distances(stage)
    assert zero != learned
    assert "changed by you" in stage.inner_text(".panel header")
    stage.locator(".equation canvas").last.click(position={"x": 75, "y": 75})
    stage.locator(".kernel-tools input").fill("1.5")
    assert distances(stage) != zero
    stage.locator(".editor").get_by_role("button", name="Undo").click()
    assert distances(stage) == zero
    stage.locator(".editor").get_by_role("button", name="Undo").click()
    assert distances(stage) == learned


def test_the_kernels_of_a_unit_of_c5_stand_beside_it(stage: Page) -> None:
    strongest = stage.evaluate(
        """() => import("/main.js").then(({app}) => app.panels[0].stages[4].values)
        .then((values) => values.indexOf(Math.max(...values)))"""
    )
    assert stage.inner_text(".unit-kernels") == f"16 kernels of unit {strongest + 1}"
    assert stage.evaluate("document.querySelector('.unit-kernels canvas').width") == 4 * 6 - 1
    plate(stage, "C5", 0).hover(position={"x": 3, "y": 3})
    assert stage.inner_text(".unit-kernels") == "16 kernels of unit 1"


def test_a_silenced_map_says_nothing(stage: Page) -> None:
    learned = distances(stage)
    plate(stage, "S2", 1).click()
    stage.get_by_role("button", name="Silence this map").click()
    assert distances(stage) != learned
    assert stage.inner_text(".readout").startswith("S2 2")
    assert " = 0 " in stage.inner_text(".readout")
    stage.get_by_role("button", name="Restore").click()
    assert distances(stage) == learned


def test_zero_behind_a_relu_is_black(stage: Page) -> None:
    stage.locator(".panel select").first.select_option("modern")
    stage.wait_for_function("() => live.textContent.startsWith('modern says')")
    shown = [colour_of_first_pixel(stage, "S4", number) for number in range(16)]
    assert [10, 11, 14] in shown
    assert "black: 0" in stage.inner_text(".legend")


def test_maps_are_shown_before_the_activation_and_each_on_its_own_scale(stage: Page) -> None:
    after = colour_of_first_pixel(stage, "C1", 0)
    stage.get_by_role("button", name="Before activation").click()
    distances(stage)
    before = colour_of_first_pixel(stage, "C1", 0)
    assert before != after
    stage.get_by_role("button", name="Scale each map").click()
    distances(stage)
    assert colour_of_first_pixel(stage, "C1", 0) != before
