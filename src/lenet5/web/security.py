"""Access control: the token, the accepted host names, and pages of other origins.

Any web page can make a browser send requests to this machine. Two headers reveal it: Origin, which a page cannot forge;
and, if the page's host name was made to resolve to this machine (DNS rebinding), Host, which then contains that name. A
numeric address in Host cannot be the result of rebinding.
"""

import hmac
import ipaddress
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from lenet5.errors import ServeError
from lenet5.web.problems import Problem

# All else is open: the page, and /livez and /readyz for orchestrators, which have no token.
GUARDED = ("/v1/", "/metrics", "/openapi.json")
# 'wasm-unsafe-eval' is for the worker that trains. The page itself has a policy of its own in its HTML, without it.
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'"
)
HEADERS = {
    "content-security-policy": f"{POLICY}; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
LEAST_TOKEN = 16  # minimum number of characters
ORIGIN = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


@dataclass(frozen=True)
class Guard:
    """Checks whether a request is allowed.

    token   required in "Authorization: Bearer ..."; None allows everybody
    names   accepted host names, in lower case
    frames  origins whose pages may embed the page in a frame
    """

    token: bytes | None
    names: frozenset[str]
    frames: tuple[str, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every response."""
        if not self.frames:
            return HEADERS
        # X-Frame-Options cannot list origins; browsers prefer frame-ancestors.
        framed = {"content-security-policy": f"{POLICY}; frame-ancestors {' '.join(self.frames)}"}
        return {name: value for name, value in {**HEADERS, **framed}.items() if name != "x-frame-options"}

    def check(self, path: str, headers: list[tuple[bytes, bytes]]) -> None:
        """Raise Problem unless this request may be served. Header names are in lower case."""
        host = origin = authorization = b""
        framed = 0
        for name, value in headers:
            if name == b"host":
                host = value
            elif name == b"origin":
                origin = value
            elif name == b"authorization":
                authorization = value
            elif name == b"content-encoding" and value.lower() != b"identity":
                raise Problem("content-encoding", "the body is encoded; send it without Content-Encoding.")
            elif name in (b"content-length", b"transfer-encoding"):
                framed += 1
        if framed > 1:  # conflicting lengths are a request-smuggling attack
            raise Problem("malformed-request", "the request states its length twice.", headers={"connection": "close"})
        if not self._known(host.decode("latin-1")):
            raise Problem("foreign-host", "this server does not answer to that Host; see --allow-host.")
        if origin and origin.lower().split(b"://")[-1] != host.lower():
            raise Problem("foreign-origin", "pages of other origins may not use this server.")
        if self.token is not None and path.startswith(GUARDED):
            scheme, _, shown = authorization.partition(b" ")
            if scheme.lower() != b"bearer" or not hmac.compare_digest(shown.strip(), self.token):
                raise Problem(
                    "token",
                    "this path needs the header Authorization: Bearer TOKEN.",
                    headers={"www-authenticate": 'Bearer realm="lenet5"'},
                )

    def _known(self, host: str) -> bool:
        """Whether a Host header is acceptable: one of this server's names, or any numeric address."""
        if host.lower() in self.names:
            return True
        name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
        if name.lower() in self.names:
            return True
        try:
            ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return True


def guard(
    host: str, token: bytes | None, *, no_auth: bool, allowed: tuple[str, ...], frames: tuple[str, ...] = ()
) -> Guard:
    """Return the guard for a server bound to `host`.

    Raises ServeError when others could reach the server and there is neither a token nor `no_auth`, and for an invalid
    origin in `frames`.
    """
    for origin in frames:
        if not ORIGIN.fullmatch(origin):
            raise ServeError(f"--allow-frame {origin}: an origin is expected, such as https://school.example.")
    if not is_loopback(host) and token is None and not no_auth:
        raise ServeError(
            f"--host {host} lets others reach this server, but it has no token. Give one with --token-file or in "
            "LENET5_TOKEN, or use --no-auth."
        )
    own = {"localhost", socket.gethostname().lower(), host.lower()}
    return Guard(None if no_auth else token, frozenset(own | {name.lower() for name in allowed}), frames)


def is_loopback(host: str) -> bool:
    """Whether a listening address is reachable only from this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_token(file: Path | None, environment: str | None) -> bytes | None:
    """Return the token from a file, else from the environment's value, else None. Raises ServeError."""
    if file is None and not environment:
        return None
    try:
        token = (file.read_text(encoding="utf-8") if file else environment or "").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ServeError(f"{file}: the token cannot be read ({error}).") from None
    where = str(file) if file else "LENET5_TOKEN"
    if len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise ServeError(
            f"{where}: a token has at least {LEAST_TOKEN} printable ASCII characters and no spaces; create one with: "
            'python -c "import secrets; print(secrets.token_urlsafe())"'
        )
    return token.encode()
