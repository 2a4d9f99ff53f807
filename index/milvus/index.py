"""A Milvus collection behind the index protocol.

Sizes: N entities (links between marks and pictures), D dimensions, Q queries, k hits. What is found
are pictures, each at its best entity, as in any other index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from likemark.db.errors import IndexLost, InvalidInput
from likemark.index.milvus.client import Client
from likemark.index.milvus.collections import Collections, Found
from likemark.index.milvus.filters import RegisterFilter, among, both
from likemark.index.milvus.nearest import MOST, Page, nearest
from likemark.index.milvus.schema import (
    ClusterStamp,
    Entries,
    Unsure,
    stamp_properties,
    unsure_properties,
)
from likemark.index.protocol import NO_ID, Ids, IndexStats, Rows
from likemark.index.protocol import Found as Hits

BATCH_BYTES = 2**21  # of vectors in one upsert; servers refuse messages of 64 MiB
MOST_IDS = 20_000  # in one expression
MOST_ANSWERS = 200_000  # of one search, over all its queries
SCANNED = 4096  # entities read at once
T = TypeVar("T")


class MilvusIndex:
    """One collection of a catalogue's, open. `within` gives the same one behind a filter."""

    def __init__(self, collections: Collections, found: Found, where: str = "") -> None:
        self._all = collections
        self._found = found
        self._where = where

    @property
    def name(self) -> str:
        return self._found.name

    @property
    def dimension(self) -> int:
        return self._found.layout.dimension

    @property
    def factory(self) -> str:
        return f"Milvus,{self._found.layout.engine}"

    @property
    def setting(self) -> str:
        return self._client.url.stored

    def within(self, wanted: RegisterFilter) -> MilvusIndex:
        """The same vectors, of marks that satisfy the filter: the cluster applies it itself."""
        return MilvusIndex(self._all, self._found, both(self._where, wanted.expression()))

    def put(self, entries: Entries) -> None:
        """Store links, in place of what stands under their ids; raises InvalidInput, IndexFault."""
        self._check(entries.rows)
        entities = self._found.layout.entities(entries)
        size = max(1, BATCH_BYTES // self._found.layout.bytes_per_row)
        for start in range(0, len(entities), size):
            self._upsert(entities[start : start + size])

    def drop(self, field: str, ids: Sequence[int]) -> None:
        """Drop entities by `link_id` or `image_id`; unknown ones are passed over."""
        for start in range(0, len(ids), MOST_IDS):
            self._delete(among(field, ids[start : start + MOST_IDS]))

    def add(self, ids: Ids, rows: Rows) -> None:
        """Pictures of no mark, as the protocol has it; `put` is for links.

        They stand under negative ids, which no link has.
        """
        self._check(rows)
        if ids.shape != rows.shape[:1] or (len(ids) and ids.min() < 0):
            raise InvalidInput(f"index: {len(rows)} rows need as many ids of 0 or more")
        if len(np.unique(ids)) < len(ids):
            raise InvalidInput("index: an id is given twice")
        if self._images(ids.tolist()):
            raise InvalidInput("index: an id is there already; remove it first")
        images = ids.tolist()
        self.put(Entries([-1 - image for image in images], images, [None] * len(images), rows))

    def remove(self, ids: Ids) -> int:
        held = self._images(ids.tolist())
        self.drop("image_id", sorted(held))
        return len(held)

    def search(self, queries: Rows, k: int, *, allowed: Ids | None = None) -> Hits:
        queries = self._check(queries)
        if k < 1:
            raise InvalidInput(f"k = {k}: give 1 or more")
        best: list[dict[int, float]] = [{} for _ in queries]
        step = max(1, MOST_ANSWERS // min(2 * k, MOST))
        for where in self._restrictions(allowed):
            for start in range(0, len(queries), step):
                rows = queries[start : start + step]
                found = nearest(self._page, rows, k, where)
                for known, new in zip(best[start:], found, strict=False):
                    known.update(new)
        return _ordered(best, k)

    def ids(self) -> Ids:
        held = {row["image_id"] for row in self._scan("image_id", self._where)}
        return np.array(sorted(held), dtype=np.int64)

    def links(self) -> Ids:
        """(N,) ids of all entities, ascending."""
        held = (row["link_id"] for row in self._scan("link_id", self._where))
        return np.sort(np.fromiter(held, dtype=np.int64))

    def stats(self) -> IndexStats:
        """`count` is of entities: a picture that two marks show counts twice."""
        count = self._count()
        layout = self._found.layout
        return IndexStats(
            count=count,
            dimension=layout.dimension,
            factory=self.factory,
            exact=layout.engine == "FLAT",
            bytes_in_memory=count * layout.bytes_per_row,
            device=self._client.url.address,
        )

    def doubt(self, unsure: Unsure) -> None:
        """Note that what follows may not be finished; `store` takes it back."""
        self._tell(unsure_properties(unsure))

    def store(self, stamp: ClusterStamp, unsure: Unsure | None = None) -> None:
        """Everything onto the cluster's disk, and only then word of what it is."""
        self._client.call(lambda m, s: m.flush(self.name, timeout=s), slow=True)
        self._tell(stamp_properties(stamp) | unsure_properties(unsure))

    def _tell(self, told: dict[str, str]) -> None:
        self._client.call(lambda m, s: m.alter_collection_properties(self.name, told, timeout=s))

    def publish(self) -> None:
        self._all.publish(self.name)

    def close(self) -> None:
        self._client.close()

    @property
    def _client(self) -> Client:
        return self._all.client

    def _upsert(self, entities: list[dict[str, Any]]) -> None:
        self._client.call(lambda m, s: m.upsert(self.name, data=entities, timeout=s), on=self.name)

    def _delete(self, where: str) -> None:
        self._client.call(lambda m, s: m.delete(self.name, filter=where, timeout=s), on=self.name)

    def _check(self, rows: Rows) -> Rows:
        if rows.ndim != 2 or rows.shape[1] != self.dimension:
            raise InvalidInput(
                f"index: rows of shape {rows.shape}, but it holds (N, {self.dimension})"
            )
        return np.ascontiguousarray(rows, dtype=np.float32)

    def _count(self) -> int:
        rows = self._run(
            lambda m, s: m.query(
                self.name, filter=self._where, output_fields=["count(*)"], timeout=s, **self._level
            )
        )
        return int(rows[0]["count(*)"])

    def _images(self, ids: Sequence[int]) -> set[int]:
        """Those of the pictures that are there."""
        held: set[int] = set()
        # One picture can stand in many entities: the answer is paged, not the question alone.
        for start in range(0, len(ids), MOST_IDS):
            part = self._scan("image_id", among("image_id", ids[start : start + MOST_IDS]))
            held.update(row["image_id"] for row in part)
        return held

    def _restrictions(self, allowed: Ids | None) -> Iterator[str]:
        if allowed is None:
            yield self._where
            return
        for start in range(0, len(allowed), MOST_IDS):
            part = among("image_id", allowed[start : start + MOST_IDS].tolist())
            yield both(self._where, part)

    def _page(self, rows: Rows, limit: int, where: str) -> list[Page]:
        data = [row.astype(np.float16) for row in rows] if self._found.layout.half else list(rows)
        effort = {"metric_type": "IP", "params": self._effort(limit)}
        found = self._run(
            lambda m, s: m.search(
                self.name, data=data, limit=limit, filter=where, output_fields=["image_id"],
                anns_field="vector", search_params=effort, timeout=s, **self._level,
            )
        )  # fmt: skip
        return [[(hit["entity"]["image_id"], hit["distance"]) for hit in hits] for hits in found]

    def _effort(self, limit: int) -> dict[str, int]:
        # A graph returns no more than the candidates it holds.
        engine = self._found.layout.engine
        return {"ef": max(self._client.url.ef, limit)} if engine == "HNSW" else {}

    def _scan(self, field: str, where: str = "") -> Iterator[dict[str, Any]]:
        iterator = self._run(
            lambda m, s: m.query_iterator(
                self.name, filter=where, output_fields=[field], batch_size=SCANNED, timeout=s,
                **self._level,
            )
        )  # fmt: skip
        while rows := self._run(lambda m, s: iterator.next()):
            yield from rows
        iterator.close()

    @property
    def _level(self) -> dict[str, str]:
        return {"consistency_level": self._client.url.consistency.capitalize()}

    def _run(self, work: Callable[[Any, float], T]) -> T:
        """A call that reads; where the collection has been replaced meanwhile, on its successor.

        What writes must not follow: the successor is of another state.
        """
        try:
            return self._client.call(work, on=self.name)
        except IndexLost:
            self._follow()
            return self._client.call(work, on=self.name)

    def _follow(self) -> None:
        """Raises IndexLost when there is no other of the same model."""
        stamp = self._found.stamp
        if stamp is None:  # still being filled: nobody can have replaced it
            raise IndexLost(f"index {self._client.url.address}: {self.name} was dropped")
        self._found = self._all.find(stamp.vectors.model)


def _ordered(best: Sequence[dict[int, float]], k: int) -> Hits:
    """The k best of each query; among equal scores the smaller id first."""
    ids = np.full((len(best), k), NO_ID, np.int64)
    scores = np.full((len(best), k), -np.inf, np.float32)
    for row, found in enumerate(best):
        ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:k]
        for place, (image, score) in enumerate(ranked):
            ids[row, place], scores[row, place] = image, score
    return Hits(ids, scores)
