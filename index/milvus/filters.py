"""Register data in a form that Milvus compares, and filters on it as its boolean expressions.

Text is folded more coarsely than any database does: an expression may let a mark through that the
catalogue's own filter then keeps out, never the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Longer text is cut, in what is stored and in what is asked for alike.
MOST_TEXT = 256  # characters of an office or a status
MOST_OWNER = 16_000  # characters
# No quote, backslash or control character remains: nothing needs escaping in an expression.
_PLAIN = {ord('"'): "'", ord("\\"): "/", 0x0307: None, **dict.fromkeys(range(32), " "), 127: " "}


@dataclass(frozen=True, slots=True)
class Register:
    """What is filtered by, of one mark."""

    collection: int  # the collection's id
    office: str | None = None
    status: str | None = None
    owner: str | None = None
    nice: tuple[int, ...] = ()
    vienna: tuple[str, ...] = ()  # "03.07.17"
    filed: int | None = None  # day, counted from 0001-01-01 as 1


@dataclass(frozen=True, slots=True)
class RegisterFilter:
    """Every given field, any of its values; empty fields ask for nothing."""

    collections: tuple[int, ...] = ()  # ids
    office: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    owner: str | None = None  # part of the name
    nice: tuple[int, ...] = ()
    vienna: tuple[str, ...] = ()  # codes "03.07.17", or beginnings "03.07." and "03."
    filed_from: int | None = None  # day
    filed_to: int | None = None  # day

    def expression(self) -> str:
        """The filter in Milvus's language; empty when nothing is asked for."""
        wanted = [
            _any_number("collection_id", self.collections),
            _any_text("office", self.office),
            _any_text("status", self.status),
            f'owner like "%{_pattern(self.owner)}%"' if self.owner else "",
            f"array_contains_any(nice, {_numbers(self.nice)})" if self.nice else "",
            f"array_contains_any(vienna, {_texts(self.vienna)})" if self.vienna else "",
            "" if self.filed_from is None else f"filed >= {self.filed_from}",
            "" if self.filed_to is None else f"filed > 0 and filed <= {self.filed_to}",
        ]
        return both(*wanted)


def both(*expressions: str) -> str:
    """All of them; empty ones ask for nothing."""
    asked = [expression for expression in expressions if expression]
    return asked[0] if len(asked) == 1 else " and ".join(f"({each})" for each in asked)


def among(field: str, ids: Iterable[int], *, negated: bool = False) -> str:
    return f"{field} {'not in' if negated else 'in'} {_numbers(ids)}"


def fold(text: str | None, most: int) -> str:
    """Case and the like taken away; "" for None."""
    return (text or "")[:most].casefold().translate(_PLAIN)[:most]


def fields_of(register: Register) -> dict[str, object]:
    """The scalar fields of a stored mark."""
    return {
        "collection_id": register.collection,
        "office": fold(register.office, MOST_TEXT),
        "status": fold(register.status, MOST_TEXT),
        "owner": fold(register.owner, MOST_OWNER),
        "nice": list(register.nice),
        "vienna": sorted({part for code in register.vienna for part in _beginnings(code)}),
        "filed": register.filed or 0,
    }


def _beginnings(code: str) -> list[str]:
    """ "03.07.17" is found by "03.", "03.07." and "03.07.17"."""
    places = [place + 1 for place, character in enumerate(code) if character == "."]
    return [*(code[:place] for place in places), code]


def _pattern(owner: str) -> str:
    # An underscore stands for any one character, which asks for less than the character itself.
    return fold(owner, MOST_OWNER).replace("%", "_")


def _any_number(field: str, numbers: Sequence[int]) -> str:
    return among(field, numbers) if numbers else ""


def _any_text(field: str, texts: Sequence[str]) -> str:
    return f"{field} in {_texts([fold(text, MOST_TEXT) for text in texts])}" if texts else ""


def _numbers(numbers: Iterable[int]) -> str:
    return "[" + ",".join(str(int(number)) for number in numbers) + "]"


def _texts(texts: Iterable[str]) -> str:
    return "[" + ",".join(f'"{text}"' for text in texts) + "]"
