"""A catalogue's file cut anywhere, or with any bit flipped: right answers, or a line of why not."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from random import Random

import numpy as np
import pytest
from support.marks import entry, put, vector

from likemark.db.browse import list_marks
from likemark.db.errors import LikemarkError
from likemark.db.links import all_links
from likemark.db.search import allowed_images
from likemark.db.values import Filters
from likemark.db.vectors import vectors_since
from likemark.retrieval.doctor import examine
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
            vectors = sum(len(part.ids) for part in vectors_since(session, opened.model))
    assert allowed is not None
    return [
        found.ids.tolist(), np.round(found.scores, 4).tolist(), [mark.key for mark in marks],
        [mark.key for mark in few], allowed.tolist(), vectors,
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
