"""A participant with a microphone and a camera, on the SDK with the official libwebrtc."""

from __future__ import annotations

import asyncio

from livekit import rtc

from viewer_client import Loop


async def publish_media(room: rtc.Room) -> asyncio.Task[None]:
    """Publishes a tone and a moving picture; they go on for as long as the task."""
    sound, picture = rtc.AudioSource(48_000, 1), rtc.VideoSource(640, 360)
    microphone = rtc.LocalAudioTrack.create_audio_track("microphone", sound)
    camera = rtc.LocalVideoTrack.create_video_track("camera", picture)
    await room.local_participant.publish_track(microphone, rtc.TrackPublishOptions())
    await room.local_participant.publish_track(camera, rtc.TrackPublishOptions())

    async def play() -> None:
        samples = rtc.AudioFrame(bytes(range(256)) * 15, 48_000, 1, 1_920)
        for number in range(1 << 30):
            await sound.capture_frame(samples)
            shade = bytes([number % 256]) * (640 * 360 * 4)
            picture.capture_frame(rtc.VideoFrame(640, 360, rtc.VideoBufferType.RGBA, shade))
            await asyncio.sleep(0.04)

    return asyncio.create_task(play())


class MediaPublisher:
    """Joins a room and publishes at once; it counts the tracks of others that reach it."""

    def __init__(self, loop: Loop, url: str, token: str) -> None:
        self._loop = loop
        self.tracks = 0
        self._room, self._task = loop.run(self._join(url, token))

    async def _join(self, url: str, token: str) -> tuple[rtc.Room, asyncio.Task[None]]:
        # A Room belongs to the event loop that runs when it is made.
        room = rtc.Room()
        room.on("track_subscribed", self._count)
        await room.connect(url, token)
        return room, await publish_media(room)

    def _count(self, *_: object) -> None:
        self.tracks += 1

    def close(self) -> None:
        """Leaves the room."""

        async def leave() -> None:
            self._task.cancel()
            await self._room.disconnect()

        self._loop.run(leave())
