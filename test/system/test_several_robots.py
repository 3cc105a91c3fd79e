"""Several robots on one graph, as config/several_robots.yaml limits them."""

from __future__ import annotations

from client import mint_token
from conftest import BridgeFactory
from livekit_server import LiveKitServer
from processes import ROOT, wait_until
from ros_side import Observer, Peer, Publisher
from viewer_client import Loop, Viewer

EXAMPLE = ROOT / "config/several_robots.yaml"
STRING = "std_msgs/msg/String"


def test_each_bridge_offers_its_robot_and_no_other(
    new_bridge: BridgeFactory, loop: Loop, server: LiveKitServer, publisher: Publisher, peer: Peer, observer: Observer, room: str
) -> None:
    for robot in ("r1", "r2"):
        publisher.advertise(f"/{robot}/pose", STRING)
        peer.run(f"""
            from std_srvs.srv import Trigger
            services = globals().setdefault("services", [])
            services.append(node.create_service(Trigger, "/{robot}/reset", lambda request, response: response))
        """)
    publisher.advertise("/elsewhere", STRING)
    identities = set()
    for robot in ("r1", "r2"):
        # The room of the file would be one for all tests.
        own = f"{room}-{robot}"
        arguments = ["-r", f"__ns:=/{robot}", "--params-file", str(EXAMPLE)]
        bridge = new_bridge({"capabilities": "['services', 'parametersSubscribe']", "room": own}, arguments)
        bridge.wait_output("joined the room")
        identities |= {word for word in bridge.output().split() if word.startswith("identity=")}
        viewer = Viewer(loop, server.url, mint_token(server.key, server.secret, own, "viewer"), "viewer", True).join()
        viewer.wait_service(f"/{robot}/reset")
        wait_until(lambda viewer=viewer, robot=robot: f"/{robot}/pose" in viewer.channels(), "the robot's topic")
        wait_until(lambda viewer=viewer: viewer.parameters(), "parameters", pause=0.2)
        names = {*viewer.channels(), *viewer.services(), *viewer.parameters()}
        assert all(name.startswith(f"/{robot}/") for name in names), names
        viewer.leave()
    assert len(identities) == 2
