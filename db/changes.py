"""Changes of the links between marks and pictures, for an index that holds register data.

A vector index of the pictures alone catches up by the generations of the vectors. One that filters
by register data itself must also hear of a mark that changed while its picture did not. Links are
noted in the transaction that changes them, each under the newest revision; new links need no note
when their picture's vector is as new, since the vector's generation tells of them already.
"""

from __future__ import annotations

import secrets
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, text, union
from sqlalchemy.orm import Session

from likemark.db.schema import Embedding, LinkChange, MarkImage, Revision
from likemark.db.vectors import ROWS, ModelRow, parts

_NOTED = "likemark_changed_links"


@dataclass(frozen=True, slots=True)
class RevisionRow:
    number: int  # advances with every transaction that changes links
    token: str  # random, one for each revision: another history has another one


def newest_revision(session: Session) -> RevisionRow:
    query = select(Revision.number, Revision.token).order_by(Revision.number.desc()).limit(1)
    number, token = session.execute(query).one()
    return RevisionRow(number, token)


def revision_token(session: Session, number: int) -> str | None:
    return session.scalars(select(Revision.token).where(Revision.number == number)).one_or_none()


def note_links(session: Session, link_ids: Iterable[int]) -> None:
    """Links that are new, changed or gone; `write_noted` puts them down at the transaction's end.

    Only then, because of the lock on revisions: taken last, it cannot meet another writer's.
    """
    session.info.setdefault(_NOTED, set()).update(link_ids)


def note_marks(session: Session, mark_ids: Iterable[int]) -> None:
    """All links of marks that are about to go or to change."""
    for part in parts(list(mark_ids)):
        note_links(
            session, session.scalars(select(MarkImage.id).where(MarkImage.mark_id.in_(part)))
        )


def write_noted(session: Session) -> None:
    """Put what was noted down under a new revision; nothing noted, nothing done."""
    noted = sorted(session.info.pop(_NOTED, ()))
    if not noted:
        return
    number = _advance(session)
    for part in parts(noted):
        session.execute(delete(LinkChange).where(LinkChange.link_id.in_(part)))
        session.execute(
            insert(LinkChange), [{"link_id": link_id, "revision": number} for link_id in part]
        )


def changed_links(
    session: Session, model: ModelRow, *, generation: int, revision: int
) -> Sequence[int]:
    """Ids, ascending, of links that changed, came or went after these, or whose vector came."""
    by_vector = (
        select(MarkImage.id.label("link_id"))
        .join(Embedding, Embedding.image_id == MarkImage.image_id)
        .where(Embedding.model_id == model.id, Embedding.generation > generation)
    )
    noted = select(LinkChange.link_id).where(LinkChange.revision > revision)
    ordered = union(by_vector, noted).order_by("link_id").execution_options(yield_per=ROWS)
    return array("q", session.scalars(ordered))  # 8 bytes each: there can be 10^8


def _advance(session: Session) -> int:
    # Held until commit, so that revisions become visible in their order; readers pass.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE revisions IN SHARE ROW EXCLUSIVE MODE"))
    newest: int = session.execute(select(func.max(Revision.number))).scalar_one()
    session.execute(insert(Revision), [{"number": newest + 1, "token": secrets.token_hex(16)}])
    return newest + 1
