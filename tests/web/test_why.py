"""Why the network answers as it does, and what it takes to break it."""

import numpy as np
import pytest
from paging import says
from playwright.sync_api import Page


def distances(page: Page) -> list[str]:
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.locator(".bars .share").all_inner_texts()


def test_the_gradient_names_the_two_answers_that_it_is_between(stage: Page) -> None:
    stage.click("#why summary")
    stage.check("#gradient")
    stage.wait_for_selector(".evidence canvas")
    assert stage.inner_text(".evidence") == "gold: more ink here speaks for 3; blue: for 8"
    assert stage.evaluate("document.querySelector('.evidence canvas').width") == 32
    stage.click("#clear")
    says(stage, "·")
    assert not stage.is_visible(".evidence")


@pytest.mark.parametrize("network", ["lecun-1998", "modern", "sunnyhaze"])
def test_a_small_change_makes_it_another_digit(stage: Page, network: str) -> None:
    stage.locator(".panel select").first.select_option(network)
    stage.wait_for_function("(name) => live.textContent.startsWith(`${name} says 3`)", arg=network)
    before = distances(stage)
    stage.click("#why summary")
    stage.select_option("#target", "8")
    stage.click("#alter")
    says(stage, "8")
    percent = int(stage.inner_text(".evidence").split(" %")[0].rsplit(" ", 1)[1])
    assert 0 < percent < 50
    network_input, prepared = stage.evaluate("""() => import("/main.js").then(async ({app}) => {
      const {prepare} = await import("/prepare.js");
      const [panel] = app.panels;
      return [[...panel.network.input], [...prepare(panel.form.image, panel.model.preparation)]];
    })""")
    assert min(prepared) - 1e-5 <= min(network_input)
    assert max(network_input) <= max(255.0 if network == "sunnyhaze" else 1.176, max(prepared))
    assert np.abs(np.subtract(network_input, prepared)).max() > 0
    stage.click("#unalter")
    says(stage, "3")
    assert distances(stage) == before


def test_a_new_drawing_is_not_the_changed_one(stage: Page) -> None:
    stage.click("#why summary")
    stage.click("#alter")
    says(stage, "8")
    stage.evaluate("document.querySelector('#sample-list button:nth-child(2)').click()")
    says(stage, "1")
    assert not stage.is_visible(".evidence")


def test_noise_in_the_weights_grows_until_the_answer_breaks_and_goes_again(stage: Page) -> None:
    before = distances(stage)
    stage.click("#why summary")
    nearest = []
    for percent in ("25", "50", "100"):
        stage.locator("#weight-noise").fill(percent)
        nearest.append(min(float(text) for text in distances(stage)))
    assert nearest == sorted(nearest)
    assert "changed by you" in stage.inner_text(".panel header")
    stage.locator("#weight-noise").fill("0")
    assert distances(stage) == before


def test_without_biases_the_answers_change_and_come_back(stage: Page) -> None:
    before = distances(stage)
    stage.click("#why summary")
    stage.check("#unbiased")
    assert distances(stage) != before
    stage.uncheck("#unbiased")
    assert distances(stage) == before


@pytest.mark.parametrize("network", ["lecun-1998", "modern", "sunnyhaze"])
def test_steps_of_training_teach_the_drawn_digit(stage: Page, network: str) -> None:
    stage.locator(".panel select").first.select_option(network)
    stage.wait_for_function("(name) => live.textContent.startsWith(`${name} says 3`)", arg=network)
    stage.click("#why summary")
    stage.select_option("#label", "5")
    losses = []
    for _ in range(3):
        stage.click("#learn")
        losses.append([float(loss) for loss in stage.inner_text("#trial-told").split("loss ")[1].split(" → ")])
    assert all(after < before for before, after in losses)
    for _ in range(40):
        stage.click("#learn")
    says(stage, "5")
    assert "changed by you" in stage.inner_text(".panel header")
    stage.click("[data-keep=restore]")
    says(stage, "3")
