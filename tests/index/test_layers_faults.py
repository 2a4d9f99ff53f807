"""Power cuts, full disks and damaged bytes: the index answers rightly, or says it cannot."""

from __future__ import annotations

import gc
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from support.layers import Table, layered
from support.processes import python
from support.vectors import clustered_rows, same

from likemark.db.errors import IndexDamaged, IndexFault
from likemark.index.base import CONTENT, TRAINED, Draft
from likemark.index.layers import LayeredIndex
from likemark.index.local import LocalIndex, open_local
from likemark.index.protocol import Found, Rows, Stamp
from likemark.index.storage import HEAD, KEPT, LOCK, stored_recall, stored_setting
from likemark.index.sweeping import DRAFT, MAKING, TEMPORARY

N, D = 300, 16
STAMP = Stamp("c", "m", 1, "t")
QUERIES = clustered_rows(4, D, clusters=4, seed=5)


@pytest.fixture(scope="module")
def rows() -> Rows:
    return clustered_rows(N + 40, D, clusters=20, spread=0.6)


@pytest.fixture(scope="module")
def stored(rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with all layers: a base, some added, some removed."""
    folder = tmp_path_factory.mktemp("index")
    index = layered("IVF8,SQ8", np.arange(N), rows[:N], folder)
    index.add(np.arange(N, N + 20), rows[N : N + 20])
    index.remove(np.array([3, 4]))
    index.save(folder, STAMP)
    return folder


@pytest.fixture
def folder(stored: Path, tmp_path: Path) -> Path:
    shutil.copytree(stored, tmp_path / "index")
    return tmp_path / "index"


def answers(folder: Path) -> Found:
    index, stamp = open_local(folder)
    assert stamp == STAMP
    return index.search(QUERIES, 250)  # so many that all lists are visited


def files(folder: Path) -> Iterator[Path]:
    yield from (p for p in sorted(folder.rglob("*")) if p.is_file() and p.stat().st_size)


def sure(folder: Path, right: Found) -> bool:
    """Whether the damage is found; all else than that or the right answer is a failure."""
    try:
        found = answers(folder)
    except IndexDamaged as error:
        said = str(error)
    else:
        assert same(found, right)
        return False
    return said.isprintable() and str(folder) in said


def test_every_file_cut_anywhere_is_noticed(folder: Path) -> None:
    right = answers(folder)
    for path in files(folder):
        content = path.read_bytes()
        for length in sorted({0, 1, len(content) // 3, len(content) // 2, len(content) - 1}):
            path.write_bytes(content[:length])
            assert sure(folder, right), (path.name, length)
        path.write_bytes(content)
    assert not sure(folder, right)


def test_a_bit_flipped_anywhere_is_noticed(folder: Path) -> None:
    right, random = answers(folder), Random(0)
    for path in files(folder):
        content = path.read_bytes()
        for place in range(0, len(content), max(1, len(content) // 40)):
            damaged = bytearray(content)
            damaged[place] ^= 1 << random.randrange(8)
            path.write_bytes(damaged)
            assert sure(folder, right), (path.name, place)
        path.write_bytes(content)
    assert not sure(folder, right)


def test_a_damaged_list_says_what_to_run_and_others_are_searched_on(folder: Path) -> None:
    (path,) = folder.rglob(CONTENT)
    content = bytearray(path.read_bytes())
    content[10] ^= 1  # in the first list
    path.write_bytes(content)
    index, _ = open_local(folder)
    assert isinstance(index, LayeredIndex)
    with pytest.raises(
        IndexDamaged, match=r"list 0 is not as it was stored; run: likemark reindex"
    ):
        index.check()
    with pytest.raises(IndexDamaged):
        index.compact(folder)


def test_every_file_that_is_gone_is_named(folder: Path) -> None:
    for path in files(folder):
        if path.name == HEAD:
            continue
        path.rename(path.with_suffix(".away"))
        with pytest.raises(IndexDamaged, match=rf"its file .*{path.name} is gone"):
            open_local(folder)
        path.with_suffix(".away").rename(path)


def test_what_was_asked_for_is_known_though_the_lists_are_damaged(folder: Path) -> None:
    (path,) = folder.rglob(TRAINED)
    path.write_bytes(b"")
    assert (stored_setting(folder), stored_recall(folder)) == ("IVF8,SQ8", 0.99)


def test_bases_and_drafts_of_no_state_are_swept_away_and_one_in_the_making_is_not(
    folder: Path,
) -> None:
    (folder / f"{KEPT}0123").mkdir()
    (folder / f"{DRAFT}killed").mkdir()
    (folder / f"{DRAFT}killed" / "making.lock").touch()
    making = Draft(folder)
    index, _ = open_local(folder)
    index.save(folder, STAMP)
    assert making.folder.exists()
    assert len(list(folder.glob(f"{KEPT}*"))) == 1
    assert [path for path in folder.glob(f"{DRAFT}*")] == [making.folder]
    made = making.folder
    making.release()
    del making
    index.save(folder, STAMP)
    assert not made.exists()


def test_a_draft_that_nobody_keeps_goes(folder: Path, rows: Rows) -> None:
    layered("IVF8,SQ8", np.arange(N), rows[:N], folder)
    assert not list(folder.glob(f"{DRAFT}*"))


def test_adding_a_little_writes_a_little(folder: Path, rows: Rows) -> None:
    (before,) = folder.rglob(CONTENT)
    index, _ = open_local(folder)
    index.add(np.array([N + 30]), rows[:1])
    index.save(folder, STAMP)
    (after,) = folder.rglob(CONTENT)
    assert before == after
    assert open_local(folder)[0].ids()[-1] == N + 30


# Every call that Python's audit names and that changes a file; the n-th ends the process.
CUT = """
    import os, sys
    from pathlib import Path
    import numpy as np
    from likemark.index.local import open_local
    from likemark.index.protocol import Stamp
    from support.layers import layered
    from support.vectors import clustered_rows

    folder, kind = Path(sys.argv[1]), sys.argv[2]
    rows = clustered_rows(340, 16, clusters=20, spread=0.6)
    stamp, ids = Stamp("c", "m", 2, "u"), np.arange(400, 440)
    left, counting = 0, False

    def count(event, arguments):
        global left
        writes = event == "open" and arguments[1] and set(str(arguments[1])) & set("wax+")
        if counting and (writes or event.startswith(("os.r", "os.mkdir", "shutil", "tempfile"))):
            left -= 1
            if left == 0:
                os._exit(9)

    def act():
        if kind == "build":
            index = layered("IVF8,SQ8", ids[:40], rows[:40], folder, shard=16)
        else:
            index, _ = open_local(folder)
            index.add(ids, rows[300:])
            if kind == "compact":
                index.compact(folder)
        index.save(folder, stamp)

    sys.addaudithook(count)
    number = 0
    while True:
        number += 1
        child = os.fork()
        if child == 0:
            left, counting = number, True
            act()
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        index, found = open_local(folder)
        index.check()
        print(number, ended, found.generation, len(index.ids()), flush=True)
        if ended != 9:
            break
        if found.generation == 2:  # published already: what follows only tidies up
            continue
"""


@pytest.mark.parametrize(("kind", "after"), [("save", 358), ("compact", 358), ("build", 40)])
def test_a_power_cut_at_any_write_leaves_the_old_or_the_new_state(
    folder: Path, kind: str, after: int
) -> None:
    with python(CUT, folder, kind) as child:
        seen = []
        while line := child.line():
            seen.append([int(word) for word in line.split()])
            if seen[-1][1] != 9 or seen[-1][2] == 2:
                break
    assert len(seen) >= 4
    assert all(count == 318 for _, _, generation, count in seen if generation == 1)
    assert seen[-1][2:] == [2, after]


FULL = """
    import resource, signal, sys
    from pathlib import Path
    import numpy as np
    from likemark.db.errors import IndexFault
    from likemark.index.local import open_local
    from likemark.index.protocol import Stamp
    from support.layers import layered
    from support.vectors import clustered_rows

    folder, kind, most = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    rows = clustered_rows(340, 16, clusters=20, spread=0.6)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    index, _ = open_local(folder)
    index.add(np.arange(400, 440), rows[300:])
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        if kind == "compact":
            index.compact(folder)
        if kind == "build":
            index = layered("IVF8,SQ8", np.arange(300), rows[:300], folder, shard=100)
        index.save(folder, Stamp("c", "m", 2, "u"))
    except IndexFault as fault:
        print("fault", fault, flush=True)
    else:
        print("done", flush=True)
"""


@pytest.mark.parametrize("kind", ["save", "compact", "build"])
@pytest.mark.parametrize("most", [0, 700, 1500])
def test_a_disk_that_runs_full_leaves_the_old_state_and_says_so(
    folder: Path, kind: str, most: int
) -> None:
    right = answers(folder)
    with python(FULL, folder, kind, str(most)) as child:
        said = child.line()
    assert said.startswith("fault index ")
    assert "cannot be" in said
    assert same(answers(folder), right)
    index, _ = open_local(folder)
    index.save(folder, STAMP)  # with room again all is well, and nothing is left over
    assert len(list(folder.glob(f"{DRAFT}*"))) == 0


TORN = """
    import os, resource, signal, sys
    from pathlib import Path
    import numpy as np
    from likemark.index.local import open_local
    from likemark.index.protocol import Stamp
    from support.layers import layered
    from support.vectors import clustered_rows

    folder, kind = Path(sys.argv[1]), sys.argv[2]
    rows = clustered_rows(340, 16, clusters=20, spread=0.6)

    def act():
        index, _ = open_local(folder)
        index.add(np.arange(400, 440), rows[300:])
        if kind == "compact":
            index.compact(folder)
        if kind == "build":
            index = layered("IVF8,SQ8", np.arange(300), rows[:300], folder, shard=100)
        index.save(folder, Stamp("c", "m", 2, "u"))

    for most in range(0, 1 << 20, 179):
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # whoever writes past the limit dies
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            act()
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        index, found = open_local(folder)
        index.check()
        print(-ended, found.generation, len(index.ids()), flush=True)
        if not ended:
            break
"""


@pytest.mark.parametrize(("kind", "after"), [("save", 358), ("compact", 358), ("build", 300)])
def test_a_power_cut_within_a_file_leaves_the_old_state(
    folder: Path, kind: str, after: int
) -> None:
    with python(TORN, folder, kind) as child:
        seen = [[int(word) for word in line.split()] for line in iter(child.line, "")]
    assert len(seen) > 4
    assert seen[-1] == [0, 2, after]
    assert {tuple(each) for each in seen[:-1]} == {(signal.SIGXFSZ, 1, 318)}


def test_where_the_folder_cannot_be_written_the_index_stands_among_temporary_files(
    rows: Rows, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    table = Table(np.arange(N), rows[:N])
    index = layered("IVF8,SQ8", np.arange(N), rows[:N], tmp_path / "file", rows_of=table)
    assert index.search(rows[:1], 1).ids.tolist() == [[0]]
    with pytest.raises(IndexFault, match="cannot be stored"):
        index.save(tmp_path / "file", STAMP)
    index.save(tmp_path / "else", STAMP)
    assert open_local(tmp_path / "else")[0].ids().tolist() == list(range(N))


@pytest.mark.parametrize("name", ["changes.npz", HEAD])
@pytest.mark.parametrize("kind", ["build", "compact"])
def test_storing_that_fails_leaves_no_base_behind(
    folder: Path, rows: Rows, kind: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, before = answers(folder), sorted(folder.iterdir())
    index: LocalIndex = layered("IVF8,SQ8", np.arange(N), rows[:N], folder)
    if kind == "compact":
        index, _ = open_local(folder)
        assert isinstance(index, LayeredIndex)
        index.compact(folder)
    with monkeypatch.context() as patch:
        full_for(name, patch)
        with pytest.raises(IndexFault, match=r"cannot be stored .*No space left"):
            index.save(folder, STAMP)
    found = index.search(QUERIES, 5)  # of what is in memory
    assert len(found.ids) == len(QUERIES)
    del index
    gc.collect()
    assert sorted(folder.iterdir()) == before
    assert same(answers(folder), right)


def test_an_index_whose_layers_found_no_room_is_stored_when_there_is_some(
    folder: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = layered("IVF8,SQ8", np.arange(40), rows[:40], folder)
    with monkeypatch.context() as patch:
        full_for("changes.npz", patch)
        with pytest.raises(IndexFault, match="No space left"):
            index.save(folder, STAMP)
    index.save(folder, STAMP)
    assert open_local(folder)[0].ids().tolist() == list(range(40))


def full_for(name: str, patch: pytest.MonkeyPatch) -> None:
    """As if the disk had no room for files of this name."""
    as_it_is = Path.open

    def open_(self: Path, *arguments: Any, **named: Any) -> Any:
        if name in self.name and "w" in str((*arguments, *named.values())):
            raise OSError(28, "No space left on device")
        return as_it_is(self, *arguments, **named)

    patch.setattr(Path, "open", open_)


def test_what_a_killed_saver_has_left_goes_when_the_next_build_begins(folder: Path) -> None:
    right, before = answers(folder), {path.name for path in folder.iterdir()}
    (folder / f"{KEPT}0123").mkdir()
    (folder / f"{KEPT}0123" / CONTENT).write_bytes(b"a base of gigabytes")
    (folder / "2-0123.changes.npz").write_bytes(b"and its layers")
    with FileLock(folder / LOCK):  # another is saving: they may be its
        Draft(folder)
        assert (folder / f"{KEPT}0123").exists()
    Draft(folder)
    gc.collect()
    assert {path.name for path in folder.iterdir()} == before
    assert same(answers(folder), right)


def test_nothing_is_swept_away_by_a_head_that_cannot_be_read(folder: Path) -> None:
    (folder / HEAD).write_text("not a head")
    Draft(folder)
    assert list(folder.glob(f"{KEPT}*"))


def test_temporary_drafts_of_killed_readers_go_and_those_of_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    (tmp_path / "file").write_text("in the way")
    for name in ("killed", "begun"):
        (temporary / f"{TEMPORARY}{name}").mkdir()
    (temporary / f"{TEMPORARY}killed" / MAKING).touch()
    (temporary / f"{TEMPORARY}link").symlink_to(tmp_path)
    living = Draft(tmp_path / "file")
    other = Draft(tmp_path / "file")
    left = {path.name.removeprefix(TEMPORARY) for path in temporary.iterdir()}
    assert left == {"begun", "link", *(d.folder.name[len(TEMPORARY) :] for d in (living, other))}
