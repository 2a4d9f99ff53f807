"""Calls are made again while there is hope, and told in one line when there is none."""

from __future__ import annotations

from typing import Any

import pytest
from pymilvus.exceptions import MilvusException
from support.milvus import free_port, silent_port

from likemark.db.errors import IndexFault, IndexLost, IndexUnreachable
from likemark.index.milvus.client import LONGEST_PAUSE, Client, backoff
from likemark.index.milvus.url import ClusterUrl


class Unreliable:
    """Work that fails some times before it does what it should."""

    def __init__(self, times: int, code: int) -> None:
        self.left = times
        self.code = code

    def __call__(self, milvus: Any, seconds: float) -> str:
        self.left -= 1
        if self.left >= 0:
            raise MilvusException(self.code, "too many requests\nat once")
        return "done"


def client(pauses: list[float], retries: int = 3) -> Client:
    """Without a server: the connection is the work's own affair."""
    url = ClusterUrl("nowhere", retries=retries)
    return Client(url, pause=pauses.append, draw=lambda: 1.0, connect=lambda url: object())


def test_what_may_pass_is_tried_again_after_longer_and_longer_pauses() -> None:
    pauses: list[float] = []
    assert client(pauses).call(Unreliable(3, code=8)) == "done"
    assert pauses == [0.1, 0.2, 0.4]


def test_it_is_tried_a_limited_number_of_times() -> None:
    pauses: list[float] = []
    with pytest.raises(
        IndexUnreachable, match=r"milvus://nowhere:19530: it failed 4 times"
    ) as told:
        client(pauses).call(Unreliable(4, code=8))
    assert len(pauses) == 3
    assert "\n" not in str(told.value)


def test_a_server_that_has_too_much_to_do_has_lost_nothing() -> None:
    """Its code is the one that servers before 2.3 had for a collection that is gone."""

    def busy(milvus: Any, seconds: float) -> None:
        raise MilvusException(4, "request limit exceeded", retriable=True)

    def gone(milvus: Any, seconds: float) -> None:
        raise MilvusException(0, "no such collection", compatible_code=4)

    pauses: list[float] = []
    with pytest.raises(IndexUnreachable, match="it failed 4 times"):
        client(pauses).call(busy)
    with pytest.raises(IndexLost):
        client(pauses).call(gone)
    assert len(pauses) == 3


def test_what_is_refused_is_not_tried_again() -> None:
    pauses: list[float] = []
    with pytest.raises(IndexFault, match="too many requests at once"):
        client(pauses).call(Unreliable(1, code=65535))
    with pytest.raises(IndexLost, match="run: likemark reindex"):
        client(pauses).call(Unreliable(1, code=100))
    assert pauses == []


def test_our_own_errors_pass_through() -> None:
    def broken(milvus: Any, seconds: float) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client([]).call(broken)


def test_pauses_grow_to_a_limit_and_differ_between_clients() -> None:
    assert [backoff(n, 1.0) for n in range(4)] == [0.1, 0.2, 0.4, 0.8]
    assert backoff(60, 1.0) == LONGEST_PAUSE
    assert backoff(2, 0.0) == 0.2


def test_a_port_that_never_answers_is_given_up(capfd: pytest.CaptureFixture[str]) -> None:
    with silent_port() as port:
        url = ClusterUrl.parse(f"milvus://127.0.0.1:{port}?connect=0.3&retries=1")
        told = rf"milvus://127.0.0.1:{port}: no connection within 0.3 s"
        with pytest.raises(IndexUnreachable, match=told):
            Client(url).call(lambda m, s: m.list_collections(timeout=s))
    assert capfd.readouterr() == ("", "")  # the library writes no tracebacks of its own


def test_a_port_where_nobody_listens_is_given_up() -> None:
    url = ClusterUrl.parse(f"milvus://127.0.0.1:{free_port()}?connect=0.3&retries=0")
    with pytest.raises(IndexUnreachable, match="start the cluster"):
        Client(url).call(lambda m, s: m.list_collections(timeout=s))
