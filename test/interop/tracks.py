"""Data tracks between two peers."""

from __future__ import annotations

from peers import Peer


def open_track(sender: Peer, receiver: Peer, name: str) -> None:
    """Publishes a data track and waits for the subscription."""
    sender.publish(name)
    receiver.wait_for(lambda: receiver.of("subscribed", track=name), f"track {name}")


def push_until_it_arrives(sender: Peer, receiver: Peer, name: str, frame: bytes) -> None:
    """Pushes a frame again and again: any may be lost, and those from before the sender's SDK knows a subscriber go nowhere."""

    def arrived() -> bool:
        if frame in receiver.data("frame", track=name):
            return True
        sender.push(name, frame)
        receiver.pump(0.2)
        return False

    receiver.wait_for(arrived, f"frame of {len(frame)} bytes on track {name}")
