"""The peer as robot: the remote access gateway of foxglove-sdk with a producer in the same process."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading

import foxglove
from foxglove import Channel, ChannelDescriptor, Context, Schema
from foxglove.remote_access import QosProfile, Reliability

from programs import payload, producer


def main() -> None:
    """Joins the room the stand-in API names and publishes until the harness ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api-url", required=True)
    parser.add_argument("--lossy", default="", help="topic that goes over the unreliable data track")
    producer.add_arguments(parser)
    args = parser.parse_args()
    logging.basicConfig(level="WARNING", stream=sys.stderr)
    foxglove.set_log_level("WARNING")

    context = Context()
    schema = Schema(name=payload.TYPE_NAME, encoding="ros2msg", data=payload.SCHEMA.encode())
    channels = {
        topic: Channel(topic, schema=schema, message_encoding="cdr", context=context) for topic in producer.topics_of(args)
    }

    def quality(channel: ChannelDescriptor) -> QosProfile:
        lossy = channel.topic == args.lossy
        return QosProfile(reliability=Reliability.Lossy if lossy else Reliability.Reliable)

    gateway = foxglove.start_gateway(
        name="bench",
        device_token="bench",
        foxglove_api_url=args.api_url,
        context=context,
        qos_classifier=quality,
    )

    def finish() -> None:
        # Stopping can take longer than the harness waits; the process ends anyway.
        stopper = threading.Thread(target=gateway.stop, daemon=True)
        stopper.start()
        stopper.join(2.0)
        sys.stdout.flush()
        os._exit(0)

    producer.run(args, lambda topic, message: channels[topic].log(message), finish)


if __name__ == "__main__":
    main()
