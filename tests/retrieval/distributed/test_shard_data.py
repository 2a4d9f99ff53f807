"""Register data beside the pictures of a tar shard, and members that are links."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.corpus import write_corpus
from support.places import owners, run
from support.shards import write_links, write_members

from likemark.db.browse import find_mark, list_marks
from likemark.db.values import Filters
from likemark.retrieval.models import FoundModel
from likemark.retrieval.pictures.shards import members
from likemark.retrieval.shard_data import ShardData
from likemark.retrieval.workspace import Workspace


def test_a_json_beside_a_picture_names_its_register_data(tmp_path: Path, tiny: FoundModel) -> None:
    drawn = {f"{n}.png": (write_corpus(tmp_path / "x", [n])[0]).read_bytes() for n in range(3)}
    data = json.dumps({"id": "m1", "text": "ACME", "nice": [9, 42], "office": "EM", "caption": "a"})
    files = {
        "0.png": drawn["0.png"],
        "1.json": data.encode(),
        "1.png": drawn["1.png"],
        "2.png": drawn["2.png"],
        "2.json": b"{",
    }
    shard = write_members(tmp_path / "s.tar", files)
    report, problems = run(tmp_path / "a", tiny, shard)
    assert (report.rows, report.added) == (3, 3)
    assert "2.json: not JSON" in problems[0]
    with Workspace.open(tmp_path / "a") as space, space.catalogue.read() as session:
        mark = find_mark(session, "1")
        named = [m for m in list_marks(session, Filters(nice=(42,)))]
    assert mark is not None
    assert [m.title for m in named] == ["ACME"]


def data_of(number: int) -> bytes:
    return json.dumps({"id": f"m{number}", "owner": f"Owner {number}"}).encode()


@pytest.mark.parametrize("stem", ["mark-{}", "EM.00{}", "a.b/v1.{}.x"])
@pytest.mark.parametrize("order", ["pictures first", "data first", "mixed"])
@pytest.mark.parametrize("name", ["s.tar", "s.tar.gz"])
def test_data_of_a_shard_belongs_to_the_picture_of_its_name_wherever_it_stands(
    tmp_path: Path, tiny: FoundModel, stem: str, order: str, name: str
) -> None:
    drawn = write_corpus(tmp_path / "x", range(4))
    pictures = {f"{stem.format(n)}.png": path.read_bytes() for n, path in enumerate(drawn)}
    data = {f"{stem.format(n)}.json": data_of(n) for n in range(4)}
    files = {"pictures first": pictures | data, "data first": data | pictures}.get(order)
    if files is None:
        both = list((pictures | data).items())
        files = dict(both[1::3] + both[::3] + both[2::3])
    report, problems = run(tmp_path / "a", tiny, write_members(tmp_path / name, files))
    assert (report.added, problems) == (4, [])
    assert owners(tmp_path / "a") == [(f"id:m{n}", f"Owner {n}", 1) for n in range(4)]


def test_a_sample_of_several_pictures_shares_the_data_of_its_name(
    tmp_path: Path, tiny: FoundModel
) -> None:
    drawn = [path.read_bytes() for path in write_corpus(tmp_path / "x", range(3))]
    own = {"1.front.json": data_of(7)}
    files = {"1.json": data_of(1), "1.front.png": drawn[0], "1.back.png": drawn[1], **own}
    run(tmp_path / "a", tiny, write_members(tmp_path / "s.tar", files | {"2.png": drawn[2]}))
    wanted = [("2.png", None, 1), ("id:m1", "Owner 1", 1), ("id:m7", "Owner 7", 1)]
    assert owners(tmp_path / "a") == wanted


def test_data_of_a_shard_without_a_picture_or_given_twice_is_said_in_a_line(
    tmp_path: Path, tiny: FoundModel
) -> None:
    drawn = write_corpus(tmp_path / "x", [1])[0].read_bytes()
    files = {"1.png": drawn, "1.json": data_of(1), "./1.json": data_of(2), "8.json": data_of(8)}
    shard = write_members(tmp_path / "s.tar", files | {"9.json": data_of(9)})
    report, problems = run(tmp_path / "a", tiny, shard)
    assert (report.rows, report.added, report.unusable_rows) == (1, 1, 0)
    assert problems == [
        f"{shard}: 2 .json files, such as 8.json: no picture of its name; passed over",
        f"{shard}: 1 .json files, such as 1.json: held twice: the first is taken",
    ]
    assert owners(tmp_path / "a") == [("id:m1", "Owner 1", 1)]


def test_a_shard_of_a_store_is_read_once_and_data_behind_its_picture_is_said(
    tmp_path: Path, tiny: FoundModel, memory: Any
) -> None:
    drawn = [path.read_bytes() for path in write_corpus(tmp_path / "x", range(3))]
    files = {
        "0.json": data_of(0), "1.png": drawn[1], "0.png": drawn[0],
        "2.png": drawn[2], "2.json": data_of(2), "1.json": data_of(1),
    }  # fmt: skip
    memory.put(str(write_members(tmp_path / "s.tar", files)), "/s.tar")
    _, [problem] = run(tmp_path / "a", tiny, "memory://s.tar")
    assert problem.endswith(
        "1 .json files, such as 1.json: no picture beside or behind it; passed over"
    )
    wanted = [("1.png", None, 1), ("id:m0", "Owner 0", 1), ("id:m2", "Owner 2", 1)]
    assert owners(tmp_path / "a") == wanted


def test_data_that_waits_is_bounded_and_what_stands_beside_its_picture_is_used_all_the_same(
    tmp_path: Path,
) -> None:
    files = {f"{n}.json": data_of(n) for n in range(50)}
    shard = write_members(tmp_path / "s.tar", files)
    data = ShardData(str(shard), most=100)
    data.read_ahead()
    assert data.beside("49.png").value == json.loads(data_of(49))
    assert data.beside("0.png").value is None
    for member in members(str(shard)):
        data.put(member)
        wanted = json.loads(data_of(int(member.name.partition(".")[0])))
        assert data.beside(f"{member.name[:-5]}.png").value == wanted
    assert list(data.notes()) == []


def test_pictures_that_tar_packed_as_links_to_others_are_read(
    tmp_path: Path, tiny: FoundModel, memory: Any
) -> None:
    """Files of two names: the second is packed as a hard link, which has no bytes of its own."""
    drawn = write_corpus(tmp_path / "x", [1])[0].read_bytes()
    shard = write_members(tmp_path / "s.tar", {"./a/1.png": drawn, "./a/1.json": data_of(1)})
    hard = {"b/2.png": "./a/1.png", "b/2.json": "./a/1.json", "3.png": "b/2.png"}
    write_links(shard, hard | {"4.png": "nowhere.png", "4.json": "nowhere.json"}, symbolic=False)
    write_links(shard, {"5.png": "a/1.png"}, symbolic=True)
    memory.put(str(shard), "/s.tar")
    for root, place in ((tmp_path / "a", str(shard)), (tmp_path / "b", "memory:///s.tar")):
        report, problems = run(root, tiny, place)
        assert (report.rows, report.embedded) == (4, 1)
        assert owners(root) == [("3.png", None, 1), ("id:m1", "Owner 1", 2)]
        assert report.rejected == {"missing": 1}
        said = f"{place}: 1 symbolic links, such as 5.png: not followed; pack what"
        assert any(line.startswith(said) for line in problems)
