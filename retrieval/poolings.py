"""The names of poolings: timm's own, or likemark's, which a linear layer follows."""

from __future__ import annotations

# "linear:token+avg" is the class token beside the places' mean, then a linear layer.
OURS = "linear:"
PARTS = ("avg", "max", "gem", "token")


def is_ours(pooling: str) -> bool:
    return pooling.startswith(OURS)


def parts(kind: str) -> tuple[str, ...]:
    """The parts of "token+avg". Raises ValueError for one that is not known, or stands twice."""
    named = tuple(kind.split("+"))
    if not set(named) <= set(PARTS) or len(set(named)) != len(named):
        raise ValueError(f"pooling {kind!r} must be some of {', '.join(PARTS)} joined by +")
    return named
