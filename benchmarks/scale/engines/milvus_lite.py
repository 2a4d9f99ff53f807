"""Milvus Lite's server, in an environment and a process of its own, asked over gRPC."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from likemark.benchmarks.scale.engines.engine import LADDER, Job
from likemark.benchmarks.scale.mixture import Rows
from likemark.benchmarks.scale.vectors import KINDS, Filter, Ids
from likemark.db.errors import LikemarkError

COLLECTION = "marks"
PROGRAM = "LIKEMARK_MILVUS_LITE"  # variable that names the server's program
_PATIENCE = 120.0  # s until the server answers
_WHOLE = 3600.0  # s that any one call may take
_SENT = 1000  # entities a call


def program() -> Path | None:
    """The server's program: of the variable, else of the environment beside this one's files."""
    given = os.environ.get(PROGRAM)
    path = Path(given) if given else Path(sys.prefix) / "milvus" / "bin" / "milvus-lite"
    return path if path.is_file() else None


class MilvusLite:
    efforts = tuple(effort for effort in LADDER if effort >= 12)
    promise: float | None = None
    setting = "HNSW, M 16, efConstruction 128"

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None
        self._client: Any = None

    @property
    def server(self) -> int | None:
        return None if self._server is None else self._server.pid

    def build(self, job: Job) -> None:
        self._start(job)
        self._make(job.dimension)
        marks = job.vectors.marks(job.count)
        for ids, rows in job.vectors.stream(job.count, part=_SENT):
            self._send(ids, rows, marks[ids])
        self._client.flush(COLLECTION, timeout=_WHOLE)
        self._client.load_collection(COLLECTION, timeout=_WHOLE)

    def open(self, job: Job) -> None:
        self._start(job)
        self._client.load_collection(COLLECTION, timeout=_WHOLE)
        self.search(np.zeros((1, job.dimension), np.float32), 1, None)

    def use_threads(self, count: int) -> bool:
        return False

    def search(self, queries: Rows, k: int, effort: int | None) -> Ids:
        return self._asked(queries, k, effort, "")

    def search_within(
        self, queries: Rows, k: int, effort: int | None, *, allowed: Ids, wanted: Filter
    ) -> Ids:
        return self._asked(queries, k, effort, f"{wanted.kind} < {wanted.below}")

    def add(self, ids: Ids, rows: Rows) -> None:
        self._send(ids, rows, np.zeros((len(ids), len(KINDS)), np.uint16))

    def remove(self, ids: Ids) -> None:
        self._client.delete(COLLECTION, ids=ids.tolist(), timeout=_WHOLE)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        if self._server is not None:
            self._server.terminate()
            self._server.wait(_PATIENCE)
        self._client = self._server = None

    def _start(self, job: Job) -> None:
        path, port = program(), _free_port()
        assert path is not None  # the registry has looked
        command = [
            str(path), "server", "--data-dir", str(job.folder), "--host", "127.0.0.1",
            "--port", str(port),
        ]  # fmt: skip
        quiet = subprocess.DEVNULL
        self._server = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
        self._client = self._connected(f"http://127.0.0.1:{port}")

    def _connected(self, address: str) -> Any:
        from pymilvus import MilvusClient

        end = time.monotonic() + _PATIENCE
        while True:
            assert self._server is not None
            try:
                return MilvusClient(address, timeout=5)
            except Exception as error:
                if self._server.poll() is not None or time.monotonic() > end:
                    raise LikemarkError(f"Milvus Lite does not answer: {error}") from error
                time.sleep(0.2)

    def _make(self, dimension: int) -> None:
        from pymilvus import DataType, MilvusClient

        schema = MilvusClient.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
        for kind in KINDS:
            schema.add_field(kind, DataType.INT32)
        index = MilvusClient.prepare_index_params()
        index.add_index(
            "vector", index_type="HNSW", metric_type="IP",
            params={"M": 16, "efConstruction": 128},
        )  # fmt: skip
        self._client.create_collection(COLLECTION, schema=schema, index_params=index)

    def _send(self, ids: Ids, rows: Rows, marks: Any) -> None:
        random, clustered = KINDS
        entities = [
            {"id": number, "vector": row, random: mark[0], clustered: mark[1]}
            for number, row, mark in zip(ids.tolist(), rows.tolist(), marks.tolist(), strict=True)
        ]
        self._client.insert(COLLECTION, entities, timeout=_WHOLE)

    def _asked(self, queries: Rows, k: int, effort: int | None, expression: str) -> Ids:
        answers = self._client.search(
            COLLECTION, data=queries.tolist(), limit=k, filter=expression, timeout=_WHOLE,
            search_params={"metric_type": "IP", "params": {"ef": max(k, effort or k)}},
            consistency_level="Strong",
        )  # fmt: skip
        found = np.full((len(queries), k), -1, np.int64)
        for row, hits in zip(found, answers, strict=True):
            row[: len(hits)] = [hit["id"] for hit in hits]
        return found


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
