"""From an icon's name to the brand or idea that it draws, and from that to its share."""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from likemark.benchmarks.corpus.words import BRAND_STYLE, GENERIC, ICON_STYLE

Share = Literal["benchmark", "training"]

PREFIX = re.compile(r"^(?:file-type-|brand-|logo-+)")
_PART = re.compile(r"[a-z0-9]+")
# Of 256: brands below go to the benchmark, the others may be trained on.
BENCHMARK_BRANDS = 64
BENCHMARK_IDEAS = 160


def brand_key(name: str) -> str:
    """What all drawings of one brand are called alike, or "" for a name that means no brand.

    name: as in its set: `file-type-adobe_original`, `brand-adobe`, `adobe-color`
    """
    parts = words(PREFIX.sub("", name.lower()))
    key = "".join(_without_style(parts, BRAND_STYLE))
    return "" if key in GENERIC or len(key) < 2 else key


def idea_key(name: str) -> str:
    """What all drawings of one figurative idea are called alike: `home-outline-24` is `home`."""
    parts = [w for w in words(name) if not w.isdigit()]
    return "".join(_without_style(parts, ICON_STYLE))


def brand_share(key: str) -> Share:
    """The share that all drawings of a brand belong to, by the first byte of its key's sha256."""
    return "benchmark" if _first_byte(key) < BENCHMARK_BRANDS else "training"


def idea_share(key: str) -> Share:
    """As `brand_share`, for generic icons and emoji: five ideas of eight are never trained on."""
    return "benchmark" if _first_byte(key) < BENCHMARK_IDEAS else "training"


def words(name: str) -> list[str]:
    return _PART.findall(name.lower())


def _without_style(parts: list[str], style: frozenset[str]) -> list[str]:
    # Only at the end, and never all of it: "square" is a brand, "black-duck" too.
    while len(parts) > 1 and parts[-1] in style:
        parts = parts[:-1]
    return parts


def _first_byte(key: str) -> int:
    return hashlib.sha256(key.encode()).digest()[0]
