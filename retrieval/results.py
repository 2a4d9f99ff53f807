"""What a query gives back, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import PictureError
from likemark.db.search import MarkRow
from likemark.db.values import Filters
from likemark.retrieval.parts import Box
from likemark.retrieval.pictures.picture import Crop

Rows = NDArray[np.float32]

# Of a block's cosine: what the whole picture finds comes first. Chosen on drawings trained on.
BLOCK_WEIGHT = 0.95
# Of the cosine of a picture turned by eighths, whose edges are drawn anew, and of a half's, which
# is like more that is plain.
EIGHTH_WEIGHT, HALF_WEIGHT = 0.95, 0.8


def weighted(cosines: Rows, weight: float | Rows) -> Rows:
    """Cosines as they count: lessened, where they are above 0.

    weight: 0 to 1, one for all or one for each, as numpy broadcasts
    """
    counted: Rows = np.minimum(cosines, weight * cosines)
    return counted


@dataclass(frozen=True, slots=True)
class Hit:
    """One picture of the collection and the marks within the filters that show it."""

    rank: int  # from 1
    # Cosine similarity with the query, at most 1; a little less for its block, its half and what it
    # is turned by eighths; for its picture as a part what the correlation counts.
    score: float
    image_id: int
    path: str  # where the picture was read when it was indexed
    marks: tuple[MarkRow, ...]  # the same picture filed more than once: several
    block: Crop | None = None  # px of the query that found it, an element or a half; None: all
    unlisted: int = 0  # further marks that show it, too many to be named
    turn: int = 0  # degrees, counter-clockwise, by which the query was turned to find it
    part: Box | None = None  # where the query lies in the picture, if it was found as a part of it

    @property
    def mark(self) -> MarkRow:
        return self.marks[0]

    @property
    def others(self) -> int:
        """How many marks show it besides the first."""
        return len(self.marks) - 1 + self.unlisted


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The answer to one query picture: hits, or why it could not be read."""

    query: str  # the picture's path, or "stdin"
    hits: tuple[Hit, ...]  # best first
    error: PictureError | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """What was asked of every query, kept for the record."""

    k: int  # hits wanted
    filters: Filters
    crop: Crop | None  # px of the query picture
    min_score: float | None
    blocks: bool  # the elements of a composite query asked too
    turned: bool  # and the whole, turned by eighths of a full turn
    parts: bool  # and its halves, and the nearest looked into for the query as a part of them
    model: str  # name
    model_fingerprint: str
    index: str  # factory string
    vectors: int  # searched, before filters


def mark_json(mark: MarkRow) -> dict[str, Any]:
    """A mark as one JSON object; dates are ISO 8601, unknown fields null."""
    return {
        "id": mark.id,
        "collection": mark.collection,
        "title": mark.title,
        "office": mark.office,
        "application_number": mark.application_number,
        "registration_number": mark.registration_number,
        "text": mark.text,
        "kind": mark.kind,
        "status": mark.status,
        "filing_date": mark.filing_date and mark.filing_date.isoformat(),
        "registration_date": mark.registration_date and mark.registration_date.isoformat(),
        "expiry_date": mark.expiry_date and mark.expiry_date.isoformat(),
        "owner": mark.owner,
        "nice": list(mark.nice),
        "vienna": list(mark.vienna),
        "goods": mark.goods,
        "extra": dict(mark.extra),
        "source": mark.source,
        "images": [
            {"id": image.image_id, "path": image.path, "width": image.width, "height": image.height}
            for image in mark.images
        ],
    }


def results_json(results: Sequence[QueryResult], search: Search) -> dict[str, Any]:
    """Every query's answer as one JSON document."""
    return {
        "model": {"name": search.model, "fingerprint": search.model_fingerprint},
        "index": {"factory": search.index, "vectors": search.vectors},
        "k": search.k,
        "min_score": search.min_score,
        "blocks": search.blocks,
        "turned": search.turned,
        "parts": search.parts,
        "queries": [_query_json(result) for result in results],
    }


def _query_json(result: QueryResult) -> dict[str, Any]:
    error = result.error
    return {
        "query": result.query,
        "error": error and {"reason": error.reason, "detail": error.detail},
        "hits": [
            {
                "rank": hit.rank,
                "score": round(hit.score, 6),
                "image_id": hit.image_id,
                "path": hit.path,
                "block": hit.block and list(hit.block.box),
                "turn": hit.turn,
                "part": hit.part and [round(share, 4) for share in hit.part],
                "marks": [mark_json(mark) for mark in hit.marks],
                "unlisted_marks": hit.unlisted,
            }
            for hit in result.hits
        ],
    }
