"""`lenet5 serve`: a model as an HTTP server, with the page."""

import importlib.util
import os
import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from lenet5.cli.console import err, out
from lenet5.cli.options import DeviceName, EngineName, Threads
from lenet5.distribution import missing
from lenet5.engines import registry
from lenet5.engines.threads import use_threads
from lenet5.errors import ServeError

DEFAULT = "digits"  # small enough for the page to draw
NEEDS = ("starlette", "h11", "uvicorn", "prometheus_client", "multipart")

EXAMPLES = ("lenet5 serve", "lenet5 serve --model modern --port 9000")


def serve(
    model: Annotated[
        list[str],
        typer.Option(
            help="A shipped model's name, a model file or a run folder; may be given again, the first counts."
        ),
    ] = [DEFAULT],  # noqa: B006  typer copies it
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes a free one.", min=0, max=65535)] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with the token that clients must show. Or LENET5_TOKEN.", show_default=False),
    ] = None,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="Let everybody in who can reach the address.")] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A name under which clients reach this server; may be given again.", show_default=False),
    ] = None,
    allow_frame: Annotated[
        list[str] | None,
        typer.Option(
            help="An origin, such as https://school.example, whose pages may show this one in a frame; may be given "
            "again.",
            show_default=False,
        ),
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    workers: Annotated[int, typer.Option(help="Processes that decode pictures and read photographs.", min=1)] = 1,
    threads: Threads = None,
    engine: EngineName = registry.AUTO,
    device: DeviceName = registry.AUTO,
) -> None:
    """Serve models over HTTP: POST /v1/predict, /v1/read, /v1/explain; the page at /. See docs/serving.md."""
    _check_installed()
    use_threads(threads)
    from lenet5.web.limits import Limits
    from lenet5.web.security import guard, is_loopback, read_token
    from lenet5.web.server import Settings, serve

    token = read_token(token_file, os.environ.get("LENET5_TOKEN"))
    door = guard(host, token, no_auth=no_auth, allowed=tuple(allow_host or ()), frames=tuple(allow_frame or ()))
    if no_auth and not is_loopback(host):
        err.print(f"warning: everybody who reaches {host} can use this server", markup=False)

    def started(url: str) -> None:
        token_words = "with a token" if door.token else "without a token"
        out.print(f"serving  {', '.join(model)} at {url} {token_words}; Ctrl-C stops", markup=False)
        if open_page:
            # Some browsers are waited for until they end; the server must answer them meanwhile.
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    serve(Settings(tuple(model), host, port, workers, engine, device, Limits()), door, started)


def _check_installed() -> None:
    """Raise ServeError where this machine cannot serve."""
    if importlib.util.find_spec("resource") is None:
        raise ServeError("lenet5 serve limits its workers by means that Windows lacks; run it under WSL.")
    for module in NEEDS:
        if importlib.util.find_spec(module) is None:
            raise ServeError(missing(module, "serve"))
