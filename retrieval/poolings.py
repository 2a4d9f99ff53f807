"""The names of poolings: timm's own, or likemark's, which a linear layer follows."""

from __future__ import annotations

# "linear:token+avg" is the class token beside the places' mean, then a linear layer;
# "linear:token+avg@8,11" takes both of the outputs of blocks 8 and 11 of a transformer, from 0.
OURS = "linear:"
PARTS = ("avg", "max", "gem", "token")


def is_ours(pooling: str) -> bool:
    return pooling.startswith(OURS)


def parts(kind: str) -> tuple[str, ...]:
    """The parts of "token+avg". Raises ValueError for one that is not known, or stands twice."""
    named = tuple(kind.partition("@")[0].split("+"))
    if not set(named) <= set(PARTS) or len(set(named)) != len(named):
        raise ValueError(f"pooling {kind!r} must be some of {', '.join(PARTS)} joined by +")
    return named


def layers(kind: str) -> tuple[int, ...]:
    """The blocks of "token+avg@8,11"; none where it names none: the last one's output, as it is.

    Raises ValueError for what is no list of numbers that ascend.
    """
    _, at, listed = kind.partition("@")
    if not at:
        return ()
    numbers = listed.split(",")
    if not all(number.isdecimal() for number in numbers):
        raise ValueError(f"pooling {kind!r}: after @ give numbers of blocks, from 0, as 8,11")
    blocks = tuple(map(int, numbers))
    if list(blocks) != sorted(set(blocks)):
        raise ValueError(f"pooling {kind!r}: the blocks after @ must ascend")
    return blocks
