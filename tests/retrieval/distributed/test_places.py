"""Pictures from tar shards and fsspec addresses: the same catalogue as from a folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from support.corpus import draw_mark, write_corpus
from support.models import tiny_model
from support.places import run, titles
from support.shards import write_members, write_shard
from support.state import catalogue_state, index_state
from support.stores import serve

from likemark.db.browse import list_marks, rejects
from likemark.db.errors import InvalidInput, LikemarkError, NotFound
from likemark.db.values import Filters
from likemark.retrieval.doctor import examine
from likemark.retrieval.models import FoundModel
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.places import canonical, parted, read_elsewhere
from likemark.retrieval.reindex import reindex
from likemark.retrieval.report.thumbnails import load_thumbnails
from likemark.retrieval.workspace import Workspace


def state(root: Path, prefix: str) -> Any:
    """Everything in the workspace; places begin where the pictures do."""
    with Workspace.open(root) as space:
        held = {
            name: repr(rows).replace(prefix, "") for name, rows in catalogue_state(space).items()
        }
        return held, index_state(space)


@pytest.fixture
def logos(tmp_path: Path) -> Path:
    folder = tmp_path / "logos"
    write_corpus(folder, range(10))
    write_corpus(folder / "below", range(10, 12))
    shutil.copy(folder / "mark-0003.png", folder / "mark-0003-again.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "empty.png").write_bytes(b"")
    return folder


@pytest.mark.parametrize("name", ["logos.tar", "logos.tar.gz"])
def test_a_shard_gives_the_catalogue_that_its_folder_gives(
    tmp_path: Path, tiny: FoundModel, logos: Path, name: str
) -> None:
    shard = write_shard(tmp_path / name, logos)
    expected, _ = run(tmp_path / "a", tiny, logos)
    report, problems = run(tmp_path / "b", tiny, shard)
    assert report == expected
    assert any(line.startswith(f"{shard}!/broken.png: truncated") for line in problems)
    assert state(tmp_path / "b", f"{shard}!/") == state(tmp_path / "a", f"{logos}/")
    assert run(tmp_path / "b", tiny, shard)[0].embedded == 0


def test_objects_of_a_store_give_the_catalogue_that_a_folder_gives(
    tmp_path: Path, tiny: FoundModel, logos: Path, memory: Any
) -> None:
    memory.put(str(logos), "/marks", recursive=True)
    run(tmp_path / "a", tiny, logos)
    expected = state(tmp_path / "a", f"{logos}/")
    run(tmp_path / "b", tiny, "memory://marks")
    assert state(tmp_path / "b", "memory:///marks/") == expected
    run(tmp_path / "c", tiny, f"file://{logos}")
    assert state(tmp_path / "c", f"{logos}/") == expected


def test_shards_of_a_store_are_named_by_a_pattern(
    tmp_path: Path, tiny: FoundModel, memory: Any
) -> None:
    for number in range(2):
        folder = tmp_path / f"part{number}"
        write_corpus(folder, [number])
        memory.put(str(write_shard(tmp_path / f"s{number}.tar", folder)), f"/shards/s{number}.tar")
    report, _ = run(tmp_path / "a", tiny, "memory://shards/*.tar")
    assert (report.added, report.embedded) == (2, 2)
    assert titles(tmp_path / "a") == ["mark-0000", "mark-0001"]


def test_what_a_shard_holds_no_more_is_pruned_and_its_folder_leaves_it_alone(
    tmp_path: Path, tiny: FoundModel
) -> None:
    write_corpus(tmp_path / "logos", range(3))
    shard = write_shard(tmp_path / "logos" / "s.tar", tmp_path / "logos")
    run(tmp_path / "a", tiny, shard, tmp_path / "logos")
    assert len(titles(tmp_path / "a")) == 6
    assert run(tmp_path / "a", tiny, tmp_path / "logos", prune=True)[0].removed == 0
    (tmp_path / "logos" / "mark-0002.png").unlink()
    write_shard(shard, tmp_path / "logos")
    assert run(tmp_path / "a", tiny, shard, prune=True)[0].removed == 1
    assert len(titles(tmp_path / "a")) == 5


@pytest.mark.parametrize("name", ["s.tar", "s.tar.gz"])
def test_later_steps_find_a_picture_of_a_shard_again(
    tmp_path: Path, tiny: FoundModel, name: str
) -> None:
    write_corpus(tmp_path / "logos", range(5))
    shard = write_shard(tmp_path / name, tmp_path / "logos")
    run(tmp_path / "a", tiny, shard)
    with Workspace.open(tmp_path / "a") as space:
        report = reindex(space, tiny_model(tmp_path / "m", name="other", seed=1))
    assert (report.embedded, report.failed) == (5, 0)
    place = f"{shard}!/mark-0003.png"
    shown = load_thumbnails([place], size=32)
    assert shown.pixels(place) is not None
    files = {finding.check: finding for finding in examine(tmp_path / "a", None)}["files"]
    assert files.ok
    shard.unlink()
    files = {finding.check: finding for finding in examine(tmp_path / "a", None)}["files"]
    assert files.detail.startswith("5 of 5")


def test_a_shard_cut_short_keeps_what_was_read_and_prunes_nothing(
    tmp_path: Path, tiny: FoundModel
) -> None:
    write_corpus(tmp_path / "logos", range(12))
    shard = write_shard(tmp_path / "s.tar.gz", tmp_path / "logos")
    run(tmp_path / "a", tiny, shard)
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 2])
    report, problems = run(tmp_path / "a", tiny, shard, prune=True)
    assert (report.removed, report.rejected["unreadable"]) == (0, 1)
    assert "cannot be read on" in problems[0]
    assert "not pruned" in problems[-1]
    assert len(titles(tmp_path / "a")) == 12


def test_members_that_are_no_pictures_are_passed_over(tmp_path: Path, tiny: FoundModel) -> None:
    data = (write_corpus(tmp_path / "x", [1])[0]).read_bytes()
    names = ["./a/one.png", "a/.hidden.png", ".git/two.png", "a/notes.txt", "/abs.png", "a/one.png"]
    shard = write_members(tmp_path / "s.tar", dict.fromkeys(names, data))
    report, problems = run(tmp_path / "a", tiny, shard)
    assert (report.added, report.embedded) == (2, 1)
    assert "holds this name twice" in problems[0]
    limits = PictureLimits()
    assert read_elsewhere(f"{shard}!/a/one.png", limits) == data
    assert read_elsewhere(f"{shard}!/abs.png", limits) == data


def test_a_folder_that_is_named_like_a_member_is_read_as_a_folder(tmp_path: Path) -> None:
    place = write_corpus(tmp_path / "odd.tar!", [1])[0]
    assert parted(str(place)) is None
    assert parted(str(tmp_path / "even.tar!" / "x.png")) == (str(tmp_path / "even.tar"), "x.png")


def test_places_that_cannot_be_used_are_refused_in_one_line(
    tmp_path: Path, tiny: FoundModel, memory: Any
) -> None:
    with pytest.raises(NotFound, match="no such object"):
        run(tmp_path / "a", tiny, "memory://nothing")
    with pytest.raises(InvalidInput, match="chained"):
        run(tmp_path / "a", tiny, "zip://x.png::memory://a.zip")
    with pytest.raises(LikemarkError, match="nosuch"):
        run(tmp_path / "a", tiny, "nosuch://bucket/x")
    memory.pipe("/marks.csv", b"image\n")
    with pytest.raises(InvalidInput, match="local file"):
        run(tmp_path / "a", tiny, "memory://marks.csv")
    assert canonical("memory://marks/") == "memory:///marks"


def test_pictures_of_a_store_keep_their_server(tmp_path: Path, tiny: FoundModel) -> None:
    """They are found again, and those of two servers are two pictures."""
    for number, server in enumerate(("one", "two")):
        write_corpus(tmp_path / server / "marks" / "deep", [number])
        (tmp_path / server / "marks" / "deep" / f"mark-000{number}.png").rename(
            tmp_path / server / "marks" / "deep" / "a.png"
        )
    serve(tmp_path)
    places = "many://one/marks/", "many://two/marks/*/a.png"
    report, problems = run(tmp_path / "a", tiny, *places)
    assert (report.added, report.embedded, problems) == (2, 2, [])
    assert run(tmp_path / "a", tiny, *places, prune=True)[0].removed == 0
    with Workspace.open(tmp_path / "a") as space:
        with space.catalogue.read() as session:
            paths = [mark.images[0].path for mark in list_marks(session, Filters())]
        assert sorted(paths) == [f"many://{name}/marks/deep/a.png" for name in ("one", "two")]
        again = reindex(space, tiny_model(tmp_path / "m", name="other", seed=1))
    assert (again.embedded, again.failed) == (2, 0)
    assert canonical("many://one/marks/") == "many://one/marks"


def test_an_address_with_a_password_is_refused_without_showing_it(memory: Any) -> None:
    for url in ("ftp://me:hidden@host/a.png", "https://me:hidden@host/a.png"):
        with pytest.raises(InvalidInput, match=r"//me:\*\*\*@host/a.png: .* no password") as told:
            canonical(url)
        assert "hidden" not in str(told.value)


def test_names_with_brackets_and_stars_are_those_of_objects(
    tmp_path: Path, tiny: FoundModel, memory: Any
) -> None:
    drawn = [path.read_bytes() for path in write_corpus(tmp_path / "x", range(3))]
    for name, data in zip(["/b/a[1].png", "/b/x[2]/c.png", "/b/st*r.png"], drawn, strict=True):
        memory.pipe(name, data)
    for place in ("memory://b/a[1].png", "memory://b/x[2]", "memory://b/st*r.png"):
        assert run(tmp_path / "a", tiny, place)[0].added == 1
    assert run(tmp_path / "a", tiny, "memory://b/[a-s]*.png")[0].rows == 2


def test_a_picture_that_a_store_lost_is_missing(
    tmp_path: Path, tiny: FoundModel, memory: Any
) -> None:
    draw_mark(1).save(tmp_path / "x.png")
    memory.put(str(tmp_path / "x.png"), "/x.png")
    run(tmp_path / "a", tiny, "memory://x.png")
    memory.rm("/x.png")
    with Workspace.open(tmp_path / "a") as space:
        problems: list[str] = []
        with pytest.raises(LikemarkError, match="1 pictures cannot be read"):
            reindex(space, tiny_model(tmp_path / "m", name="o", seed=1), problem=problems.append)
        with space.catalogue.read() as session:
            assert rejects(session) == []
    assert problems == ["memory:///x.png: missing: no such file: check the path"]
