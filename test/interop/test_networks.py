"""The Rust peer on networks that change, against the real server: IPv6, ICE restarts, links that come and go, a dead path."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client import mint_token
from livekit_server import LiveKitServer
from peers import Peer, PythonPeer, RustPeer, field, hear_each_other, of_sort
from robot_network import ROBOT, ROBOT6, ROBOT_SECOND, SERVER, SERVER6, SERVER_SECOND, RobotNetwork, lacking
from viewer_client import Loop

LACK = lacking()
pytestmark = pytest.mark.skipif(LACK is not None, reason=f"NOT TESTED: {LACK}")
# Shows the states and paths of connections.
LOG = {"RUST_LOG": "info,webrtc_channels=debug"}
TWO = {"TWO_CONNECTIONS": "1"}


@pytest.fixture
def network() -> Iterator[RobotNetwork]:
    """A network of its own for each test, which may leave it as it likes."""
    network = RobotNetwork()
    yield network
    network.close()


class Join:
    """Joins a Rust peer behind the link and a Python peer on the server's side."""

    def __init__(self, network: RobotNetwork, loop: Loop, directory: Path) -> None:
        self._network, self._loop, self._directory = network, loop, directory
        self._ends: list[Callable[[], None]] = []
        self.server: LiveKitServer

    def __call__(
        self, settings: dict[str, str], address: str = SERVER, signaling: str | None = None
    ) -> tuple[RustPeer, PythonPeer]:
        """Starts a server at an address; the Rust peer's signaling may take another one."""
        self.server = server = LiveKitServer(self._directory, address, self._network.interface, signaling=signaling)
        server.start()
        self._ends.append(server.stop)

        def token(identity: str) -> str:
            return mint_token(server.key, server.secret, "networks", identity)

        log = self._directory / "rust.log"
        ours = RustPeer(server.url, token("rust"), log, prefix=self._network.prefix, settings={**LOG, **settings})
        self._ends.append(ours.close)
        theirs = PythonPeer(self._loop, server.url, token("python"))
        self._ends.append(theirs.close)
        ours.identity, theirs.identity = "rust", "python"
        hear_each_other(ours, theirs)
        return ours, theirs

    def close(self) -> None:
        """Ends them all."""
        for end in reversed(self._ends):
            end()


@pytest.fixture
def join(network: RobotNetwork, loop: Loop, tmp_path: Path) -> Iterator[Join]:
    """Joins peers, and ends them after the test."""
    join = Join(network, loop, tmp_path)
    yield join
    join.close()


class Traffic:
    """Reliable packets both ways, of which none may be lost."""

    def __init__(self, *peers: Peer) -> None:
        self._peers = peers
        self.sent = 0

    def step(self, count: int = 1) -> None:
        """Sends some each way."""
        for _ in range(count):
            for peer in self._peers:
                peer.send(self.sent.to_bytes(4, "big") * 250, topic="traffic")
            self.sent += 1
            self._peers[0].pump(0.01)

    def step_until(self, condition: Callable[[], object], what: str) -> None:
        """Sends until something is so."""

        def stepped() -> bool:
            self.step()
            return bool(condition())

        self._peers[0].wait_for(stepped, what)

    def arrived(self) -> list[int]:
        """How many each peer got."""
        return [len(peer.of("data", topic="traffic")) for peer in self._peers]

    def assert_complete(self) -> None:
        """All arrived, in order, each once."""
        expected = [number.to_bytes(4, "big") * 250 for number in range(self.sent)]
        for peer in self._peers:
            what = f"{self.sent} packets at {peer.identity}"
            peer.wait_for(lambda to=peer: len(to.of("data", topic="traffic")) >= self.sent, what, lambda to=peer: self._told(to))
            assert peer.data("data", topic="traffic") == expected

    def _told(self, peer: Peer) -> str:
        """What is missing, and what the SDK made of it: it leaves out packets that come after newer ones."""
        arrived = [int.from_bytes(data[:4], "big") for data in peer.data("data", topic="traffic")]
        missing = sorted(set(range(self.sent)) - set(arrived))
        left_out = "".join(each.log.read_text() for each in self._peers if isinstance(each, RustPeer)).count("out-of-order")
        return f"missing: {missing}; of {len(peer.of('data'))} packets in all; left out by the SDK: {left_out}"


def local_of_selected(peer: RustPeer, connection: str = "reports") -> str:
    """The report about the local candidate that data takes."""
    # Of one moment: the path may just be changing.
    reports = peer.all_reports(connection)
    (transport,) = of_sort(reports, "Transport")
    pair_id = field(transport, "selected_candidate_pair_id")
    (pair,) = [p for p in of_sort(reports, "CandidatePair") if f'id: "{pair_id}"' in p]
    local = field(pair, "local_candidate_id")
    (candidate,) = [c for c in of_sort(reports, "LocalCandidate") if f'id: "{local}"' in c]
    return candidate


@pytest.mark.parametrize("settings", [{}, TWO], ids=["one connection", "two connections"])
def test_a_robot_on_ipv6_alone(network: RobotNetwork, join: Join, settings: dict[str, str]) -> None:
    network.add_ipv6()
    network.leave_only_ipv6()
    ours, theirs = join(settings, SERVER6)
    traffic = Traffic(ours, theirs)
    traffic.step(50)
    traffic.assert_complete()
    for connection in ("reports", "subscriber") if settings else ("reports",):
        candidate = local_of_selected(ours, connection)
        assert field(candidate, "address") == ROBOT6
        assert field(candidate, "protocol") == "udp"


@pytest.mark.parametrize("settings", [{}, TWO], ids=["one connection", "two connections"])
def test_an_ice_restart_loses_nothing(join: Join, settings: dict[str, str]) -> None:
    ours, theirs = join(settings)
    connections = ("reports", "subscriber") if settings else ("reports",)

    def fragments() -> list[str]:
        return [field(ours.reports("Transport", connection)[0], "ice_local_username_fragment") for connection in connections]

    traffic = Traffic(ours, theirs)
    traffic.step(20)
    seen = [fragments()]
    for count in (1, 2, 3):
        ours.order("reconnect")
        traffic.step_until(lambda: len(ours.of("reconnected")) >= count, "reconnection")  # noqa: B023
        traffic.step(20)
        seen.append(fragments())
    traffic.assert_complete()
    for fragments_of_one in zip(*seen, strict=True):
        assert len(set(fragments_of_one)) == len(seen), f"no ICE restart: {seen}"


def test_another_link_takes_over_without_a_restart(network: RobotNetwork, join: Join) -> None:
    """The server is told to follow: by itself it would keep sending to the address that is gone."""
    network.plug_second()
    # Its signaling is not touched, so nothing but ICE can help.
    ours, theirs = join({}, signaling=SERVER_SECOND)
    traffic = Traffic(ours, theirs)
    traffic.step(20)
    assert field(local_of_selected(ours), "address") == ROBOT
    network.unplug_first()
    goal = traffic.sent + 100
    traffic.step_until(lambda: min(traffic.arrived()) >= goal, "traffic over the second link")
    assert field(local_of_selected(ours), "address") == ROBOT_SECOND
    traffic.assert_complete()
    assert not ours.of("reconnecting")
    assert ours.states("ICE")[-1] in ("Connected", "Completed")
    assert "Failed" not in ours.states("ICE")


@pytest.mark.parametrize("settings", [{}, TWO], ids=["one connection", "two connections"])
def test_a_link_that_came_later_takes_over(network: RobotNetwork, join: Join, settings: dict[str, str]) -> None:
    """Signaling is cut with the first link. When it is back, ICE is restarted, which a connection of the server's needs."""
    ours, theirs = join(settings)
    traffic = Traffic(ours, theirs)
    traffic.step(20)
    network.plug_second()
    ours.wait_for(lambda: any(ROBOT_SECOND in c for c in ours.reports("LocalCandidate")), "the second address")
    traffic.step(20)
    network.unplug_first()
    goal = traffic.sent + 100
    traffic.step_until(lambda: min(traffic.arrived()) >= goal and ours.of("reconnected"), "traffic over the second link")
    assert field(local_of_selected(ours), "address") == ROBOT_SECOND
    traffic.assert_complete()
    assert "Failed" not in ours.states("ICE")


@pytest.mark.parametrize("fault", ["first link dead", "UDP cut"])
def test_a_path_that_dies_gives_way_to_one_that_answers(network: RobotNetwork, join: Join, fault: str) -> None:
    """All addresses stay. The path changes and nothing else: no restart of ICE, no new connection, nothing lost."""
    ours, theirs = join({})
    traffic = Traffic(ours, theirs)
    if fault == "first link dead":
        network.plug_second()
        ours.wait_for(lambda: any(ROBOT_SECOND in c for c in ours.reports("LocalCandidate")), "the second address")
    # Pairs of either kind are checked meanwhile.
    traffic.step(200)
    traffic.assert_complete()
    (network.cut_first if fault == "first link dead" else network.cut_udp)()
    cut, goal = time.monotonic(), traffic.sent + 1
    traffic.step_until(lambda: min(traffic.arrived()) >= goal, "what was sent after the cut")
    print(f"{fault}: {time.monotonic() - cut:.1f} s until it arrived")
    assert not ours.of("reconnecting")
    assert "Failed" not in ours.states("ICE")
    traffic.assert_complete()
    if fault == "first link dead":
        assert field(local_of_selected(ours), "address") == ROBOT_SECOND
    else:
        assert field(local_of_selected(ours), "protocol") == "tcp"


def test_a_path_on_which_nothing_comes_back_is_disconnected_then_failed(network: RobotNetwork, join: Join) -> None:
    """Where both ways are dead, the server gives up first and has all connected anew: test_network_paths.py."""
    ours, theirs = join({})
    traffic = Traffic(ours, theirs)
    traffic.step(20)
    before = len(ours.states("connection"))
    for port in (join.server.udp_port, join.server.tcp_port):
        network.silence(port)
    # The server still hears this side, so it is up to this side.
    traffic.step(20)
    ours.wait_for(lambda: "Failed" in ours.states("connection"), "failure")
    network.unblock()
    ours.wait_for(lambda: ours.of("reconnected"), "reconnection")
    # It is the same connection: its path answers again, or the SDK restarts ICE.
    traffic.step(20)
    traffic.assert_complete()
    states = ours.states("connection")[before:]
    assert states[states.index("Failed") - 1] == "Disconnected", states
    assert states[-1] == "Connected", states
