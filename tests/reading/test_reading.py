"""From a picture to numbers, by a real model: order, boxes, forms of images, rejection."""

import subprocess
import sys
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

from lenet5 import api
from lenet5.errors import ModelError, ReadingError
from lenet5.models.model import Calibration, Threshold
from lenet5.reading.constraints import parse
from lenet5.reading.opening import pictures
from lenet5.reading.pipeline import Trace
from lenet5.reading.predictor import ReadingPredictor
from lenet5.reading.reader import IN_A_WORD, Reader
from lenet5.spec.architecture import Architecture

ROWS = ("271 3", "9034", "86 54")


@pytest.fixture(scope="module")
def page(compose) -> NDArray[np.uint8]:
    return compose("271   3", "9034", "86   54", step=52)


def calibrated(model: ReadingPredictor, least: float, temperature: float = 1.0) -> ReadingPredictor:
    """The same model with a card that rejects below a probability."""
    made = Calibration(
        images="test", temperature=temperature, expected_calibration_error_percent=0.5,
        thresholds=(Threshold(max_error_percent=1.0, probability=least, rejected_percent=3.0),),
    )  # fmt: skip
    card = model.model.card.model_copy(update={"calibration": made})
    return ReadingPredictor(replace(model.model, card=card))


def uncalibrated(model: ReadingPredictor) -> ReadingPredictor:
    """The same model with a card that promises nothing."""
    card = model.model.card.model_copy(update={"calibration": None})
    return ReadingPredictor(replace(model.model, card=card))


def test_numbers_come_line_by_line_from_left_to_right(modern, page) -> None:
    assert modern.read(page).text == "\n".join(ROWS)


def test_boxes_lie_around_their_digits(modern, page) -> None:
    read = modern.read(page)
    for number in read.numbers:
        for digit in number.digits:
            box = digit.box
            assert (page[box.top : box.bottom, box.left : box.right] < 128).any()
            assert number.box.left <= box.left < box.right <= number.box.right
    covered = np.zeros(page.shape, bool)
    for digit in (digit for number in read.numbers for digit in number.digits):
        covered[digit.box.top : digit.box.bottom, digit.box.left : digit.box.right] = True
    assert not (page[~covered] < 128).any()


@pytest.mark.parametrize(
    "form",
    [
        lambda page: 255 - page,
        lambda page: page / 255,
        lambda page: page.astype(np.uint16) * 257,
        lambda page: page > 128,
        lambda page: page[None],
        lambda page: np.stack([page] * 3, axis=2),
        lambda page: np.stack([page] * 3),
        lambda page: np.dstack([np.zeros_like(page)] * 3 + [255 - page]),
        lambda page: Pillow.fromarray(page).convert("CMYK"),
        lambda page: Pillow.fromarray(page).convert("P"),
    ],
    ids=["bright", "0..1", "16 bit", "bool", "1HW", "HW3", "3HW", "transparent", "CMYK", "palette"],
)
def test_every_form_of_a_picture_is_read_alike(modern, page, form) -> None:
    assert modern.read(form(page)).text == "\n".join(ROWS)


def test_uneven_light_and_noise_change_no_answer(modern, page, random) -> None:
    light = np.linspace(0.35, 1, page.shape[1])[None] * np.linspace(0.7, 1, page.shape[0])[:, None]
    photo = 0.15 * 255 * light + 0.85 * page * light + random.normal(0, 4, page.shape)
    assert modern.read(np.clip(photo, 0, 255).astype(np.uint8)).text == "\n".join(ROWS)


def test_a_turned_page_is_levelled_and_its_boxes_are_the_photographs(modern, compose) -> None:
    page = compose("2713903486", step=52)
    turned = np.array(Pillow.fromarray(page).rotate(5, expand=True, fillcolor=255, resample=Pillow.Resampling.BILINEAR))
    trace = Trace(kept=True)
    read = Reader(modern).read(turned, trace=trace)
    assert read.text == "2713903486"
    assert "level" in [stage.name for stage in trace.stages]
    tops = [digit.box.top for number in read.numbers for digit in number.digits]
    assert tops[0] > tops[-1] + 25  # turned counter-clockwise, the line rises: 5 degrees over 470 px are 41 px


def test_ruled_lines_and_boxes_are_no_digits(modern, compose) -> None:
    page = compose("271390", step=60)
    for row in (38, 100):
        page[row : row + 2, 20:-20] = 60
    assert modern.read(page).text == "271390"


def test_the_stroke_of_a_1_is_no_ruling(modern) -> None:
    page = np.full((600, 300), 255, np.uint8)
    page[100:460, 150:168] = 0
    for step in range(80):
        page[100 + step : 120 + step, 150 - step : 160 - step] = 0
    read = modern.read(page)
    boxes = [digit.box for number in read.numbers for digit in number.digits]
    assert len(boxes) == 1
    assert boxes[0].bottom - boxes[0].top >= 358


def test_the_orientation_in_exif_is_followed(modern, page, tmp_path: Path) -> None:
    image = Pillow.fromarray(page).rotate(90, expand=True)
    exif = image.getexif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    image.save(tmp_path / "phone.jpg", exif=exif, quality=95)
    assert modern.read(tmp_path / "phone.jpg").text == "\n".join(ROWS)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_large_picture_is_halved_and_its_boxes_are_the_files(
    modern, page, tmp_path: Path, monkeypatch, suffix
) -> None:
    Pillow.fromarray(page).convert("RGB").save(tmp_path / f"a.{suffix}", quality=95)
    whole = modern.read(tmp_path / f"a.{suffix}")
    monkeypatch.setattr(pictures, "HALVED_PIXELS", 10_000)
    halved = modern.read(tmp_path / f"a.{suffix}")
    assert halved.text == whole.text
    assert (halved.width, halved.height) == (whole.width, whole.height)
    for one, other in zip(whole.numbers, halved.numbers, strict=True):
        np.testing.assert_allclose(astuple(one.box), astuple(other.box), atol=3)


def test_a_callers_own_image_stays_as_it_is(modern, page, monkeypatch) -> None:
    monkeypatch.setattr(pictures, "HALVED_PIXELS", 10_000)
    own = Pillow.fromarray(page)
    assert modern.read(own).text == "\n".join(ROWS)
    assert own.size == (page.shape[1], page.shape[0])


@pytest.mark.slow
def test_a_photograph_of_108_megapixels_takes_less_than_600_mb(tmp_path: Path) -> None:
    Pillow.new("RGB", (12_032, 9_024), (230, 230, 225)).save(tmp_path / "large.jpg")
    program = (
        "import sys, lenet5; from lenet5.training.peak_memory import process_peak_bytes; "
        "lenet5.load('digits').read(sys.argv[1]); print(process_peak_bytes())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "large.jpg"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 600e6


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_picture_on_its_side_or_head_is_read_turned_and_says_so(compose, quarters: int) -> None:
    page = compose("2713", step=52)
    read = api.load("digits").read(np.rot90(page, quarters))
    assert read.text == "2713"
    assert len(read.notes) == 1
    assert "was read turned" in read.notes[0]
    assert (read.width, read.height) == np.rot90(page, quarters).shape[::-1]
    boxes = [digit.box for number in read.numbers for digit in number.digits]
    for box in boxes:
        assert (np.rot90(page, quarters)[box.top : box.bottom, box.left : box.right] < 128).mean() > 0.1


def test_every_page_of_a_tiff_is_read(modern, compose, tmp_path: Path) -> None:
    first, second = (Pillow.fromarray(compose(text, step=52)) for text in ("713", "904"))
    first.save(tmp_path / "two.tif", save_all=True, append_images=[second])
    pages = list(modern.read_all(tmp_path / "two.tif"))
    assert [(page.page, page.text) for page in pages] == [(1, "713"), (2, "904")]
    with pytest.raises(ReadingError, match="several pages"):
        modern.read(tmp_path / "two.tif")


def test_a_pdf_is_read_as_its_pages(modern, page, tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2")
    Pillow.fromarray(page).save(tmp_path / "scan.pdf", resolution=100)
    assert modern.read(tmp_path / "scan.pdf").text == "\n".join(ROWS)


def test_unsure_answers_become_question_marks_with_the_reason(modern, page) -> None:
    strict = calibrated(modern, 0.999).read(page, max_error_percent=1)
    digits = [digit for number in strict.numbers for digit in number.digits]
    for digit in digits:
        assert (digit.text == "?") == (digit.answers[0].probability < 0.999) == bool(digit.rejected)
    nothing = calibrated(modern, 1.0, temperature=100.0).read(page, max_error_percent=1)
    assert nothing.digits == 0
    assert nothing.text == ""


def test_probabilities_follow_the_temperature_of_the_card(modern, page) -> None:
    plain = next(modern.read(page).numbers).digits[0]
    card = calibrated(modern, 0.5).model.card
    warm = card.model_copy(update={"calibration": card.calibration.model_copy(update={"temperature": 4.0})})
    softer = next(ReadingPredictor(replace(modern.model, card=warm)).read(page).numbers).digits[0]
    assert softer.text == plain.text
    assert softer.answers[0].probability < plain.answers[0].probability
    assert [answer.probability for answer in softer.answers] == sorted(
        (answer.probability for answer in softer.answers), reverse=True
    )


def test_no_error_is_promised_without_calibration(modern, page) -> None:
    with pytest.raises(ReadingError, match="holds no calibration"):
        uncalibrated(modern).read(page, max_error_percent=1)
    with pytest.raises(ReadingError, match=r"no threshold for 0.5 % errors; it knows 1 %"):
        calibrated(modern, 0.9).read(page, max_error_percent=0.5)


def test_pieces_that_the_model_calls_no_digit_are_listed_and_not_read(page) -> None:
    model = api.load("archaeology").model
    last = model.architecture.layers[-1]
    weights = dict(model.weights)
    rows = weights[f"{last.name}.weight"]
    weights[f"{last.name}.weight"] = np.vstack([rows, np.zeros_like(rows[:1])])
    weights[f"{last.name}.bias"] = np.append(weights[f"{last.name}.bias"], np.float32(1e3))
    layers = (*model.architecture.layers[:-1], last.model_copy(update={"units": 11}))
    eleven = replace(
        model, weights=weights,
        architecture=Architecture(input=model.architecture.input, layers=layers),
        card=model.card.model_copy(update={"class_names": (*map(str, range(10)), "not a digit")}),
    )  # fmt: skip
    read = ReadingPredictor(eleven).read(page)
    assert read.text == ""
    assert len(read.rejected) == 12
    assert "not a digit" in read.rejected[0].why


def test_a_model_of_clothes_reads_no_numbers(modern, page) -> None:
    card = modern.model.card.model_copy(update={"class_names": tuple("abcdefghij")})
    with pytest.raises(ModelError, match="needs one of digits"):
        ReadingPredictor(replace(modern.model, card=card)).read(page)


def test_a_constraint_is_kept_by_every_number(digits, page) -> None:
    read = Reader(digits, constraint=parse("pattern #")).read(page)
    assert all(len(number.text) == 1 for number in read.numbers)
    assert any("cannot be read as" in piece.why for piece in read.rejected)


def negatives() -> dict[str, NDArray[np.uint8]]:
    """Pictures without writing, made here."""
    random = np.random.default_rng(7)
    rows, columns = np.mgrid[:300, :400]
    return {
        "white": np.full((300, 400), 255, np.uint8),
        "black": np.zeros((300, 400), np.uint8),
        "gradient": (columns / 400 * 255).astype(np.uint8),
        "grain": np.clip(random.normal(200, 6, (300, 400)), 0, 255).astype(np.uint8),
        "texture": random.integers(0, 2, (1200, 1600)).astype(np.uint8) * 255,
        "ruled": np.where(rows % 40 < 2, 90, 250).astype(np.uint8),
        "squared": np.where((rows % 25 < 2) | (columns % 25 < 2), 90, 250).astype(np.uint8),
        "hatched": hatched(side=900, apart=16),
    }


def hatched(side: int, apart: int) -> NDArray[np.uint8]:
    """A square filled with fine lines at 45 degrees."""
    rows, columns = np.mgrid[:side, :side]
    return np.where((rows + columns) % apart < 2, 60, 245).astype(np.uint8)


def test_hatching_is_named(digits) -> None:
    read = digits.read(hatched(side=900, apart=16))
    assert read.text == ""
    assert "most of the ink is thin lines: hatching" in read.notes


@pytest.mark.parametrize("name", ["white", "black", "gradient", "grain", "texture", "ruled", "squared", "hatched"])
def test_a_page_without_writing_holds_no_digits_even_for_a_model_that_knows_only_digits(modern, name) -> None:
    assert modern.read(negatives()[name]).text == ""


def test_what_every_number_is_like_is_said_to_the_model(digits, compose) -> None:
    page = compose("2713")
    assert len(digits.read(page, length=3).text) == 3
    assert len(digits.read(page, length="5..6").text) in (5, 6)
    assert digits.read(page, pattern="#8##", threads=1).text[1] == "8"
    assert [each.text for each in digits.read_all(page, length=4)] == ["2713"]
    [luhn] = digits.read(page, luhn=True).numbers
    number = [int(digit.answers[0].text) for digit in luhn.digits]
    assert sum(sum(divmod(digit * (1 + place % 2), 10)) for place, digit in enumerate(reversed(number))) % 10 == 0


def test_a_length_that_no_number_has_is_refused(digits, page) -> None:
    with pytest.raises(ReadingError, match="length"):
        digits.read(page, length="four")
    with pytest.raises(ReadingError, match="pattern"):
        digits.read(page, pattern="")


def test_a_dark_desk_beside_the_paper_adds_no_digit_and_hides_none(digits, compose) -> None:
    page = compose("2713", step=52)
    pale = (255 - 0.3 * (255.0 - page)).astype(np.uint8)
    for beside, paper in (((0, 0), (0, 70)), page), (((0, 0), (70, 0)), pale), (((60, 0), (0, 0)), page):
        assert digits.read(np.pad(paper, beside, constant_values=40)).text == "2713"


@pytest.mark.parametrize("word", ["bdfvfbnF", "tCfFHPyb", "vWPFtDbC", "ybXrwYPE"])
def test_letters_that_look_like_digits_are_none_in_a_word(digits: ReadingPredictor, compose, word: str) -> None:
    number = compose("2713")
    page = Pillow.fromarray(np.pad(number, ((0, 0), (0, 500)), constant_values=255))
    ImageDraw.Draw(page).text((number.shape[1] + 60, 25), word, fill=20, font_size=70)
    found = digits.read(page)
    assert found.text == "2713"
    assert sum(each.why == IN_A_WORD for each in found.rejected) >= 2
