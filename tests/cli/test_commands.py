"""The commands as a person types them: what they print, how they end."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lenet5 import distribution
from lenet5.cli.main import HOMES
from lenet5.models import file as model_file
from lenet5.models import shipped


def lenet5(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lenet5", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"COLUMNS": "200"} | environment,
        check=False,
    )


@pytest.fixture(scope="module")
def run(small_mnist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, made by the command."""
    runs = tmp_path_factory.mktemp("runs")
    done = lenet5("train", "archaeology", "--epochs", "2", "--set", "batch_size=8", "--runs", runs,
                  "--data-dir", small_mnist)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return runs / "archaeology-seed1"


def test_train_shows_published_beside_measured_and_leaves_curves(small_mnist: Path, tmp_path: Path) -> None:
    done = lenet5("train", "archaeology", "--epochs", "1", "--runs", tmp_path, "--data-dir", small_mnist)
    assert done.returncode == 0, done.stderr
    assert "after epoch   1: published 97.56 %" in done.stdout
    for name in ("curves.png", "curves.svg", "model.safetensors", "history.jsonl", "result.json"):
        assert (tmp_path / "archaeology-seed1" / name).stat().st_size > 0


def test_a_changed_recipe_has_no_published_figures_beside_it(small_mnist: Path, tmp_path: Path) -> None:
    done = lenet5("train", "archaeology", "--epochs", "1", "--set", "optimizer.lr=0.02", "--runs", tmp_path,
                  "--data-dir", small_mnist)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "published" not in done.stdout


def files_in(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_evaluate_gives_the_interval_and_draws_only_where_asked(run: Path, small_mnist: Path, tmp_path: Path) -> None:
    before = files_in(run)
    done = lenet5("evaluate", run, "--data-dir", small_mnist, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "95 % interval" in done.stdout
    assert "recall" in done.stdout
    assert "negative log-likelihood" in done.stdout
    assert files_in(run) == before
    assert not files_in(tmp_path)
    done = lenet5("evaluate", run, "--data-dir", small_mnist, "--pictures", tmp_path / "drawn")
    assert done.returncode == 0, done.stderr
    for name in ("confusion.png", "misclassified.png", "misclassified.svg"):
        assert (tmp_path / "drawn" / name).stat().st_size > 0


def test_an_ensemble_is_named_by_each_recipe_and_its_seeds(run: Path, small_mnist: Path) -> None:
    done = lenet5("evaluate", run, "modern", run, "--data-dir", small_mnist)
    assert "archaeology (seeds 1, 1), modern (seed 1) on mnist test" in done.stdout, done.stderr


def test_what_is_shown_is_also_given_as_json(run: Path, small_mnist: Path) -> None:
    def plain(*arguments: str | Path) -> Any:
        done = lenet5(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    outcome = plain("evaluate", run, "--data-dir", small_mnist)
    assert outcome["images"] == 500
    assert outcome["correct"] == 500 - len(outcome["misclassified"])
    assert outcome["classes"] == list("0123456789")
    # A Brier score of 0.9 and a likelihood of ln 10 are those of ten equal probabilities.
    assert 0 < outcome["brier_score"] < 0.9
    assert 0 < outcome["negative_log_likelihood"] < 2.303
    shown = plain("show", run)
    assert shown["result"]["test_images_correct"] == outcome["correct"]
    assert [row["epoch"] for row in shown["history"] if row["event"] == "epoch"] == [1, 2]
    assert plain("show", "modern")["recipe"] == "modern"
    assert "archaeology" in [recipe["name"] for recipe in plain("recipes")]
    assert plain("summary", "lecun-1998")["parameters"] == 60_000


def test_a_quiet_command_prints_nothing_but_what_went_wrong(small_mnist: Path, tmp_path: Path) -> None:
    done = lenet5("train", "archaeology", "--epochs", "1", "--set", "optimizer.lr=1e-6", "--runs", tmp_path,
                  "--data-dir", small_mnist, "--quiet")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "failed start" in done.stderr


def test_commands_to_copy_are_quoted(small_mnist: Path, tmp_path: Path) -> None:
    runs = tmp_path / "my runs"
    done = lenet5("train", "archaeology", "--epochs", "1", "--runs", runs, "--data-dir", small_mnist)
    assert done.returncode == 0, done.stderr
    assert f"evaluate '{runs / 'archaeology-seed1'}'" in done.stdout


def test_an_engine_that_is_missing_is_named_before_data_are_fetched(tmp_path: Path) -> None:
    done = lenet5("train", "archaeology", "--engine", "numpy", "--device", "cuda", "--data-dir", tmp_path / "none",
                  cwd=tmp_path, https_proxy="http://127.0.0.1:9")  # fmt: skip
    assert done.returncode == 1
    assert "computes on the CPU only" in done.stderr
    assert "googleapis" not in done.stderr


@pytest.mark.parametrize("command", [["recipes"], ["show", "modern"], ["summary", "lecun-1998"], ["data", "list"]])
def test_lines_and_tables_fit_forty_columns(command: list[str], tmp_path: Path) -> None:
    done = lenet5(*command, COLUMNS="40", LENET5_DATA="none", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 40
    assert "…" not in done.stdout


def test_narrow_tables_break_between_facts(tmp_path: Path) -> None:
    done = lenet5("summary", "archaeology", COLUMNS="40", cwd=tmp_path)
    assert "  param # 156, connections 89,856," in [line.rstrip() for line in done.stdout.splitlines()]


def test_a_claim_that_is_too_wide_goes_on_below_its_verdict(tmp_path: Path) -> None:
    done = lenet5("reproduce", "sunnyhaze", "--status", COLUMNS="80", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "  test_accuracy_percent epochs=31" in lines
    assert max(map(len, lines)) <= 80


def test_an_import_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    np.savez(tmp_path / "weights.npz", a=np.zeros(3))
    (tmp_path / "file").touch()
    done = lenet5("import", tmp_path / "weights.npz", "-o", tmp_path / "file" / "m.safetensors")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_a_pipe_gets_whole_lines() -> None:
    program = [sys.executable, "-m", "lenet5", "show", "modern"]
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    done = subprocess.run(program, capture_output=True, text=True, env=environment, check=True)
    assert "by a twin that did not see them: temperature" in done.stdout


def test_show_tells_the_history_of_a_run_and_the_card_of_a_model(run: Path) -> None:
    before = files_in(run)
    shown = lenet5("show", run)
    assert shown.returncode == 0, shown.stderr
    assert files_in(run) == before
    assert "test accuracy" in shown.stdout
    assert "curves.png" in shown.stdout
    card = lenet5("show", run / "model.safetensors")
    assert "trained on    mnist" in card.stdout


def test_summary_prints_the_published_table() -> None:
    done = lenet5("summary", "archaeology")
    for count in ("156", "2,416", "30,840", "10,164", "850", "44,426"):
        assert count in done.stdout


def test_recipes_lists_all() -> None:
    done = lenet5("recipes")
    for name in ("archaeology", "lab-report", "scratch", "scratch-as-printed", "sigmoid-fashion", "sunnyhaze"):
        assert name in done.stdout


def test_data_list_and_verify(small_mnist: Path, mnist_folder: Path) -> None:
    assert "fashion-mnist" in lenet5("data", "list", "--data-dir", small_mnist).stdout
    done = lenet5("data", "verify", "mnist", "--data-dir", mnist_folder)
    assert done.returncode == 0, done.stderr
    assert "60,000 images" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "archeology"], 'Did you mean "archaeology"'),
        (["train", "archaeology", "--set", "optimizer.momentm=0.5"], 'Did you mean "optimizer.momentum"'),
        (["train", "archaeology", "--set", "batch_size=many"], '"batch_size" is "many"'),
        (["train"], "give either a recipe"),
        (["train", "--resume", "nowhere"], "not a run folder"),
        (["evaluate", "nowhere.safetensors"], "no such file"),
        (["show", "nowhere"], "no such file"),
        (["data", "verify", "mnst"], 'did you mean "mnist"'),
        (["summary", "nothing"], "there is no recipe"),
    ],
)
def test_bad_input_is_one_clear_error_and_exit_1(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = lenet5(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert not (tmp_path / "runs").exists()


def test_an_unknown_engine_is_wrong_usage_and_the_choices_are_shown() -> None:
    done = lenet5("train", "archaeology", "--engine", "jax")
    assert done.returncode == 2
    assert "'native', 'numpy', 'torch'" in done.stderr


def test_damaged_data_are_named_and_nothing_is_made(mnist_folder: Path, small_mnist: Path, tmp_path: Path) -> None:
    import shutil

    data = tmp_path / "data"
    shutil.copytree(small_mnist, data)
    place = data / "mnist" / "train-images-idx3-ubyte"
    place.write_bytes(place.read_bytes()[:-1000])
    done = lenet5("evaluate", "--data-dir", data, tmp_path / "none")
    assert done.returncode == 1
    done = lenet5("data", "verify", "mnist", "--data-dir", data)
    assert done.returncode == 1
    assert "damaged" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("option", "first_line"),
    [("--version", f"lenet5 {distribution.VERSION}"), ("--help", "Usage: lenet5 [OPTIONS] COMMAND [ARGS]...")],
)
def test_the_version_and_the_list_of_commands_import_no_command(option: str, first_line: str) -> None:
    program = (
        f"import sys; from lenet5.cli.main import run; sys.argv = ['lenet5', '{option}']\n"
        "try: run()\n"
        "finally: print(*sorted(name for name in sys.modules if name.startswith('lenet5')),"
        " *{'matplotlib', 'numpy', 'pydantic', 'rich', 'scipy', 'sklearn'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == first_line
    assert lines[-1] == "lenet5 lenet5.cli lenet5.cli.main lenet5.distribution lenet5.errors"


def test_the_list_of_commands_names_each_with_a_whole_sentence() -> None:
    listed = lenet5("--help").stdout.split("Commands:")[1].splitlines()
    rows = {row.split()[0]: row for row in listed if row.strip()}
    assert list(rows) == list(HOMES)
    assert all(row.endswith(".") and not row.endswith("...") for row in rows.values())


@pytest.mark.parametrize("name", [name for name in HOMES if name != "serve"])
def test_every_help_has_examples_and_fits_forty_columns(name: str) -> None:
    done = lenet5(name, "-h", COLUMNS="40")
    assert done.returncode == 0, done.stderr
    text, examples = done.stdout.split("Examples:")
    assert f"lenet5 {name}" in examples
    # Names of options are not broken: the longest is 48 columns wide, `--method` with its choices.
    assert max(map(len, text.splitlines())) <= 48


def test_a_shell_completes_commands() -> None:
    done = lenet5(_LENET5_COMPLETE="complete_bash", COMP_WORDS="lenet5 tr", COMP_CWORD="1")
    assert done.stdout.split() == ["train"]


def test_a_mistyped_command_is_guessed_only_where_one_is_near() -> None:
    assert "Did you mean 'train'" in lenet5("trian").stderr
    assert "Did you mean" not in lenet5("cheese").stderr


def test_without_data_and_network_the_small_digits_take_over(tmp_path: Path) -> None:
    """No proxy answers at this address, so no mirror can be reached: what a machine without a network sees."""
    dead = "http://127.0.0.1:9"
    done = lenet5("train", "archaeology", "--offline-digits", "--runs", tmp_path, "--data-dir", tmp_path / "none",
                  http_proxy=dead, https_proxy=dead)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "train-images-idx3-ubyte.gz" in done.stderr
    assert "storage.googleapis.com" in done.stderr
    assert "inside scikit-learn" in done.stdout
    assert "uci-digits" in done.stdout
    asked = lenet5("train", "archaeology", "--offline-digits", "--epochs", "1", "--runs", tmp_path / "one",
                   "--data-dir", tmp_path / "none", http_proxy=dead, https_proxy=dead)  # fmt: skip
    assert "epochs 1," in asked.stdout
    refused = lenet5("train", "archaeology", "--data-dir", tmp_path / "none", cwd=tmp_path,
                     http_proxy=dead, https_proxy=dead)  # fmt: skip
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr


def test_output_may_be_cut_by_its_reader(run: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m lenet5 recipes | head -1", shell=True, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr


def test_what_a_model_file_says_never_commands_the_terminal(tmp_path: Path) -> None:
    model = shipped.read("modern")
    names = tuple(f"\x1b[31m{digit}" for digit in range(10))
    card = model.card.model_copy(update={"recipe": "\x1b]0;title\x07[/bold][red]\x9b2J\u202e", "class_names": names})
    model_file.write(replace(model, card=card), tmp_path / "model.safetensors")
    done = lenet5("show", tmp_path / "model.safetensors", FORCE_COLOR="1")
    assert done.returncode == 0, done.stderr
    assert "\\x1b]0;title\\x07[/bold][red]\\x9b2J\\u202e, 99" in done.stdout
    assert "\\x1b[31m0, \\x1b[31m1" in done.stdout
    assert not set("\x07\x9b\u202e") & set(done.stdout)
    assert "\x1b]0" not in done.stdout


def test_a_name_with_brackets_and_escapes_is_shown_as_it_is() -> None:
    done = lenet5("show", "a\x1b[31m[/red].safetensors", FORCE_COLOR="1")
    assert done.returncode == 1
    assert "a\\x1b[31m[/red].safetensors: no such file" in done.stderr


@pytest.mark.parametrize("arguments", [["recipes"], ["show", "modern"], ["--help"]])
def test_a_full_disk_for_the_output_is_one_sentence(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "lenet5", *arguments], stdout=full, stderr=subprocess.PIPE,
                              text=True, check=False)  # fmt: skip
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_terminal_with_few_characters_gets_escapes() -> None:
    done = lenet5("show", "Ziffern-é.safetensors", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert "Ziffern-\\xe9.safetensors: no such file" in done.stderr
