"""The one setting of an index: a FAISS factory string, or "auto"."""

from __future__ import annotations

import math
import os
import re

from likemark.db.errors import InvalidInput, one_line
from likemark.index.milvus.url import ClusterUrl, is_cluster

AUTO = "auto"
EXACT = "Flat"
EXACT_BELOW = 200_000
MOST_LISTS = 65_536  # more are not worth their training on one machine
OVERHEAD = 20  # bytes of a vector's id, list and place
MEMORY_SHARE = 0.5  # of the machine's, for the codes: the rest is the network's and the catalogue's
# Codes from the best to the smallest, and bytes of each dimension: the first are the catalogue's
# own vectors; what the others find is scored exactly in the end.
CODES = {"SQfp16": 2.0, "SQ8": 1.0, "SQ4": 0.5}
# The engines that can remove, filter and rank by inner product; FAISS builds others that cannot. A
# graph that chooses lists does not know all of them: behind a filter it would lose what is allowed.
SUPPORTED = re.compile(
    r"(IVF[1-9]\d{0,6},)?(Flat|SQ(4|6|8|fp16|bf16))|IVF[1-9]\d{0,6},PQ[1-9]\d{0,3}(x\d{1,2})?"
)


def choose_factory(setting: str, *, expected: int, dimension: int = 256) -> str:
    """The factory string for about `expected` vectors: exact below EXACT_BELOW.

    Above it, inverted lists over codes of 16 bits a dimension, which lose nothing and are passed
    over as fast as any; of 8 or of 4 where those would not fit into half of the memory. The number
    of lists balances the work of choosing them and that of visiting them, and of training them.
    """
    if setting != AUTO:
        return setting
    if expected < EXACT_BELOW:
        return EXACT
    lists = min(2 ** round(math.log2(6 * math.sqrt(expected))), MOST_LISTS)
    room = MEMORY_SHARE * memory() / expected - OVERHEAD  # bytes of a code
    fitting = (code for code, size in CODES.items() if size * dimension <= room)
    return f"IVF{lists},{next(fitting, [*CODES][-1])}"


def outgrown(factory: str, fitting: str) -> bool:
    """Whether a collection's inverted lists have become far too few, or too many, for it."""
    lists, wanted = _lists(factory), _lists(fitting)
    return lists is not None and wanted is not None and not lists / 4 < wanted < lists * 4


def _lists(factory: str) -> int | None:
    found = re.match(r"IVF(\d+)", factory)
    return int(found[1]) if found else None


def is_flat(factory: str) -> bool:
    """Whether every search compares every vector."""
    return not factory.startswith("IVF")


def memory() -> int:
    """Bytes of memory of this machine."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on every system
        return 8 * 2**30


def training_size(factory: str) -> int:
    """Vectors to train a factory on: 40 a list, and 256 a centroid of a product quantiser."""
    return max(40 * (_lists(factory) or 0), 256 * 256 if "PQ" in factory else 0, 10_000)


def check_setting(setting: str | None) -> None:
    """Raise InvalidInput for what is no "auto", factory string that is supported or cluster."""
    if is_cluster(setting):
        ClusterUrl.parse(str(setting))
    elif setting not in (None, AUTO) and not SUPPORTED.fullmatch(str(setting)):
        raise InvalidInput(
            f"index {one_line(str(setting))!r} is not supported; give auto, Flat, SQ8, "
            "IVF1024,SQfp16, IVF1024,PQ32 or milvus://HOST:PORT"
        )
