"""The collection that holds a catalogue's vectors, and what is written down about it.

One entity stands for one link: a mark and a picture that it shows. So a filter is met by a single
mark, and not by two marks that share a picture. A collection's properties say which version of this
schema it has, and, once everything is on the cluster's disk, which state of the catalogue it holds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from likemark.db.errors import InvalidInput
from likemark.index.milvus.filters import Register, fields_of
from likemark.index.milvus.url import ClusterUrl
from likemark.index.protocol import Rows, Stamp

VERSION = "1"
_PROPERTY = "likemark."
_SURE = "no"
# Milvus's own bounds, of bytes and of an array's elements.
_TEXT_BYTES = 1024
_OWNER_BYTES = 65_535
_ELEMENTS = 4096


@dataclass(frozen=True, slots=True)
class ClusterStamp:
    """The state of the catalogue that a collection holds."""

    vectors: Stamp
    revision: int  # of the links between marks and pictures
    history: str  # that revision's random token


@dataclass(frozen=True, slots=True)
class Unsure:
    """Since when a collection may hold older data than its stamp says.

    A writer began to write then, and has not been heard of: it was killed, or is late.
    """

    generation: int  # of the vectors
    revision: int  # of the links
    rounds: int  # times that all since then is to be written again until it is sure

    @property
    def text(self) -> str:
        return f"{self.generation} {self.revision} {self.rounds}"


@dataclass(frozen=True, slots=True)
class Entries:
    """N links: what is stored of each."""

    ids: Sequence[int]  # N, of the links
    images: Sequence[int]  # N, ids of the pictures
    registers: Sequence[Register | None]  # N; None: nothing is known, only vectors are searched
    rows: Rows  # (N, D)

    def __post_init__(self) -> None:
        if not len(self.ids) == len(self.images) == len(self.registers) == len(self.rows):
            raise InvalidInput("index: ids, pictures, registers and rows are of different numbers")


@dataclass(frozen=True, slots=True)
class Layout:
    """What cannot be changed of a collection once it is there."""

    dimension: int
    half: bool  # vectors are float16
    engine: str  # one of url.ENGINES

    @property
    def bytes_per_row(self) -> int:
        return self.dimension * (2 if self.half else 4) + 2 * 8

    def entities(self, entries: Entries) -> list[dict[str, Any]]:
        rows = np.ascontiguousarray(entries.rows, dtype=np.float16 if self.half else np.float32)
        return [
            {
                "link_id": link,
                "image_id": image,
                "vector": row,
                **fields_of(register or Register(0)),
            }
            for link, image, register, row in zip(
                entries.ids, entries.images, entries.registers, rows, strict=True
            )
        ]

    def schema(self) -> Any:
        from pymilvus import DataType, MilvusClient

        made = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        made.add_field("link_id", DataType.INT64, is_primary=True)
        for name in ("image_id", "collection_id", "filed"):
            made.add_field(name, DataType.INT64)
        for name, most in (
            ("office", _TEXT_BYTES),
            ("status", _TEXT_BYTES),
            ("owner", _OWNER_BYTES),
        ):
            made.add_field(name, DataType.VARCHAR, max_length=most)
        array: dict[str, Any] = {"datatype": DataType.ARRAY, "max_capacity": _ELEMENTS}
        made.add_field("nice", element_type=DataType.INT64, **array)
        made.add_field("vienna", element_type=DataType.VARCHAR, max_length=32, **array)
        kind = DataType.FLOAT16_VECTOR if self.half else DataType.FLOAT_VECTOR
        made.add_field("vector", kind, dim=self.dimension)
        return made

    def indices(self, url: ClusterUrl, *, scalars: bool, there: Collection[str] = ()) -> Any:
        """Those to make, each under its field's name, without what is there already."""
        from pymilvus import MilvusClient

        made = MilvusClient.prepare_index_params()
        hnsw = {"M": url.m, "efConstruction": url.ef_construction}
        params = hnsw if self.engine == "HNSW" else {}
        if "vector" not in there:
            made.add_index(
                "vector", self.engine, index_name="vector", metric_type="IP", params=params
            )
        for name in ("image_id", "collection_id", "office", "status", "nice", "vienna"):
            if scalars and name not in there:
                made.add_index(name, "INVERTED", index_name=name)
        return made


def layout_of(described: Mapping[str, Any], engine: str) -> Layout:
    """From what Milvus says of a collection."""
    from pymilvus import DataType

    (vector,) = (f for f in described["fields"] if f["name"] == "vector")
    half = vector["type"] == DataType.FLOAT16_VECTOR
    return Layout(int(vector["params"]["dim"]), half, engine)


def birth_properties(catalogue: str, model: str) -> dict[str, str]:
    """Of a collection that holds nothing yet."""
    return _prefixed({"schema": VERSION, "catalogue": catalogue, "model": model})


def unsure_properties(unsure: Unsure | None) -> dict[str, str]:
    return _prefixed({"unsure": unsure.text if unsure else _SURE})


def read_unsure(properties: Mapping[str, str]) -> Unsure | None:
    told = properties.get("unsure", _SURE)
    return None if told == _SURE else Unsure(*map(int, told.split()))


def stamp_properties(stamp: ClusterStamp) -> dict[str, str]:
    told = {
        "generation": stamp.vectors.generation, "token": stamp.vectors.token,
        "revision": stamp.revision, "history": stamp.history,
    }  # fmt: skip
    return _prefixed(told)


def read_properties(described: Mapping[str, Any]) -> dict[str, str]:
    """Likemark's own properties of a collection, without their prefix."""
    found: Mapping[str, str] = described.get("properties") or {}
    return {n.removeprefix(_PROPERTY): v for n, v in found.items() if n.startswith(_PROPERTY)}


def seconds_kept(described: Mapping[str, Any]) -> int:
    """After which the cluster forgets what it holds; 0: never."""
    return max(int((described.get("properties") or {}).get("collection.ttl.seconds", 0)), 0)


def read_stamp(properties: Mapping[str, str]) -> ClusterStamp | None:
    """None: it was never finished."""
    if not {"generation", "token", "revision", "history"} <= properties.keys():
        return None
    vectors = Stamp(
        properties["catalogue"], properties["model"],
        int(properties["generation"]), properties["token"],
    )  # fmt: skip
    return ClusterStamp(vectors, int(properties["revision"]), properties["history"])


def _prefixed(told: Mapping[str, object]) -> dict[str, str]:
    return {_PROPERTY + name: str(value) for name, value in told.items()}
