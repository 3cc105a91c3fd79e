"""The fixtures: a LiveKit server, the bridge, publishers, an observer of the graph and viewers."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge_process import Bridge
from camera_scene import CAMERA
from client import mint_token
from exact_memory import EXACT_MEMORY
from foxglove_client import SUBPROTOCOLS, FoxgloveClient
from free_port import free_port
from line_program import LineProgram, rust_example
from livekit_server import LiveKitServer
from processes import wait_until
from reference_client import install
from ros_side import Observer, Peer, Publisher
from sdk_process import Sdk
from siege import COMMANDS, Siege
from viewer_client import Loop, Viewer
from viewer_gateway import ViewerGateway

BridgeFactory = Callable[..., Bridge]
ViewerFactory = Callable[..., Viewer]
PublisherFactory = Callable[..., Publisher]
PeerFactory = Callable[..., Peer]
ViewerGatewayFactory = Callable[..., ViewerGateway]
ClientFactory = Callable[..., FoxgloveClient]


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[LiveKitServer]:
    """A LiveKit server for one test, not started yet."""
    server = LiveKitServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def port() -> int:
    """A port that nobody listens at."""
    return free_port()


@pytest.fixture
def room() -> str:
    """The name of the test's room."""
    return f"room-{secrets.token_hex(4)}"


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """The event loop of the viewers."""
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def observer() -> Iterator[Observer]:
    """A node that watches the ROS graph."""
    observer = Observer()
    yield observer
    observer.close()


@pytest.fixture
def new_publisher() -> Iterator[PublisherFactory]:
    """Makes processes that publish."""
    made: list[Publisher] = []

    def make(prefix: list[str] | None = None) -> Publisher:
        made.append(Publisher(prefix))
        return made[-1]

    yield make
    for publisher in made:
        publisher.close()


@pytest.fixture
def publisher(new_publisher: PublisherFactory) -> Publisher:
    """A process that publishes."""
    return new_publisher()


@pytest.fixture
def new_peer() -> Iterator[PeerFactory]:
    """Makes processes with a node that does what it is told."""
    made: list[Peer] = []

    def make(name: str = "peer") -> Peer:
        made.append(Peer(name))
        return made[-1]

    yield make
    for peer in made:
        peer.kill()


@pytest.fixture
def peer(new_peer: PeerFactory) -> Peer:
    """A process with the node /peer."""
    return new_peer()


@pytest.fixture
def camera(new_peer: PeerFactory) -> Peer:
    """A node that publishes the scene fifteen times a second."""
    peer = new_peer("camera")
    peer.run(f'from camera_scene import Camera; camera = Camera(node, "{CAMERA}")')
    return peer


@pytest.fixture
def new_bridge(server: LiveKitServer, room: str, tmp_path: Path) -> Iterator[BridgeFactory]:
    """Starts bridges. In the end each must stop when asked, without an error and without having told a secret."""
    made: list[Bridge] = []

    def make(
        parameters: dict[str, str] | None = None,
        ros_arguments: list[str] | None = None,
        environment: dict[str, str] | None = None,
        prefix: list[str] | None = None,
    ) -> Bridge:
        credentials = Bridge.credentials(server) if environment is None else environment
        made.append(Bridge(tmp_path, credentials, {"room": room, **(parameters or {})}, ros_arguments, prefix))
        return made[-1]

    yield make
    problems = []
    for bridge in made:
        # One that just begins has not prepared for the signal. It would be killed by it, or miss it where
        # the shell has SIGINT ignored, as it does for jobs in the background.
        wait_until(bridge.handles_sigint_or_ended, "handler of SIGINT")
        # A test may have ended its bridge; what it expects of that is its own matter.
        if bridge.process.exit_code() is None and (code := bridge.stop()) != 0:
            problems.append(f"the bridge ended with {code}")
        output = bridge.output()
        problems += [f"the bridge told {what}" for what in (server.secret, "eyJ") if what in output]
        if "panicked" in output:
            problems.append("the bridge panicked")
        if problems:
            problems.append(output[-3000:])
    assert not problems, "\n".join(problems)


@pytest.fixture
def bridge(new_bridge: BridgeFactory) -> Bridge:
    """A bridge with its defaults."""
    return new_bridge()


@pytest.fixture
def new_viewer(loop: Loop, server: LiveKitServer, room: str) -> Iterator[ViewerFactory]:
    """Joins viewers to the test's room."""
    made: list[Viewer] = []

    def make(
        identity: str | None = None,
        at: LiveKitServer | None = None,
        acknowledge: bool = True,
        may_send: bool = True,
        key: str | None = None,
    ) -> Viewer:
        name = identity or f"viewer-{len(made) + 1}"
        home = at or server
        token = mint_token(home.key, home.secret, room, name, may_send)
        made.append(Viewer(loop, home.url, token, name, acknowledge, key))
        return made[-1].join()

    yield make
    for viewer in made:
        viewer.leave()


@pytest.fixture
def viewer(bridge: Bridge, new_viewer: ViewerFactory) -> Viewer:
    """A viewer beside a bridge with its defaults."""
    return new_viewer()


@pytest.fixture
def new_gateway(server: LiveKitServer, room: str, tmp_path: Path) -> Iterator[ViewerGatewayFactory]:
    """Starts viewer gateways. In the end each must stop when asked, as bridges do."""
    made: list[ViewerGateway] = []

    def make(*arguments: str, environment: dict[str, str] | None = None) -> ViewerGateway:
        credentials = Bridge.credentials(server) if environment is None else environment
        made.append(ViewerGateway(tmp_path, credentials, "--room", room, *arguments))
        return made[-1]

    yield make
    problems = []
    for gateway in made:
        if gateway.process.exit_code() is None and (code := gateway.stop()) != 0:
            problems.append(f"the viewer gateway ended with {code}")
        output = gateway.output()
        problems += [f"the viewer gateway told {what}" for what in (server.secret, "eyJ") if what in output]
        if "panicked" in output:
            problems.append("the viewer gateway panicked")
        if problems:
            problems.append(output[-3000:])
    assert not problems, "\n".join(problems)


@pytest.fixture
def gateway(new_gateway: ViewerGatewayFactory) -> ViewerGateway:
    """A viewer gateway in the test's room."""
    return new_gateway()


@pytest.fixture
def new_client() -> Iterator[ClientFactory]:
    """Connects clients to a viewer gateway. In the end no connection may have broken."""
    made: list[FoxgloveClient] = []

    def make(gateway: ViewerGateway, subprotocol: str = SUBPROTOCOLS[1]) -> FoxgloveClient:
        made.append(FoxgloveClient(gateway.port, subprotocol))
        return made[-1]

    yield make
    for client in made:
        client.close()
    assert [client.error for client in made] == [None] * len(made)


@pytest.fixture(scope="session")
def reference_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference client's program, installed from npm."""
    if shutil.which("npm") is None:
        pytest.skip("Node.js with npm is not installed: THE REFERENCE CLIENT OF THE PROTOCOL WAS NOT TRIED")
    return install(tmp_path_factory.mktemp("foxglove_ws"))


@pytest.fixture
def sdk() -> Iterator[Sdk]:
    """A process with the Foxglove SDK."""
    process = Sdk()
    yield process
    process.close()


@pytest.fixture(scope="session")
def wire_forms() -> Iterator[LineProgram]:
    """Reads and writes messages with our protocol crate."""
    program = rust_example("wire_forms")
    yield program
    program.close()


@pytest.fixture
def siege(
    loop: Loop,
    server: LiveKitServer,
    new_bridge: BridgeFactory,
    new_viewer: ViewerFactory,
    publisher: Publisher,
    observer: Observer,
    port: int,
) -> Siege:
    """A bridge that is watched and driven by others than the attacker, with metrics on `port`."""
    parameters = {
        "capabilities": "['clientPublish', 'services', 'parametersSubscribe']",
        "command_timeout_ms": "60000",
        "metrics_address": f"127.0.0.1:{port}",
    }
    bridge = new_bridge(parameters, environment={**Bridge.credentials(server), **EXACT_MEMORY})
    speeds: list[float] = []
    observer.create_subscription(COMMANDS, "geometry_msgs/msg/Twist", lambda message: speeds.append(message.linear.x))
    return Siege(loop, bridge, publisher, new_viewer("innocent"), new_viewer("driver"), speeds)
