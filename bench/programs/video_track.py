"""Reads a video track of WebRTC: the time that is painted into each decoded picture."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from livekit import rtc

from programs import time_code


async def read(track: rtc.Track, on_picture: Callable[[float], None]) -> None:
    """Calls back with the stamp of each picture, in seconds since the epoch, until the track ends.

    A picture of which the stamp cannot be read is broken, and does not count.
    """
    stream = rtc.VideoStream(track, format=rtc.VideoBufferType.I420)
    async for event in stream:
        frame = event.frame
        luma = np.frombuffer(frame.data, np.uint8, frame.width * frame.height).reshape(frame.height, frame.width)
        stamp = time_code.read(luma, time.time_ns() // 1_000_000)
        if stamp is not None:
            on_picture(stamp / 1e3)
