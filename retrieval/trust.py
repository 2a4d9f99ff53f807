"""Why a stored index cannot be believed, or is not what is wanted: it is built anew then."""

from __future__ import annotations

from sqlalchemy.orm import Session

from likemark.db.vectors import ModelRow, known_token
from likemark.index.factory import AUTO, EXACT, EXACT_BELOW, choose_factory, outgrown
from likemark.index.layers import LayeredIndex
from likemark.index.local import LocalIndex
from likemark.index.protocol import Stamp


def foreign(
    session: Session, index: LocalIndex, stored: Stamp, wanted: Stamp, model: ModelRow
) -> str:
    """Why what is stored is not of this catalogue's past; empty: it is."""
    if stored.model != wanted.model or index.dimension != model.dimension:
        return "it holds another model's vectors"
    if stored.catalogue != wanted.catalogue:
        return "it belongs to another catalogue"
    if known_token(session, model.id, stored.generation) != stored.token:
        return "the catalogue has another history (restored from a backup?)"
    return ""


def unfit(index: LocalIndex, setting: str, recall: float | None, count: int) -> str:
    """Why it is not the index for so many vectors; empty: it is.

    setting: a factory string or "auto"; recall: promised; None: whatever it is
    """
    if setting != index.setting:
        return f"it was made for {index.setting}, {setting} is wanted"
    fitting = choose_factory(setting, expected=count, dimension=index.dimension)
    if setting == AUTO:
        exact = index.stats().exact
        if exact and fitting != EXACT:
            return "the collection has outgrown exact search"
        # Not at once: a collection about that size would be built anew with every change.
        if not exact and count < EXACT_BELOW // 2:
            return "the collection has shrunk to exact search"
        if outgrown(index.factory, fitting):
            return f"the collection has outgrown {index.factory}"
    elif count and index.factory != fitting:
        return f"it was {index.factory} while there was nothing to train {setting} on"
    if isinstance(index, LayeredIndex) and recall not in (None, index.promise.recall):
        return f"it promises recall {index.promise.recall}, {recall} is wanted"
    return ""
