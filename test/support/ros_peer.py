"""A ROS 2 peer that tests drive: an rclpy node that runs the code it is sent, see line_loop.py."""

import sys
import threading

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from line_loop import run_lines


def qos(depth: int = 10, reliable: bool = True, latched: bool = False) -> QoSProfile:
    """A QoS profile in the terms of the tests."""
    return QoSProfile(
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


def spin(executor: SingleThreadedExecutor, closing: threading.Event) -> None:
    """Runs callbacks until told to end. Shutting down a context or an executor under a wait can crash rclpy."""
    while not closing.is_set():
        executor.spin_once(0.1)


def main() -> None:
    """Answers lines until the input ends."""
    rclpy.init()
    node = rclpy.create_node(sys.argv[1])
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    closing = threading.Event()
    spinner = threading.Thread(target=spin, args=(executor, closing), daemon=True)
    spinner.start()
    run_lines({"node": node, "rclpy": rclpy, "qos": qos})
    closing.set()
    spinner.join()
    executor.shutdown()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
