"""Where the bridge's access token comes from, and what happens when it expires."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest

from client import mint_token
from conftest import BridgeFactory, ViewerFactory
from livekit_server import LiveKitServer
from ros_side import Publisher

ROBOT = "robot-of-a-token"
# The server accepts a token for this time after its end, for clocks that differ.
LEEWAY_SECONDS = 60.0
RECONNECT_SECONDS = 120.0
KEY = "key-of-the-endpoint"


@pytest.fixture
def topic(publisher: Publisher) -> str:
    """A topic with a publisher."""
    publisher.advertise("/tokens", "std_msgs/msg/String")
    return "/tokens"


def token_that_ends(server: LiveKitServer, room: str, at: float) -> str:
    """A robot's token that ends at a time."""
    claims = jwt.decode(mint_token(server.key, server.secret, room, ROBOT), options={"verify_signature": False})
    return jwt.encode({**claims, "exp": int(at), "nbf": int(at) - 3600}, server.secret, algorithm="HS256")


def is_accepted(server: LiveKitServer, token: str) -> bool:
    """Whether the server lets a token in."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/rtc/validate?access_token={token}", timeout=30)
    except urllib.error.HTTPError as refused:
        if refused.code == HTTPStatus.UNAUTHORIZED:
            return False
        raise
    return True


def test_the_token_that_the_server_renewed_outlives_the_one_that_was_given(
    new_bridge: BridgeFactory, own_server: LiveKitServer, room: str, topic: str, new_viewer: ViewerFactory
) -> None:
    own_server.start()
    end = time.time()
    token = token_that_ends(own_server, room, end)
    log = "info,livekit=error,livekit_signaling=error,libwebrtc=warn,remote_access_room=debug"
    bridge = new_bridge(environment={"LIVEKIT_URL": own_server.url, "LIVEKIT_TOKEN": token, "RUST_LOG": log})
    bridge.wait_output("joined the room")
    # A change of the participant's rights is one of the reasons for a new token; another is that five minutes have passed.
    own_server.let_send(room, ROBOT, False)
    own_server.let_send(room, ROBOT, True)
    bridge.wait_output("renewed the access token", 2)
    time.sleep(max(0.0, end + LEEWAY_SECONDS + 2 - time.time()))
    assert not is_accepted(own_server, token)
    own_server.stop()
    # The SDK tries for a while by itself, with a token of its own.
    bridge.wait_output("disconnected from the room", 1, RECONNECT_SECONDS)
    own_server.start()
    bridge.wait_output("joined the room", 2, RECONNECT_SECONDS)
    viewer = new_viewer(at=own_server)
    viewer.wait_channel(topic)
    assert viewer.robot() == ROBOT


def test_a_token_file_may_be_replaced(
    new_bridge: BridgeFactory,
    server: LiveKitServer,
    room: str,
    topic: str,
    new_viewer: ViewerFactory,
    tmp_path: Path,
) -> None:
    file = tmp_path / "token"
    bridge = new_bridge(environment={"LIVEKIT_URL": server.url, "LIVEKIT_TOKEN_FILE": str(file)})
    bridge.wait_output(str(file))
    file.write_text(token_that_ends(server, room, time.time() - 3600))
    bridge.wait_output("rejected the access token")
    file.write_text(token_that_ends(server, room, time.time() + 3600) + "\n")
    viewer = new_viewer()
    viewer.wait_for(lambda: viewer.channels().get(topic), "the topic", RECONNECT_SECONDS)
    assert viewer.robot() == ROBOT


class TokenEndpoint:
    """A service that makes tokens as LiveKit's clients expect it, after it has failed once."""

    def __init__(self, server: LiveKitServer, room: str, names: tuple[str, str]) -> None:
        self.requests: list[tuple[str | None, dict[str, Any]]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.requests.append((self.headers["Authorization"], body))
                if len(endpoint.requests) == 1:
                    self.send_error(503)
                    return
                token = token_that_ends(server, room, time.time() + 600)
                answer = json.dumps(dict(zip(names, (server.url, token), strict=True))).encode()
                self.send_response(201)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/token?secret=hush"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture(params=[("server_url", "participant_token"), ("serverUrl", "participantToken")], ids=["snake", "camel"])
def endpoint(request: pytest.FixtureRequest, server: LiveKitServer, room: str) -> Iterator[TokenEndpoint]:
    """A token endpoint, with either of the two spellings that are in use."""
    endpoint = TokenEndpoint(server, room, request.param)
    yield endpoint
    endpoint.http.shutdown()


def test_a_token_endpoint_names_server_and_token(
    new_bridge: BridgeFactory, endpoint: TokenEndpoint, room: str, topic: str, new_viewer: ViewerFactory
) -> None:
    bridge = new_bridge(
        {"identity": ROBOT, "name": "Rob"},
        environment={"LIVEKIT_TOKEN_ENDPOINT": endpoint.url, "LIVEKIT_TOKEN_ENDPOINT_KEY": KEY, "RUST_LOG": "trace"},
    )
    viewer = new_viewer()
    viewer.wait_channel(topic)
    assert viewer.robot() == ROBOT
    assert "503" in bridge.output()
    assert "hush" not in bridge.output()
    assert KEY not in bridge.output()
    authorization, body = endpoint.requests[-1]
    assert authorization == f"Bearer {KEY}"
    wanted = {"room_name": room, "participant_identity": ROBOT, "participant_name": "Rob"}
    assert body == {**wanted, "participant_attributes": {"role": "robot"}}
