"""The memory of a process, as the kernel tells it."""

from __future__ import annotations

from pathlib import Path


def memory(pid: int, kind: str = "VmRSS") -> int:
    """Bytes of one kind: resident now, `RssAnon` of these the process's own and no file's, `VmHWM` the most so far."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status[kind].split()[0]) * 1024


def forget_peak(pid: int) -> None:
    """The kernel's record of the most memory begins anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
