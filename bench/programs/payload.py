"""The benchmark's message: a `std_msgs/msg/UInt8MultiArray` in CDR, the same bytes for both sides.

Layout: CDR header (4), empty `dim` sequence (4), `data_offset` (4), length of `data` (4), then `data`,
which begins with a little-endian `u64` time in nanoseconds and a `u64` sequence number.
"""

from __future__ import annotations

import os
import struct
import time

TYPE_NAME = "std_msgs/msg/UInt8MultiArray"
STAMP_OFFSET = 16
STAMP = struct.Struct("<QQ")
# A `builtin_interfaces/msg/Time`, after the CDR header.
HEADER_STAMP = struct.Struct("<iI")
SMALLEST = STAMP_OFFSET + STAMP.size

SCHEMA = """\
std_msgs/MultiArrayLayout layout
uint8[] data
================================================================================
MSG: std_msgs/MultiArrayLayout
std_msgs/MultiArrayDimension[] dim
uint32 data_offset
================================================================================
MSG: std_msgs/MultiArrayDimension
string label
uint32 size
uint32 stride
"""


class MessageMaker:
    """Makes messages of one size; only time and sequence number differ between them."""

    def __init__(self, size: int) -> None:
        """`size` is the whole serialized message in bytes, CDR header included."""
        if size < SMALLEST:
            raise ValueError(f"a benchmark message has at least {SMALLEST} bytes, not {size}")
        self.size = size
        self._head = b"\x00\x01\x00\x00" + struct.pack("<III", 0, 0, size - STAMP_OFFSET)
        # Random, so that nothing on the way can compress it.
        self._tail = os.urandom(size - SMALLEST)

    def make(self, sequence: int) -> bytes:
        """The message with this sequence number, stamped with the time of this call."""
        return self._head + STAMP.pack(time.time_ns(), sequence) + self._tail
