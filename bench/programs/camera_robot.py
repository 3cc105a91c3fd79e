"""The robot of `bench/camera_link` on foxglove-sdk: its WebSocket server, or its remote access gateway.

Publishes the same pictures and the same state as `camera_publisher`, from within the process that serves them.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
import time
from collections.abc import Callable

import foxglove
from foxglove import Channel, ChannelDescriptor, Context, Schema
from foxglove.remote_access import QosProfile, Reliability
from PIL import Image

from programs import camera_load, camera_messages, payload, time_code


def _channel(topic: str, name: str, schema: str, context: Context) -> Channel:
    described = Schema(name=name, encoding="ros2msg", data=schema.encode())
    return Channel(topic, schema=described, message_encoding="cdr", context=context)


def _encoder(args: argparse.Namespace) -> Callable[[int], bytes]:
    """Makes the message of a picture, given its number in the scene."""
    pictures = camera_load.pictures(args)

    def raw(number: int) -> bytes:
        now = time.time_ns()
        picture = pictures[number]
        if args.api_url:
            picture = picture.copy()
            time_code.paint(picture, now // 1_000_000)
        return camera_messages.image(now, str(number), args.width, args.height, picture.tobytes())

    def jpeg(number: int) -> bytes:
        now = time.time_ns()
        file = io.BytesIO()
        Image.fromarray(pictures[number]).save(file, "jpeg", quality=args.jpeg)
        return camera_messages.jpeg(now, str(number), file.getvalue())

    return jpeg if args.jpeg else raw


def _serve(args: argparse.Namespace, context: Context) -> None:
    """Starts the WebSocket server or the gateway; it ends with the process."""

    def quality(channel: ChannelDescriptor) -> QosProfile:
        state = channel.topic == args.state.topic
        return QosProfile(reliability=Reliability.Reliable if state else Reliability.Lossy)

    if args.api_url:
        foxglove.start_gateway(
            name="bench",
            device_token="bench",
            foxglove_api_url=args.api_url,
            context=context,
            qos_classifier=quality,
        )
    else:
        foxglove.start_server(name="bench", host=args.host, port=args.port, context=context)


def main() -> None:
    """Serves and publishes until the harness ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    camera_load.add_arguments(parser)
    parser.add_argument("--api-url", default="", help="be a gateway in the room that this stand-in API names")
    parser.add_argument("--host", default="127.0.0.1", help="address of the WebSocket server")
    parser.add_argument("--port", type=int, default=0, help="its port")
    parser.add_argument("--jpeg", type=int, default=0, help="quality of JPEG, 0 = raw pictures")
    args = parser.parse_args()
    logging.basicConfig(level="WARNING", stream=sys.stderr)
    foxglove.set_log_level("WARNING")

    context = Context()
    kind = (
        (camera_messages.JPEG, camera_messages.JPEG_SCHEMA)
        if args.jpeg
        else (camera_messages.IMAGE, camera_messages.IMAGE_SCHEMA)
    )
    channels = {topic: _channel(topic, *kind, context) for topic in args.camera}
    state = _channel(args.state.topic, payload.TYPE_NAME, payload.SCHEMA, context)
    message = _encoder(args)
    _serve(args, context)
    camera_load.run(args, lambda topic, number: channels[topic].log(message(number)), state.log)
    sys.stdout.flush()
    # Stopping would wait for what is queued for a slow client.
    os._exit(0)


if __name__ == "__main__":
    main()
