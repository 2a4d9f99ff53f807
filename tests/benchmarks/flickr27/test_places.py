"""Photos that are looked at place by place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.flickr27 import BOX, EACH, STRANGERS, ColourEncoder, write_layout

from likemark.augment.marks import Mark
from likemark.augment.scenes.recipe import SceneRecipe
from likemark.augment.scenes.scene import make_scene
from likemark.benchmarks.demo_room import draw_room
from likemark.benchmarks.demo_scene import OTHERS, QUERY
from likemark.benchmarks.flickr27.layout import read_flickr27
from likemark.benchmarks.flickr27.places import Evened, FinderPlaces, Seen
from likemark.benchmarks.flickr27.run import run_flickr27
from likemark.benchmarks.flickr27.small_cnn import CnnRecipe
from likemark.benchmarks.flickr27.task import Task
from likemark.benchmarks.flickr27.training import Examples
from likemark.db.errors import InvalidInput
from likemark.retrieval.oneshot.finder import Finder
from likemark.retrieval.oneshot.regions import Box
from likemark.retrieval.pictures.load import load_picture

GREY: Box = (0, 32, 48, 40)  # shows no brand in any photo


@dataclass
class Windows:
    """The whole photo, where the brand would stand, and a strip of ground."""

    name: str = "windows"
    fingerprint: str = "d1" * 32
    found: list[int] = field(default_factory=list)  # places of each photo that was looked at

    def find(self, photo: NDArray[np.uint8]) -> list[Box]:
        boxes: list[Box] = [(0, 0, photo.shape[1], photo.shape[0]), BOX, GREY]
        self.found.append(len(boxes))
        return boxes

    def rows(self, photo: NDArray[np.uint8], boxes: Sequence[Box]) -> NDArray[np.float32]:
        crops = [photo[top:bottom, left:right] for left, top, right, bottom in boxes]
        return np.array(list(ColourEncoder().encode(crops)), np.float32).reshape(-1, 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_layout(tmp_path_factory.mktemp("places") / "set")


@pytest.fixture(scope="module")
def seen(folder: Path) -> Seen:
    return Seen.of(Task.of(read_flickr27(folder)), Windows())


def test_places_outside_every_box_show_no_brand(seen: Seen) -> None:
    assert len(seen.background) == len(seen.boxes.labels)  # the strip alone, of each photo
    assert float((seen.background @ seen.boxes.inputs.T).max()) < 0.2


def test_the_surest_place_names_the_photo(folder: Path) -> None:
    result = run_flickr27(folder, [], baseline=CnnRecipe(size=22, epochs=1), places=Windows())
    rows = [row for row in result.rows if row.source == "places"]
    assert [(row.name, row.classifier) for row in rows] == [
        ("windows", "knn"),
        ("windows", "linear"),
    ]
    for row in rows:
        assert row.scores.accuracy == 1
        assert row.scores.auroc == 1
        assert row.examples == len(result.brands) * EACH * 2


def test_photos_without_a_brand_are_less_sure(seen: Seen) -> None:
    for positives, negatives in (seen.by_neighbours(), seen.by_head(3, seed=0)):
        assert len(negatives.confidences) == STRANGERS
        assert positives.confidences.min() > negatives.confidences.max()


def test_in_what_the_background_varies_most_places_differ_least() -> None:
    rng = np.random.default_rng(0)
    background = rng.normal(0, 1, (400, 8)).astype(np.float32) * np.array([9] + [1] * 7, np.float32)
    even = Evened.of(background)
    rows = even.rows(background)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    spread = ((background - even.mean) @ even.ways).std(axis=0)
    assert spread.max() / spread.min() < 4  # 9 before
    one = Evened.of(background[:1])
    unit = background / np.linalg.norm(background, axis=1, keepdims=True)
    np.testing.assert_allclose(one.rows(background), unit, rtol=1e-5)


def test_a_place_is_named_by_what_it_shows_though_the_scene_is_anothers() -> None:
    """Of 8 dimensions the first is what photos differ in, whatever they show."""
    rng = np.random.default_rng(1)

    def row(scene: float, mark: int) -> NDArray[np.float32]:
        found = np.eye(8, dtype=np.float32)[mark] + np.array([scene] + [0] * 7, np.float32)
        unit: NDArray[np.float32] = found / np.linalg.norm(found)
        return unit

    noise = rng.normal(0, 0.1, (300, 8)) + np.outer(rng.normal(0, 3, 300), np.eye(8)[0])
    background = (noise / np.linalg.norm(noise, axis=1, keepdims=True)).astype(np.float32)
    known = np.stack([row(2.0, 3), row(-2.0, 4)])
    boxes = Examples(known, np.array([0, 1], np.int64))
    asked = (row(-2.0, 3)[None], row(2.0, 4)[None])
    assert [int((each @ known.T).argmax()) for each in asked] == [1, 0]
    positives, _ = Seen(boxes, boxes, background, asked, asked).by_neighbours()
    assert positives.brands.tolist() == [0, 1]


def test_a_brand_without_a_box_is_refused(tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "set")
    rows = folder / "flickr_logos_27_dataset_training_set_annotation.txt"
    lines = rows.read_text().splitlines()
    kept = [
        " ".join([*line.split()[:3], "5", "5", "5", "5"]) if "Moss" in line else line
        for line in lines
    ]
    rows.write_text("\n".join(kept) + "\n")
    with pytest.raises(InvalidInput, match="a brand has no box"):
        Seen.of(Task.of(read_flickr27(folder)), Windows())


def test_the_finder_proposes_the_whole_photo_and_where_marks_are() -> None:
    marks = [Mark.of(load_picture(path)) for path in (QUERY, OTHERS[0])]
    made = make_scene(draw_room(), marks, np.random.default_rng(3), SceneRecipe(), size=(300, 400))
    places = FinderPlaces(Finder.load(device="cpu"), "a" * 64)
    boxes = places.find(made.pixels)
    assert boxes[0] == (0, 0, 400, 300)
    inked = made.mask_of(0) > 0
    assert any(inked[top:bottom, left:right].sum() > 0.7 * inked.sum()
               and (right - left) * (bottom - top) < 0.2 * inked.size
               for left, top, right, bottom in boxes[1:])  # fmt: skip
    rows = places.rows(made.pixels, boxes)
    assert rows.shape[0] == len(boxes)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)
    assert places.rows(made.pixels, []).shape == (0, rows.shape[1])
