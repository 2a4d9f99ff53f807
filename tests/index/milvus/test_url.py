"""One URL says where a cluster is and how to use it; a password leaves it nowhere."""

from __future__ import annotations

import pytest

from likemark.db.errors import InvalidInput
from likemark.index.factory import check_setting
from likemark.index.milvus.url import TOKEN, ClusterUrl

FULL = (
    "milvus://me:p%40ss@cluster.example:19531/marks?consistency=Bounded&index=hnsw&m=32&ef=256"
    "&shards=4&replicas=2&timeout=2.5&retries=1&tls=yes&vectors=float32"
)


def test_every_part_of_it_is_read() -> None:
    url = ClusterUrl.parse(FULL)
    assert (url.host, url.port, url.database) == ("cluster.example", 19531, "marks")
    assert (url.consistency, url.index, url.m, url.ef) == ("bounded", "HNSW", 32, 256)
    assert (url.shards, url.replicas, url.timeout, url.retries) == (4, 2, 2.5, 1)
    assert (url.endpoint, url.token) == ("https://cluster.example:19531", "me:p@ss")
    assert (url.tls, url.vectors) == (True, "float32")


def test_little_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    url = ClusterUrl.parse("milvus://localhost")
    assert (url.endpoint, url.token, url.database) == ("http://localhost:19530", "", "")
    assert (url.consistency, url.index, url.vectors) == ("strong", "AUTOINDEX", "auto")
    assert ClusterUrl.parse("milvus://[::1]:7").address == "milvus://[::1]:7"


def test_a_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "secret key")
    assert ClusterUrl.parse("milvus://localhost").token == "secret key"
    assert ClusterUrl.parse("milvus://a:b@localhost").token == "a:b"


def test_what_is_kept_is_the_same_without_the_password() -> None:
    url = ClusterUrl.parse(FULL)
    assert "p@ss" not in url.stored + url.address + repr(url)
    assert "p%40ss" not in url.stored
    kept = ClusterUrl.parse(url.stored)
    assert kept.stored == url.stored
    assert (kept.user, kept.password, kept.replicas, kept.tls) == ("me", "", 2, True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("milvus://", "names no host"),
        ("milvus://host:port", "port or host"),
        ("milvus://host/a/b", "one database at most"),
        ("milvus://host?colour=red", "'colour' is none of consistency, index"),
        ("milvus://host?replicas=two", "replicas='two' cannot be read"),
        ("milvus://host?tls=perhaps", "tls='perhaps' cannot be read"),
        ("milvus://host?consistency=fair", "give one of strong, bounded"),
        ("milvus://host?index=IVF_PQ", "give one of AUTOINDEX, HNSW, FLAT"),
        ("milvus://host?shards=0", "shards=0: give more than 0"),
        ("milvus://host?timeout=nan", "timeout=nan: give more than 0"),
        ("milvus://host?retries=-1", "give 0 to 100"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason.replace("?", r"\?")) as told:
        check_setting(text)
    assert "\n" not in str(told.value)


def test_a_password_is_not_repeated_in_the_complaint() -> None:
    with pytest.raises(InvalidInput) as told:
        check_setting("milvus://me:hidden@host:x/db")
    assert "hidden" not in str(told.value)
