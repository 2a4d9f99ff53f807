"""A catalogue's file cut anywhere, or with any bit flipped: right answers, or a line of why not."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, event, text
from support.corpus import write_corpus
from support.marks import entry, put, vector

from likemark.db.browse import list_marks
from likemark.db.errors import CatalogueError, LikemarkError
from likemark.db.links import all_links
from likemark.db.search import allowed_images, filed_at, shown_marks
from likemark.db.values import Filters
from likemark.db.vectors import vectors_since
from likemark.retrieval.doctor import examine
from likemark.retrieval.indexing import index_paths
from likemark.retrieval.models import FoundModel
from likemark.retrieval.results import mark_json
from likemark.retrieval.sync import open_index
from likemark.retrieval.workspace import Workspace

CATALOGUE = "catalogue.db"
COUNT = 60
NARROW = Filters(nice=(9,), owner="acme", status=("live",), vienna=("01.*",))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with every kind of register data, and its index."""
    root = tmp_path_factory.mktemp("stored") / "workspace"
    entries = [
        entry(
            f"id:{n}", f"p{n}", text=f"MARK {n}", office="EM", owner="Acme", status="live",
            nice=(9, 42), vienna=("01.01.01",), goods="shoes, " * 8, extra={"a": n},
            filing_date=dt.date(2020, 1, 1 + n % 28),
        )
        for n in range(COUNT)
    ]  # fmt: skip
    with Workspace.open(root) as space:
        put(space.catalogue, *entries)
        open_index(space)
    return root


def answers(root: Path) -> list[object]:
    """All that is read of a catalogue by a search, a listing and a rebuilt index."""
    with Workspace.open(root, create=False) as space:
        opened = open_index(space)
        assert opened is not None
        found = opened.index.search(np.stack([vector("p3"), vector("p5")]), 10)
        with space.catalogue.read() as session:
            marks = list_marks(session, Filters(), limit=2 * COUNT)
            few = list_marks(session, NARROW, limit=2 * COUNT)
            allowed = allowed_images(session, NARROW)
            list(all_links(session, opened.model))
            json.dumps([mark_json(mark) for mark in marks])  # a letter may be another: no one knows
            shown = shown_marks(session, found.ids[0].tolist(), Filters())
            filed = filed_at(session, found.ids[0].tolist())
            vectors = sum(len(part.ids) for part in vectors_since(session, opened.model))
    assert allowed is not None
    return [
        found.ids.tolist(), np.round(found.scores, 4).tolist(), [mark.key for mark in few],
        [mark.key for mark in marks], allowed.tolist(), vectors,
        {image_id: image.marks for image_id, image in shown.items()},
        {image_id: each.paths for image_id, each in filed.items()},
    ]  # fmt: skip


def check(root: Path, content: bytes, folder: Path, right: list[object]) -> str:
    """What came of a catalogue with that content: "right", "told" or "found by doctor"."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root, folder)
    (folder / CATALOGUE).write_bytes(content)
    found, said = None, ""
    try:
        found = answers(folder)
    except LikemarkError as error:
        said = str(error)
    if found is None:
        assert said.isprintable()
        return "told"
    if found == right:
        return "right"
    checks = ("catalogue", "vectors", "index")
    assert any(not each.ok and each.check in checks for each in examine(folder, None))
    return "found by doctor"


@pytest.fixture
def content(stored: Path) -> bytes:
    for path in stored.glob(f"{CATALOGUE}-*"):
        assert path.stat().st_size == 0 or path.name.endswith("-shm")
    return (stored / CATALOGUE).read_bytes()


def test_a_bit_flipped_anywhere_is_harmless_or_told(
    stored: Path, content: bytes, tmp_path: Path
) -> None:
    right, rng = answers(stored), Random(0)
    came = []
    for page in range(len(content) // 4096):
        # In its head and the places of its rows, and anywhere.
        for at in (rng.randrange(120), rng.randrange(4096)):
            damaged = bytearray(content)
            damaged[4096 * page + at] ^= 1 << rng.randrange(8)
            came.append(check(stored, bytes(damaged), tmp_path / "w", right))
    assert came.count("told") > 5
    assert came.count("right") > 20


def test_a_file_cut_anywhere_is_told(stored: Path, content: bytes, tmp_path: Path) -> None:
    right, rng = answers(stored), Random(1)
    cuts = [0, 1, 16, 100, 4096, *(rng.randrange(len(content)) for _ in range(20))]
    came = {cut: check(stored, content[:cut], tmp_path / "w", right) for cut in cuts}
    assert "right" not in {came[cut] for cut in cuts if cut < len(content) // 2}


def test_a_disk_that_runs_full_costs_no_mark_and_the_next_run_ends_what_was_begun(
    tmp_path: Path, tiny: FoundModel
) -> None:
    write_corpus(tmp_path / "first", range(20))
    write_corpus(tmp_path / "second", range(20, 180))
    with Workspace.open(tmp_path / "w") as space:
        index_paths(space, [tmp_path / "first"], tiny)
        with space.catalogue.read() as session:
            pages = session.execute(text("PRAGMA page_count")).scalar_one()
    full = Disk(pages + 8)
    with full, Workspace.open(tmp_path / "w") as space:
        with pytest.raises(CatalogueError, match=r"is full; free some space") as caught:
            index_paths(space, [tmp_path / "second"], tiny)
        assert str(caught.value).isprintable()
        assert len(marks_of(space)) >= 20
    with Workspace.open(tmp_path / "w") as space:
        assert set(marks_of(space)) >= {f"mark-{n:04d}" for n in range(20)}
        _, opened = index_paths(space, [tmp_path / "second"], tiny)
        assert opened.index.stats().count == 180
        assert len(marks_of(space)) == 180
        checks = ("catalogue", "vectors", "index", "files")
        assert all(each.ok for each in examine(tmp_path / "w", None) if each.check in checks)


def marks_of(space: Workspace) -> list[str]:
    with space.catalogue.read() as session:
        return [mark.title for mark in list_marks(session, Filters(), limit=1000)]


class Disk:
    """SQLite finds no room beyond so many pages, as on a full disk, for as long as the block."""

    def __init__(self, pages: int) -> None:
        self._pages = pages

    def _limit(self, connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {self._pages}")

    def __enter__(self) -> None:
        event.listen(Engine, "connect", self._limit)

    def __exit__(self, *_: object) -> None:
        event.remove(Engine, "connect", self._limit)
