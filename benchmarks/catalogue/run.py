"""Import made marks into each kind of database, time every filter, and say what it took."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from likemark.benchmarks.catalogue.questions import (
    TIMES,
    Answered,
    Timing,
    ask,
    pages,
    questions,
)
from likemark.benchmarks.catalogue.server import SETTINGS, temporary_server, url_of
from likemark.benchmarks.catalogue.synthetic import Made, made_entries
from likemark.db.bulk import BulkReport, bulk_load, settle
from likemark.db.catalogue import Catalogue
from likemark.db.errors import InvalidInput
from likemark.db.vectors import ModelRow, ensure_model

DATABASES = ("postgresql", "sqlite")
COLLECTION = "register"
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one database took."""

    database: str  # one of `DATABASES`
    version: str
    settings: Mapping[str, str]  # of a server of the run's own
    marks: int
    import_s: float
    marks_per_s: float
    rows_per_s: float  # of all tables
    settle_s: float  # vacuum and statistics, or statistics alone
    disk_bytes: int
    peak_bytes: int  # of this process, the largest so far
    page: Timing  # of 100 marks
    answered: tuple[Answered, ...]


def run_catalogue(
    made: Made,
    *,
    databases: tuple[str, ...] = DATABASES,
    url: str | None = None,
    folder: Path | None = None,
    times: int = TIMES,
    progress: Progress,
) -> list[Measured]:
    """Measure one database after the other, each empty before and gone after.

    url: of an empty PostgreSQL database to use instead of a server of the run's own
    folder: where the databases lie; times: that each question is asked at most
    Raises LikemarkError.
    """
    for name in databases:
        if name not in DATABASES:
            raise InvalidInput(f"--databases {name}: choose from {', '.join(DATABASES)}")
    return [_measured(name, made, url, folder, times, progress) for name in databases]


def _measured(
    name: str,
    made: Made,
    url: str | None,
    folder: Path | None,
    times: int,
    progress: Progress,
) -> Measured:
    own = {} if name == "sqlite" or url else dict(SETTINGS)
    with _where(name, url, folder) as where, Catalogue.open(where) as catalogue:
        progress(f"{name}: importing {made.marks:,} marks")
        start = time.perf_counter()
        report = bulk_load(
            catalogue, made_entries(made), collection=COLLECTION, model=_model(catalogue, made),
            progress=_told(name, made, progress),
        )  # fmt: skip
        import_s = time.perf_counter() - start
        start = time.perf_counter()
        settle(catalogue)
        settle_s = time.perf_counter() - start
        if report.added != made.marks:
            raise InvalidInput(f"{where} held marks before: {report.passed} rows were passed over")
        return Measured(
            database=name,
            version=_version(catalogue),
            settings=own,
            marks=made.marks,
            import_s=round(import_s, 2),
            marks_per_s=round(made.marks / import_s),
            rows_per_s=round(_rows(catalogue) / import_s),
            settle_s=round(settle_s, 2),
            disk_bytes=_disk(catalogue),
            peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            page=pages(catalogue, made),
            answered=tuple(_answers(catalogue, name, made, times, progress)),
        )


def _answers(
    catalogue: Catalogue, name: str, made: Made, times: int, progress: Progress
) -> Iterator[Answered]:
    for asked, given in questions(made).items():
        answered = ask(catalogue, asked, given, made, times)
        progress(f"{name}: {asked}: {answered.images:,} images in {answered.ids.p50:,.0f} ms")
        yield answered


@contextmanager
def _where(name: str, url: str | None, folder: Path | None) -> Iterator[str]:
    if name == "postgresql" and url is not None:
        yield url
    elif name == "postgresql":
        with temporary_server(folder) as server:
            yield url_of(server)
    else:
        with tempfile.TemporaryDirectory(prefix="likemark-sqlite-", dir=folder) as own:
            yield f"sqlite:///{own}/catalogue.db"


def _model(catalogue: Catalogue, made: Made) -> ModelRow | None:
    if not made.dimension:
        return None
    with catalogue.write() as session:
        return ensure_model(session, fingerprint="0" * 64, name="made", dimension=made.dimension)


def _told(name: str, made: Made, progress: Progress) -> Callable[[BulkReport], None]:
    start = time.perf_counter()
    step = max(made.marks // 10, 1)
    told = 0

    def tell(report: BulkReport) -> None:
        nonlocal told
        if report.added // step > told:
            told = report.added // step
            rate = report.added / (time.perf_counter() - start)
            progress(f"{name}: {report.added:,} marks, {rate:,.0f} a second")

    return tell


def _rows(catalogue: Catalogue) -> int:
    tables = ("marks", "mark_nice", "mark_vienna", "images", "mark_images", "embeddings")
    with catalogue.read() as session:
        return sum(
            session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in tables
        )


def _version(catalogue: Catalogue) -> str:
    asked = "SELECT sqlite_version()"
    if catalogue.engine.dialect.name == "postgresql":
        asked = "SHOW server_version"
    with catalogue.read() as session:
        return str(session.execute(text(asked)).scalar_one())


def _disk(catalogue: Catalogue) -> int:
    with catalogue.read() as session:
        if catalogue.engine.dialect.name == "postgresql":
            asked = text("SELECT pg_database_size(current_database())")
            return int(session.execute(asked).scalar_one())
    return sum(path.stat().st_size for path in Path(catalogue.shown).parent.iterdir())


def result_json(made: Made, measured: list[Measured]) -> dict[str, Any]:
    return {"made": asdict(made), "databases": [asdict(each) for each in measured]}
