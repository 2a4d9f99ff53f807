"""What all tests share: a catalogue on each kind of database."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.browser import browse
from support.postgres import Server, running_server

from likemark.db.catalogue import Catalogue
from likemark.retrieval.workspace import Workspace

__all__ = ["browse"]  # a fixture

DATABASES = ("sqlite", "postgresql")

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores already
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples on every run: a failure is the change's fault, not the day's.
settings.register_profile(
    "likemark",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("likemark")

# The longest go first, so that no worker is left alone with one of them in the end.
LONG = (
    "tests/test_readme.py", "tests/retrieval/distributed", "tests/benchmarks/test_sample.py",
    "tests/retrieval/test_killed.py", "tests/cli/test_bench_run.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture(params=DATABASES)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: Server = request.getfixturevalue("postgres")
    with server.database() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "catalogue.db"
    Catalogue.open(path).close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: Server) -> str:
    postgres.run("CREATE DATABASE likemark_template")
    Catalogue.open(postgres.url("likemark_template")).close()
    return "likemark_template"


@pytest.fixture
def sqlite_where(sqlite_template: Path, tmp_path: Path) -> str:
    """As `where`, for what only a file can show."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'catalogue.db')}"


@pytest.fixture(params=DATABASES)
def where(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a fresh catalogue, for tests that open it several times."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_where")
        return
    server: Server = request.getfixturevalue("postgres")
    with server.database(request.getfixturevalue("postgres_template")) as url:
        yield url


@pytest.fixture
def catalogue(where: str) -> Iterator[Catalogue]:
    with Catalogue.open(where) as opened:
        yield opened


@pytest.fixture
def workspace(tmp_path: Path, where: str) -> Iterator[Workspace]:
    with Workspace.open(tmp_path / "space", database=where) as opened:
        yield opened


@pytest.fixture
def sqlite_workspace(tmp_path: Path, sqlite_template: Path) -> Iterator[Workspace]:
    (tmp_path / "space").mkdir()
    shutil.copy(sqlite_template, tmp_path / "space" / "catalogue.db")
    with Workspace.open(tmp_path / "space") as opened:
        yield opened
