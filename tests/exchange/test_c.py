"""Programs in C99: a strict compiler takes them, they answer as we do, and need what they say and nothing else."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lenet5 import api
from lenet5.data.datasets import Images
from lenet5.errors import ModelError
from lenet5.exchange import quantize, to_c
from lenet5.inference.predictor import Predictor
from lenet5.models import file as model_file
from lenet5.models.model import Model

STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2")
SANITIZED = ("-std=c99", "-g", "-w", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
MAIN = """\
#include <stdio.h>
#include "lenet5.h"
int main(void)
{
    static unsigned char image[LENET5_PIXELS];
    static float memory[LENET5_MEMORY_FLOATS - LESS], scores[LENET5_CLASSES];
    while (fread(image, 1, sizeof image, stdin) == sizeof image) {
        int answer = lenet5_predict(image, scores, memory);
        fwrite(scores, sizeof scores, 1, stdout);
        fprintf(stderr, "%s\\n", lenet5_class_names[answer]);
    }
    return 0;
}
"""


@pytest.fixture(scope="module", autouse=True)
def gcc() -> str:
    found = shutil.which("gcc")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("there is no gcc; in continuous integration it must be there")
        pytest.skip("there is no gcc")
    return found


def compiled(program: to_c.Program, folder: Path, *options: str, less: int = 0) -> Path:
    """Compile a program with one that reads images and writes scores; `less` floats of memory are held back."""
    for name, text in (
        (f"{program.prefix}.h", program.header),
        (f"{program.prefix}.c", program.source),
        ("main.c", MAIN),
    ):
        (folder / name).write_text(text)
    subprocess.run(
        ["gcc", *(options or STRICT), f"-DLESS={less}", "main.c", "lenet5.c", "-o", "program", "-lm"],
        cwd=folder,
        check=True,
    )
    return folder / "program"


def answers(program: Path, images: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return the scores, and the names of the answers."""
    done = subprocess.run([program], input=images.tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float32).reshape(len(images), -1), done.stderr.decode().splitlines()


def test_a_trained_model_answers_alike_on_10000_digits(trained: Path, digits: Images, tmp_path: Path) -> None:
    predictor = api.load(trained)
    scores, named = answers(compiled(to_c.build(predictor.model), tmp_path), digits.images)
    ours = predictor.scores(digits.images)
    np.testing.assert_allclose(scores, ours, atol=2e-5)  # float32, sums of up to 256 terms, scores up to 20
    assert named == [str(answer) for answer in ours.argmax(axis=1)]


def test_the_network_of_1998_answers_alike_on_10000_digits(
    untrained: Callable[[str], Model], digits: Images, tmp_path: Path
) -> None:
    model = untrained("lecun-1998")
    scores, _ = answers(compiled(to_c.build(model), tmp_path), digits.images)
    ours = Predictor(model).scores(digits.images)
    np.testing.assert_allclose(scores, ours, atol=2e-4)  # float32, sums of 84 squares, scores down to -100
    assert (scores.argmax(axis=1) == ours.argmax(axis=1)).all()


@pytest.mark.parametrize("weights", ["float", "int8"])
@pytest.mark.parametrize(
    "name", ["lab-report", "scratch", "sigmoid-fashion", "sunnyhaze", "lecun-1998", "lenet-4", "mlp-300-deslanted"]
)
def test_every_recipe_answers_alike(
    untrained: Callable[[str], Model], digits: Images, tmp_path: Path, name: str, weights: str
) -> None:
    model = untrained(name)
    scores, _ = answers(compiled(to_c.build(model, weights=weights), tmp_path), digits.images[:200])
    ours = Predictor(quantize.rounded(model) if weights == "int8" else model).scores(digits.images[:200])
    assert np.ptp(ours, axis=0).max() > 0.01, "these images are told apart by nothing"
    np.testing.assert_allclose(scores, ours, atol=2e-6 * np.abs(ours).max() + 1e-6)  # float32, in another order


def test_eight_bits_cost_little_accuracy_and_save_three_quarters(trained: Path, digits: Images, tmp_path: Path) -> None:
    model = model_file.read(trained)
    eight, four = (to_c.build(model, weights=weights) for weights in ("int8", "float"))
    scores, _ = answers(compiled(eight, tmp_path), digits.images)
    with_int8, with_float = (
        100 * (s.argmax(axis=1) == digits.labels).mean() for s in (scores, Predictor(model).scores(digits.images))
    )
    assert abs(with_int8 - with_float) < 0.3
    assert eight.constants_bytes < 0.27 * four.constants_bytes
    assert eight.memory_bytes == four.memory_bytes


def test_a_weight_in_eight_bits_is_off_by_at_most_half_a_step(trained: Path) -> None:
    weight = model_file.read(trained).weights["C5.weight"]
    numbers, step = quantize.in_int8(weight)
    assert (np.abs(numbers).max(axis=1) == 127).all()
    assert (np.abs(numbers * step[:, None] - weight) <= 0.5001 * step[:, None]).all()
    zeros, none = quantize.in_int8(np.zeros((2, 3), np.float32))
    assert not zeros.any()
    assert not none.any()


def test_weights_are_written_exactly(trained: Path) -> None:
    model = model_file.read(trained)
    source = to_c.build(model).source
    for name, array in model.weights.items():
        text = re.search(rf"{name.replace('.', '_')}(?:\[\d+\])+ = (.*?);", source, re.DOTALL)
        assert text is not None
        literals = re.findall(r"[-0-9.e+]+(?=f)", text[1])
        assert np.array(literals, np.float32).tobytes() == array.tobytes(), name


@pytest.mark.parametrize("name", ["archaeology", "lab-report", "lecun-1998", "sunnyhaze"])
def test_the_working_memory_is_exactly_as_large_as_said(
    untrained: Callable[[str], Model], digits: Images, tmp_path: Path, name: str
) -> None:
    """The address sanitiser sees no access outside; with one float less it does."""
    program = to_c.build(untrained(name))
    assert f"MEMORY_FLOATS {program.memory_bytes // 4}\n" in program.header
    answers(compiled(program, tmp_path, *SANITIZED), digits.images[:5])
    short = compiled(program, tmp_path, *SANITIZED, less=1)
    done = subprocess.run([short], input=digits.images[:1].tobytes(), capture_output=True, check=False)
    assert b"AddressSanitizer: global-buffer-overflow" in done.stderr


@pytest.mark.parametrize(("name", "needed"), [("archaeology", set()), ("lecun-1998", {"tanhf"})])
def test_nothing_is_called_but_tanhf_and_the_stack_stays_small(
    untrained: Callable[[str], Model], tmp_path: Path, name: str, needed: set[str]
) -> None:
    program = to_c.build(untrained(name))
    compiled(program, tmp_path)
    subprocess.run(["gcc", *STRICT, "-Wstack-usage=256", "-c", "lenet5.c"], cwd=tmp_path, check=True)
    symbols = subprocess.run(["nm", "-u", "lenet5.o"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert set(symbols.split()) - {"U"} == needed


def test_the_constants_take_the_bytes_that_are_said(untrained: Callable[[str], Model], tmp_path: Path) -> None:
    program = to_c.build(untrained("lecun-1998"), weights="int8")
    (tmp_path / "lenet5.h").write_text(program.header)
    sizes = re.findall(r"static const (float|signed char|unsigned char) \w+((?:\[\d+\])+)", program.source)
    counted = sum(
        (4 if kind == "float" else 1) * np.prod([*map(int, re.findall(r"\d+", size))]) for kind, size in sizes
    )
    assert program.constants_bytes == counted
    assert f"{counted} bytes of constants" in program.header


def test_any_class_name_is_kept(trained: Path, digits: Images, tmp_path: Path) -> None:
    names = ('T-shirt/top', '"quoted"', "鞋", "??/", "*/", "\\n", "%s", "7", "a\tb", "é1")  # fmt: skip
    model = model_file.read(trained)
    card = model.card.model_copy(update={"class_names": names, "recipe": "*/ ??/ \\"})
    program = compiled(to_c.build(replace(model, card=card)), tmp_path)
    _, named = answers(program, digits.images[:300])
    assert named == [names[k] for k in Predictor(model).predict(digits.images[:300])]


def test_two_programs_link_together_under_their_prefixes(trained: Path, tmp_path: Path) -> None:
    for prefix in ("first", "second"):
        api.export(trained, tmp_path, to="c", prefix=prefix)
    (tmp_path / "main.c").write_text('#include "first.h"\n#include "second.h"\nint main(void) { return 0; }\n')
    subprocess.run(["gcc", *STRICT, "main.c", "first.c", "second.c", "-o", "both"], cwd=tmp_path, check=True)


@pytest.mark.parametrize("prefix", ["", "1st", "a-b", "a b", "x" * 40])
def test_a_prefix_that_begins_no_name_is_refused(trained: Path, tmp_path: Path, prefix: str) -> None:
    with pytest.raises(ModelError, match="must be a letter"):
        api.export(trained, tmp_path / "c", to="c", prefix=prefix)
    assert not (tmp_path / "c").exists()


def test_export_measures_what_eight_bits_cost(trained: Path, mnist_folder: Path, tmp_path: Path) -> None:
    done = api.export(trained, tmp_path / "c", to="c", weights="int8", data_folder=mnist_folder)
    assert {path.name for path in done.files} == {"lenet5.h", "lenet5.c"}
    percent = model_file.read(trained).card.test_accuracy_percent
    assert f"of 10,000 test images with int8 weights, {percent:.2f} % with float" in done.facts[-1]
