"""The one setting of an index: a FAISS factory string, or "auto"."""

from __future__ import annotations

import math
import re

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


def training_size(factory: str) -> int:
    """Vectors to train a factory on: 64 a list, and 256 a centroid of a product quantiser."""
    lists = re.match(r"IVF(\d+)", factory)
    return max(64 * int(lists[1]) if lists else 0, 256 * 256 if "PQ" in factory else 0, 10_000)
