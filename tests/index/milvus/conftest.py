from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from support.milvus import MilvusServer, running_milvus


@pytest.fixture(scope="module")
def milvus() -> Iterator[MilvusServer]:
    with running_milvus() as server:
        yield server


@pytest.fixture
def identity() -> str:
    """Of a catalogue that no other test has."""
    return uuid.uuid4().hex
