"""Pictures decoded once, small, and looked up by name."""

from __future__ import annotations

import base64
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likemark.retrieval.pictures.decode import decode
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Crop, Request
from likemark.retrieval.report.thumbnails import Thumbnails, load_thumbnails

S = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red-and-blue picture, a noisy one, and a file that is none."""
    folder = tmp_path_factory.mktemp("pictures")
    halves = np.zeros((40, 80, 3), np.uint8)
    halves[:, :40, 0] = 255
    halves[:, 40:, 2] = 255
    Image.fromarray(halves).save(folder / "halves.png")
    noise = np.random.default_rng(3).integers(0, 256, (200, 200, 3), np.uint8)
    Image.fromarray(noise).save(folder / "noise.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Thumbnails:
    halves = str(folder / "halves.png")
    paths = [halves, halves, str(folder / "broken.png"), str(folder / "gone.png")]
    extra = [
        Request(halves, crop=Crop(40, 0, 40, 40)),
        Request("stdin", data=(folder / "halves.png").read_bytes()),
        Request(str(folder / "broken.png"), crop=Crop(0, 0, 4, 4)),
    ]
    return load_thumbnails(paths, size=S, extra=extra)


def test_flat_artwork_is_kept_without_loss(loaded: Thumbnails, folder: Path) -> None:
    path = str(folder / "halves.png")
    exact = decode(Request(path), size=S, limits=PictureLimits()).pixels
    shown = loaded.pixels(path)
    assert shown is not None
    assert shown.shape == (S, S, 3)
    assert np.array_equal(shown, exact)


def test_data_uri_is_the_same_picture(loaded: Thumbnails, folder: Path) -> None:
    path = str(folder / "halves.png")
    uri = loaded.data_uri(path)
    assert uri is not None
    head, _, body = uri.partition(",")
    assert head == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(body, validate=True))) as image:
        assert image.format == "WEBP"
        shown = loaded.pixels(path)
        assert shown is not None
        assert np.array_equal(np.asarray(image), shown)


def test_query_crop_stands_beside_the_whole_picture(loaded: Thumbnails, folder: Path) -> None:
    path = str(folder / "halves.png")
    whole, part = loaded.pixels(path), loaded.query_pixels(path)
    assert whole is not None
    assert part is not None
    assert whole[S // 2, S // 4, 0] > 200
    assert part[..., 0].max() < 60
    assert loaded.query_uri(path) != loaded.data_uri(path)


def test_standard_input_is_found_by_its_label(loaded: Thumbnails, folder: Path) -> None:
    assert loaded.query_uri("stdin") == loaded.data_uri(str(folder / "halves.png"))
    assert loaded.data_uri("stdin") == loaded.query_uri("stdin")


@pytest.mark.parametrize("name", ["broken.png", "gone.png", "never-asked.png"])
def test_what_cannot_be_read_has_no_picture(loaded: Thumbnails, folder: Path, name: str) -> None:
    path = str(folder / name)
    assert loaded.data_uri(path) is None
    assert loaded.query_uri(path) is None
    assert loaded.pixels(path) is None
    assert loaded.query_pixels(path) is None


def test_photos_are_compressed_harder_than_artwork(folder: Path) -> None:
    path = str(folder / "noise.png")
    webp = load_thumbnails([path], size=192).pictures[path]
    assert len(webp) < 60_000  # without loss: 110 kB


def test_limits_are_kept(folder: Path) -> None:
    path = str(folder / "noise.png")
    strict = PictureLimits(max_megapixels=0.01)
    found = load_thumbnails([], size=S, limits=strict, extra=[Request(path)])
    assert found.query_uri(path) is None


def test_no_picture_is_no_work() -> None:
    assert load_thumbnails([]) == Thumbnails(size=192, pictures={}, queries={})


@pytest.mark.parametrize("name", [b"caf\xe9.png", b"\xe5\x9b\xbe \xe2\x80\xae.png"])
def test_any_file_name_is_found(folder: Path, name: bytes) -> None:
    path = os.path.join(folder, os.fsdecode(name))
    shutil.copy(folder / "halves.png", path)
    assert load_thumbnails([path, "no\x00such"], size=S).pictures.keys() == {path}


def test_a_hit_is_shown_though_it_is_beyond_the_limits_of_the_query(
    folder: Path, tmp_path: Path
) -> None:
    """It was indexed under limits of its own."""
    wrong = tmp_path / "wrong.jpg"
    shutil.copy(folder / "halves.png", wrong)
    limits = PictureLimits(max_bytes=30, check_extension=True)
    found = load_thumbnails([str(wrong)], size=S, limits=limits, extra=[Request(str(folder))])
    assert found.pixels(str(wrong)) is not None
