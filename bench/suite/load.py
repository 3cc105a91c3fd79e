"""What the robot publishes in a run."""

from __future__ import annotations

from dataclasses import dataclass

from programs.pacing import Stream

TOPIC = "/bench/data"


@dataclass(frozen=True)
class Load:
    """Streams of messages; one of them with rate 0 makes a closed loop of `window` messages."""

    streams: tuple[Stream, ...] = ()
    window: int = 0
    idle_topics: int = 0
    # The peer's gateway has no services.
    idle_services: int = 0
    # The peer can send a topic over an unreliable data track; the bridge takes no notice.
    lossy_topic: str = ""
    # With one message that later subscribers get, too; ROS only.
    latched_topic: str = ""

    @staticmethod
    def saturating(size: int) -> Load:
        """As much as gets through: 800 kB on the way, at least 4 and at most 200 messages.

        Enough to keep every hop busy at a few milliseconds from end to end, and little enough to fit into
        the queues on the way, so that what is measured is not how messages are thrown away.
        """
        window = min(200, max(4, 800_000 // size))
        return Load((Stream(TOPIC, size, 0.0),), window)

    @staticmethod
    def steady(size: int, rate: float) -> Load:
        """One topic at a fixed rate in messages per second."""
        return Load((Stream(TOPIC, size, rate),))

    def arguments(self, confirm_port: int) -> list[str]:
        """The producer's command line."""
        arguments = [f"--stream={item.topic}:{item.size}:{item.rate}" for item in self.streams]
        arguments.append(f"--idle-topics={self.idle_topics}")
        arguments.append(f"--idle-services={self.idle_services}")
        if self.window:
            arguments += [f"--window={self.window}", f"--confirm-port={confirm_port}"]
        if self.latched_topic:
            arguments.append(f"--latched={self.latched_topic}")
        return arguments
