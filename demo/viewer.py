#!/usr/bin/env python3
"""A viewer for the terminal: joins the room, subscribes to every channel, shows a live table.

Takes LIVEKIT_URL and LIVEKIT_TOKEN from the environment. Ends with 1 if no message came.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys

import client
import wire
from table import Table


class TerminalViewer:
    """The table, fed by the connection's events; answers an advertisement by subscribing."""

    def __init__(self) -> None:
        self.table = Table()
        self._client = client.Client(self._on_event)
        self._uplinks: dict[str, client.Uplink] = {}
        self._outbox: asyncio.Queue[tuple[str, wire.Json]] = asyncio.Queue()
        self.news: list[str] = []
        self.statuses: dict[str, str] = {}

    async def run(self, url: str, token: str, seconds: float | None) -> None:
        """Shows the table until `seconds` are over or a signal comes."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        if seconds is not None:
            loop.call_later(seconds, stop.set)
        await self._client.connect(url, token)
        tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._show())]
        await stop.wait()
        for task in tasks:
            task.cancel()
        await self._client.disconnect()

    def _on_event(self, event: client.Event) -> None:
        if isinstance(event, client.StreamEnded):
            if event.error:
                # A broken stream: a new one of ours asks for everything again.
                self._uplinks.pop(event.sender, None)
                self.news.append(f"stream of {event.sender} ended: {event.error}")
        elif isinstance(event, client.Received):
            if isinstance(event.message, wire.MessageData):
                self.table.add(event.message.channel_id, event.message.data)
            elif isinstance(event.message, dict):
                self._on_text(event.sender, event.message)

    def _on_text(self, robot: str, message: wire.Json) -> None:
        operation = message.get("op")
        if operation == "serverInfo":
            self.table.robot = f"{message['name']} ({robot})"
            self.table.channels.clear()
        elif operation == "advertise":
            ids = self.table.advertise(message["channels"])
            self._outbox.put_nowait((robot, {"op": "subscribe", "channelIds": ids}))
        elif operation == "unadvertise":
            self.table.unadvertise(message["channelIds"])
        elif operation == "status":
            self.statuses[message.get("id", message["message"])] = message["message"]
        elif operation == "removeStatus":
            for each in message["statusIds"]:
                self.statuses.pop(each, None)

    async def _write(self) -> None:
        while True:
            robot, message = await self._outbox.get()
            if robot not in self._uplinks:
                self._uplinks[robot] = await self._client.open_uplink(robot)
            await self._uplinks[robot].send(wire.text_frame(message))

    async def _show(self) -> None:
        redraw = sys.stdout.isatty()
        while True:
            await asyncio.sleep(1.0 if redraw else 3.0)
            lines = self.table.render() + [f"status: {text}" for text in self.statuses.values()]
            if not redraw:
                print("\n".join(lines + self.news), end="\n\n", flush=True)
                self.news.clear()
                continue
            robot = self.table.robot or "no robot yet"
            # Home, then each line cleared to its end, then the rest of the screen.
            screen = [f"Robot: {robot}   Ctrl-C ends", "", *lines, "", *self.news[-3:]]
            sys.stdout.write("\x1b[H" + "".join(f"{line}\x1b[K\r\n" for line in screen) + "\x1b[J")
            sys.stdout.flush()


def main() -> int:
    """Parses the command line and runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, help="end after so long; without it, on Ctrl-C")
    arguments = parser.parse_args()
    viewer = TerminalViewer()
    asyncio.run(viewer.run(os.environ["LIVEKIT_URL"], os.environ["LIVEKIT_TOKEN"], arguments.seconds))
    received = viewer.table.messages()
    print(f"\n{received} messages on {len(viewer.table.channels)} channels arrived.")
    return 0 if received else 1


if __name__ == "__main__":
    sys.exit(main())
