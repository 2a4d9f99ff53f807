"""The model in the package, on scenes that are drawn here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support.models import tiny_model

from likemark.augment.marks import Mark
from likemark.augment.scenes.recipe import SceneRecipe
from likemark.augment.scenes.scene import Scene, make_scene
from likemark.benchmarks.demo_room import draw_room
from likemark.benchmarks.demo_scene import OTHERS, QUERY
from likemark.db.errors import InvalidInput, ModelDamaged, ModelError
from likemark.retrieval.oneshot.card import DEFAULT, OneShotCard
from likemark.retrieval.oneshot.finder import Finder, is_flat
from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.pictures.normalise import flatten

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def finder() -> Finder:
    return Finder.load(device="cpu")


@pytest.fixture(scope="module")
def scene() -> Scene:
    marks = [Mark.of(load_picture(path)) for path in (QUERY, OTHERS[0])]
    rng = np.random.default_rng(3)
    return make_scene(draw_room(), marks, rng, SceneRecipe(), size=(300, 400))


def iou(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0, across) * max(0, down)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (areas - shared)


def test_a_mark_is_found_where_it_is_and_another_one_is_not_taken_for_it(
    finder: Finder, scene: Scene
) -> None:
    asks = [finder.ask(load_picture(path)) for path in (QUERY, OTHERS[0])]
    found = finder.locate(scene.pixels, asks, threshold=0.0)
    for number in (0, 1):
        best = next(each for each in found if each.query == number)
        rows, columns = (
            np.flatnonzero((scene.mask_of(number) > 0).any(axis=axis)) for axis in (1, 0)
        )
        truth = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
        assert iou(best.region.box, truth) > 0.5
        wrong = [
            each.region.score
            for each in found
            if each.query != number and iou(each.region.box, truth) > 0.3
        ]
        assert best.region.score > 2 * max(wrong, default=0.0)
        assert best.similarity is not None
        assert best.similarity > 0.4


def test_places_are_inside_the_scene_surest_first_and_each_only_once(
    finder: Finder, scene: Scene
) -> None:
    ask = finder.ask(load_picture(QUERY))
    found = finder.locate(scene.pixels, [ask, ask], threshold=0.0)
    scores = [each.region.score for each in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    height, width = scene.pixels.shape[:2]
    for each in found:
        left, top, right, bottom = each.region.box
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert np.linalg.norm(each.row) == pytest.approx(1, abs=1e-4)
    for number in (0, 1):
        boxes = [each.region.box for each in found if each.query == number]
        assert len(boxes) == len(set(boxes))
        assert all(iou(a, b) < 0.5 for n, a in enumerate(boxes) for b in boxes[:n])


def test_places_whose_masks_are_one_once_they_are_traced_are_one(finder: Finder) -> None:
    marks = [Mark.of(load_picture(path)) for path in (QUERY, OTHERS[0])]
    made = make_scene(draw_room(), marks, np.random.default_rng(33), SceneRecipe(), size=(336, 448))
    found = finder.propose(made.pixels, threshold=0.1)
    boxes = [each.region.box for each in found]
    assert all(iou(a, b) < 0.5 for n, a in enumerate(boxes) for b in boxes[:n])
    # The place that is left keeps the other's mask, for what covers all of a mark.
    joined = [each for each in found if len(each.others) > 1]
    assert joined
    for each in joined:
        assert all(other.score <= each.region.score for other in each.others)


def test_a_question_is_answered_alike_alone_and_beside_others(finder: Finder, scene: Scene) -> None:
    asks = [finder.ask(load_picture(path)) for path in (QUERY, *OTHERS)]
    together = [
        (each.region.box, each.region.score)
        for each in finder.locate(scene.pixels, asks, threshold=0.0)
        if each.query == 1
    ]
    alone = finder.locate(scene.pixels.copy(), [asks[1]], threshold=0.0)
    assert [box for box, _ in together][:1] == [each.region.box for each in alone][:1]
    assert together[0][1] == pytest.approx(alone[0].region.score, abs=0.05)


def test_a_mark_that_fills_its_scene_is_found_though_its_mask_fails(
    finder: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*asked: object) -> NDArray[np.float32]:
        return np.full((2, 84, 84), -9, np.float32)

    monkeypatch.setattr(finder, "_level", nothing)
    scene = np.random.default_rng(0).integers(90, 110, (300, 400, 3), np.uint8)
    mark = flatten(load_picture(QUERY))
    scene[20:280, 70:330] = cv2.resize(mark, (260, 260), interpolation=cv2.INTER_AREA)
    best = finder.locate(scene, [finder.ask(load_picture(QUERY))])[0]
    assert iou(best.region.box, (70, 20, 330, 280)) > 0.5


def test_any_mark_is_proposed_without_a_query(finder: Finder, scene: Scene) -> None:
    found = finder.propose(scene.pixels, threshold=0.0)
    assert found
    assert all(each.query == 0 and each.similarity is None for each in found)


def test_a_higher_threshold_leaves_the_surer_ones(finder: Finder, scene: Scene) -> None:
    ask = finder.ask(load_picture(QUERY))
    every = finder.locate(scene.pixels, [ask], threshold=0.0)
    middle = (every[0].region.score + every[-1].region.score) / 2
    some = finder.locate(scene.pixels, [ask], threshold=middle)
    assert 0 < len(some) <= len(every)
    assert all(each.region.score >= middle for each in some)


@pytest.mark.parametrize("size", [(20, 900), (3, 3), (700, 60)], ids=str)
def test_scenes_of_odd_shapes_are_looked_at(finder: Finder, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    for each in finder.locate(pixels, [finder.ask(load_picture(QUERY))], threshold=0.0):
        assert each.region.box[2] <= size[1]
        assert each.region.box[3] <= size[0]


def test_a_picture_of_one_colour_is_no_query_and_no_scene(finder: Finder) -> None:
    plain = np.full((80, 90, 3), 200, np.uint8)
    assert is_flat(plain)
    with pytest.raises(InvalidInput, match=r"a\.png: the picture is of one colour"):
        finder.ask(plain, name="a.png")
    assert finder.locate(plain, [finder.ask(load_picture(QUERY))], threshold=0.0) == []


def test_a_transparent_query_is_asked_on_a_ground_that_shows_it(finder: Finder) -> None:
    clear = np.zeros((60, 60, 4), np.uint8)
    clear[15:45, 15:45] = 255
    opaque = np.zeros((60, 60, 3), np.uint8)
    opaque[15:45, 15:45] = 255
    one, other = finder.ask(clear).row, finder.ask(opaque).row
    assert one is not None
    assert other is not None
    assert float(one @ other) > 0.9


def changed(folder: Path, **fields: object) -> Path:
    """The shipped network's card, its weights and its tracer beside it."""
    for path in DEFAULT.parent.iterdir():
        shutil.copy(path, folder)
    card = json.loads(DEFAULT.read_text(encoding="utf-8"))
    (folder / DEFAULT.name).write_text(json.dumps({**card, **fields}), encoding="utf-8")
    return folder / DEFAULT.name


def test_crops_are_compared_by_the_model_that_the_card_names(tmp_path: Path, scene: Scene) -> None:
    tiny = tiny_model(tmp_path / "model")
    other = Finder.load(device="cpu", card=changed(tmp_path, embedder=tiny.reference))
    assert other.embedder.card.name == "tiny"
    ask = other.ask(load_picture(QUERY))
    found = other.locate(scene.pixels, [ask], threshold=0.0)
    assert ask.row is not None
    assert {each.row.shape for each in found} == {ask.row.shape} == {(other.embedder.dimension,)}


def test_a_card_without_a_model_for_crops_compares_them_by_its_own(tmp_path: Path) -> None:
    card = json.loads(changed(tmp_path).read_text(encoding="utf-8"))
    card.pop("embedder", None)
    (tmp_path / DEFAULT.name).write_text(json.dumps(card), encoding="utf-8")
    finder = Finder.load(device="cpu", card=tmp_path / DEFAULT.name)
    assert finder.embedder.card.name == card["model"]


def test_a_network_of_another_backbone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match="learned from another backbone"):
        Finder.load(device="cpu", card=changed(tmp_path, backbone="0" * 64))
    with pytest.raises(ModelError, match="no such file"):
        Finder.load(device="cpu", card=tmp_path / "none.json")
    with pytest.raises(ModelError, match=r"tracer card .*lost\.json: no such file"):
        Finder.load(device="cpu", card=changed(tmp_path, tracer="lost"))
    card = changed(tmp_path)
    tracer = OneShotCard.read(card).tracer
    with (tmp_path / f"{tracer}.safetensors").open("ab") as weights:
        weights.write(b"0")
    with pytest.raises(ModelDamaged, match=rf"tracer '{tracer}': .* is not the file of its card"):
        Finder.load(device="cpu", card=card)
