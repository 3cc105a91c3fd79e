"""Point clouds that are also offered encoded: a real publisher, and decoders that share nothing with the bridge."""

from __future__ import annotations

import DracoPy
import numpy as np
import pytest

from conftest import BridgeFactory, PeerFactory, ViewerFactory
from decoding import decode
from ros_side import Observer, Peer
from viewer_client import Viewer

POINTS = "/lidar/points"
REDUCED = f"{POINTS}/reduced"
DRACO = f"{POINTS}/draco"
COUNT = 60_000


def sent() -> np.ndarray:
    """What the lidar publishes."""
    return (np.random.default_rng(1).uniform(-5, 5, (COUNT, 3)) * (1, 1, 0.1)).astype(np.float32)


@pytest.fixture
def lidar(new_peer: PeerFactory) -> Peer:
    """A node that publishes a cloud ten times a second; its intensity tells how far east a point is."""
    peer = new_peer("lidar")
    peer.run(
        f"""
        import array
        import numpy as np
        from sensor_msgs.msg import PointCloud2, PointField
        points = np.zeros(({COUNT}, 8), np.float32)
        points[:, :3] = np.random.default_rng(1).uniform(-5, 5, ({COUNT}, 3)) * (1, 1, 0.1)
        points[:, 4] = points[:, 0]
        fields = [PointField(name=n, offset=o, datatype=7, count=1) for n, o in zip("xyz", (0, 4, 8))]
        fields += [PointField(name=n, offset=o, datatype=7, count=1) for n, o in (("intensity", 16), ("time", 20))]
        cloud = PointCloud2(height=1, width={COUNT}, fields=fields, point_step=32, row_step=32 * {COUNT})
        cloud.header.frame_id, cloud.header.stamp.sec = "lidar", 5
        cloud.data = array.array("B", points.tobytes())
        publisher = node.create_publisher(PointCloud2, "{POINTS}", 10)
        node.create_timer(0.1, lambda: publisher.publish(cloud))
        """
    )
    return peer


def test_a_cloud_is_offered_with_fewer_points(viewer: Viewer, lidar: Peer) -> None:
    viewer.subscribe(REDUCED)
    message = viewer.wait_messages(REDUCED, 2)[1]
    reduced = decode(viewer.channels()[REDUCED], message.data)
    assert [(field.name, field.offset) for field in reduced.fields] == [("x", 0), ("y", 4), ("z", 8), ("intensity", 12)]
    assert reduced.width <= 20_000
    points = np.frombuffer(bytes(reduced.data), np.float32).reshape(reduced.width, 4)
    assert (points[:, 3] == points[:, 0]).all(), "a point is not what it was"
    voxels = {tuple(voxel) for voxel in np.floor(points[:, :3] / np.float32(0.1)).astype(int)}
    assert len(voxels) == reduced.width, "two points of one voxel"
    every = {tuple(voxel) for voxel in np.floor(sent() / np.float32(0.1)).astype(int)}
    assert voxels <= every


def test_a_stock_decoder_finds_every_point_of_a_compressed_cloud(viewer: Viewer, lidar: Peer) -> None:
    channel = viewer.wait_channel(DRACO)
    assert (channel["schemaName"], channel["schemaEncoding"]) == ("foxglove_msgs/msg/CompressedPointCloud", "ros2msg")
    assert channel["metadata"]["source_topic"] == POINTS
    viewer.subscribe(DRACO)
    for message in viewer.wait_messages(DRACO, 3):
        cloud = decode(channel, message.data)
        assert (cloud.format, cloud.frame_id, cloud.timestamp.sec) == ("draco", "lidar", 5)
        pose = cloud.pose
        assert (pose.position.x, pose.position.y, pose.position.z) == (0, 0, 0)
        assert (pose.orientation.x, pose.orientation.y, pose.orientation.z, pose.orientation.w) == (0, 0, 0, 1)
        assert_near(bytes(cloud.data), sent(), 0.01)
        # Random points are the worst case; those of a sensor take less.
        assert len(message.data) * 4 < COUNT * 16


def assert_near(data: bytes, points: np.ndarray, step: float) -> None:
    """Checks that Draco's data hold each point once, off by half a step at most, with its intensity."""
    decoded = DracoPy.decode(data)
    places = np.rint(np.asarray(decoded.points) / step).astype(int)
    assert places.shape == points.shape
    assert np.abs(places * step - decoded.points).max() < 1e-5, "a point between the steps"
    # In the middle between two places a point may go to either.
    nearest = np.rint(points.astype(float) / step).astype(int)
    clear = (np.abs(points / step - nearest) < 0.49).all(axis=1)
    wanted, counts = np.unique(nearest[clear], axis=0, return_counts=True)
    found, found_counts = np.unique(places, axis=0, return_counts=True)
    at = {tuple(place): count for place, count in zip(found.tolist(), found_counts.tolist(), strict=True)}
    missing = [place for place, count in zip(wanted.tolist(), counts.tolist(), strict=True) if at.get(tuple(place), 0) < count]
    assert missing == []
    (field,) = [each for each in decoded.attributes if each["name"] == "intensity"]
    intensity = np.asarray(field["data"]).reshape(-1)
    # Of the range of ten a 510th, and as much as the point itself may be off.
    assert np.abs(intensity - places[:, 0] * step).max() <= 10 / 510 + step / 2 + 1e-4


def test_clouds_are_compressed_as_it_is_configured_and_only_while_watched(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, lidar: Peer, observer: Observer
) -> None:
    new_bridge({"cloud_codecs": '["draco"]', "cloud_draco_mm": "200", "cloud_draco_max_points": "6000", "cloud_fields": '[""]'})
    viewer = new_viewer()
    viewer.wait_channel(DRACO)
    assert REDUCED not in viewer.channels()
    assert observer.subscriptions(POINTS) == []
    viewer.subscribe(DRACO)
    observer.wait_subscriptions(POINTS, 1)
    cloud = decode(viewer.channels()[DRACO], viewer.wait_messages(DRACO, 1)[0].data)
    decoded = DracoPy.decode(bytes(cloud.data))
    assert decoded.points.shape == (6000, 3)
    assert len(decoded.attributes) == 1
    steps = decoded.points / 0.2
    assert np.abs(steps - np.rint(steps)).max() < 1e-3
    viewer.unsubscribe(DRACO)
    observer.wait_subscriptions(POINTS, 0)
