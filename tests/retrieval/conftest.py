from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.corpus import write_corpus
from support.milvus import MilvusServer, running_milvus
from support.models import tiny_model

from likemark.retrieval.models import FoundModel
from likemark.retrieval.workspace import Workspace


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> FoundModel:
    return tiny_model(tmp_path_factory.mktemp("models"))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(tmp_path / "workspace") as space:
        yield space


@pytest.fixture(scope="module")
def milvus() -> Iterator[MilvusServer]:
    with running_milvus() as server:
        yield server


@pytest.fixture
def url(milvus: MilvusServer) -> str:
    return milvus.url("index=FLAT&timeout=20&connect=20")


@pytest.fixture
def logos(tmp_path: Path) -> Path:
    """A folder of 24 marks, two of them in a folder below."""
    folder = tmp_path / "logos"
    write_corpus(folder, range(22))
    write_corpus(folder / "below", range(22, 24))
    return folder
