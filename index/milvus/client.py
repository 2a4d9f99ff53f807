"""Calls to a cluster: time-outs, retries of what may pass, and errors on one line.

A call that fails for a reason that may pass (no connection, no answer in time, too many requests)
is made again after a pause that doubles each time, drawn at random so that many clients do not come
back together. Every writing call can be repeated, for its answer alone may have been lost: it puts
or drops by primary key, or looks first at what is there already.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from likemark.db.errors import IndexFault, IndexLost, IndexUnreachable, one_line
from likemark.index.milvus.url import ClusterUrl

T = TypeVar("T")
FIRST_PAUSE = 0.1  # seconds
LONGEST_PAUSE = 5.0  # seconds
# How much longer what writes segments or builds an index may take than other calls.
SLOW = 12
NO_COLLECTION = 100  # Milvus's code
NO_COLLECTION_ONCE = 4  # that of servers before 2.3, which newer ones state beside their own
NOT_LOADED = 101
RATE_LIMIT = 8
NO_CONNECTION = 2
# gRPC's own pauses between attempts to connect grow to two minutes, longer than any call waits: a
# server that is back would be taken for one that is down.
RECONNECTING = {"grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 1000}


@dataclass(frozen=True, slots=True)
class _Fault:
    reason: str  # one line
    code: int  # Milvus's; 0 where none is told
    passing: bool  # the same call may succeed later
    unanswered: bool = False  # nothing came back in time


class Client:
    """One connection, made on the first call. Close it, or let it go with the process."""

    def __init__(
        self,
        url: ClusterUrl,
        *,
        pause: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
        connect: Callable[[ClusterUrl], Any] | None = None,
    ) -> None:
        self.url = url
        self._pause = pause
        self._draw = draw
        self._connect = connect or _connect
        self._milvus: Any = None

    def call(
        self, work: Callable[[Any, float], T], *, slow: bool = False, on: str | None = None
    ) -> T:
        """work(client, seconds), made again where its failure may pass.

        on: the collection that it needs in the cluster's memory: a restarted server can have left
        it on disk.
        Raises IndexUnreachable when the cluster does not answer, IndexLost when the collection is
        not there, IndexFault for all else that it refuses.
        """
        seconds = self.url.timeout * (SLOW if slow else 1)
        for attempt in range(self.url.retries + 1):
            try:
                return work(self._connected(), seconds)
            except Exception as error:
                fault = _understood(error)
                if fault is None:
                    raise
                hopeful = fault.passing or (fault.code == NOT_LOADED and on is not None)
                if not hopeful or attempt == self.url.retries:
                    raise self._named(fault, seconds) from error
            if fault.code == NOT_LOADED and on is not None:
                self.load(on)
            else:
                self._pause(backoff(attempt, self._draw()))
        raise AssertionError("unreachable")

    def load(self, name: str) -> None:
        """Bring a collection into the cluster's memory."""
        replicas = self.url.replicas
        self.call(
            lambda m, s: m.load_collection(name, replica_number=replicas, timeout=s), slow=True
        )

    def close(self) -> None:
        if self._milvus is not None:
            self._milvus.close()
            self._milvus = None

    def _connected(self) -> Any:
        if self._milvus is None:
            self._milvus = self._connect(self.url)
        return self._milvus

    def _named(self, fault: _Fault, seconds: float) -> IndexFault:
        where = f"index {self.url.address}"
        if fault.code == NO_COLLECTION:
            return IndexLost(
                f"{where}: its collection is gone (dropped or expired); run: likemark reindex"
            )
        if fault.code == NO_CONNECTION:
            return IndexUnreachable(
                f"{where}: no connection within {self.url.connect:g} s; start the cluster, or "
                "choose another --index"
            )
        if fault.unanswered:
            return IndexUnreachable(
                f"{where}: no answer within {seconds:g} s; see whether the cluster is up, or "
                "give it longer: --index 'milvus://...?timeout=60'"
            )
        if fault.passing:
            return IndexUnreachable(
                f"{where}: it failed {self.url.retries + 1} times ({fault.reason}); see whether it "
                "is up"
            )
        return IndexFault(f"{where}: {fault.reason}")


def backoff(attempt: int, draw: float) -> float:
    """Seconds to pause after failure `attempt`, counted from 0; draw: random, 0 to 1."""
    longest: float = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)
    return longest * (0.5 + 0.5 * draw)


def _connect(url: ClusterUrl) -> Any:
    try:
        from pymilvus import MilvusClient
    except ModuleNotFoundError as error:
        raise IndexFault(
            f"index: Milvus needs {error.name}; run: pip install 'likemark[milvus]'"
        ) from error
    # It writes every error with its traceback to stderr; ours say the same in a line.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    return MilvusClient(
        uri=url.endpoint, db_name=url.database, token=url.token, timeout=url.connect,
        grpc_options=RECONNECTING,
    )  # fmt: skip


def _understood(error: Exception) -> _Fault | None:
    """None: not an error of the cluster or of the way to it."""
    import grpc
    from pymilvus.exceptions import MilvusException

    if isinstance(error, grpc.RpcError):
        return _of_transport(error, one_line(str(error.details() or ""), limit=120))
    if not isinstance(error, MilvusException):
        return None
    reason = one_line(str(error.message) or "refused without a reason", limit=160)
    if isinstance(error.code, grpc.StatusCode):
        cause = error.__cause__
        return (
            _of_transport(cause, reason)
            if isinstance(cause, grpc.RpcError)
            else _Fault(reason, 0, passing=True)
        )
    code = int(error.code)
    if int(error.compatible_code) == NO_COLLECTION_ONCE:
        code = NO_COLLECTION
    passing = code in (RATE_LIMIT, NO_CONNECTION) or error.retriable
    return _Fault(reason, code, passing, unanswered="DEADLINE_EXCEEDED" in reason)


def _of_transport(error: Any, reason: str) -> _Fault:
    import grpc

    late = error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    down = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
    text = one_line(f"{error.code().name}: {error.details() or reason}", limit=120)
    return _Fault(text, 0, passing=late or down, unanswered=late)
