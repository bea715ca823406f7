"""Weights of other people: read without running anything, put in their places, measured where they do not tell."""

import argparse
import collections
import datetime
import fractions
import io
import pickle
import re
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from lenet5 import api
from lenet5.data.datasets import Images, load
from lenet5.errors import ModelError
from lenet5.exchange import read_weights
from lenet5.exchange.import_model import import_file
from lenet5.exchange.match_shapes import Choices, choices_of, fit
from lenet5.exchange.select_by_accuracy import Standing, beats
from lenet5.inference.predictor import Predictor
from lenet5.models.model import Model
from lenet5.recipes import catalogue
from lenet5.spec.architecture import Architecture
from lenet5.spec.layers import Rbf

KNOWN = Choices("relu", "max", None, None, (-1.0, 1.0))  # of `Theirs` and `inputs_of`


class Theirs(nn.Module):
    """A network as people write it, with names of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(256, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(torch.relu(self.conv2(x)), 2)
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x.flatten(1))))))


def inputs_of(images: np.ndarray) -> Tensor:
    return torch.tensor(images, dtype=torch.float32)[:, None] / 127.5 - 1


@pytest.fixture(scope="module")
def theirs(mnist_folder: Path) -> Theirs:
    """Trained on 10,000 digits, once over."""
    torch.manual_seed(7)
    data = load("mnist", "train", mnist_folder)
    net = Theirs()
    optimizer = torch.optim.Adam(net.parameters())
    for batch in torch.randperm(10_000).split(20):
        optimizer.zero_grad()
        loss = functional.cross_entropy(net(inputs_of(data.images[batch])), torch.tensor(data.labels[batch]))
        loss.backward()
        optimizer.step()
    return net


@pytest.fixture(scope="module")
def path(theirs: Theirs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their file."""
    path = tmp_path_factory.mktemp("theirs") / "model.pt"
    torch.save(theirs.state_dict(), path)
    return path


def test_measuring_finds_what_the_weights_do_not_tell(
    path: Path, theirs: Theirs, digits: Images, mnist_folder: Path
) -> None:
    done = import_file(path, measure=True, data_folder=mnist_folder)
    assert done.facts[-1] == "taken as --function relu --pooling max --no-squash-pools --background -1 --ink 1"
    expected = theirs(inputs_of(digits.images)).detach().numpy()
    np.testing.assert_allclose(
        Predictor(done.model).scores(digits.images), expected, atol=2e-4
    )  # float32, scores to 30
    right = 100 * (expected.argmax(axis=1) == digits.labels).mean()
    assert done.model.card.test_accuracy_percent == pytest.approx(right, abs=0.011)  # one image may be a tie
    assert done.model.card.test_images == 10_000


def test_what_is_said_needs_no_measuring(path: Path, mnist_folder: Path) -> None:
    measured, said = (
        import_file(path, measure=measure, said=choices, data_folder=mnist_folder).model
        for measure, choices in ((True, None), (False, KNOWN))
    )
    assert (measured.architecture, measured.preparation) == (said.architecture, said.preparation)


def test_what_is_open_is_asked_for(path: Path, mnist_folder: Path) -> None:
    with pytest.raises(ModelError) as refusal:
        import_file(path, said=Choices(function="relu"), data_folder=mnist_folder)
    said = str(refusal.value)
    assert "--pooling average|max" in said
    assert "--background B --ink I" in said
    assert "--measure" in said
    assert "--function" not in said
    assert "--frame" not in said, "C5 has 256 inputs: nothing was padded"


def test_a_network_that_reads_nothing_is_not_taken(mnist_folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    torch.save(Theirs().state_dict(), tmp_path / "net.pt")
    with pytest.raises(ModelError, match="none of the candidates classifies the images"):
        import_file(tmp_path / "net.pt", measure=True, data_folder=mnist_folder)


def test_two_candidates_that_answer_alike_are_listed(mnist_folder: Path, tmp_path: Path) -> None:
    """C1 that sees only its middle pixel, on maps of 28x28: zeros or background around the image reach nothing."""
    torch.manual_seed(7)
    data = load("mnist", "train", mnist_folder)
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip
    only_middle = torch.zeros(5, 5)
    only_middle[2, 2] = 1
    optimizer = torch.optim.Adam(net.parameters())
    for batch in torch.randperm(4_000).split(20):
        net[0].weight.data *= only_middle
        optimizer.zero_grad()
        loss = functional.cross_entropy(net(inputs_of(data.images[batch])), torch.tensor(data.labels[batch]))
        loss.backward()
        optimizer.step()
    net[0].weight.data *= only_middle
    torch.save(net.state_dict(), tmp_path / "net.pt")
    said = Choices("tanh", "average", None, False, (-1.0, 1.0))
    with pytest.raises(ModelError, match="do not differ significantly") as refusal:
        import_file(tmp_path / "net.pt", measure=True, said=said, data_folder=mnist_folder)
    assert "--frame zeros" in str(refusal.value)
    assert "--frame background" in str(refusal.value)
    assert "--frame resize" not in str(refusal.value)


@pytest.mark.parametrize(
    ("right", "losses", "first", "second"),
    [
        ((900, 800), (0.2, 0.4), True, False),  # ahead by both measures
        ((900, 800), (0.3, 0.3), True, False),  # ahead by one, level by the other
        ((800, 800), (0.2, 0.4), True, False),
        ((900, 800), (0.4, 0.2), False, False),  # the measures disagree
        ((803, 800), (0.300, 0.301), False, False),  # as near as chance brings it
    ],
)
def test_one_candidate_beats_another_only_clearly(
    right: tuple[int, int], losses: tuple[float, float], first: bool, second: bool
) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, (2, 1000))
    one, other = (
        Standing(Choices(), np.arange(1000) < r, loss + noise[i])
        for i, (r, loss) in enumerate(zip(right, losses, strict=True))
    )
    assert (beats(one, other), beats(other, one)) == (first, second)


def state_of(model: Model) -> dict[str, np.ndarray]:
    """Return a model's weights under names that tell nothing of the layer, as nn.Sequential gives them."""
    layers = list(dict.fromkeys(name.split(".")[0] for name in model.weights))
    return {f"{layers.index(n.split('.')[0])}.{n.split('.')[1]}": array for n, array in model.weights.items()}


@pytest.mark.parametrize("name", ["archaeology", "lab-report", "lecun-1998", "sigmoid-fashion", "sunnyhaze"])
def test_the_networks_of_the_recipes_are_among_the_candidates(untrained: Callable[[str], Model], name: str) -> None:
    model = untrained(name)
    found = fit(state_of(model))
    assert all(found.weights[part].tobytes() == array.tobytes() for part, array in model.weights.items())
    built = [found.build(choice) for choice in found.candidates(Choices())]
    assert len({repr(each) for each in built}) == len(built), "no candidate comes twice"
    *layers, last = model.architecture.layers
    if isinstance(last, Rbf):
        last = last.model_copy(update={"factor": 1.0})  # of equation 7; it changes no answer, so it cannot be found
    architecture = Architecture(input=model.architecture.input, layers=(*layers, last))
    assert (architecture, model.preparation.model_copy(update={"flip": "none"})) in built


def test_the_mean_of_a_training_set_can_be_said(untrained: Callable[[str], Model]) -> None:
    model = untrained("scratch")
    scale = model.preparation.background, model.preparation.ink
    found = fit(state_of(model))
    built = [found.build(choice) for choice in found.candidates(Choices(scale=scale))]
    assert (model.architecture, model.preparation) in built


def test_every_way_of_saving_gives_the_same_weights(theirs: Theirs, path: Path, tmp_path: Path) -> None:
    state = theirs.state_dict()
    torch.save({"epoch": 3, "state_dict": state, "optimizer": {"lr": 0.1}}, tmp_path / "nested.pth")
    torch.save({"model_state_dict": {f"module.{n}": v for n, v in state.items()}}, tmp_path / "parallel.pt")
    torch.save({n: v.double() for n, v in state.items()}, tmp_path / "double.pt")
    torch.save(state, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    save_file(state, tmp_path / "plain.safetensors")
    first = fit(read_weights.read(path).arrays).weights
    for other in ("nested.pth", "parallel.pt", "double.pt", "old.pt", "plain.safetensors"):
        again = fit(read_weights.read(tmp_path / other).arrays).weights
        assert {n: a.tobytes() for n, a in again.items()} == {n: a.tobytes() for n, a in first.items()}, other


def test_a_layer_without_bias_gets_zeros(theirs: Theirs, tmp_path: Path) -> None:
    state = {name: value for name, value in theirs.state_dict().items() if name != "conv1.bias"}
    torch.save(state, tmp_path / "net.pt")
    assert not fit(read_weights.read(tmp_path / "net.pt").arrays).weights["C1.bias"].any()


class Malicious:
    """Unpickled, it would write a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return exec, (f"open({str(self.marker)!r}, 'w').close()",)


@pytest.mark.parametrize("form", ["zip", "old", "plain pickle", "nested"])
def test_a_file_with_code_is_refused_and_nothing_runs(tmp_path: Path, form: str) -> None:
    marker, path = tmp_path / "ran", tmp_path / "evil.pt"
    evil = Malicious(marker)
    if form == "plain pickle":
        path.write_bytes(pickle.dumps(evil))
    else:
        content = {"state_dict": {"conv1.weight": evil}} if form == "nested" else evil
        torch.save(content, path, _use_new_zipfile_serialization=form != "old")
    with pytest.raises(ModelError, match="refused"):
        read_weights.read(path)
    assert not marker.exists()
    pickle.loads(pickle.dumps(evil))
    assert marker.exists(), "a careless reader would have run it"


def test_a_whole_pickled_module_is_refused(theirs: Theirs, tmp_path: Path) -> None:
    torch.save(theirs, tmp_path / "whole.pt")
    with pytest.raises(ModelError, match=r"more than weights.*state_dict"):
        read_weights.read(tmp_path / "whole.pt")


@pytest.mark.parametrize("share", range(0, 100, 7))
def test_a_file_cut_anywhere_is_refused(path: Path, tmp_path: Path, share: int) -> None:
    content = path.read_bytes()
    (tmp_path / "cut.pt").write_bytes(content[: len(content) * share // 100])
    with pytest.raises(ModelError, match=r"cut\.pt"):
        read_weights.read(tmp_path / "cut.pt")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300), suffix=st.sampled_from([".pt", ".pth", ".safetensors"]))
def test_arbitrary_bytes_raise_nothing_but_a_model_error(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"any{suffix}"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        read_weights.read(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"conv1.weight": torch.zeros(6, 3, 5, 5)}, "no array that could be C1"),
        ({"conv1.weight": torch.zeros(20, 1, 5, 5)}, r"there is no array .* C1 \(6, 1, 5, 5\)"),
        ({"fc1.weight": torch.zeros(120, 300)}, "no array that could be C5"),
        ({"bn1.weight": torch.zeros(6), "bn1.running_mean": torch.zeros(6)}, "bn1 lacks a mean or a variance"),
        (
            {"bn1.running_mean": torch.zeros(6), "bn1.running_var": torch.full((6,), -1.0)},
            "bn1 has a negative variance",
        ),
        ({"bn9.running_mean": torch.zeros(7), "bn9.running_var": torch.ones(7)}, "bn9 of 7 maps"),
        ({"fc9.weight": torch.zeros(3, 7)}, r"in addition to the layers of a LeNet-5 there is fc9.weight \(3, 7\)"),
        ({"conv1.again": torch.zeros(6)}, "only one of them can be right"),
        ({"twin.weight": torch.zeros(84, 120)}, "2 arrays that could be F6"),
        ({"conv1.bias": torch.full((6,), float("nan"))}, "conv1.bias holds numbers that are not finite"),
        ({"large": torch.zeros(1).expand(2_000_000)}, "large has shape"),
    ],
)
def test_other_networks_are_refused_by_what_is_wrong(
    theirs: Theirs, mnist_folder: Path, tmp_path: Path, change: dict[str, Tensor], said: str
) -> None:
    torch.save(theirs.state_dict() | change, tmp_path / "net.pt")
    with pytest.raises(ModelError, match=said):
        import_file(tmp_path / "net.pt", data_folder=mnist_folder)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("net.txt", None, "end in .pt, .pth, .ckpt"),
        ("missing.pt", None, "no such file"),
        ("list.pt", [1, 2], "holds no weights"),
        ("number.pt", 3, "holds a int"),
        ("empty.pt", {}, "holds no weights"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, content: object, said: str) -> None:
    if content is not None:
        torch.save(content, tmp_path / name)
    with pytest.raises(ModelError, match=said):
        read_weights.read(tmp_path / name)


def test_a_huge_file_is_not_even_opened(tmp_path: Path) -> None:
    with (tmp_path / "huge.pt").open("wb") as file:
        file.truncate(60_000_000)
    with pytest.raises(ModelError, match="60 MB"):
        read_weights.read(tmp_path / "huge.pt")


def numpy_state(theirs: Theirs) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy() for name, value in theirs.state_dict().items()}


def of_keras(theirs: Theirs) -> dict[str, np.ndarray]:
    """Their weights as Keras keeps them: (height, width, in, out), and C5's inputs place by place."""
    found = {}
    for name, array in numpy_state(theirs).items():
        layer, part = name.split(".")
        if layer == "fc1" and part == "weight":
            array = array.reshape(120, 16, 4, 4).transpose(0, 2, 3, 1).reshape(120, 256)
        array = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T
        found[f"{layer}/{'kernel' if part == 'weight' else part}"] = np.ascontiguousarray(array)
    return found


def onnx_of(theirs: Theirs) -> bytes:
    """A graph with MatMul and Add where others have Gemm, and constants without telling names."""
    from onnx import helper, numpy_helper

    nodes, constants, x = [], [], "x"
    for number, layer in enumerate(("conv1", "conv2", "fc1", "fc2", "fc3")):
        w, b = (numpy_state(theirs)[f"{layer}.{part}"] for part in ("weight", "bias"))
        constants += [numpy_helper.from_array(w if w.ndim == 4 else np.ascontiguousarray(w.T), f"{number * 2}"),
                      numpy_helper.from_array(b, f"{number * 2 + 1}")]  # fmt: skip
        if w.ndim == 4:
            nodes.append(helper.make_node("Conv", [x, f"{number * 2}", f"{number * 2 + 1}"], [f"y{number}"]))
            nodes.append(helper.make_node("Relu", [f"y{number}"], [f"z{number}"]))
            nodes.append(helper.make_node("MaxPool", [f"z{number}"], [f"x{number}"], kernel_shape=[2, 2]))
        else:
            nodes.append(helper.make_node("MatMul", [x, f"{number * 2}"], [f"y{number}"]))
            nodes.append(helper.make_node("Add", [f"{number * 2 + 1}", f"y{number}"], [f"z{number}"]))
            nodes.append(helper.make_node("Relu", [f"z{number}"], [f"x{number}"]))
        x = f"x{number}"
    content: bytes = helper.make_model(
        helper.make_graph(nodes, "theirs", [], [], initializer=constants)
    ).SerializeToString()
    return content


def written(theirs: Theirs, folder: Path, form: str) -> Path:
    """Write their weights in one of the forms that people use."""
    path, state = folder / f"theirs{form[form.index('.') :]}", theirs.state_dict()
    match form:
        case "lightning.ckpt":
            callbacks = {"ModelCheckpoint": {"best_model_score": torch.tensor(0.1)}}
            moments = {0: {"exp_avg": torch.zeros(6, 1, 5, 5), "exp_avg_sq": torch.zeros(6, 1, 5, 5)}}
            torch.save({"epoch": 3, "pytorch-lightning_version": "2.4.0", "callbacks": callbacks, "loops": {},
                        "state_dict": {f"model.{n}": v for n, v in state.items()},
                        "optimizer_states": [{"state": moments}], "hyper_parameters": {"lr": 0.1}}, path)  # fmt: skip
        case "deep.pt":
            history = {"loss": [np.float64(0.5), np.float32(0.25)], "best": np.int64(7)}
            torch.save({"a": {"b": [{"net": state}], "history": history}}, path)
        case "momentum.pt":
            momentum = {n: torch.zeros_like(v) for n, v in state.items()}
            torch.save({"net": state, "optimizer": {"state": momentum}}, path)
        case "half.safetensors":
            save_file({n: v.bfloat16() for n, v in state.items()}, path)
        case "weights.npz":
            np.savez(path, **numpy_state(theirs))
        case "numbered.npz":
            np.savez(path, *numpy_state(theirs).values())
        case "fortran.npz":
            np.savez_compressed(path, **{n: np.asfortranarray(a) for n, a in numpy_state(theirs).items()})
        case "graph.onnx":
            path.write_bytes(onnx_of(theirs))
        case "keras.npz":
            np.savez(path, **of_keras(theirs))
        case "old.h5" | "new.keras":
            import h5py

            content = io.BytesIO()
            with h5py.File(content, "w") as file:
                for name, array in of_keras(theirs).items():
                    layer, part = name.split("/")
                    number = int(part == "bias")
                    file[
                        f"model_weights/{layer}/{layer}/{part}:0" if ".h5" in form else f"layers/{layer}/vars/{number}"
                    ] = array
            path.write_bytes(content.getvalue())
            if form == "new.keras":
                with zipfile.ZipFile(path, "w") as archive:
                    archive.writestr("model.weights.h5", content.getvalue())
    return path


FORMS = ("lightning.ckpt", "deep.pt", "momentum.pt", "half.safetensors", "weights.npz", "numbered.npz", "fortran.npz",
         "graph.onnx", "keras.npz", "old.h5", "new.keras")  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_weights_in_every_form_answer_as_they_did(
    theirs: Theirs, digits: Images, mnist_folder: Path, tmp_path: Path, form: str
) -> None:
    model = import_file(written(theirs, tmp_path, form), said=KNOWN, data_folder=mnist_folder).model
    expected = theirs(inputs_of(digits.images[:500])).detach().numpy()
    tolerance = 0.3 if form == "half.safetensors" else 2e-4  # bfloat16 has 8 bits
    np.testing.assert_allclose(Predictor(model).scores(digits.images[:500]), expected, atol=tolerance)


def test_a_graph_tells_what_weights_do_not(theirs: Theirs, tmp_path: Path) -> None:
    known = read_weights.read(written(theirs, tmp_path, "graph.onnx")).known
    assert known == {"function": "relu", "pooling": "max"}


def test_an_onnx_file_with_a_damaged_name_is_one_sentence(trained: Path, mnist_folder: Path, tmp_path: Path) -> None:
    api.export(trained, tmp_path / "out.onnx", to="onnx", data_folder=mnist_folder)
    content = (tmp_path / "out.onnx").read_bytes()
    (tmp_path / "out.onnx").write_bytes(content.replace(b"C1.weight", b"\xff1.weight"))
    with pytest.raises(ModelError, match="not a readable ONNX file"):
        import_file(tmp_path / "out.onnx")


def test_an_export_to_onnx_is_read_back(trained: Path, mnist_folder: Path, tmp_path: Path, digits: Images) -> None:
    api.export(trained, tmp_path / "out.onnx", to="onnx", data_folder=mnist_folder)
    again = import_file(tmp_path / "out.onnx").model
    ours = api.load(trained).scores(digits.images[:100])
    np.testing.assert_allclose(Predictor(again).scores(digits.images[:100]), ours, atol=1e-4)


@pytest.mark.parametrize(("form", "places"), [("dictionary", ("student", "teacher")), ("list", ("nets.0", "nets.1"))])
def test_of_two_networks_in_one_file_one_is_chosen(
    theirs: Theirs, mnist_folder: Path, tmp_path: Path, form: str, places: tuple[str, str]
) -> None:
    state = theirs.state_dict()
    twice = {n: 2 * v for n, v in state.items()}
    torch.save(
        {"student": state, "teacher": twice} if form == "dictionary" else {"nets": [state, twice]}, tmp_path / "two.pt"
    )
    with pytest.raises(ModelError, match=f"several networks, in {', '.join(places)}; choose one with --network"):
        import_file(tmp_path / "two.pt", said=KNOWN, data_folder=mnist_folder)
    with pytest.raises(ModelError, match=f'holds no network "pupil"; there is {places[0]!r}'):
        import_file(tmp_path / "two.pt", said=KNOWN, network="pupil", data_folder=mnist_folder)
    second = import_file(tmp_path / "two.pt", said=KNOWN, network=places[1], data_folder=mnist_folder).model
    np.testing.assert_array_equal(second.weights["C1.weight"], twice["conv1.weight"].numpy())


@pytest.mark.parametrize("beside", ["loss", "settings", "list", "tuple", "parameters", "average"])
def test_what_lies_beside_the_weights_is_passed_over(theirs: Theirs, path: Path, tmp_path: Path, beside: str) -> None:
    state = dict(theirs.state_dict())
    settings = {
        "args": argparse.Namespace(lr=0.1), "data": Path("a"), "at": datetime.datetime(2026, 1, 1), "seen": {1, 2},
        "curve": np.zeros(2_000), "scores": collections.defaultdict(list, {"loss": [1.0]}),
    }  # fmt: skip
    contents: dict[str, object] = {
        "loss": {"state_dict": state | {"class_weights": torch.ones(10), "criterion.weight": torch.ones(10)}},
        "settings": {"state_dict": state, "hyper_parameters": settings},
        "list": [state],
        "tuple": (3, {"net": state}),
        "parameters": list(state.values()),
        "average": {"n_averaged": torch.tensor(3)} | {f"module.{n}": v for n, v in state.items()},
    }
    torch.save(contents[beside], tmp_path / "net.pt")
    read = {n: a.tobytes() for n, a in fit(read_weights.read(tmp_path / "net.pt").arrays).weights.items()}
    if beside == "parameters":  # without names, biases are not told apart
        read = {n: a for n, a in read.items() if n.endswith("weight")}
    expected = fit(read_weights.read(path).arrays).weights
    assert read.items() <= {n: a.tobytes() for n, a in expected.items()}.items()


@pytest.mark.parametrize("place", ["before", "after"])
def test_batch_normalisation_is_folded_into_the_layers_around_it(
    place: str, tmp_path: Path, mnist_folder: Path, digits: Images
) -> None:
    torch.manual_seed(3)

    def block(layer: nn.Module, norm: nn.Module) -> list[nn.Module]:
        return [layer, norm, nn.ReLU()] if place == "before" else [layer, nn.ReLU(), norm]

    net = nn.Sequential(
        *block(nn.Conv2d(1, 6, 5), nn.BatchNorm2d(6)), nn.AvgPool2d(2),
        *block(nn.Conv2d(6, 16, 5, bias=False), nn.BatchNorm2d(16)), nn.AvgPool2d(2), nn.Flatten(),
        *block(nn.Linear(256, 120), nn.BatchNorm1d(120, affine=False)),
        nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    for _ in range(20):  # so that means and variances are not those of the beginning
        net(inputs_of(digits.images[:200]))
    for norm in (m for m in net if isinstance(m, nn.BatchNorm2d)):
        norm.weight.data.uniform_(-1, 2)
        norm.bias.data.normal_()
    net.eval()
    torch.save(net.state_dict(), tmp_path / "net.pt")
    said = Choices("relu", "average", None, None, (-1.0, 1.0), place)
    model = import_file(tmp_path / "net.pt", said=said, data_folder=mnist_folder).model
    expected = net(inputs_of(digits.images[:200])).detach().numpy()
    np.testing.assert_allclose(Predictor(model).scores(digits.images[:200]), expected, atol=1e-4)


def claims_much(folder: Path, form: str) -> Path:
    """Write a small file that claims to hold far more than it has."""
    path = folder / f"bomb{form[form.index('.') :]}"
    match form:
        case "expanded.pt":
            torch.save({f"x{n}": torch.zeros(1).expand(1_000, 1_000 - n) for n in range(600)}, path)
        case "packed.npz" | "packed.pt":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("a/data.pkl" if form.endswith("pt") else "a.npy", bytes(200_000_000))
        case "shape.npz":
            header = str({"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)}).encode()
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
        case "dims.onnx":
            from onnx import TensorProto, helper

            tensor = TensorProto(name="w", dims=[1 << 20, 1 << 20], data_type=1)
            node = helper.make_node("Conv", ["x", "w"], ["y"])
            path.write_bytes(helper.make_model(helper.make_graph([node], "g", [], [], [tensor])).SerializeToString())
        case "shape.h5":
            import h5py

            with h5py.File(path, "w") as file:
                file.create_dataset("w", (1 << 20, 1 << 20), "f4", chunks=(1024, 1024))
    return path


@pytest.mark.parametrize("form", ["expanded.pt", "packed.npz", "packed.pt", "shape.npz", "dims.onnx", "shape.h5"])
def test_what_is_claimed_is_weighed_before_it_is_allocated(tmp_path: Path, form: str) -> None:
    path = claims_much(tmp_path, form)
    tracemalloc.start()
    try:
        with pytest.raises(ModelError):
            read_weights.read(path)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_only_names_that_are_listed_are_known(tmp_path: Path) -> None:
    for value, named in ((np.str_("a"), "not a number"), (fractions.Fraction(1), "fractions.Fraction")):
        torch.save({"history": value}, tmp_path / "net.pt")
        with pytest.raises(ModelError, match=f"refused|{named}") as refusal:
            read_weights.read(tmp_path / "net.pt")
        assert named in str(refusal.value)


@pytest.mark.parametrize(
    "content",
    [
        # Each is small, and would take for ever, or all memory, where a value is copied or walked through.
        b"\x80\x02)" + b"(K\x012\x85\x86" * 60 + b"}h\x00K\x01s.",
        b"\x80\x02" + b"(" * 2_000_000 + b".",
        b"\x80\x02}(" + b"X\x01\x00\x00\x00ar\xff\xff\xff\x7f" + b"K\x01u.",
        b"\x80\x02)" + b"2\x86" * 100 + b"K\x01\x93.",
        b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b".",
    ],
)
def test_a_pickle_that_multiplies_itself_ends_soon(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.pt").write_bytes(content)
    with pytest.raises(ModelError):
        read_weights.read(tmp_path / "net.pt")


def lenet5(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lenet5", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_the_command_leaves_a_model_that_evaluates_as_it_said(path: Path, mnist_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.safetensors"
    done = lenet5("import", path, "--function", "relu", "--pooling", "max", "--background", "-1", "--ink", "1",
                  "--data-dir", mnist_folder, "-o", target)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "conv2.weight is C3.weight" in done.stdout
    percent = api.evaluate(target, data_folder=mnist_folder).accuracy_percent
    assert percent > 90
    assert f"{percent:.2f} % of 10,000 mnist test images" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--function", "gelu"], "it can be relu, tanh, sigmoid, scaled_tanh"),
        (["--background", "0"], "belong together"),
        (["--data", "mnst"], 'did you mean "mnist"'),
        ([], "weights leave some choices open"),
    ],
)
def test_bad_input_is_one_clear_error_and_nothing_is_written(
    path: Path, mnist_folder: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    done = lenet5("import", path, "--data-dir", mnist_folder, "-o", tmp_path / "m.safetensors", *options)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_file_that_is_read_is_never_written_over(theirs: Theirs, mnist_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file(theirs.state_dict(), path)
    before = path.read_bytes()
    done = lenet5("import", path, "-o", path, "--data-dir", mnist_folder)
    assert "is the file that is read" in done.stderr
    assert path.read_bytes() == before


def test_a_recipe_tells_what_shapes_do_not() -> None:
    assert choices_of(catalogue.load("sunnyhaze")) == Choices("relu", "max", "zeros", False, (0.0, 255.0))
    assert choices_of(catalogue.load("lab-report")) == Choices("tanh", "average", "resize", True, (0.0, 1.0))
    assert choices_of(catalogue.load("lecun-1998")) == Choices("scaled_tanh", None, "background", True, (-0.1, 1.175))
    assert choices_of(catalogue.load("scratch")).scale is None  # a mean is subtracted that only the data tell


def test_published_weights_are_judged_against_their_claim(theirs: Theirs, mnist_folder: Path, tmp_path: Path) -> None:
    """A file as reproduction 002 published it: the weights beside a history of NumPy scalars."""
    path, recipe = tmp_path / "model.pt", tmp_path / "theirs.toml"
    torch.save({"net": theirs.state_dict(), "testAcc": [np.float64(0.94), np.float64(0.98)], "EpochDone": 31}, path)

    def imported(claimed: str) -> str:
        claim = f"{{ quantity = 'published_weights_accuracy_percent', value = {claimed}, where = 'model.pt' }}"
        recipe.write_text(f"extends = 'archaeology'\nclaims = [{claim}]\n")
        options = ["--recipe", str(recipe), "--pooling", "max", "--data-dir", str(mnist_folder)]
        done = subprocess.run(
            [sys.executable, "-m", "lenet5", "import", str(path), *options], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    first = imported("12.34")
    assert "not reproduced: 12.34 % was published for model.pt" in first
    accuracy = re.search(r"([\d.]+) % of 10,000", first)
    assert accuracy
    assert f"\nreproduced: {accuracy[1]} % was published for model.pt" in imported(accuracy[1])
