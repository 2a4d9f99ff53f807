"""Text from outside, made fit to be shown: one line, in its stored order, of bounded length."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SPACE = re.compile(r"\s+")
# Controls and lone surrogates (a file name's undecodable bytes) have no place in a document, and
# explicit bidi formatting would show a name in another order than the one it is stored in.
_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"
)
_STAND_IN = "\ufffd"


def clean(text: str) -> str:
    """One line without characters that could break or reorder it: those become U+FFFD."""
    return _UNFIT.sub(_STAND_IN, _SPACE.sub(" ", text).strip())


def shorten(text: str, limit: int) -> str:
    """`clean`, and an ellipsis where more than `limit` characters would remain."""
    text = clean(text)
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def either(values: Sequence[object]) -> str:
    """ "a", "a or b", "a, b or c"."""
    words = [clean(str(value)) for value in values]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
