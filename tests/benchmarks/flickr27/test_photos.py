from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.flickr27 import BOX, COLOURS, SIZE, draw_photo, row, write_layout

from likemark.benchmarks.flickr27.layout import PICTURES, QUERIES, TRAINING, Flickr27, read_flickr27
from likemark.benchmarks.flickr27.photos import (
    count_repeated,
    hash_data,
    hash_photos,
    load_crops,
    load_photos,
)
from likemark.db.errors import PictureError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_layout(tmp_path / "set")


@pytest.fixture
def data(folder: Path) -> Flickr27:
    return read_flickr27(folder)


def digest_of(folder: Path) -> str:
    data = read_flickr27(folder)
    return hash_data(data, hash_photos(data))


def test_photos_come_whole_in_the_order_asked(data: Flickr27):
    files = ["moss-1.jpg", "stranger-0.jpg", "azure-2.jpg"]
    for file, pixels in zip(files, load_photos(data, files), strict=True):
        assert np.array_equal(pixels, np.asarray(Image.open(data.path(file))))
        assert pixels.shape == (SIZE[1], SIZE[0], 3)


def test_photos_are_decoded_one_at_a_time(data: Flickr27):
    data.path("azure-1.jpg").unlink()
    photos = load_photos(data, ["azure-0.jpg", "azure-1.jpg"])
    next(photos)
    with pytest.raises(PictureError, match=r"azure-1\.jpg: missing"):
        next(photos)


def test_a_damaged_photo_is_named(data: Flickr27):
    data.path("rose-0.jpg").write_bytes(b"no picture")
    with pytest.raises(PictureError, match=r"rose-0\.jpg: not_a_picture"):
        list(load_photos(data, ["rose-0.jpg"]))


def test_a_crop_is_what_the_box_encloses(data: Flickr27):
    crops = list(load_crops(data, data.subset(1)))
    assert [brand for _, brand in crops] == ["Azure", "Azure", "Moss", "Moss", "Rose", "Rose"]
    for pixels, brand in crops:
        assert pixels.shape == (BOX[3] - BOX[1], BOX[2] - BOX[0], 3)
        assert pixels.flags.c_contiguous
        np.testing.assert_allclose(pixels[2:-2, 2:-2].mean((0, 1)), COLOURS[brand], atol=12)


def test_a_box_over_the_edge_is_cut_and_one_outside_passed_over(folder: Path):
    draw_photo(folder / PICTURES / "edge.jpg", "Rose")
    boxes = [(SIZE[0] - 5, 0, SIZE[0] + 20, 10), (SIZE[0], 0, SIZE[0] + 4, 4), (0, 0, 1, 1)]
    with (folder / TRAINING).open("a") as file:
        file.writelines(row("edge.jpg", "Rose", 1, box) for box in boxes)
    photo = read_flickr27(folder).training[-1]
    assert len(photo.boxes) == 3
    shapes = [pixels.shape for pixels, _ in load_crops(read_flickr27(folder), [photo])]
    assert shapes == [(10, 5, 3), (1, 1, 3)]


def test_hashes_are_of_the_files(data: Flickr27):
    hashes = hash_photos(data)
    assert len(hashes) == 30
    content = data.path("moss-3.jpg").read_bytes()
    assert hashes["moss-3.jpg"] == hashlib.sha256(content).hexdigest()


def test_the_datas_hash_is_the_same_elsewhere_and_blind_to_other_files(folder: Path):
    before = digest_of(folder)
    copy = shutil.copytree(folder, folder.parent / "copy")
    (copy / PICTURES / "more.jpg").write_bytes(b"another picture")
    assert digest_of(copy) == before
    assert len(before) == 64


@pytest.mark.parametrize("name", [TRAINING, QUERIES, f"{PICTURES}/stranger-3.jpg"])
def test_the_datas_hash_sees_every_byte(folder: Path, name: str):
    before = digest_of(folder)
    with (folder / name).open("ab") as file:
        file.write(b"\n")
    assert digest_of(folder) != before


def test_the_datas_hash_sees_two_photos_exchanged(folder: Path):
    before = digest_of(folder)
    first, second = (folder / PICTURES / name for name in ("azure-0.jpg", "moss-0.jpg"))
    held = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(held)
    assert digest_of(folder) != before


def test_repeats_are_positives_that_are_training_photos_byte_for_byte(data: Flickr27):
    assert count_repeated(data, data.training, hash_photos(data)) == 0
    shutil.copy(data.path("azure-4.jpg"), data.path("azure-query-0.jpg"))
    shutil.copy(data.path("azure-0.jpg"), data.path("stranger-0.jpg"))
    hashes = hash_photos(data)
    assert count_repeated(data, data.training, hashes) == 1
    assert count_repeated(data, data.subset(2), hashes) == 0  # the fourth photo is of subset 3


def test_the_published_data_repeat_a_photo_of_the_second_subset():
    folder = os.environ.get("LIKEMARK_FLICKR27")
    if folder is None:
        pytest.skip("LIKEMARK_FLICKR27 does not name a folder with FlickrLogos-27")
    data = read_flickr27(Path(folder))
    hashes = hash_photos(data)
    assert count_repeated(data, data.subset(2), hashes) == 1
    assert count_repeated(data, data.training, hashes) == 2
    assert hash_data(data, hashes).startswith("23f9d29cb73af52b")
