"""Export of a model to another format, verified before it is written."""

from dataclasses import dataclass
from pathlib import Path

from lenet5 import files
from lenet5.data.datasets import Images, load
from lenet5.distribution import install
from lenet5.errors import DataError, ModelError
from lenet5.exchange import quantize, ranges, to_c, to_c_integers, to_onnx, to_safetensors
from lenet5.exchange.c_program import Program
from lenet5.exchange.ranges import IntegerPredictor
from lenet5.inference.evaluation import evaluate
from lenet5.inference.predictor import Predictor
from lenet5.models.grid import LARGEST_NUMBER

FORMS = ("onnx", "c", "safetensors")
CHECKED = 640  # images on which ONNX Runtime's scores are compared with ours: ten batches of 64


@dataclass(frozen=True)
class Exported:
    """The result of an export.

    files  paths of the files
    facts  sizes and measurements, as sentences
    """

    files: tuple[Path, ...]
    facts: tuple[str, ...]


def export(
    predictor: Predictor,
    target: Path,
    *,
    to: str,
    weights: str | None = None,
    integers: bool = False,
    prefix: str = "lenet5",
    form: to_onnx.Form | None = None,
    data_folder: Path | None = None,
) -> Exported:
    """Write a model in another format.

    target    the file to write; for "c" the folder for the two files
    to        "onnx", "c" or "safetensors"
    weights   for "c": "float" (the default) or "int8"; with `integers`, "int8" (the default) or "int4"
    integers  for "c": compute in integers only; the ranges of the activations are measured on training images
    prefix    for "c": prefix of files and functions
    form      for "onnx": the form of the input; None is uint8 and any number of images

    An ONNX file is verified with ONNX Runtime, if installed, on test images of the model's data set, if available; the
    facts include the result. Raises ModelError, RunError.
    """
    if to not in FORMS:
        raise ModelError(f'there is no format "{to}"; models can be written as {", ".join(FORMS)}.')
    if integers and to != "c":
        raise ModelError(f"{to} is not written in integers; choose c.")
    choices = tuple(LARGEST_NUMBER) if integers else to_c.WEIGHTS if to == "c" else ("float",)
    weights = choices[0] if weights is None else weights
    if weights not in choices:
        how = f"{to} in integers" if integers else to
        raise ModelError(f'weights "{weights}" are not supported for {how}; choose {" or ".join(choices)}.')
    if form is not None and to != "onnx":
        raise ModelError(f"a fixed batch and float inputs are for onnx, not for {to}.")
    if to == "onnx":
        return _onnx(predictor, target, form or to_onnx.ANY, data_folder)
    if to == "c":
        if integers:
            program, facts = _in_integers(predictor, weights, prefix, data_folder)
        else:
            program, facts = _in_floats(predictor, weights, prefix, data_folder)
        return _written(program, target, facts)
    files.write_atomically(target, to_safetensors.build(predictor.model))
    return Exported((target,), (f"{target.stat().st_size:,} bytes",))


def _test_images(predictor: Predictor, data_folder: Path | None) -> Images | None:
    """Return the test images of the model's data set, if available."""
    try:
        return load(predictor.model.card.data, "test", data_folder)
    except DataError:
        return None


def _onnx(predictor: Predictor, target: Path, form: to_onnx.Form, data_folder: Path | None) -> Exported:
    content = to_onnx.build(predictor.model, form)
    facts = [f"{len(content):,} bytes, ONNX opset {to_onnx.OPSET}"]
    data = _test_images(predictor, data_folder)
    checked = max(CHECKED, form.batch or 1)
    if data is None or len(data.images) < (form.batch or 1):
        facts.append(f"not compared with our scores: no test images of {predictor.model.card.data} are available")
    elif (found := to_onnx.compare(content, predictor, data.images[:checked], form)) is None:
        facts.append(f"not compared with our scores: ONNX Runtime is missing; {install('onnx')}")
    else:
        for row in found:
            same = "the same answers" if row.same_answers else "not all answers the same"
            facts.append(
                f"ONNX Runtime on {row.images} test images, {row.batch} at a time: {same}, scores differ by at most "
                f"{row.largest_difference:.1e} where they reach {row.largest_score:.3g}"
            )
    files.write_atomically(target, content)
    return Exported((target,), tuple(facts))


def _in_floats(
    predictor: Predictor, weights: str, prefix: str, data_folder: Path | None
) -> tuple[Program, tuple[str, ...]]:
    program = to_c.build(predictor.model, weights=weights, prefix=prefix)
    if weights == "float":
        return program, ()
    rounded = Predictor(quantize.rounded(predictor.model))
    return program, (_accuracy(rounded, predictor, "with int8 weights", data_folder),)


def _in_integers(
    predictor: Predictor, weights: str, prefix: str, data_folder: Path | None
) -> tuple[Program, tuple[str, ...]]:
    network = ranges.in_integers(predictor.model, weights=weights, data_folder=data_folder)
    program = to_c_integers.build(predictor.model, network, prefix=prefix)
    computed = IntegerPredictor(predictor.model, network)
    return program, (_accuracy(computed, predictor, f"in integers with {weights} weights", data_folder),)


def _written(program: Program, target: Path, facts: tuple[str, ...]) -> Exported:
    """Write the two files of a program."""
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"{target}: the folder cannot be created ({error.strerror}); choose another.") from None
    paths = target / f"{program.prefix}.h", target / f"{program.prefix}.c"
    for path, text in zip(paths, (program.header, program.source), strict=True):
        files.write_atomically(path, text.encode("ascii"))
    sizes = f"{program.constants_bytes:,} bytes of constants, {program.memory_bytes:,} bytes of working memory"
    return Exported(paths, (sizes, *facts))


def _accuracy(program: Predictor, predictor: Predictor, how: str, data_folder: Path | None) -> str:
    """Return a sentence on the accuracy of a program and of the model that it was made of."""
    data = _test_images(predictor, data_folder)
    if data is None:
        return f"its accuracy is not measured: no test images of {predictor.model.card.data} are available"
    percent = [evaluate(each, data).accuracy_percent for each in (program, predictor)]
    return f"{percent[0]:.2f} % of {len(data.labels):,} test images {how}, {percent[1]:.2f} % with float"
