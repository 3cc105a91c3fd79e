#!/usr/bin/env python3
"""A viewer in a process of its own that drives, until it is killed."""

from __future__ import annotations

import os
import sys
import time

from geometry_msgs.msg import Twist
from rclpy.serialization import serialize_message

from viewer_client import Loop, Viewer


def main() -> None:
    """Publishes a command ten times a second."""
    viewer = Viewer(Loop(), url=os.environ["LIVEKIT_URL"], token=os.environ["LIVEKIT_TOKEN"])
    viewer.join()
    channel = viewer.advertise(sys.argv[1], "geometry_msgs/msg/Twist")
    command = Twist()
    command.linear.x = 0.5
    while True:
        viewer.publish(channel, serialize_message(command))
        time.sleep(0.1)


if __name__ == "__main__":
    main()
