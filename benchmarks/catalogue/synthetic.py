"""Made register rows of any number, the same for the same seed, in a register's proportions."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput
from likemark.db.ingest import Entry
from likemark.db.values import ImageFacts, MarkData

BLOCK = 4096  # marks that are drawn together
OFFICES = ("US", "EM", "CN", "DE", "FR", "GB", "JP", "KR", "BR", "IN", "CH", "AT")
# As the offices word it: the same status in more than one way.
STATUSES = (
    "Registered", "REGISTERED", "Expired", "Application under examination", "Removed",
    "Live/Registration", "Dead/Cancelled", "Refused", "Opposition pending", "Withdrawn",
)  # fmt: skip
NICE = (9, 35, 41, 25, 42, 5, 30, 16, 3, 43, 36, 29, 44, 18, 28, 11, 7, 32, 33, 14, 20, 21, 24, 1,
        10, 12, 37, 38, 39, 40, 45, 19, 6, 31, 26, 4, 2, 8, 17, 27, 22, 34, 15, 23, 13)  # fmt: skip
# Categories 1 to 29, each with divisions of sections.
VIENNA = tuple(
    f"{category:02d}.{division:02d}.{section:02d}"
    for category in range(1, 30) for division in (1, 3, 5, 7, 11) for section in range(1, 13)
)  # fmt: skip
SYLLABLES = ("ba", "cor", "del", "fin", "gra", "hol", "in", "jo", "ka", "lum", "mer", "no", "or",
             "pla", "ri", "sol", "tec", "uni", "ver", "zen")  # fmt: skip
FORMS = ("GmbH", "Inc.", "Ltd", "S.A.", "AG", "B.V.", "S.p.A.", "株式会社")
FIRST_DAY = dt.date(1980, 1, 1)
DAYS = 17_000  # up to the middle of 2026
SHARED = 0.02  # of marks show the picture of the one before


@dataclass(frozen=True, slots=True)
class Made:
    """What is made."""

    marks: int
    dimension: int = 256  # of vectors; 0: none
    seed: int = 0

    def __post_init__(self) -> None:
        if self.marks < 1 or self.dimension < 0:
            raise InvalidInput(f"{self.marks} marks of {self.dimension} dimensions: not possible")

    @property
    def owners(self) -> int:
        return max(self.marks // 5, 1)


def owner_name(rank: int) -> str:
    """The owner of rank 0, 1, ... by the number of marks: two words and a legal form."""
    words = []
    left = rank * 7919 + 12345  # neighbours in rank are none by name
    for _ in range(2):
        word = ""
        for _ in range(3):
            left, which = divmod(left, len(SYLLABLES))
            word += SYLLABLES[which]
        words.append(word.capitalize())
        left += rank
    return f"{' '.join(words)} {FORMS[rank % len(FORMS)]}"


def made_entries(made: Made) -> Iterator[Entry]:
    """A mark with one picture each, in the order of their numbers."""
    for start in range(0, made.marks, BLOCK):
        rng = np.random.default_rng((made.seed, start))
        yield from _block(made, start, min(BLOCK, made.marks - start), rng)


def _block(made: Made, start: int, count: int, rng: np.random.Generator) -> Iterator[Entry]:
    office = _skewed(rng, len(OFFICES), count)
    status = _skewed(rng, len(STATUSES), count)
    # Filings grow: the square root favours the late days.
    day = (np.sqrt(rng.random(count)) * DAYS).astype(int)
    owner = _skewed(rng, made.owners, count)
    nice = _skewed(rng, len(NICE), (count, 4))
    nices = rng.integers(1, 5, count)
    vienna = _skewed(rng, len(VIENNA), (count, 5)) * 601 % len(VIENNA)  # 601: frequent ones apart
    viennas = rng.integers(1, 6, count)
    shared = (rng.random(count) < SHARED) & (np.arange(count) > 0)
    rows = _unit(rng, count, made.dimension)
    for n in range(count):
        number = start + n
        name = OFFICES[office[n]]
        mark = MarkData(
            key=f"number:{name}:{number:09d}",
            source="register",
            office=name,
            application_number=f"{number:09d}",
            text=owner_name(number).split()[0].upper(),
            kind="figurative",
            status=STATUSES[status[n]],
            filing_date=FIRST_DAY + dt.timedelta(days=int(day[n])),
            owner=owner_name(int(owner[n])),
            nice=tuple(sorted({NICE[i] for i in nice[n, : nices[n]]})),
            vienna=tuple(sorted({VIENNA[i] for i in vienna[n, : viennas[n]]})),
        )
        picture = number - 1 if shared[n] and not shared[n - 1] else number
        facts = _facts(made.seed, picture)
        vector = rows[picture - start] if made.dimension else None
        yield Entry(mark, f"/register/{name}/{number:09d}.png", facts.content, facts, vector)


def _facts(seed: int, picture: int) -> ImageFacts:
    content = hashlib.sha256(f"{seed}:{picture}".encode()).digest()
    return ImageFacts(content, content[::-1], 400, 300, "PNG")


def _skewed(
    rng: np.random.Generator, kinds: int, shape: int | tuple[int, ...]
) -> NDArray[np.int64]:
    """Ranks by Zipf's law: rank r about as often as 1 / (r + 1)."""
    ranks = np.exp(rng.random(shape) * np.log(kinds + 1)) - 1
    return np.asarray(ranks, dtype=np.int64)


def _unit(rng: np.random.Generator, count: int, dimension: int) -> NDArray[np.float32]:
    rows = rng.standard_normal((count, dimension), dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), dtype=np.float32)
