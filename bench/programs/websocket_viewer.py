"""A viewer of a Foxglove WebSocket server, with the events and the report of the LiveKit viewer."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import struct
import sys
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from programs.pacing import emit
from programs.tally import Tally

MESSAGE_DATA = 1


class Viewer:
    """One connection, which subscribes to the topics it was told to."""

    def __init__(self, topics: set[str], header_stamps: str) -> None:
        self._wanted = topics
        self._topics: dict[int, str] = {}
        self.tally = Tally(header_stamps)

    async def run(self, url: str) -> None:
        """Reads until the server or the task ends."""
        protocol = Subprotocol("foxglove.sdk.v1")
        async with connect(url, subprotocols=[protocol], max_size=None, compression=None, proxy=None) as socket:
            emit("joined")
            with contextlib.suppress(ConnectionClosed):
                async for message in socket:
                    if isinstance(message, str):
                        await self._on_text(socket, json.loads(message))
                    elif message[0] == MESSAGE_DATA:
                        self._on_message(memoryview(message))

    async def _on_text(self, socket: Any, text: dict[str, Any]) -> None:
        if text["op"] == "status":
            self.tally.statuses.append(str(text.get("message")))
        if text["op"] != "advertise":
            return
        fresh = [channel for channel in text["channels"] if channel["topic"] in self._wanted]
        emit("advertise", channels=len(text["channels"]))
        self._topics |= {channel["id"]: channel["topic"] for channel in fresh}
        # The channel's number is the subscription's, too.
        request = [{"id": channel["id"], "channelId": channel["id"]} for channel in fresh]
        await socket.send(json.dumps({"op": "subscribe", "subscriptions": request}))

    def _on_message(self, data: memoryview) -> None:
        if not self.tally.messages:
            emit("first")
        (subscription,) = struct.unpack_from("<I", data, 1)
        self.tally.message(self._topics[subscription], data[13:])


async def _watch(args: argparse.Namespace) -> None:
    viewer = Viewer(set(args.only.split(",")), args.header_stamps)
    emit("start")
    reading = asyncio.create_task(viewer.run(args.url))
    end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await asyncio.wait([end, reading], return_when=asyncio.FIRST_COMPLETED)
    if not end.done():
        viewer.tally.errors.append("the server ended the connection")
        await end
    emit("report", **viewer.tally.report())


def main() -> None:
    """Watches until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--only", required=True, help="topics, with commas between")
    parser.add_argument("--header-stamps", default="", help="prefix of topics whose messages begin with a stamp of ROS")
    args = parser.parse_args()
    asyncio.run(_watch(args))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
