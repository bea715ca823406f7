"""What the server answers is what the library answers."""

import io
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from serving import Running

import lenet5
from lenet5 import files
from lenet5.models.file import WEIGHTS
from lenet5.reading.as_json import page_as_json

JSON = "application/json"


def encoded(pixels: NDArray[np.uint8], form: str = "PNG", mode: str = "L") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, form)
    return file.getvalue()


def as_json(images: NDArray[np.uint8]) -> bytes:
    return json.dumps({"images": images.tolist()}).encode()


def form(content: bytes, field: str = "image") -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="{field}"; filename="../../x.png"\r\n\r\n'
    return head.encode() + content + b"\r\n--b--\r\n"


def test_a_digit_gets_the_librarys_answer(server: Running, images: NDArray[np.uint8]) -> None:
    said = server.ask("/v1/predict", encoded(images[0])).json
    model = lenet5.load("modern")
    assert said["model"] == "modern"
    assert said["digest"] == files.file_sha256(WEIGHTS / "modern.safetensors")
    (answer,) = said["answers"]
    assert (answer["text"], answer["index"]) == ("7", 7)
    np.testing.assert_allclose(answer["probabilities"], model.probabilities(images[:1])[0], atol=1e-6)
    assert answer["probability"] == answer["probabilities"][7]


@pytest.mark.parametrize(("how", "mode"), [("PNG", "L"), ("PNG", "RGB"), ("PNG", "P"), ("BMP", "L"), ("TIFF", "L")])
def test_any_lossless_file_of_a_digit_gets_the_same_answer(
    server: Running, images: NDArray[np.uint8], how: str, mode: str
) -> None:
    as_numbers = server.ask("/v1/predict", as_json(images[5:6]), JSON).json
    assert server.ask("/v1/predict", encoded(images[5], how, mode), "application/octet-stream").json == as_numbers


def test_a_form_is_as_good_as_a_body(server: Running, images: NDArray[np.uint8]) -> None:
    content = encoded(images[3])
    in_form = server.ask("/v1/predict", form(content), "multipart/form-data; boundary=b")
    assert in_form.json == server.ask("/v1/predict", content).json


@pytest.mark.parametrize("model", ["modern", "lecun-1998", "digits"])
def test_an_answer_does_not_depend_on_its_batch(server: Running, images: NDArray[np.uint8], model: str) -> None:
    path = f"/v1/predict?model={model}"
    alone = [server.ask(path, encoded(image)).json["answers"][0] for image in images]
    assert server.ask(path, as_json(images), JSON).json["answers"] == alone
    with ThreadPoolExecutor(16) as clients:
        together = list(clients.map(lambda image: server.ask(path, encoded(image)).json["answers"][0], images))
    assert together == alone


def test_explain_shows_every_layer(server: Running, images: NDArray[np.uint8]) -> None:
    said = server.ask("/v1/explain?model=lecun-1998", encoded(images[0])).json
    expected = lenet5.load("lecun-1998").activations(images[:1])
    assert [layer["name"] for layer in said["layers"]] == list(expected)
    assert [layer["shape"] for layer in said["layers"]][:2] == [[1, 32, 32], [6, 28, 28]]
    for layer in said["layers"]:
        np.testing.assert_allclose(np.array(layer["values"]), expected[layer["name"]][0], atol=6e-6)


def test_a_photograph_is_read_as_the_library_reads_it(server: Running, photograph: bytes) -> None:
    said = server.ask("/v1/read?model=digits", photograph).json
    assert said["text"].replace(" ", "") == "7210"
    assert said == json.loads(json.dumps(page_as_json(lenet5.load("digits").read(photograph))))


def test_unsure_digits_are_rejected_on_demand(server: Running, photograph: bytes) -> None:
    strict = server.ask("/v1/read?model=digits&max_error=0.1", photograph).json
    digits = [digit for line in strict["lines"] for number in line["numbers"] for digit in number["digits"]]
    rejected = [digit for digit in digits if digit["rejected"]]
    assert all("is below" in digit["rejected"] and digit["text"] == "?" for digit in rejected)
    assert all(digit["answers"][0]["probability"] < 0.98 for digit in rejected)
    wrong_way = server.ask("/v1/read?model=digits&bright=true", photograph).json
    assert wrong_way["text"].replace(" ", "") != "7210"


def test_models_tell_what_they_are(server: Running) -> None:
    assert server.ask("/v1/models").json == {"models": ["modern", "digits", "lecun-1998"]}
    facts = server.ask("/v1/models/digits").json
    assert facts["parameters"] == 61_791
    assert facts["class_names"][-1] == "not a digit"
    assert facts["reads"]
    assert facts["card"]["calibration"]["temperature"] > 0


def test_limits_and_metrics_are_told(server: Running, images: NDArray[np.uint8]) -> None:
    assert server.ask("/v1/limits").json["body_bytes"] == 8 << 20

    def counted() -> float:
        lines = server.ask("/metrics").content.decode().splitlines()
        name = 'lenet5_requests_total{path="/v1/predict",status="200"} '
        return next((float(line.removeprefix(name)) for line in lines if line.startswith(name)), 0.0)

    before = counted()
    server.ask("/v1/predict", encoded(images[0]))
    assert counted() == before + 1


def test_the_page_comes_with_its_models(server: Running) -> None:
    page = server.ask("/")
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    script = server.ask("/main.js")
    assert script.headers["content-type"].startswith("text/javascript")
    listed = server.ask("/models/models.json").json
    weights = server.ask(f"/models/{listed[0]['file']}")
    assert weights.content == (WEIGHTS / listed[0]["file"]).read_bytes()
    again = server.ask(f"/models/{listed[0]['file']}", If_None_Match=weights.headers["etag"])
    assert (again.status, again.content) == (304, b"")


def test_every_answer_has_an_id_of_the_servers_own(server: Running) -> None:
    ids = [server.ask("/livez", X_Request_Id="mine").headers["x-request-id"] for _ in range(3)]
    assert len(set(ids) - {"mine"}) == 3


@pytest.mark.parametrize("path", ["/", "/livez", "/v1/models"])
def test_a_head_is_a_get_without_body(server: Running, path: str) -> None:
    answer, head = server.ask(path), server.ask(path, method="HEAD")
    assert (head.status, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(answer.content))
