"""A participant that watches only who is in the room: it learns of a viewer when the robot does.

The server tells the others at once about participants that publish, and about the rest every 3 s.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from livekit import rtc

from programs.pacing import emit


async def _watch(url: str) -> None:
    room = rtc.Room()
    room.on("participant_active", lambda participant: emit("active", identity=participant.identity))
    await room.connect(url, os.environ["LIVEKIT_TOKEN"], rtc.RoomOptions(auto_subscribe=False))
    emit("joined")
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await room.disconnect()


def main() -> None:
    """The token comes in `LIVEKIT_TOKEN`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    asyncio.run(_watch(parser.parse_args().url))


if __name__ == "__main__":
    main()
