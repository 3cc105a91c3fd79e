"""Stops the real libwebrtc from dumping every SCTP packet as hex text, in this process only.

The LiveKit SDK registers its log sink at the most verbose level, so libwebrtc formats every packet
even though nobody prints it: half of a viewer's CPU, enough to make the viewer the bottleneck of a
benchmark. No option turns it off. The two functions of the dump (packet sent, packet received) begin
with the same bytes and lie a fixed distance apart; each is made to return at once. When the bytes are
not found, on another CPU or release, nothing is changed and the report says so.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from pathlib import Path

import livekit.rtc._ffi_client as ffi

# The functions' first instructions on x86-64 and the distance between the two functions.
PROLOGUE = bytes.fromhex("554889e54157415641554154534883ec284989ce4989d449")
DISTANCE = 0xA0
RETURN = 0xC3
READ, WRITE, EXECUTE = 1, 2, 4


def silence_packet_dump(library: str) -> bool:
    """Makes the dump a no-op in the loaded library whose path contains `library`; false if it cannot."""
    # Loads the library.
    _ = ffi.FfiClient.instance
    loaded = _find_mapping(library)
    if loaded is None:
        return False
    path, base = loaded
    places = _find_functions(path.read_bytes())
    if len(places) != 2 or places[1] - places[0] != DISTANCE:
        return False
    return all(_overwrite(base + place) for place in places)


def _find_mapping(library: str) -> tuple[Path, int] | None:
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split()
        if len(fields) >= 6 and library in fields[5] and int(fields[2], 16) == 0:
            return Path(fields[5]), int(fields[0].split("-")[0], 16)
    return None


def _find_functions(image: bytes) -> list[int]:
    """Virtual addresses at which the prologue occurs in the image's loaded segments."""
    found = []
    at = image.find(PROLOGUE)
    while at >= 0:
        for offset, address, size in _segments(image):
            if offset <= at < offset + size:
                found.append(at - offset + address)
        at = image.find(PROLOGUE, at + 1)
    return found


def _segments(image: bytes) -> list[tuple[int, int, int]]:
    """`(file offset, virtual address, size)` of every loaded segment of a 64-bit ELF file."""
    (table,) = struct.unpack_from("<Q", image, 32)
    entry_size, count = struct.unpack_from("<HH", image, 54)
    segments = []
    for index in range(count):
        kind, _flags, offset, address, _physical, size = struct.unpack_from("<IIQQQQ", image, table + index * entry_size)
        if kind == 1:
            segments.append((offset, address, size))
    return segments


def _overwrite(address: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    page = ctypes.c_void_p(address - address % mmap.PAGESIZE)
    # Two pages: harmless, and right when the function begins at a page's end.
    size = ctypes.c_size_t(2 * mmap.PAGESIZE)
    if libc.mprotect(page, size, READ | WRITE | EXECUTE) != 0:
        return False
    ctypes.memset(address, RETURN, 1)
    return bool(libc.mprotect(page, size, READ | EXECUTE) == 0)
