"""The catalogue's filters, met by a cluster itself or by the ids that the catalogue allows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from likemark.db.codes import vienna_prefix
from likemark.db.filters import require_collections
from likemark.db.schema import Collection
from likemark.db.values import Filters
from likemark.index.local import LocalIndex
from likemark.index.milvus.filters import RegisterFilter
from likemark.index.milvus.index import MilvusIndex
from likemark.retrieval.allowed import known_images
from likemark.retrieval.workspace import Workspace


def register_filter(session: Session, filters: Filters) -> RegisterFilter:
    """The catalogue's filters in the cluster's terms; collections must exist."""
    ids = session.scalars(select(Collection.id).where(Collection.name.in_(filters.collections)))
    return RegisterFilter(
        collections=tuple(sorted(ids)),
        office=filters.office,
        status=filters.status,
        owner=filters.owner,
        nice=filters.nice,
        vienna=tuple(vienna_prefix(pattern)[0] for pattern in filters.vienna),
        filed_from=filters.filed_after.toordinal() if filters.filed_after else None,
        filed_to=filters.filed_before.toordinal() if filters.filed_before else None,
    )


def filtered(
    workspace: Workspace, session: Session, index: LocalIndex | MilvusIndex, filters: Filters
) -> tuple[LocalIndex | MilvusIndex, NDArray[np.int64] | None]:
    """What to search, and among which images: a cluster meets the filters itself.

    Raises NotFound for a collection that does not exist.
    """
    if not isinstance(index, MilvusIndex):
        return index, known_images(workspace, session, filters)
    require_collections(session, filters.collections)
    return index.within(register_filter(session, filters)), None
