"""What clients watch is recorded, and other programs can read the file."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

from bridge_process import Bridge
from conftest import ClientFactory, ViewerGatewayFactory
from decoding import assert_same
from messages import build
from processes import wait_until
from ros_side import Publisher

KINDS = {"/camera": "sensor_msgs/msg/Image", "/tree": "tf2_msgs/msg/TFMessage", "/words": "std_msgs/msg/String"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_recording_has_what_was_watched_and_nothing_else(
    bridge: Bridge,
    new_gateway: ViewerGatewayFactory,
    new_client: ClientFactory,
    publisher: Publisher,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    path = tmp_path / "drive.mcap"
    gateway = new_gateway("--record", str(path), "--watch", "/tr.*")
    for topic, kind in {**KINDS, "/unwatched": "std_msgs/msg/String"}.items():
        publisher.advertise(topic, kind, latched=topic == "/tree")
    # The program subscribes to this one without a client.
    publisher.match("/tree")
    client = new_client(gateway)
    for topic in ("/camera", "/words"):
        client.subscribe(topic)
    for topic in KINDS:
        publisher.match(topic)
    publisher.publish("/unwatched", 0, 3)
    publisher.publish("/tree", 0, 3)
    # It has what came before, since the topic is latched; so the program has it, too.
    client.subscribe("/tree")
    client.wait_data("/tree", 3)
    for topic in ("/camera", "/words"):
        # One by one: of large messages the bridge may skip what a slow viewer has no time for.
        for index in range(3):
            publisher.publish(topic, index)
            client.wait_data(topic, index + 1)
    told, sent = client.channels(), {topic: [data.payload for data in client.data(topic)] for topic in KINDS}
    assert gateway.stop(number) == 0
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
        assert reader.get_header().profile == "ros2"
        summary = reader.get_summary()
        assert summary is not None
        channels = {channel.topic: channel for channel in summary.channels.values()}
        assert set(channels) == set(KINDS)
        assert {channel.message_encoding for channel in channels.values()} == {"cdr"}
        seen: dict[str, int] = dict.fromkeys(KINDS, 0)
        for schema, channel, message, decoded in reader.iter_decoded_messages():
            assert schema is not None
            assert (schema.name, schema.encoding) == (KINDS[channel.topic], "ros2msg")
            assert schema.data.decode() == told[channel.topic]["schema"]
            assert message.data == sent[channel.topic][seen[channel.topic]]
            assert_same(decoded, build(KINDS[channel.topic], seen[channel.topic]))
            assert message.log_time == message.publish_time > 0
            seen[channel.topic] += 1
    assert seen == dict.fromkeys(KINDS, 3)


def test_an_existing_file_is_not_overwritten(new_gateway: ViewerGatewayFactory, tmp_path: Path) -> None:
    path = tmp_path / "precious.mcap"
    path.write_text("precious")
    gateway = new_gateway("--record", str(path))
    wait_until(lambda: gateway.process.exit_code() is not None, "end")
    assert gateway.process.exit_code() == 1
    assert str(path) in gateway.output()
    assert path.read_text() == "precious"
