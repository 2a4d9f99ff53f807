from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from likemark.benchmarks.metu.collection import (
    Collection,
    read_features,
    read_folder,
    read_names,
)
from likemark.db.errors import InvalidInput, LikemarkError, NotFound

QUERIES = ["a1.jpg", "b1.jpg", "c12.jpg", "d12.jpg"]
POOL = ["0003.jpg", "x.jpg"]


def folder(tmp_path: Path, queries: list[str], pool: list[str]) -> Path:
    for name, files in (("queries", queries), ("pool", pool)):
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_bytes(b"")
    return tmp_path


def listed(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "list.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_a_folder_gives_queries_then_pool_in_the_order_of_their_names(tmp_path: Path):
    found = read_folder(folder(tmp_path, QUERIES[::-1], POOL))
    expected = [f"queries/{name}" for name in QUERIES] + [f"pool/{name}" for name in POOL]
    assert list(found.names) == expected
    assert found.groups.tolist() == [1, 1, 12, 12]
    assert found.pool == 2


def test_what_is_no_picture_is_passed_over(tmp_path: Path):
    root = folder(tmp_path, [*QUERIES, "Thumbs.db"], [*POOL, "read.me", "upper.JPG", "new.png"])
    assert read_folder(root).pool == 4


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("7.jpg", 7),
        ("logo_0012-7.jpg", 7),
        ("0007.jpg", 7),
        ("3 of 5 (9)10.jpg", 10),
        ("a7.JPEG", 7),
        ("v2.5.png", 5),
    ],
)
def test_the_group_is_the_number_before_the_extension(tmp_path: Path, name: str, group: int):
    found = read_names(listed(tmp_path, name, f"other{group}.jpg"), queries=2)
    assert found.groups.tolist() == [group, group]


@pytest.mark.parametrize(
    "name", ["logo.jpg", "7a.jpg", "7", "7.", "12 .jpg", "x" + "9" * 30 + ".jpg", "\u0667.jpg"]
)
def test_a_query_without_a_group_number_is_named_in_one_line(tmp_path: Path, name: str):
    with pytest.raises(InvalidInput, match="no group number before the extension") as caught:
        read_names(listed(tmp_path, "a7.jpg", name), queries=2)
    assert str(caught.value).startswith(name)
    assert "\n" not in str(caught.value)


def test_pool_pictures_need_no_number(tmp_path: Path):
    found = read_names(listed(tmp_path, "a1.jpg", "b1.jpg", "logo.jpg", "c.jpg"), queries=2)
    assert (len(found.groups), found.pool) == (2, 2)


def test_a_list_with_folders_says_itself_how_many_queries_there_are(tmp_path: Path):
    root = folder(tmp_path, QUERIES, POOL)
    whole = read_folder(root)
    again = read_names(listed(tmp_path, *whole.names))
    assert again.names == whole.names
    assert again.groups.tolist() == whole.groups.tolist()
    deep = read_names(listed(tmp_path, *(f"square/{name}" for name in whole.names)))
    assert deep.groups.tolist() == whole.groups.tolist()


def test_a_list_may_lack_its_last_line_break_and_have_windows_ones(tmp_path: Path):
    path = tmp_path / "list.txt"
    path.write_bytes(b"queries/a1.jpg\r\nqueries/b1.jpg\r\npool/x.jpg")
    assert read_names(path).names == ("queries/a1.jpg", "queries/b1.jpg", "pool/x.jpg")


def test_a_group_of_one_is_refused(tmp_path: Path):
    with pytest.raises(InvalidInput, match=r"queries/c2.jpg: no other query is of group 2"):
        read_folder(folder(tmp_path, ["a1.jpg", "b1.jpg", "c2.jpg"], POOL))


def test_a_picture_named_twice_is_refused(tmp_path: Path):
    with pytest.raises(InvalidInput, match=r"x\.jpg: named twice"):
        read_names(listed(tmp_path, "a1.jpg", "b1.jpg", "x.jpg", "x.jpg"), queries=2)


def test_lists_that_do_not_say_or_mix_up_the_queries_are_refused(tmp_path: Path):
    with pytest.raises(InvalidInput, match="say how many come first"):
        read_names(listed(tmp_path, "a1.jpg", "b1.jpg"))
    with pytest.raises(InvalidInput, match="line 2 is no query, but later ones are"):
        read_names(listed(tmp_path, "queries/a1.jpg", "pool/x.jpg", "queries/b1.jpg"))
    for count in (0, 3, -1):
        with pytest.raises(InvalidInput, match=f"{count} queries of 2 names"):
            read_names(listed(tmp_path, "a1.jpg", "b1.jpg"), queries=count)


def test_an_unusable_list_is_one_line(tmp_path: Path):
    with pytest.raises(InvalidInput, match="line 2 is empty"):
        read_names(listed(tmp_path, "a1.jpg", "", "b1.jpg"), queries=2)
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "list.txt", tmp_path / "none.txt", tmp_path):
        with pytest.raises(InvalidInput, match="no list of names") as caught:
            read_names(path)
        assert "\n" not in str(caught.value)


def test_a_folder_that_is_missing_or_has_no_pictures_is_named(tmp_path: Path):
    with pytest.raises(NotFound, match="queries: no such folder"):
        read_folder(tmp_path)
    with pytest.raises(InvalidInput, match="pool: no pictures"):
        read_folder(folder(tmp_path, QUERIES, []))


def collection(names: int = 6) -> Collection:
    return Collection(("a1.jpg", "b1.jpg", *map(str, range(names - 2))), np.array([1, 1]))


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_features_are_mapped_and_not_read(tmp_path: Path, kind: type[np.floating]):
    rows = np.random.default_rng(0).standard_normal((6, 5)).astype(kind)
    np.save(tmp_path / "rows.npy", rows)
    found = read_features(tmp_path / "rows.npy", collection())
    assert isinstance(found, np.memmap)
    assert found.dtype == kind
    assert np.array_equal(found, rows)


def test_rows_and_names_must_be_as_many(tmp_path: Path):
    np.save(tmp_path / "rows.npy", np.ones((5, 3), np.float32))
    with pytest.raises(InvalidInput, match="5 rows for 6 names: give a row for each name"):
        read_features(tmp_path / "rows.npy", collection())


@pytest.mark.parametrize("array", [np.ones((6, 3), int), np.ones(6), np.array(["x"] * 6)])
def test_arrays_that_are_no_features_are_refused(tmp_path: Path, array: np.ndarray):
    np.save(tmp_path / "rows.npy", array)
    with pytest.raises(InvalidInput, match=r"no \(N, D\) floating point array"):
        read_features(tmp_path / "rows.npy", collection())


def test_files_that_are_no_arrays_are_refused_and_nothing_is_unpickled(tmp_path: Path):
    path = tmp_path / "rows.npy"
    np.save(path, np.array([{"x": 1}], object), allow_pickle=True)
    contents = [path.read_bytes(), b"", b"\x93NUMPY", b"no array at all, only text" * 9]
    np.save(path, np.ones((6, 300), np.float32))
    contents.append(path.read_bytes()[:900])
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(LikemarkError, match=r"no \.npy file of numbers") as caught:
            read_features(path, collection())
        assert "\n" not in str(caught.value)
    with pytest.raises(InvalidInput, match=r"no \.npy file"):
        read_features(tmp_path / "none.npy", collection())
    np.savez(tmp_path / "rows.npz", np.ones((6, 3)))
    with pytest.raises(InvalidInput, match=r"in a \.npy file"):
        read_features(tmp_path / "rows.npz", collection())
