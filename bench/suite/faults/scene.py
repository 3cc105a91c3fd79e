"""The parts of one run: a robot in a network of its own with a publisher and the bridge, a server, and a viewer."""

from __future__ import annotations

import contextlib
import os
import queue
import random
import secrets
import signal
import sys
import tempfile
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType

from livekit_server import LiveKitServer
from robot_network import SERVER, SERVER_NAME, SERVER_SECOND, RobotNetwork
from suite import places
from suite.faults.proxy import Proxy
from suite.faults.record import LATCHED, STATE, Record
from suite.faults.setting import Setting
from suite.faults.token_source import TokenEndpoint, TokenFile
from suite.processes import BenchError, Child, Processes
from suite.tokens import Credentials

ROBOT = "robot"
VIEWER = "viewer"
START_SECONDS = 60.0
# So long a token lasts where it is one that expires, and so often the file is replaced.
TOKEN_SECONDS = 12
TOKEN_EVERY = 4.0
LOG = "info"


class Scene(AbstractContextManager["Scene"]):
    """A run in progress. Needs root; leaving the block ends all of it."""

    def __init__(self, setting: Setting, log: str = LOG, own_viewer: bool = True) -> None:
        self.setting = setting
        self._own_viewer = own_viewer
        self.room = f"faults-{secrets.token_hex(4)}"
        self.record = Record()
        # When the fault came, and when it was over where it heals by itself.
        self.began = 0.0
        self.healed_at: float | None = None
        self._log = log
        self._stack = ExitStack()
        self.bridge: Child

    def __enter__(self) -> Scene:
        with ExitStack() as stack:
            self._directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rab_faults_")))
            self.network = RobotNetwork()
            stack.callback(self.network.close)
            if self.setting.second_link:
                self.network.plug_second()
            signaling = SERVER_SECOND if self.setting.signaling_apart else None
            self.server = LiveKitServer(self._directory, SERVER, self.network.interface, signaling=signaling)
            self.server.start()
            stack.callback(self.server.stop)
            self._credentials = Credentials(self.server.key, self.server.secret)
            self.proxy = stack.enter_context(Proxy(SERVER, self.server.port)) if self.setting.proxy else None
            self.url = self._url()
            access = self._access(stack)
            self._processes = stack.enter_context(Processes())
            self._environment = places.ros_environment(random.randint(1, 100), **access, RUST_LOG=self._log)
            self._start_publisher()
            if self._own_viewer:
                self._viewer = self.start_viewer(VIEWER)
                self._wait(lambda: self.record.times("joined"), "viewer in the room")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def _url(self) -> str:
        if self.proxy is None:
            return self.server.url
        return f"ws://{SERVER_NAME if self.setting.by_name else SERVER}:{self.proxy.port}"

    def _access(self, stack: ExitStack) -> dict[str, str]:
        def mint() -> str:
            return self._credentials.mint(self.room, ROBOT, seconds=TOKEN_SECONDS)

        url = {"LIVEKIT_URL": self.url}
        if self.setting.token == "file":
            file = stack.enter_context(TokenFile(self._directory / "token", mint, TOKEN_EVERY))
            return {**url, "LIVEKIT_TOKEN_FILE": str(file.path)}
        if self.setting.token == "endpoint":
            endpoint = stack.enter_context(TokenEndpoint(SERVER, self.url, mint))
            return {**url, "LIVEKIT_TOKEN_ENDPOINT": endpoint.url}
        if self.setting.token == "given":
            return {**url, "LIVEKIT_TOKEN": mint()}
        return {**url, "LIVEKIT_API_KEY": self._credentials.key, "LIVEKIT_API_SECRET": self._credentials.secret}

    def _start_publisher(self) -> None:
        program = ["python3", "-m", "programs.ros_publisher", f"--stream={STATE}:200:20", f"--latched={LATCHED}"]
        publisher = self._processes.start("ROS publisher", [*self.network.prefix, *program], self._environment)
        publisher.wait_for("ready", START_SECONDS)

    def start_bridge(self) -> None:
        """Starts the bridge."""
        program = [places.bridge_executable(), "--ros-args"]
        for name, value in (("room", self.room), ("identity", ROBOT), ("viewer_default_rights", "[watch]")):
            program += ["-p", f"{name}:={value}"]
        self.bridge = self._processes.start("bridge", [*self.network.prefix, *program], self._environment)

    def start_viewer(self, identity: str, *options: str) -> Child:
        """Has another participant join, beside the server: the viewer, or one that takes an identity."""
        token = self._credentials.mint(self.room, identity)
        program = [sys.executable, "-m", "programs.following_viewer", f"--url={self.server.url}", f"--robot={ROBOT}", *options]
        program.append("--channels=/bench/")
        return self.start_program(identity, program, LIVEKIT_TOKEN=token)

    def start_program(self, name: str, program: list[str], **environment: str) -> Child:
        """Starts a program beside the server."""
        return self._processes.start(name, program, places.ros_environment(0, **environment))

    def settle(self, seconds: float) -> None:
        """Until both topics have arrived, and so much longer."""
        for topic in (LATCHED, STATE):
            self._wait(lambda topic=topic: self.record.times("message", topic), f"message of {topic}")
        self.watch(seconds)

    def freeze_server(self, number: signal.Signals) -> None:
        """Stops the server's process, or lets it go on."""
        assert self.server.pid is not None
        os.kill(self.server.pid, number)

    def break_signaling(self) -> None:
        """Breaks the robot's connection for signaling, as a proxy on the way does that begins anew."""
        assert self.proxy is not None
        self.proxy.reset()

    def stall(self, stalls: bool) -> None:
        """Has the proxy take connections without an answer, or forward them."""
        assert self.proxy is not None
        self.proxy.stalls = stalls

    def begin(self) -> None:
        """The fault comes now."""
        self.watch(0.0)
        self.began = time.time()

    def last(self, seconds: float) -> None:
        """Lets the fault last so long. What it ends with comes next."""
        self.watch(seconds)

    def healed(self) -> None:
        """What was broken works again from now on."""
        self.healed_at = time.time()

    def watch(self, seconds: float) -> None:
        """Takes down what happens for so long."""
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(queue.Empty):
                self.record.events.append(self._viewer.events.get(timeout=max(0.0, deadline - time.monotonic())))
                continue
            return

    def forget_before(self, moment: float) -> None:
        """Forgets what happened before; for runs in which very much happens."""
        self.record.events = [each for each in self.record.events if each["time"] >= moment]

    def watch_until_back(self, seconds: float, patience: float, steady: float = 3.0) -> None:
        """At least so long, and until the state has come steadily for a while, or the patience is at its end."""
        self.watch(seconds)
        deadline = time.monotonic() + patience
        while not self._is_steady(steady) and time.monotonic() < deadline:
            self.watch(0.5)

    def _is_steady(self, seconds: float) -> bool:
        moment = max(self.healed_at or self.began, time.time() - seconds)
        arrivals = [at for at in self.record.times("message", STATE) if at >= moment]
        return len(arrivals) >= 15 * seconds

    def _wait(self, condition: object, what: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not condition():  # type: ignore[operator]
            if time.monotonic() > deadline:
                raise BenchError(
                    f"no {what} within {START_SECONDS:.0f} s\n{self.bridge.tail() if hasattr(self, 'bridge') else ''}"
                )
            self.watch(0.1)

    def bridge_log(self) -> str:
        """All that the bridge has said."""
        self.bridge.log.flush()
        return Path(self.bridge.log.name).read_text(errors="replace")
