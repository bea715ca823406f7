"""Every reader against mutated files: an answer or a Lenet5Error, in bounded time and memory; ten minutes when slow."""

import io
import json
import pickle
import random
import struct
import tarfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from lenet5.bulk.batches import batches
from lenet5.bulk.plan import shards
from lenet5.data import idx, labelled
from lenet5.engines.initial import first_weights
from lenet5.errors import Lenet5Error
from lenet5.exchange import read_weights
from lenet5.exchange.match_shapes import fit
from lenet5.inference.predictor import Predictor
from lenet5.models import file as model_file
from lenet5.models.model import Card, Model
from lenet5.reading.opening.pictures import pictures
from lenet5.recipes import catalogue
from lenet5.reports import study_results
from lenet5.spec.initial import Pytorch
from lenet5.studies import plan as plans
from lenet5.training import checkpoint
from lenet5.training.run import RunFolder

MOST_MEMORY = 400 << 20  # bytes that one file may make a reader allocate
MOST_SECONDS = 30.0  # for one file, on a busy machine
WORDS = (b"-1", b"0", b"NaN", b"1e999", b"99999999999999999999", b"null", b"[]", b"{}", b'""', b"true", b"\xff\xfe",
         b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00\x00\x00\x00\x00",
         b"\x1b[31m", b"[" * 2000, b"(" * 2000, b'{"a":' * 1000, b"9" * 5000)  # fmt: skip


def mutated(content: bytes, draw: random.Random) -> bytes:
    """Return a content with one to eight changes of the kinds that damage, accident and malice bring."""
    changed = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 4, 8))):
        place = draw.randrange(len(changed) + 1) if draw.random() < 0.5 else draw.randrange(min(600, len(changed)) + 1)
        match draw.randrange(8):
            case 0 if changed:
                changed[place % len(changed)] ^= 1 << draw.randrange(8)
            case 1 if changed:
                changed[place % len(changed)] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
            case 2:
                del changed[place:]
            case 3:
                del changed[place : place + draw.randrange(1, 64)]
            case 4:
                changed[place:place] = changed[place : place + draw.randrange(1, 256)]
            case 5:
                word = draw.choice(WORDS)
                changed[place : place + draw.choice((0, len(word)))] = word
            case 6:
                size = draw.choice((2, 4, 8))
                number = draw.choice((0, 1, (1 << 8 * size - 1) - 1, (1 << 8 * size) - 1, draw.getrandbits(8 * size)))
                changed[place : place + size] = number.to_bytes(size, draw.choice(("little", "big")))
            case 7:
                digits = [at for at, byte in enumerate(changed[:4000]) if 48 <= byte < 58]
                if digits:
                    at = draw.choice(digits)
                    changed[at : at + 1] = draw.choice((b"-1", b"0", b"4096", b"1e9", b"65536", b"1099511627776"))
    return bytes(changed)


@dataclass(frozen=True)
class Target:
    """A reader: the files it is tried with, how they are called, and the call."""

    seeds: Callable[[], list[tuple[str, bytes]]]
    read: Callable[[Path], object]


def a_model() -> Model:
    recipe = catalogue.load("archaeology")
    card = Card(
        recipe=recipe.name, recipe_digest=recipe.digest, data="mnist", data_fingerprint="0" * 16,
        class_names=tuple("0123456789"), seed=1, engine="numpy", epochs=6, steps=11250, test_images=10_000,
        test_accuracy_percent=98.9, trained_on="2026-01-01T00:00:00+00:00", lenet5_version="0.2.0",
    )  # fmt: skip
    return Model(recipe.architecture, recipe.preparation, first_weights(recipe.architecture, Pytorch(), 1), card)


def of_file(write: Callable[[Path], object], name: str) -> list[tuple[str, bytes]]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / name)
        return [(name, (Path(folder) / name).read_bytes())]


def model_seeds() -> list[tuple[str, bytes]]:
    return of_file(lambda path: model_file.write(a_model(), path), "model.safetensors")


def read_model(path: Path) -> None:
    model = model_file.read(path)
    scores = Predictor(model, engine="numpy").probabilities(np.full((1, 28, 28), 200, np.uint8))
    assert np.isfinite(scores).all()


def zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def foreign_seeds() -> list[tuple[str, bytes]]:
    import torch

    weights = a_model().weights
    state = {name: torch.from_numpy(array.copy()) for name, array in weights.items()}
    found = []
    for name, value, new in (("a.pt", state, True), ("b.pt", {"net": state, "loss": np.float64(1)}, False)):
        content = io.BytesIO()
        torch.save(value, content, _use_new_zipfile_serialization=new)
        found.append((name, content.getvalue()))
    small = {"C1.weight": state["C1.weight"], "loss": [np.float64(1), np.int64(2)], "deep": {"er": [(1, 2), {"x": 3}]}}
    content = io.BytesIO()
    torch.save(small, content)
    with zipfile.ZipFile(content) as archive:
        found.append(("c.pt", archive.read("archive/data.pkl")))  # the pickle alone: every mutation meets it
    found.append(("d.pt", pickle.dumps({"a": 1, "b": [1.5, "c"], "d": (None, True, b"e")})))
    packed = io.BytesIO()
    np.savez(packed, **weights)
    found += [("e.npz", packed.getvalue()), ("f.safetensors", safetensors.numpy.save(weights))]
    return found


def onnx_seeds() -> list[tuple[str, bytes]]:
    from lenet5.exchange.to_onnx import build

    return [("a.onnx", build(a_model()))]


def read_foreign(path: Path) -> None:
    found = read_weights.read(path)
    for arrays in found.candidates.values():
        fit(arrays)


def bulk_seeds() -> list[tuple[str, bytes]]:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    images = np.arange(4 * 784, dtype=np.uint32).astype(np.uint8).reshape(4, 28, 28)
    png, npy, packed, rows = io.BytesIO(), io.BytesIO(), io.BytesIO(), io.BytesIO()
    Image.fromarray(images[0]).save(png, "PNG")
    np.save(npy, images)
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
            for name in ("a.png", "b" * 200 + ".png"):
                member = tarfile.TarInfo(name)
                member.size = len(png.getvalue())
                archive.addfile(member, io.BytesIO(png.getvalue()))
    table = pa.table({"image": [png.getvalue()] * 5, "name": list("abcde")})
    pq.write_table(table, rows, row_group_size=2)
    raw = struct.pack(">BBBB3I", 0, 0, 8, 3, 4, 28, 28) + images.tobytes()
    return [("a.png", png.getvalue()), ("b.npy", npy.getvalue()), ("c.tar", packed.getvalue()),
            ("d.parquet", rows.getvalue()), ("e.idx", raw)]  # fmt: skip


def read_bulk(path: Path) -> None:
    """Plan and read as a job does: nothing may come out but rows."""
    from lenet5.bulk import arrays
    from lenet5.bulk.decode import LARGEST_BYTES, decode

    for shard in shards(path):
        if shard.kind == "array":
            arrays.part(path, shard.start, shard.stop)
            continue
        for batch in batches(shard, path.parent, LARGEST_BYTES):
            decode(batch.contents, batch.problems)


def picture_seeds() -> list[tuple[str, bytes]]:
    from PIL import Image

    image, found = Image.fromarray(np.arange(60 * 80, dtype=np.uint32).astype(np.uint8).reshape(60, 80)), []
    for form in ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "PDF"):
        content = io.BytesIO()
        image.save(content, form)
        found.append((f"a.{form.lower()}", content.getvalue()))
    return found


def run_files() -> list[tuple[str, bytes]]:
    epoch = {"event": "epoch", "epoch": 1, "step": 10, "learning_rate": 0.1, "train_loss": 0.5, "seconds": 1.0,
             "train_accuracy_percent": 90.0, "test_loss": 0.4, "test_accuracy_percent": 91.0,
             "images_per_second": 100.0, "peak_memory_bytes": 1000}  # fmt: skip
    history = "".join(json.dumps(row) + "\n" for row in (epoch, {"event": "step", "step": 10, "loss": 0.5}))
    result = {"seed": 1, "test_images": 100, "test_images_correct": 91, "test_accuracy_percent": 91.0, "more": [1, {}]}
    environment = {"lenet5": "0.2.0", "engine": "numpy", "data": {"train": "abc"}}
    return [
        ("history.jsonl", history.encode()), ("result.json", json.dumps(result).encode()),
        ("environment.json", json.dumps(environment).encode()),
        ("recipe.toml", (Path(catalogue.__file__).parent / "archaeology.toml").read_bytes()),
    ]  # fmt: skip


def read_run(path: Path) -> None:
    run = RunFolder(path.parent)
    {"history.jsonl": run.history, "result.json": run.result, "environment.json": run.environment,
     "recipe.toml": run.recipe}[path.name]()  # fmt: skip


@cache
def checkpoint_seeds() -> list[tuple[str, bytes]]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        made = checkpoint.Checkpoint(checkpoint.Position(1), a_model().weights, {}, "", {"lenet5": "0.2.0"})
        place = checkpoint.save(Path(folder), made)
        return [(path.name, path.read_bytes()) for path in sorted(place.iterdir())]


def read_checkpoint(path: Path) -> None:
    """Beside the one mutated file lies the other, whole."""
    for name, content in checkpoint_seeds():
        if name != path.name:
            (path.parent / name).write_bytes(content)
    checkpoint.read(path.parent)


def study_seeds() -> list[tuple[str, bytes]]:
    result: dict[str, Any] = {"label": ["a"], "seed": 1, "run": "r", "result": {"recipe": "x", "scored_on": "test"},
                              "environment": {}, "seconds": [1.0], "test_error_percent": [2.0],
                              "test_loss": [0.1]}  # fmt: skip
    plan = b'name = "p"\nrecipe = "archaeology"\nseeds = [1, 2]\n'
    return [("result.json", json.dumps(result).encode()), ("plan.toml", plan)]


def read_study(path: Path) -> None:
    if path.name == "plan.toml":
        plans.read(path)
        return
    place = path.parent / "units" / "0"
    place.mkdir(parents=True, exist_ok=True)
    (place / path.name).write_bytes(path.read_bytes())
    for unit in study_results.read(path.parent):
        assert unit.errors is not None
        assert unit.scored_on


def label_seeds() -> list[tuple[str, bytes]]:
    return [("labels.csv", b"file,label\na.png,12\nb.png,345\n")]


TARGETS = {
    "models": Target(model_seeds, read_model),
    "foreign weights": Target(foreign_seeds, read_foreign),
    "onnx": Target(onnx_seeds, read_foreign),
    "bulk": Target(bulk_seeds, read_bulk),
    "pictures": Target(picture_seeds, lambda path: list(pictures(path))),
    "runs": Target(run_files, read_run),
    "checkpoints": Target(checkpoint_seeds, read_checkpoint),
    "studies": Target(study_seeds, read_study),
    "labels": Target(label_seeds, lambda path: labelled.labelled_sets(path.parent)),
    "idx": Target(lambda: [("a", struct.pack(">BBBB2I", 0, 0, 8, 2, 2, 3) + bytes(6))], idx.read),
}


def fuzz(target: Target, folder: Path, seconds: float, seed: int) -> int:
    """Try mutated files for some time; return how many. Anything but a Lenet5Error comes out, with the seed."""
    seeds, tried, until = target.seeds(), 0, time.monotonic() + seconds
    while time.monotonic() < until:
        draw = random.Random(f"{seed} {tried}")
        name, content = seeds[tried % len(seeds)]
        path = folder / name
        path.write_bytes(mutated(content, draw))
        tracemalloc.start()
        begun = time.monotonic()
        try:
            target.read(path)
        except Lenet5Error:
            pass
        except BaseException as error:
            raise AssertionError(f"seed {seed}, file {tried} ({name}): {type(error).__name__}: {error}") from error
        finally:
            taken = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert taken < MOST_MEMORY, f"seed {seed}, file {tried} ({name}): {taken:,} bytes"
        assert time.monotonic() - begun < MOST_SECONDS, f"seed {seed}, file {tried} ({name}) takes too long"
        tried += 1
    return tried


@pytest.mark.filterwarnings("ignore")  # of the libraries that read pictures
@pytest.mark.parametrize("name", TARGETS)
def test_mutated_files_give_an_answer_or_a_sentence(name: str, tmp_path: Path) -> None:
    assert fuzz(TARGETS[name], tmp_path, 1.5, seed=1) > 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TARGETS)
def test_mutated_files_for_ten_minutes(name: str, tmp_path: Path) -> None:
    assert fuzz(TARGETS[name], tmp_path, 600, seed=int(time.time())) > 0
