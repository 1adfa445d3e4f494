"""The worker's side of a speech worker: length-prefixed frames on standard input and output.

A frame is a little-endian 32-bit length and that many bytes.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
from typing import BinaryIO, Final

LENGTH: Final = struct.Struct("<I")
MAX_FRAME: Final = 64 * 1024 * 1024


def pack(payload: bytes) -> bytes:
    return LENGTH.pack(len(payload)) + payload


def read_frame(source: BinaryIO) -> bytes | None:
    """The next frame, or None when the other side has closed the pipe or sent what is not a frame."""
    header = source.read(LENGTH.size)
    if len(header) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(header)
    if length > MAX_FRAME:
        return None
    payload = source.read(length)
    return payload if len(payload) == length else None


def worker_streams() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output, the latter moved out of reach of C libraries that print.

    Ctrl-C reaches every process of the terminal and is ignored here: a worker ends when its input does.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return sys.stdin.buffer, replies
