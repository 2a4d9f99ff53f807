"""Requests, answers and settings as frame headers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from likemark.db.errors import PictureError
from likemark.retrieval.pictures.frames import Header
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Block, Crop, Picture, Request


def settings_header(size: int, limits: PictureLimits) -> Header:
    return {"size": size, "limits": asdict(limits)}


def read_settings(header: Header) -> tuple[int, PictureLimits]:
    return int(header["size"]), PictureLimits(**header["limits"])


def request_header(request: Request) -> Header:
    return {
        "name": request.name,
        "inline": request.data is not None,
        "crop": None if request.crop is None else request.crop.box,
        "blocks": request.blocks,
        "halves": request.halves,
        "eighths": request.eighths,
    }


def read_request(header: Header, body: bytes | bytearray) -> Request:
    crop = header["crop"]
    return Request(
        header["name"],
        bytes(body) if header["inline"] else None,
        None if crop is None else Crop(*crop),
        blocks=header["blocks"],
        halves=header["halves"],
        eighths=header["eighths"],
    )


def answer_frame(result: Picture | PictureError) -> tuple[Header, bytes | memoryview]:
    """The header and body that carry a result back."""
    if isinstance(result, PictureError):
        return {"reason": result.reason, "detail": result.detail}, b""
    header: dict[str, Any] = {
        "content": result.content.hex(),
        "artwork": result.artwork.hex(),
        "width": result.width,
        "height": result.height,
        "format": result.format,
        "blocks": [block.box.box for block in result.blocks],
        "halves": [half.box.box for half in result.halves],
        "eighths": len(result.eighths),
    }
    parts = (part.pixels for part in (*result.blocks, *result.halves))
    squares = result.pixels, *parts, *result.eighths
    return header, b"".join(square.tobytes() for square in squares)


def read_answer(name: str, header: Header, body: bytearray) -> Picture | PictureError:
    if "reason" in header:
        return PictureError(name, header["reason"], header["detail"])
    boxes, halves = ([Crop(*box) for box in header[name]] for name in ("blocks", "halves"))
    pixels = np.frombuffer(body, np.uint8)
    count = 1 + len(boxes) + len(halves) + header["eighths"]
    size = round((pixels.size / 3 / count) ** 0.5)
    whole, *rest = pixels.reshape(-1, size, size, 3)
    squares = iter(rest)
    return Picture(
        pixels=whole,
        content=bytes.fromhex(header["content"]),
        artwork=bytes.fromhex(header["artwork"]),
        width=header["width"],
        height=header["height"],
        format=header["format"],
        blocks=tuple(Block(next(squares), box) for box in boxes),
        halves=tuple(Block(next(squares), box) for box in halves),
        eighths=tuple(squares),
    )
