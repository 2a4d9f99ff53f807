"""Ids of the images that filters allow, kept beside the indices where they were costly to find.

Of ten million marks it takes seconds to find all that an office has, and the same filters are asked
for again and again. A set holds for one state of the catalogue: any change of marks, of links or of
the model's vectors has another token, and with it another name. Where a file is damaged, or none
can be written, the set is found anew.
"""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from likemark.db.changes import newest_revision
from likemark.db.errors import LikemarkError
from likemark.db.filters import require_collections
from likemark.db.schema import CatalogueInfo
from likemark.db.search import allowed_images
from likemark.db.values import Filters
from likemark.db.vectors import active_model
from likemark.retrieval.files import write_whole
from likemark.retrieval.workspace import Workspace

COSTLY = 0.2  # seconds to find a set, from which it is kept
KEPT = 16  # sets, the latest used
_ENDING = ".ids"
_CRC = 4  # bytes, before the bits


def known_images(
    workspace: Workspace, session: Session, filters: Filters
) -> NDArray[np.int64] | None:
    """As `allowed_images`, and found once for each state of the catalogue.

    Register data that something else than likemark has written does not show in that state.
    """
    if not filters.active:
        return None
    require_collections(session, filters.collections)
    path = workspace.filters / f"{_name(session, filters)}{_ENDING}"
    ids = _read(path)
    if ids is None:
        start = time.monotonic()
        ids = allowed_images(session, filters)
        assert ids is not None  # a filter is set
        if time.monotonic() - start >= COSTLY:
            _keep(path, ids)
    return ids


def _name(session: Session, filters: Filters) -> str:
    model = active_model(session)
    state = (
        session.scalars(select(CatalogueInfo.identity)).one(),
        newest_revision(session).token,
        *(() if model is None else (model.fingerprint, model.token)),
    )
    return hashlib.sha256(repr((state, filters)).encode()).hexdigest()[:32]


def _read(path: Path) -> NDArray[np.int64] | None:
    try:
        data = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    bits = data[_CRC:]
    if not bits or zlib.crc32(bits) != int.from_bytes(data[:_CRC], "little"):
        return None
    return np.flatnonzero(np.unpackbits(np.frombuffer(bits, np.uint8)))


def _keep(path: Path, ids: NDArray[np.int64]) -> None:
    """ids: (N,), ascending, as one bit for every id up to the largest."""
    allowed = np.zeros(int(ids.max(initial=0)) + 1, np.bool_)
    allowed[ids] = True
    bits = np.packbits(allowed).tobytes()
    with suppress(LikemarkError, OSError):  # a search needs no folder that it can write
        path.parent.mkdir(exist_ok=True)
        write_whole(path, zlib.crc32(bits).to_bytes(_CRC, "little") + bits)
        for old in sorted(path.parent.glob(f"*{_ENDING}"), key=_used)[:-KEPT]:
            old.unlink(missing_ok=True)


def _used(path: Path) -> float:
    with suppress(FileNotFoundError):  # another search has forgotten it
        return path.stat().st_mtime
    return 0.0
