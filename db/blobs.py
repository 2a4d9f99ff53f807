"""Vectors as the catalogue stores them: unit rows in float16. What is none of these is refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from likemark.db.errors import CatalogueError
from likemark.db.schema import Mark, MarkImage

# Of a row's length from 1: rounding to float16 changes it by a thousandth at most.
SLACK = 0.01
_NAMED = 20  # marks that a message names


def packed(image_ids: Sequence[int], rows: NDArray[np.float32]) -> list[bytes]:
    """The bytes to store of each row.

    rows: (N, D) float32, unit rows. Raises CatalogueError for one that is not: all who read the
    catalogue would stumble over it.
    """
    unit = _is_unit(rows)
    if not unit.all():
        image_id = image_ids[int(np.argmin(unit))]
        raise CatalogueError(
            f"picture {image_id}: its model gave a vector whose length is not 1; run it again, "
            "with --device cpu if it stays so"
        )
    return [row.tobytes() for row in rows.astype("<f2")]


def unpacked(
    session: Session, image_ids: Sequence[int], blobs: Sequence[bytes], dimension: int
) -> NDArray[np.float32]:
    """(N, D) unit rows from stored vectors.

    Raises CatalogueError for one that is damaged: it would be found by no query, or by every one.
    """
    rows, sound = read_back(blobs, dimension)
    if not sound.all():
        said, cure = damage(session, image_ids[int(np.argmin(sound))])
        raise CatalogueError(f"{said}; run: {cure}")
    return rows


def read_back(
    blobs: Sequence[bytes], dimension: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(N, D) rows from stored vectors, and (N,) which of them are unit rows."""
    size = 2 * dimension
    whole = b"".join(
        blob if isinstance(blob, bytes) and len(blob) == size else bytes(size) for blob in blobs
    )
    with np.errstate(invalid="ignore"):
        rows = np.frombuffer(whole, dtype="<f2").astype(np.float32).reshape(-1, dimension)
    return rows, _is_unit(rows)


def damage(session: Session, image_id: int) -> tuple[str, str]:
    """What to say of a damaged vector, and what to run against it."""
    query = select(Mark.id, MarkImage.path, Mark.source).join(Mark)
    links = session.execute(query.where(MarkImage.image_id == image_id).order_by(Mark.id)).all()
    if not links:
        return f"picture {image_id}: its stored vector is damaged", "likemark reindex"
    ids = list(dict.fromkeys(link.id for link in links))
    named = " ".join(f"@{mark_id}" for mark_id in ids[:_NAMED])
    rest = f" and the {len(ids) - _NAMED} others that show it" if len(ids) > _NAMED else ""
    return (
        f"picture {image_id} ({links[0].path}): its stored vector is damaged",
        f"likemark remove {named}{rest}; then index {links[0].source} again",
    )


def _is_unit(rows: NDArray[np.float32]) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore", over="ignore"):
        sound: NDArray[np.bool_] = np.abs(np.sqrt(np.einsum("nd,nd->n", rows, rows)) - 1) <= SLACK
    return sound
