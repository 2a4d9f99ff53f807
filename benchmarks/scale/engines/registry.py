"""The engines by name, in the order of the tables, and up to which size each is built."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from likemark.benchmarks.scale.engines.engine import Engine
from likemark.benchmarks.scale.engines.graphs import Hnswlib, Usearch
from likemark.benchmarks.scale.engines.milvus_lite import MilvusLite, program
from likemark.benchmarks.scale.engines.own import OwnIndex
from likemark.benchmarks.scale.engines.plain_faiss import PlainFaiss

OWN = "likemark"


@dataclass(frozen=True, slots=True)
class Contender:
    name: str  # its rows in the tables
    make: Callable[[], Engine]
    missing: Callable[[], str] = lambda: ""  # why it cannot be measured here; empty: it can
    largest: int | None = None  # size from which it is left out unless named; None: none

    @property
    def own(self) -> bool:
        return self.name.startswith(OWN)


def contenders() -> tuple[Contender, ...]:
    graph = 2_000_000  # of 10 million a graph takes hours to build on a few cores
    return (
        Contender(OWN, lambda: OwnIndex(0.99)),
        Contender(f"{OWN}, recall 0.97", lambda: OwnIndex(0.97)),
        Contender("FAISS Flat", lambda: PlainFaiss("Flat")),
        Contender("FAISS IVF,Flat", lambda: PlainFaiss("IVF,Flat")),
        Contender("FAISS IVF,SQ8", lambda: PlainFaiss("IVF,SQ8")),
        Contender("FAISS HNSW32", lambda: PlainFaiss("HNSW32"), largest=graph),
        Contender("usearch f16", lambda: Usearch("f16"), _lacks("usearch"), graph),
        Contender("usearch i8", lambda: Usearch("i8"), _lacks("usearch"), graph),
        Contender("hnswlib", Hnswlib, _lacks("hnswlib"), graph),
        Contender("Milvus Lite", MilvusLite, _no_milvus, 100_000),
    )


def _lacks(module: str) -> Callable[[], str]:
    def missing() -> str:
        return "" if importlib.util.find_spec(module) else f"{module} is not installed"

    return missing


def _no_milvus() -> str:
    if importlib.util.find_spec("pymilvus") is None:
        return "pymilvus is not installed; run: pip install 'likemark[milvus]'"
    return "" if program() else "its server's environment is not there"
