"""`--check` of the bridge and of the viewer gateway: each thing that can be wrong is named, and nothing secret."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import jwt
import pytest

from check_program import PROGRAMS, check
from client import mint_token
from livekit_server import LiveKitServer


def with_key(server: LiveKitServer) -> dict[str, str]:
    """The environment with key and secret."""
    return {"LIVEKIT_URL": server.url, "LIVEKIT_API_KEY": server.key, "LIVEKIT_API_SECRET": server.secret}


def with_token(server: LiveKitServer, **claims: object) -> dict[str, str]:
    """The environment with a token that has other claims than usual."""
    given = jwt.decode(mint_token(server.key, server.secret, "checked", "someone"), options={"verify_signature": False})
    for name, value in claims.items():
        if name in given:
            given[name] = value
        else:
            given["video"][name] = value
    return {"LIVEKIT_URL": server.url, "LIVEKIT_TOKEN": jwt.encode(given, server.secret, algorithm="HS256")}


@pytest.mark.parametrize("program", PROGRAMS)
def test_all_is_well(program: str, server: LiveKitServer) -> None:
    result = check(program, with_key(server))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "WRONG" not in result.stdout
    for said in ("token: identity", "answers", "clock: agrees", "accepts the token", "data: flows"):
        assert said in result.stdout
    assert not [secret for secret in (server.secret, "eyJ") if secret in result.stdout + result.stderr]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_token_is_checked_without_joining(program: str, server: LiveKitServer) -> None:
    result = check(program, with_token(server))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "UDP and TCP not tried" in result.stdout
    assert "eyJ" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": 1_000_000_000}, "token: expired"),
        ({"canPublishData": False}, "canPublishData"),
        ({"canSubscribe": False}, "canSubscribe"),
        ({"roomJoin": False}, "roomJoin"),
    ],
)
def test_what_is_wrong_with_a_token_is_named(claims: dict[str, object], said: str, server: LiveKitServer) -> None:
    result = check("gateway", with_token(server, **claims))
    assert result.returncode == 1
    (line, *_) = [line for line in result.stdout.splitlines() if said in line]
    assert line.startswith("WRONG")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_secret_of_another_server_is_named(program: str, server: LiveKitServer) -> None:
    result = check(program, {**with_key(server), "LIVEKIT_API_SECRET": "s" * 40})
    assert "eyJ" not in result.stdout + result.stderr
    assert result.returncode == 1
    assert "WRONG  rights: the server rejects the token" in result.stdout
    assert "s" * 40 not in result.stdout + result.stderr


def test_a_server_that_is_not_there_is_named(server: LiveKitServer) -> None:
    result = check("gateway", {**with_key(server), "LIVEKIT_URL": "ws://127.0.0.1:9"})
    assert result.returncode == 1
    assert "WRONG  server: cannot reach ws://127.0.0.1:9" in result.stdout
    assert "data: not tried" in result.stdout


@contextmanager
def http_server(status: int, date: str) -> Iterator[str]:
    """A web server with one answer; yields its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return date

        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_clock_that_differs_is_named(server: LiveKitServer) -> None:
    with http_server(401, "Sat, 01 Jan 2000 00:00:00 GMT") as url:
        result = check("gateway", {**with_key(server), "LIVEKIT_URL": url})
    assert result.returncode == 1
    assert "WRONG  clock: differs from the server's by" in result.stdout


def test_a_server_that_is_no_livekit_server_is_named(server: LiveKitServer) -> None:
    with http_server(404, "") as url:
        result = check("gateway", {**with_key(server), "LIVEKIT_URL": url})
    assert result.returncode == 1
    assert "it is not a LiveKit server" in result.stdout


def test_wrong_parameters_are_named_with_the_exit_code_of_a_wrong_configuration(server: LiveKitServer) -> None:
    result = check("bridge", with_key(server), "-p", "max_qos_depth:=0")
    assert result.returncode == 78
    assert "WRONG  parameters: parameter max_qos_depth must be a whole number from 1 to 10000" in result.stdout
    result = check("bridge", {})
    assert result.returncode == 78
    assert "LIVEKIT_TOKEN" in result.stdout


def test_an_environment_without_ros_is_named(server: LiveKitServer) -> None:
    result = check("bridge", {**with_key(server), "AMENT_PREFIX_PATH": ""})
    assert result.returncode == 1
    assert "WRONG  ROS: not sourced" in result.stdout
    result = check("bridge", {**with_key(server), "AMENT_PREFIX_PATH": "/usr"})
    assert result.returncode == 1
    assert "WRONG  messages: diagnostic_msgs" in result.stdout
    assert "note   overlay: this node's workspace is not sourced" in result.stdout
