"""Images that are also offered encoded: a real publisher, and decoders that share nothing with the bridge."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from camera_scene import CAMERA, FRAME_ID, HEIGHT, WIDTH, picture
from conftest import BridgeFactory, PeerFactory, ViewerFactory
from decoding import decode, video_pictures
from ros_side import Observer, Peer
from scenes import likeness, luma
from viewer_client import Viewer

JPEG = f"{CAMERA}/jpeg"
VIDEO = f"{CAMERA}/video"


def test_an_image_is_offered_as_jpeg_and_as_video(viewer: Viewer, camera: Peer) -> None:
    assert viewer.wait_channel(CAMERA)["schemaName"] == "sensor_msgs/msg/Image"
    assert viewer.wait_channel(JPEG)["schemaName"] == "sensor_msgs/msg/CompressedImage"
    video = viewer.wait_channel(VIDEO)
    assert video["schemaName"] == "foxglove_msgs/msg/CompressedVideo"
    assert video["schemaEncoding"] == "ros2msg"


def test_jpeg_pictures_are_those_of_the_camera(viewer: Viewer, camera: Peer) -> None:
    viewer.subscribe(JPEG)
    for message in viewer.wait_messages(JPEG, 5):
        image = decode(viewer.channels()[JPEG], message.data)
        assert (image.format, image.header.frame_id) == ("jpeg", FRAME_ID)
        shown = np.asarray(Image.open(io.BytesIO(bytes(image.data))).convert("RGB"))
        assert likeness(luma(shown), luma(picture(image.header.stamp.sec))) > 0.9
        assert len(message.data) * 5 < 3 * WIDTH * HEIGHT


def test_a_stock_decoder_shows_every_picture_of_the_video(viewer: Viewer, camera: Peer) -> None:
    viewer.subscribe(VIDEO)
    messages = viewer.wait_messages(VIDEO, 40)
    coded = [decode(viewer.channels()[VIDEO], message.data) for message in messages]
    for each, shown in zip(coded, video_pictures(coded), strict=True):
        assert (each.format, each.frame_id) == ("h264", FRAME_ID)
        assert likeness(luma(shown), luma(picture(each.timestamp.sec))) > 0.85
    # The first is a key frame with its parameter sets, and not each one is.
    first = bytes(coded[0].data)
    assert first.startswith(b"\x00\x00\x00\x01\x67") or first.startswith(b"\x00\x00\x01\x67")
    sizes = [len(message.data) for message in messages]
    assert sum(sizes[1:11]) < 10 * sizes[0]


def test_a_camera_that_delivers_jpeg_has_a_video(viewer: Viewer, new_peer: PeerFactory) -> None:
    new_peer("usb_camera").run(
        """
        import array, io
        from PIL import Image
        from sensor_msgs.msg import CompressedImage
        from camera_scene import CAMERA, FRAME_ID, picture
        publisher = node.create_publisher(CompressedImage, "/usb/image/compressed", 10)
        count = 0

        def publish():
            global count
            jpeg = io.BytesIO()
            Image.fromarray(picture(count)).save(jpeg, "JPEG", quality=90)
            message = CompressedImage(format="jpeg", data=array.array("B", jpeg.getvalue()))
            message.header.frame_id, message.header.stamp.sec = FRAME_ID, count
            publisher.publish(message)
            count += 1

        node.create_timer(0.1, publish)
        """
    )
    video = "/usb/image/compressed/video"
    viewer.subscribe(video)
    messages = viewer.wait_messages(video, 10)
    channel = viewer.channels()[video]
    assert channel["metadata"]["source_topic"] == "/usb/image/compressed"
    coded = [decode(channel, message.data) for message in messages]
    for each, shown in zip(coded, video_pictures(coded), strict=True):
        assert each.frame_id == FRAME_ID
        assert likeness(luma(shown), luma(picture(each.timestamp.sec))) > 0.8
    assert "/usb/image/compressed/jpeg" not in viewer.channels()


def test_a_small_view_has_a_video_of_its_own(new_bridge: BridgeFactory, new_viewer: ViewerFactory, camera: Peer) -> None:
    small = f"{CAMERA}/video_small"
    new_bridge({"camera_small_max_width": str(WIDTH // 2), "camera_small_max_bit_rate": "60000"})
    viewer = new_viewer()
    viewer.subscribe(small)
    coded = [decode(viewer.wait_channel(small), message.data) for message in viewer.wait_messages(small, 20)]
    for each, shown in zip(coded, video_pictures(coded), strict=True):
        assert shown.shape == (HEIGHT // 2, WIDTH // 2, 3)
        wanted = luma(picture(each.timestamp.sec))
        halved = wanted.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean(axis=(1, 3))
        assert likeness(luma(shown), halved) > 0.8
    metadata = {topic: viewer.channels()[topic]["metadata"] for topic in (VIDEO, small)}
    sizes = {topic: (each["max_width"], each["max_height"]) for topic, each in metadata.items()}
    assert sizes == {VIDEO: ("640", "480"), small: ("160", "360")}
    assert {each["source_topic"] for each in metadata.values()} == {CAMERA}
    # The large one is still what it was, also for who watches both.
    viewer.subscribe(VIDEO)
    large = [decode(viewer.channels()[VIDEO], message.data) for message in viewer.wait_messages(VIDEO, 5)]
    assert {shown.shape for shown in video_pictures(large)} == {(HEIGHT, WIDTH, 3)}


def test_depths_come_without_loss_and_in_no_other_way(viewer: Viewer, new_peer: PeerFactory) -> None:
    depth = "/camera/depth/image"
    peer = new_peer("depth_camera")
    peer.run(
        f"""
        import array
        import numpy as np
        from sensor_msgs.msg import Image
        publisher = node.create_publisher(Image, "{depth}", 10)
        # Holes, a slope and noise, with two bytes more in each row than it has values.
        values = np.random.default_rng(1).integers(0, 40, (48, 65)) + np.arange(65) * 100
        values[::7, ::5] = 0
        count = 0

        def publish():
            global count
            data = array.array("B", (values + count).astype("<u2").tobytes())
            message = Image(height=48, width=64, encoding="16UC1", step=130, data=data)
            message.header.frame_id, message.header.stamp.sec = "depth", count
            publisher.publish(message)
            count += 1

        node.create_timer(0.1, publish)
        """
    )
    png = f"{depth}/png"
    viewer.subscribe(png)
    wanted = np.random.default_rng(1).integers(0, 40, (48, 65)) + np.arange(65) * 100
    wanted[::7, ::5] = 0
    for message in viewer.wait_messages(png, 3):
        image = decode(viewer.channels()[png], message.data)
        assert (image.format, image.header.frame_id) == ("16UC1; png compressed", "depth")
        shown = np.asarray(Image.open(io.BytesIO(bytes(image.data)), formats=["PNG"]))
        assert np.array_equal(shown, (wanted + image.header.stamp.sec)[:, :64])
    assert {topic for topic in viewer.channels() if topic.startswith(depth)} == {depth, png}


def test_pictures_are_encoded_only_while_watched(viewer: Viewer, camera: Peer, observer: Observer) -> None:
    viewer.wait_channel(VIDEO)
    assert observer.subscriptions(CAMERA) == []
    viewer.subscribe(VIDEO)
    observer.wait_subscriptions(CAMERA, 1)
    viewer.wait_messages(VIDEO, 1)
    viewer.unsubscribe(VIDEO)
    observer.wait_subscriptions(CAMERA, 0)


def test_a_later_viewer_begins_with_a_key_frame(new_bridge: BridgeFactory, new_viewer: ViewerFactory, camera: Peer) -> None:
    new_bridge({"camera_key_frame_interval_ms": "600000"})
    viewers = [new_viewer(), new_viewer("later")]
    for viewer in viewers:
        viewer.subscribe(VIDEO)
        first = viewer.wait_messages(VIDEO, 20)[0]
        data = bytes(decode(viewer.channels()[VIDEO], first.data).data)
        assert b"\x00\x00\x01\x67" in data[:8], "no parameter set at the beginning"


def test_what_the_robot_encodes_itself_or_is_denied_is_not_encoded(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, new_peer: PeerFactory
) -> None:
    peer = new_peer("camera")
    peer.run(
        f"""
        from sensor_msgs.msg import CompressedImage, Image
        publishers = [
            node.create_publisher(Image, "{CAMERA}", 10),
            node.create_publisher(CompressedImage, "{CAMERA}/compressed", 10),
            node.create_publisher(Image, "/camera/masked/image", 10),
            node.create_publisher(Image, "/camera/rear", 10),
        ]
        """
    )
    new_bridge({"camera_topic_denylist": '[".*/masked/.*", "/camera/rear/video.*"]'})
    viewer = new_viewer()
    wanted = {CAMERA, f"{CAMERA}/compressed", VIDEO, f"{VIDEO}_small"}
    wanted |= {"/camera/masked/image", "/camera/rear", "/camera/rear/jpeg"}
    viewer.wait_for(lambda: wanted <= viewer.channels().keys() or None, "the channels")
    assert {topic for topic in viewer.channels() if topic.startswith("/camera")} == wanted


def test_an_image_that_lies_about_itself_is_told_and_harms_nothing(viewer: Viewer, new_peer: PeerFactory) -> None:
    peer = new_peer("camera")
    peer.run(
        f"""
        import array
        from sensor_msgs.msg import Image
        publisher = node.create_publisher(Image, "{CAMERA}", 10)
        wrong = Image(height=2, width=4, encoding="rgb8", step=3, data=array.array("B", bytes(24)))
        right = Image(height=2, width=4, encoding="rgb8", step=12, data=array.array("B", bytes(24)))
        """
    )
    viewer.subscribe(JPEG)
    peer.run(
        """
        import time
        while publisher.get_subscription_count() == 0:
            time.sleep(0.05)
        publisher.publish(wrong)
        # At once it would be one too many of thirty a second.
        time.sleep(0.2)
        publisher.publish(right)
        """
    )
    assert "`step` is 3" in viewer.wait_status("is not encoded")
    viewer.wait_messages(JPEG, 1)
