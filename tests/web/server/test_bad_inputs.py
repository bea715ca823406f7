"""Whatever is sent: a problem that says what is wrong, a server that goes on, and memory that does not grow."""

import io
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from serving import Running

JSON = "application/json"
FORM = "multipart/form-data; boundary=b"
IMAGE = [[0] * 28] * 28
MEGABYTE = 1 << 20


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 0) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


def saved(form: str, mode: str = "L", size: tuple[int, int] = (28, 28), **how: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 1).save(file, form, **how)
    return file.getvalue()


BOMB = zlib.compress(bytes(64 * MEGABYTE), 9)
ROWS = zlib.compress(bytes(28 * 29))
WHOLE = saved("PNG")


def nan_tiff() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((28, 28), np.nan, np.float32)).save(file, "TIFF")
    return file.getvalue()


PICTURES = {
    "nothing": b"",
    "text": b"seven",
    "a page": b"<!doctype html><script>alert(1)</script>",
    "a vector drawing": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "a pickle": b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94.",
    "a GIF, which no worker opens": saved("GIF"),
    "a PDF": b"%PDF-1.7\n%%EOF",
    "a PNG that says it is vast": png(65_535, 65_535, chunk(b"IDAT", ROWS)),
    "a PNG of a line 30,000 pixels long": png(30_000, 1, chunk(b"IDAT", zlib.compress(bytes(30_001)))),
    "a PNG without width": png(0, 28, chunk(b"IDAT", ROWS)),
    "a PNG with a bomb for text": png(28, 28, chunk(b"zTXt", b"k\0\0" + BOMB), chunk(b"IDAT", ROWS[:-2] + b"xx")),
    "a PNG with a bomb for colours": png(28, 28, chunk(b"iCCP", b"k\0\0" + BOMB), chunk(b"IDAT", b"no")),
    "a PNG with a wrong checksum": WHOLE[:40] + bytes([WHOLE[40] ^ 1]) + WHOLE[41:],
    "half a JPEG header": saved("JPEG")[:150],
    "a TIFF whose directory is its own next": b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
    "a TIFF of no numbers": nan_tiff(),
    "a digit of another size": saved("PNG", size=(29, 28)),
    "a dot": saved("PNG", size=(1, 1)),
}
BODIES = {
    "nothing": b"",
    "an open list": b"[" * 100_000,
    "not a number": b'{"images": [[[NaN]]]}',
    "beyond numbers": json.dumps({"images": [[[0] * 27 + [-1]] * 28]}).replace("-1", "1e400").encode(),
    "a float": json.dumps({"images": [[[0.5] * 28] * 28]}).encode(),
    "true and false": json.dumps({"images": [[[True] * 28] * 28]}).encode(),
    "256": json.dumps({"images": [[[256] * 28] * 28]}).encode(),
    "strings": json.dumps({"images": [[["0"] * 28] * 28]}).encode(),
    "no image": b'{"images": []}',
    "an image short of a row": json.dumps({"images": [IMAGE[1:]]}).encode(),
    "257 images": json.dumps({"images": [IMAGE] * 257}).encode(),
    "a lone surrogate": b'{"images": "\\ud800"}',
    "a long string": b'{"images": "' + b"a" * (2 * MEGABYTE - 100) + b'"}',
    "bytes that are no text": b'{"images": "\xff\xfe"}',
    "another key": b'{"instances": [1]}',
}
FORMS = {
    "no file": b"--b--\r\n",
    "another field": b'--b\r\nContent-Disposition: form-data; name="picture"; filename="x"\r\n\r\nx\r\n--b--\r\n',
    "no last boundary": b'--b\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\nx',
    "a field in place of a file": b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\nx\r\n--b--\r\n',
    "many fields": b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%d"\r\n\r\nx\r\n' % each for each in range(100_000)
    )
    + b"--b--\r\n",
    "two files": b'--b\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\nx\r\n' * 2 + b"--b--\r\n",
    "no form": b"image=x",
}


@pytest.fixture(scope="module", autouse=True)
def _no_growth(server: Running) -> Iterator[None]:
    """After all of this file the server's own process has grown by less than 50 MB, and still answers."""
    server.ask("/v1/predict", json.dumps({"images": [IMAGE] * 256}).encode(), JSON)
    before = resident(server.process.pid)
    yield
    assert resident(server.process.pid) - before < 50 * MEGABYTE
    assert server.ask("/v1/predict", json.dumps({"images": [IMAGE]}).encode(), JSON).status == 200


def resident(process: int) -> int:
    """Return how many bytes of memory a process holds."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("path", ["/v1/predict", "/v1/explain"])
def test_what_is_no_picture_of_a_digit_is_refused(server: Running, path: str, name: str) -> None:
    answer = server.ask(path, PICTURES[name])
    assert (answer.status, answer.problem) in ((422, "picture"), (422, "image"))
    assert len(server.workers()) == 1


@pytest.mark.parametrize("name", [name for name in PICTURES if name not in ("a digit of another size", "a dot")])
def test_what_is_no_picture_is_not_read(server: Running, name: str) -> None:
    answer = server.ask("/v1/read", PICTURES[name])
    assert (answer.status, answer.problem) == (422, "picture")


@pytest.mark.parametrize("size", [(1, 1), (1, 8_192)])
def test_a_picture_too_narrow_to_hold_a_digit_is_refused(server: Running, size: tuple[int, int]) -> None:
    answer = server.ask("/v1/read", saved("PNG", size=size))
    assert (answer.status, answer.problem) == (422, "picture")


def test_a_blank_picture_has_no_digits(server: Running) -> None:
    said = server.ask("/v1/read", saved("PNG", size=(300, 200))).json
    assert (said["text"], said["lines"]) == ("", [])


def test_of_a_bomb_no_more_is_unpacked_than_the_picture_has(server: Running) -> None:
    bomb = png(28, 28, chunk(b"IDAT", BOMB), colour=2)
    assert server.ask("/v1/predict", bomb).status == 200
    assert server.ask("/v1/read", bomb).json["text"] == ""


def test_a_picture_cut_anywhere_is_refused(server: Running, images: NDArray[np.uint8]) -> None:
    for form in ("PNG", "JPEG", "WEBP", "BMP", "TIFF"):
        file = io.BytesIO()
        Image.fromarray(np.kron(images[0], np.ones((8, 8), np.uint8))).save(file, form)
        whole = file.getvalue()
        for end in range(0, len(whole) - len(whole) // 16, len(whole) // 16):
            answer = server.ask("/v1/read", whole[:end])
            assert answer.status == 422, f"{form}: {end} of {len(whole)} bytes were read"
            assert answer.problem == "picture"


@pytest.mark.parametrize("name", BODIES)
def test_json_that_is_no_images_is_refused(server: Running, name: str) -> None:
    answer = server.ask("/v1/predict", BODIES[name], JSON)
    assert (answer.status, answer.problem) == (422, "json")
    assert len(answer.content) < 2_000, "what was sent came back"


def test_a_photograph_is_no_json(server: Running) -> None:
    assert server.ask("/v1/read", BODIES["no image"], JSON).problem == "media-type"


@pytest.mark.parametrize("name", FORMS)
def test_a_form_without_a_picture_is_refused(server: Running, name: str) -> None:
    answer = server.ask("/v1/predict", FORMS[name], FORM)
    assert answer.status in (413, 415, 422)
    assert answer.problem in ("body-too-large", "media-type", "picture")


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=" + "b" * 300, "; boundary=\u00e9"])
def test_a_form_with_a_bad_boundary_is_refused(server: Running, boundary: str) -> None:
    answer = server.ask("/v1/predict", FORMS["no file"], "multipart/form-data" + boundary)
    assert (answer.status, answer.problem) in ((415, "media-type"), (422, "picture"))


@pytest.mark.parametrize("charset", ["punycode", "idna", "utf-7", "unicode_escape"])
def test_a_forms_charset_decodes_nothing(server: Running, charset: str) -> None:
    # Of 200 kB of text punycode is decoded in minutes; in punycode b"image-" is "image".
    name = "image-" if charset == "punycode" else "image"
    body = f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="x"\r\n\r\n'.encode() + WHOLE
    text = b'\r\n--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"a" * 200_000 + b"\r\n--b--\r\n"
    answer = server.ask("/v1/predict", body + text, f"{FORM}; charset={charset}")
    assert answer.status == (422 if charset == "punycode" else 200)


def test_a_body_that_is_too_large_is_refused(server: Running) -> None:
    assert server.ask("/v1/predict", bytes((8 << 20) + 1)).problem == "body-too-large"
    assert server.ask("/v1/predict", b" " * ((2 << 20) + 1), JSON).problem == "body-too-large"


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/vnd.api+json"])
def test_other_kinds_of_bodies_are_refused(server: Running, kind: str) -> None:
    answer = server.ask("/v1/predict", WHOLE, kind)
    assert (answer.status, answer.problem) == (415, "media-type")


def test_a_packed_body_is_refused(server: Running) -> None:
    assert server.ask("/v1/predict", zlib.compress(WHOLE), Content_Encoding="gzip").problem == "content-encoding"


@pytest.mark.parametrize("query", ["max_error=0", "max_error=x", "max_error=nan", "max_error=100", "bright=1"])
def test_wrong_parameters_are_refused(server: Running, query: str) -> None:
    assert server.ask(f"/v1/read?{query}", WHOLE).problem == "parameter"


def test_a_model_that_is_not_served_is_not_found(server: Running) -> None:
    for path in ("/v1/predict?model=..%2f..%2fetc%2fpasswd", "/v1/predict?model=nothing"):
        assert server.ask(path, WHOLE).problem == "no-such-model"
    assert server.ask("/v1/models/nothing").problem == "no-such-model"


@pytest.mark.parametrize(
    "path", ["/nothing", "/..%2f..%2fetc%2fpasswd", "/%00", "//evil.example/", "/v1/../main.js", "/models/", "/page"]
)
def test_other_paths_are_not_found(server: Running, path: str) -> None:
    answer = server.ask(path)
    assert (answer.status, answer.problem) == (404, "not-found")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"])
def test_other_methods_are_refused(server: Running, method: str) -> None:
    answer = server.ask("/v1/predict", method=method)
    assert (answer.status, answer.problem) == (405, "method")
    assert answer.headers["allow"] == "POST"
