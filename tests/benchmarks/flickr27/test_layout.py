from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from support.flickr27 import BOX, COLOURS, EACH, STRANGERS, draw_photo, row, write_layout

from likemark.benchmarks.flickr27.layout import (
    PICTURES,
    QUERIES,
    SUBSETS,
    TRAINING,
    Box,
    Flickr27,
    QueryPhoto,
    TrainingPhoto,
    read_flickr27,
)
from likemark.db.errors import InvalidInput, NotFound


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_layout(tmp_path / "set")


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_each_photo_stands_once_under_the_first_subset_that_holds_it(folder: Path):
    data = read_flickr27(folder)
    assert len(data.training) == 3 * 6
    assert data.training[0] == TrainingPhoto("azure-0.jpg", "Azure", 1, (Box(*BOX),))
    assert [photo.subset for photo in data.training[:6]] == [1, 1, 2, 2, 3, 3]
    assert data.rows == 3 * 2 * (3 + 2 + 1)
    assert data.degenerate == 0


def test_a_subset_holds_those_before_it_and_goes_by_brand(folder: Path):
    data = read_flickr27(folder)
    assert data.brands == ("Azure", "Moss", "Rose")
    for number in (1, 2, 3):
        photos = data.subset(number)
        assert [photo.brand for photo in photos] == sorted(photo.brand for photo in photos)
        assert Counter(p.brand for p in photos) == dict.fromkeys(COLOURS, EACH * number)
    assert set(data.subset(1)) < set(data.subset(2))
    assert data.subset(6) == data.subset(3)


def test_queries_have_a_brand_or_none(folder: Path):
    data = read_flickr27(folder)
    assert len(data.positives) == 3 * EACH
    assert len(data.negatives) == STRANGERS
    assert data.queries[0] == QueryPhoto("azure-query-0.jpg", "Azure")
    assert data.queries[-1] == QueryPhoto("stranger-5.jpg", None)
    assert data.path("stranger-5.jpg").is_file()


def test_a_degenerate_box_is_dropped_and_counted_but_its_photo_stays(folder: Path):
    draw_photo(folder / PICTURES / "flat.jpg", "Rose")
    boxes = [(3, 19, 3, 19), (3, 5, 2, 9), (3, 9, 8, 9)]
    append(folder / TRAINING, "".join(row("flat.jpg", "Rose", 2, box) for box in boxes))
    append(folder / TRAINING, row("rose-0.jpg", "Rose", 1, (7, 7, 7, 9)))
    data = read_flickr27(folder)
    assert data.degenerate == 4
    assert data.training[-1] == TrainingPhoto("flat.jpg", "Rose", 2, ())
    (rose,) = [photo for photo in data.training if photo.file == "rose-0.jpg"]
    assert rose.boxes == (Box(*BOX),)


def test_several_boxes_of_a_photo_are_kept_in_order_and_repeats_dropped(folder: Path):
    more = (1, 2, 9, 8)
    append(folder / TRAINING, row("rose-0.jpg", "Rose", 1, more) + row("rose-0.jpg", "Rose", 2))
    photo = next(p for p in read_flickr27(folder).training if p.file == "rose-0.jpg")
    assert photo.boxes == (Box(*BOX), Box(*more))


def test_a_photo_of_two_brands_stands_under_both(folder: Path):
    append(folder / TRAINING, row("rose-0.jpg", "Moss", 3, (1, 2, 9, 8)))
    photos = [p for p in read_flickr27(folder).training if p.file == "rose-0.jpg"]
    assert [(p.brand, p.subset, p.boxes) for p in photos] == [
        ("Rose", 1, (Box(*BOX),)),
        ("Moss", 3, (Box(1, 2, 9, 8),)),
    ]


def test_blank_lines_and_other_files_beside_the_photos_do_no_harm(folder: Path):
    before = read_flickr27(folder)
    append(folder / QUERIES, "\n  \n")
    (folder / PICTURES / "notes.txt").write_text("mine")
    assert read_flickr27(folder) == before


@pytest.mark.parametrize("name", [TRAINING, QUERIES])
def test_a_missing_annotation_file_is_named_in_one_line(folder: Path, name: str):
    (folder / name).unlink()
    with pytest.raises(NotFound, match=f"{name}: no such file: name the folder") as caught:
        read_flickr27(folder)
    assert "\n" not in str(caught.value)


def test_missing_photos_are_counted_and_the_first_named(folder: Path):
    for file in ("azure-0.jpg", "azure-1.jpg", "moss-query-0.jpg", "stranger-2.jpg"):
        (folder / PICTURES / file).unlink()
    message = r"4 of 30 photos are missing \(azure-0.jpg, azure-1.jpg, moss-query-0.jpg, \.\.\.\)"
    with pytest.raises(NotFound, match=message):
        read_flickr27(folder)


def test_a_missing_folder_of_photos_is_all_of_them_missing(folder: Path):
    (folder / PICTURES).rename(folder / "elsewhere")
    with pytest.raises(NotFound, match=f"{PICTURES}: 30 of 30 photos are missing"):
        read_flickr27(folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.jpg Rose 1 2 3 4\n", "line 37: 'a.jpg Rose 1 2 3 4' is not 7 fields"),
        ("a.jpg Rose one 1 2 3 4\n", "line 37: 'one 1 2 3 4' is not five whole numbers"),
        ("a.jpg Rose 7 1 2 3 4\n", "a.jpg: subset 7: there are 1 to 6"),
        ("a.jpg Rose 1 -1 2 3 4\n", "box -1 2 3 4 is empty or starts outside"),
        ("../a.jpg Rose 1 1 2 3 4\n", "is not 7 fields"),
    ],
)
def test_a_row_of_another_form_is_refused(folder: Path, line: str, message: str):
    append(folder / TRAINING, line)
    with pytest.raises(InvalidInput, match=message):
        read_flickr27(folder)


def test_a_query_of_an_unknown_brand_is_refused(folder: Path):
    append(folder / QUERIES, "azure-0.jpg\tTeal\n")
    with pytest.raises(InvalidInput, match=f"{QUERIES} names 'Teal', which {TRAINING} does not"):
        read_flickr27(folder)


def test_a_file_that_is_no_text_is_refused(folder: Path):
    (folder / QUERIES).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="cannot be read as text"):
        read_flickr27(folder)


@pytest.mark.parametrize("number", [0, 7])
def test_there_are_six_subsets(folder: Path, number: int):
    with pytest.raises(InvalidInput, match=f"subset {number}: there are 1 to 6"):
        read_flickr27(folder).subset(number)


@pytest.fixture
def published() -> Flickr27:
    folder = os.environ.get("LIKEMARK_FLICKR27")
    if folder is None:
        pytest.skip("LIKEMARK_FLICKR27 does not name a folder with FlickrLogos-27")
    return read_flickr27(Path(folder))


def test_the_published_data_are_as_described(published: Flickr27):
    assert len(published.brands) == 27
    assert (published.rows, published.degenerate) == (4536, 5)
    assert len({photo.file for photo in published.training}) == 809
    assert sum(len(photo.boxes) for photo in published.training) == 1260
    for number in SUBSETS:
        counts = Counter(photo.brand for photo in published.subset(number))
        assert counts == dict.fromkeys(published.brands, 5 * number)
    assert (len(published.positives), len(published.negatives)) == (135, 135)
