"""A ROS 2 peer that the Rust tests drive: an rclpy node that runs the code it is sent.

Each line of standard input is a JSON string of Python code. What the code assigns to
`result` comes back as one line of JSON: {"ok": result} or {"error": text}.
"""

import json
import sys
import threading
import traceback

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy


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
    scope = {"node": node, "rclpy": rclpy, "qos": qos}
    for line in sys.stdin:
        scope["result"] = None
        try:
            exec(json.loads(line), scope)
            answer = {"ok": scope["result"]}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), flush=True)
    closing.set()
    spinner.join()
    executor.shutdown()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
