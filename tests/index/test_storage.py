"""A stored index is opened as it was, or noticed as damaged before FAISS reads a byte of it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from support.vectors import exact_rows, same

from likemark.db.errors import IndexDamaged, IndexFault
from likemark.index.faiss_index import FaissIndex
from likemark.index.protocol import Stamp
from likemark.index.storage import HEAD, LOCK, State, opened, stored_setting

D = 16
STAMP = Stamp(catalogue="c" * 32, model="m" * 64, generation=7, token="t" * 32)


def filled(count: int = 50, factory: str = "Flat", setting: str | None = None) -> FaissIndex:
    index = FaissIndex.create(setting or factory, dimension=D)
    if not index.trained:
        index.train(exact_rows(300, D, seed=9))
    index.add(np.arange(count) * 3, exact_rows(count, D))
    return index


def data_file(folder: Path) -> Path:
    (path,) = folder.glob("*.faiss")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where an index of 50 vectors is stored."""
    filled().save(tmp_path / "index", STAMP)
    return tmp_path / "index"


@pytest.mark.parametrize("factory", ["Flat", "SQ8", "SQfp16"])
def test_an_index_comes_back_as_it_was_stored(tmp_path: Path, factory: str) -> None:
    index = filled(factory=factory)
    index.remove(np.array([3]))
    index.save(tmp_path, STAMP)
    back, stamp = FaissIndex.open(tmp_path)
    queries = exact_rows(5, D, seed=1)
    assert stamp == STAMP
    assert (back.factory, back.setting, back.dimension) == (factory, factory, D)
    assert back.stats() == index.stats()
    assert back.ids().tolist() == index.ids().tolist()
    assert same(back.search(queries, 9), index.search(queries, 9))
    # It goes on living.
    back.add(np.array([1]), queries[:1])
    assert back.remove(np.array([1, 6])) == 2


def test_an_empty_index_can_be_stored(tmp_path: Path) -> None:
    FaissIndex.create("auto", dimension=D).save(tmp_path, STAMP)
    index, _ = FaissIndex.open(tmp_path)
    assert (index.stats().count, index.setting, index.factory) == (0, "auto", "Flat")


def test_a_folder_without_an_index_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FaissIndex.open(tmp_path / "none")
    assert stored_setting(tmp_path / "none") is None


def test_only_the_newest_state_stays_on_the_disk(folder: Path) -> None:
    (folder / "6-0000-1.faiss").write_bytes(b"left by a killed process")
    (folder / f"{HEAD}.999").write_bytes(b"left too")
    for count in (60, 70):
        filled(count).save(folder, STAMP)
    assert {path.name for path in folder.iterdir()} == {HEAD, LOCK, data_file(folder).name}
    assert FaissIndex.open(folder)[0].stats().count == 70


def test_the_stored_state_is_never_written_over(folder: Path) -> None:
    before = data_file(folder)
    content = before.read_bytes()
    with before.open("rb") as stream:
        filled(60).save(folder, STAMP)
        assert data_file(folder).name != before.name
        assert stream.read() == content


def test_what_was_asked_for_is_known_though_the_data_are_damaged(tmp_path: Path) -> None:
    filled(factory="SQfp16").save(tmp_path, STAMP)
    data_file(tmp_path).write_bytes(b"")
    assert stored_setting(tmp_path) == "SQfp16"
    with pytest.raises(IndexDamaged):
        FaissIndex.open(tmp_path)


def refused(folder: Path) -> bool:
    """Whether opening finds the damage; all else than refusing or the true state is a failure."""
    try:
        index, stamp = FaissIndex.open(folder)
    except IndexDamaged as error:
        return str(error).isprintable() and str(folder) in str(error)
    assert stamp == STAMP
    assert same(index.search(exact_rows(2, D), 9), filled().search(exact_rows(2, D), 9))
    return False


@pytest.mark.parametrize("which", [data_file, lambda folder: folder / HEAD], ids=["data", "head"])
def test_a_file_cut_anywhere_is_refused(folder: Path, which: Callable[[Path], Path]) -> None:
    path = which(folder)
    content = path.read_bytes()
    for length in sorted({*range(0, len(content), 23), *range(len(content) - 30, len(content))}):
        path.write_bytes(content[:length])
        assert refused(folder), length
    path.write_bytes(content)
    assert not refused(folder)


@pytest.mark.parametrize("which", [data_file, lambda folder: folder / HEAD], ids=["data", "head"])
def test_a_bit_flipped_anywhere_is_refused(folder: Path, which: Callable[[Path], Path]) -> None:
    path = which(folder)
    content = path.read_bytes()
    random = Random(0)
    for place in range(0, len(content), max(1, len(content) // 400)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << random.randrange(8)
        path.write_bytes(damaged)
        assert refused(folder), place


def test_bytes_added_at_the_end_are_refused(folder: Path) -> None:
    with data_file(folder).open("ab") as stream:
        stream.write(b"\0")
    assert refused(folder)


@pytest.mark.parametrize(
    "head", ["", "null", "[]", "{}", "7", '{"layout": 2}', '{"layout": 3}', "\xff", "{" * 9999]
)
def test_a_head_that_is_none_is_refused(folder: Path, head: str) -> None:
    (folder / HEAD).write_bytes(head.encode("latin-1"))
    assert refused(folder)
    assert stored_setting(folder) is None


def test_a_head_whose_data_are_gone_is_refused(folder: Path) -> None:
    data_file(folder).unlink()
    with pytest.raises(IndexDamaged, match=r"its file 7-.*\.faiss is gone"):
        FaissIndex.open(folder)


def test_a_data_file_of_another_index_is_refused(folder: Path, tmp_path: Path) -> None:
    filled(49).save(tmp_path / "other", STAMP)
    data_file(folder).write_bytes(data_file(tmp_path / "other").read_bytes())
    assert refused(folder)


def test_a_later_layout_is_refused(folder: Path) -> None:
    head = json.loads((folder / HEAD).read_text())
    (folder / HEAD).write_text(json.dumps({**head, "layout": head["layout"] + 1}))
    with pytest.raises(IndexDamaged, match="not of layout 2"):
        FaissIndex.open(folder)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(IndexFault, match=r"file.*: cannot be stored \(") as caught:
            filled().save(folder, STAMP)
        assert not isinstance(caught.value, IndexDamaged)


@contextmanager
def unprivileged() -> Iterator[None]:
    """As root nothing is read-only."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_read_only_folder_keeps_its_state_and_can_be_opened(folder: Path) -> None:
    for path in folder.parents:
        if path.owner() != "root" or path == Path("/"):
            break
        path.chmod(path.stat().st_mode | 0o055)
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    before = sorted(folder.iterdir())
    try:
        with unprivileged():
            with pytest.raises(IndexFault, match=r"cannot be stored .*Permission denied"):
                filled(60).save(folder, STAMP)
            assert FaissIndex.open(folder)[0].stats().count == 50
    finally:
        folder.chmod(0o755)
    assert sorted(folder.iterdir()) == before


def test_a_second_saver_waits_for_the_first(folder: Path) -> None:
    saved = threading.Event()

    def save() -> None:
        filled(60).save(folder, STAMP)
        saved.set()

    thread = threading.Thread(target=save)
    with FileLock(folder / LOCK):
        thread.start()
        assert not saved.wait(0.3)
        assert FaissIndex.open(folder)[0].stats().count == 50  # readers do not wait
    thread.join(30)
    assert saved.is_set()
    assert FaissIndex.open(folder)[0].stats().count == 60


def test_a_reader_that_a_writer_overtakes_reads_anew_whatever_it_stumbles_over(
    folder: Path,
) -> None:
    seen: list[State] = []

    def load(state: State) -> str:
        seen.append(state)
        if len(seen) == 1:
            index, stamp = FaissIndex.open(folder)
            index.save(folder, replace(stamp, generation=stamp.generation + 1))
            raise RuntimeError("a file of the old state is gone")
        return "read"

    answer, state = opened(folder, load)
    assert (answer, state) == ("read", seen[1])
    assert seen[1].stamp.generation == seen[0].stamp.generation + 1


def test_a_reader_that_meets_a_swept_folder_reads_anew(folder: Path) -> None:
    seen: list[State] = []

    def load(state: State) -> str:
        seen.append(state)
        if len(seen) == 1:
            filled(60).save(folder, STAMP)
            raise IndexFault("what it was about to read is gone")
        return "read"

    assert opened(folder, load)[0] == "read"
    with pytest.raises(IndexFault, match="cannot be read"):
        opened(folder, broken)


def broken(state: State) -> str:
    raise IndexFault("cannot be read")


def count_and_stamp(folder: Path) -> tuple[int, Stamp]:
    index, stamp = FaissIndex.open(folder)
    return index.stats().count, stamp


def test_an_older_state_does_not_replace_a_newer_one(folder: Path) -> None:
    before = sorted(folder.iterdir())
    with pytest.raises(IndexFault, match="a newer state has been stored meanwhile"):
        filled(60).save(folder, replace(STAMP, generation=6))
    assert sorted(folder.iterdir()) == before
    assert count_and_stamp(folder) == (50, STAMP)


@pytest.mark.parametrize("other", [{"generation": 8}, {"token": "u"}])
def test_a_state_that_is_not_older_replaces_it(folder: Path, other: dict[str, Any]) -> None:
    stamp = replace(STAMP, **other)
    filled(60).save(folder, stamp)
    assert count_and_stamp(folder) == (60, stamp)


@pytest.mark.parametrize("other", [{"catalogue": "d"}, {"model": "n"}])
def test_generations_of_other_catalogues_and_models_are_not_compared(
    folder: Path, other: dict[str, Any]
) -> None:
    stamp = replace(STAMP, generation=1, **other)
    filled(60).save(folder, stamp)
    assert count_and_stamp(folder) == (60, stamp)


def test_a_newer_state_that_was_looked_at_may_be_replaced_and_no_other(folder: Path) -> None:
    old = replace(STAMP, generation=6)
    with pytest.raises(IndexFault, match="newer"):
        filled(60).save(folder, old, instead=replace(STAMP, token="another"))
    filled(60).save(folder, old, instead=STAMP)
    assert count_and_stamp(folder) == (60, old)
