"""The bridge under test: the built executable in a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from livekit_server import LiveKitServer
from processes import ChildProcess, built_executable, wait_until

# The bridge must end within 2 s; the rest is for a machine that is busy with something else.
STOP_SECONDS = 30.0
# What the shell of the test run says must not decide what a program connects to.
NO_CREDENTIALS = dict.fromkeys(
    (
        "LIVEKIT_URL",
        "LIVEKIT_TOKEN",
        "LIVEKIT_TOKEN_FILE",
        "LIVEKIT_TOKEN_ENDPOINT",
        "LIVEKIT_TOKEN_ENDPOINT_KEY",
        "LIVEKIT_API_KEY",
        "LIVEKIT_API_SECRET",
        "LIVEKIT_E2EE_KEY",
        "LIVEKIT_E2EE_KEY_FILE",
    ),
    "",
)


def executable() -> Path:
    """The built bridge, or the one that BRIDGE_EXECUTABLE names."""
    given = os.environ.get("BRIDGE_EXECUTABLE")
    return Path(given) if given else built_executable("remote_access_bridge")


def runs(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return False
    return state != "Z"


class Bridge:
    """A running bridge."""

    def __init__(
        self,
        directory: Path,
        environment: dict[str, str],
        parameters: dict[str, str] | None = None,
        ros_arguments: list[str] | None = None,
        prefix: list[str] | None = None,
    ) -> None:
        arguments = [*(prefix or []), str(executable()), "--ros-args", *(ros_arguments or [])]
        # The tokens of these tests grant nothing; those of test_rights.py do.
        for name, value in {"viewer_default_rights": "[all]", **(parameters or {})}.items():
            arguments += ["-p", f"{name}:={value}"]
        number = len(list(directory.glob("bridge-*.log")))
        log = directory / f"bridge-{number}.log"
        self.process = ChildProcess("bridge", arguments, log, {**NO_CREDENTIALS, "RUST_BACKTRACE": "1", **environment})

    @staticmethod
    def credentials(server: LiveKitServer) -> dict[str, str]:
        """The environment that lets a bridge into any room of a server."""
        return {"LIVEKIT_URL": server.url, "LIVEKIT_API_KEY": server.key, "LIVEKIT_API_SECRET": server.secret}

    def output(self) -> str:
        """Everything the bridge printed."""
        return self.process.output()

    def wait_output(self, text: str, count: int = 1, seconds: float = 60.0) -> None:
        """Waits until the bridge printed a text, in whatever case, so many times."""

        def printed() -> bool:
            return self.output().lower().count(text.lower()) >= count

        with contextlib.suppress(TimeoutError):
            wait_until(lambda: printed() or self.process.exit_code() is not None, text, seconds)
        assert printed(), f"not {count} times {text!r} in the bridge's output:\n{self.output()[-3000:]}"

    def handles_sigint_or_ended(self) -> bool:
        """Whether it has a handler of SIGINT already, or is no more."""
        if self.process.exit_code() is not None:
            return True
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (caught,) = [line for line in status.splitlines() if line.startswith("SigCgt:")]
        return bool(int(caught.split()[1], 16) >> (signal.SIGINT - 1) & 1)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Asks it to end; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)
