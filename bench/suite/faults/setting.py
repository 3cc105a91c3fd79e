"""What the parts of a run are like before its fault."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """What the parts of a run are like before the fault."""

    # The robot has a second link from the start, and reaches the server's signaling over that.
    second_link: bool = False
    signaling_apart: bool = False
    # Signaling passes a proxy of ours, by address or by name.
    proxy: bool = False
    by_name: bool = False
    # Where the robot has its token from: "key", "given", "file" or "endpoint".
    token: str = "key"
    # The fault comes first, the robot then.
    at_start: bool = False
