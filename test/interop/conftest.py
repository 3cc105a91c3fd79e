"""The fixtures: a LiveKit server and peers on each SDK."""

from __future__ import annotations

import functools
import http.server
import itertools
import os
import secrets
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from chromium import ARGUMENTS
from client import mint_token
from livekit_server import LiveKitServer
from peers import BrowserPeer, Peer, PythonPeer, RustPeer, hear_each_other
from processes import ROOT
from viewer_client import Loop

SDK = ROOT / "crates/viewer/web/node_modules/livekit-client/dist"
# A camera and a microphone that are always there, and that nobody has to allow.
MEDIA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """The event loop of the Python peers."""
    loop = Loop()
    yield loop
    loop.close()


class _Files(http.server.SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        """The page is beside this file, the SDK where npm put it."""
        _, first, *rest = path.split("?")[0].split("/")
        places = {"page": Path(__file__).parent / "page", "livekit": SDK}
        return str(places.get(first, Path("/nowhere")).joinpath(*rest))

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it so
        """Says nothing."""


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """A web server with the page and the browser's SDK."""
    assert SDK.is_dir(), f"{SDK} is missing; run: npm --prefix crates/viewer/web ci"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium with a fake camera and microphone."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("Chromium is not in the PATH; install it with: sudo apt install chromium")
    # Root, which continuous integration is, cannot use Chromium's sandbox.
    arguments = [*ARGUMENTS, *MEDIA, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


class Joiner:
    """Joins peers of a sort, rust, python or browser, to one room, and takes them out again.

    The server is the run's, unless there is another; Rust peers run with a prefix, as in a network namespace.
    """

    def __init__(
        self, request: pytest.FixtureRequest, logs: Path, server: LiveKitServer | None = None, prefix: Sequence[str] = ()
    ) -> None:
        self._request = request
        self._logs = logs
        self._server: LiveKitServer = server or request.getfixturevalue("server")
        self._prefix = prefix
        self._room = f"room-{secrets.token_hex(4)}"
        self._numbers = itertools.count(1)
        self._made: list[Peer] = []

    def __call__(self, sort: str, key: str | None = None) -> Peer:
        """Joins one; with a key it encrypts its data."""
        identity = f"{sort}-{next(self._numbers)}"
        server = self._server
        token = mint_token(server.key, server.secret, self._room, identity)
        if sort == "rust":
            peer: Peer = RustPeer(server.url, token, self._logs / f"{identity}.log", key, self._prefix)
        elif sort == "python":
            peer = PythonPeer(self._request.getfixturevalue("loop"), server.url, token, key)
        else:
            browser, site = self._request.getfixturevalue("browser"), self._request.getfixturevalue("site")
            peer = BrowserPeer(browser, site, server.url, token, key)
        peer.identity = identity
        self._made.append(peer)
        return peer

    def close(self) -> None:
        """Takes all out of the room."""
        for peer in reversed(self._made):
            peer.close()


@pytest.fixture
def new_peer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Joiner]:
    """Joins peers to the test's room."""
    joiner = Joiner(request, tmp_path)
    yield joiner
    joiner.close()


# The server tells others of a participant only after three seconds, so tests share a pair.
@pytest.fixture(scope="module", params=["python", "browser"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Peer, Peer]]:
    """A Rust peer and one on another SDK that hear each other; with the module's KEY, if it has one."""
    key = getattr(request.module, "KEY", None)
    joiner = Joiner(request, tmp_path_factory.mktemp("peers"))
    peers = joiner("rust", key), joiner(request.param, key)
    hear_each_other(*peers)
    yield peers
    joiner.close()
