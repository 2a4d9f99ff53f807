"""The frames that the pool and a decoding process exchange: a JSON header and raw bytes.

A frame is the header's length (4 bytes, big-endian), the body's length (8 bytes), header, body.
Nothing in it can name code to run, unlike pickle.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

_LENGTHS = struct.Struct(">IQ")

Header = dict[str, Any]


def write_frame(
    stream: IO[bytes], header: Mapping[str, Any], body: bytes | memoryview = b""
) -> None:
    """Send one frame and flush it."""
    # ASCII escapes carry file names whose bytes are no valid UTF-8.
    text = json.dumps(header).encode("ascii")
    stream.write(_LENGTHS.pack(len(text), len(body)) + text)
    stream.write(body)
    stream.flush()


def read_frame(stream: IO[bytes]) -> tuple[Header, bytearray] | None:
    """The next frame, or None where the stream has ended, even in the middle of a frame."""
    lengths = _read_exactly(stream, _LENGTHS.size)
    if lengths is None:
        return None
    header_length, body_length = _LENGTHS.unpack(lengths)
    text = _read_exactly(stream, header_length)
    body = _read_exactly(stream, body_length)
    if text is None or body is None:
        return None
    header: Header = json.loads(text)
    return header, body


def _read_exactly(stream: IO[bytes], count: int) -> bytearray | None:
    data = bytearray(count)
    view, at = memoryview(data), 0
    while at < count:
        got = stream.readinto(view[at:])  # type: ignore[attr-defined]
        if not got:
            return None
        at += got
    return data
