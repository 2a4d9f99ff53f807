"""The one setting of an index: a FAISS factory string, or "auto"."""

from __future__ import annotations

import math

AUTO = "auto"
EXACT = "Flat"
EXACT_BELOW = 200_000


def choose_factory(setting: str, *, expected: int) -> str:
    """The factory string for about `expected` vectors: exact below EXACT_BELOW.

    Above it, inverted lists with one list per 4·√N vectors (FAISS's own guideline) over 16-bit
    floats, which cost no measurable recall.
    """
    if setting != AUTO:
        return setting
    if expected < EXACT_BELOW:
        return EXACT
    return f"IVF{2 ** round(math.log2(4 * math.sqrt(expected)))},SQfp16"


def training_size(factory: str, *, dimension: int) -> int:
    """Vectors that a factory wants to be trained on (0: none), at FAISS's 39 to 256 a centroid."""
    if factory == EXACT:
        return 0
    head = factory.split(",")[0]
    lists = int(digits) if head.startswith("IVF") and (digits := _digits(head[3:])) else 0
    return max(64 * lists, 256 * 256 if "PQ" in factory else 0, 8 * dimension, 1024)


def _digits(text: str) -> str:
    return text[: len(text) - len(text.lstrip("0123456789"))]
