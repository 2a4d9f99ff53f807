"""The one setting of an index: a FAISS factory string, or "auto"."""

from __future__ import annotations

import math
import re

from likemark.db.errors import InvalidInput, one_line

AUTO = "auto"
EXACT = "Flat"
EXACT_BELOW = 200_000
# The engines that can remove, filter and rank by inner product; FAISS builds others that cannot.
SUPPORTED = re.compile(
    r"(IVF[1-9]\d{0,6}(_HNSW\d{1,3})?,)?(Flat|SQ(4|6|8|fp16|bf16))"
    r"|IVF[1-9]\d{0,6}(_HNSW\d{1,3})?,PQ[1-9]\d{0,3}(x\d{1,2})?"
)


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


def check_setting(setting: str | None) -> None:
    """Raise InvalidInput for what is neither "auto" nor a supported factory string."""
    if setting not in (None, AUTO) and not SUPPORTED.fullmatch(str(setting)):
        raise InvalidInput(
            f"index {one_line(str(setting))!r} is not supported; give auto, Flat, SQ8, "
            "IVF1024,SQfp16 or IVF1024,PQ32"
        )
