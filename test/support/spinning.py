"""A thread that runs a node's callbacks and ends before anything that it uses does."""

from __future__ import annotations

import threading

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

# Longest time that the thread takes to notice that it is to end.
SPIN_SECONDS = 0.1


class SpinThread:
    """Runs the callbacks of one node.

    rclpy crashes now and then when a context or an executor is shut down under a thread that
    waits in it; so this thread ends first, and by a flag of its own.
    """

    def __init__(self, node: Node, context: Context | None = None) -> None:
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(node)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread. The context may be shut down after this."""
        self._closing.set()
        self._thread.join()
        self._executor.shutdown()

    def _spin(self) -> None:
        while not self._closing.is_set():
            self._executor.spin_once(SPIN_SECONDS)
