"""The tracer in the package, on scenes that are drawn here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from likemark.augment.marks import Mark
from likemark.augment.scenes.recipe import SceneRecipe
from likemark.augment.scenes.scene import Scene, make_scene
from likemark.benchmarks.demo_room import draw_room
from likemark.benchmarks.demo_scene import OTHERS, QUERY
from likemark.db.errors import ModelDamaged, ModelError
from likemark.retrieval.devices import choose_device
from likemark.retrieval.oneshot.card import DEFAULT, OneShotCard, TracerCard
from likemark.retrieval.oneshot.finder import Finder
from likemark.retrieval.oneshot.tracer import SIDE, Tracer
from likemark.retrieval.oneshot.tracing import Tracing, seen_through, window_round
from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.redact.regions import Region, region_of_mask

Mask = NDArray[np.bool_]
CPU = choose_device("cpu")


@pytest.fixture(scope="module")
def card() -> TracerCard:
    return TracerCard.read(DEFAULT.parent / f"{OneShotCard.read(DEFAULT).tracer}.json")


@pytest.fixture(scope="module")
def tracing(card: TracerCard) -> Tracing:
    network = Tracer(card.widths)
    card.fill(network, DEFAULT.parent)
    return Tracing(network, CPU)


@pytest.fixture(scope="module")
def scene() -> Scene:
    marks = [Mark.of(load_picture(path)) for path in (QUERY, OTHERS[0])]
    return make_scene(draw_room(), marks, np.random.default_rng(3), SceneRecipe(), size=(300, 400))


def iou(region: Region, truth: Mask) -> float:
    found = np.zeros_like(truth)
    tall, wide = region.mask.shape
    found[region.top : region.top + tall, region.left : region.left + wide] = region.mask > 0
    return float((found & truth).sum() / (found | truth).sum())


def blob(truth: Mask) -> Region:
    """As the network may have found it: round, with gaps filled."""
    found = cv2.GaussianBlur(truth.astype(np.float32), (0, 0), 7) > 0.3
    return region_of_mask(np.where(found, np.uint8(255), np.uint8(0)))


def test_a_coarse_mask_becomes_the_marks_own(tracing: Tracing, scene: Scene) -> None:
    truths = [scene.place_of(number) >= 128 for number in (0, 1)]
    coarse = [blob(truth) for truth in truths]
    traced = tracing.traced(scene.pixels, coarse)
    for before, after, truth in zip(coarse, traced, truths, strict=True):
        assert iou(after, truth) > max(0.8, iou(before, truth))
        assert after.score == before.score


def test_places_are_traced_alike_alone_and_among_many(tracing: Tracing, scene: Scene) -> None:
    region = blob(scene.place_of(0) >= 128)
    (alone,) = tracing.traced(scene.pixels, [region])
    many = tracing.traced(scene.pixels, [region] * 20)
    for each in many:
        assert each.box == alone.box
        assert np.mean(each.mask != alone.mask) < 0.01
    assert tracing.traced(scene.pixels, []) == []


def test_a_place_at_the_edge_stays_in_the_scene(tracing: Tracing) -> None:
    pixels = np.full((60, 90, 3), 230, np.uint8)
    pixels[:25, :30] = (180, 20, 20)
    pixels[-1:, -1:] = 0
    mask = np.zeros((60, 90), np.uint8)
    mask[:22, :26] = 255
    corner = np.zeros((60, 90), np.uint8)
    corner[-1:, -1:] = 255
    for region in tracing.traced(pixels, [region_of_mask(mask), region_of_mask(corner)]):
        left, top, right, bottom = region.box
        assert 0 <= left < right <= 90
        assert 0 <= top < bottom <= 60


def test_a_place_of_which_nothing_is_left_stays_as_it_was_found(scene: Scene) -> None:
    network = Tracer((8, 8))
    torch.nn.init.constant_(network.last.weight, 0.0)
    assert network.last.bias is not None
    torch.nn.init.constant_(network.last.bias, -9.0)
    region = blob(scene.place_of(0) >= 128)
    (same,) = Tracing(network, CPU).traced(scene.pixels, [region])
    assert same is region


def test_a_place_that_would_be_traced_beside_itself_stays_as_it_was_found(scene: Scene) -> None:
    class Beside(Tracer):
        def forward(self, crops: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
            return torch.where(masks > 0, -9.0, 9.0)

    region = blob(scene.place_of(0) >= 128)
    (same,) = Tracing(Beside((8, 8)), CPU).traced(scene.pixels, [region])
    assert same is region


def test_what_a_window_shows_beyond_the_scene() -> None:
    pixels = np.full((40, 40, 3), 9, np.uint8)
    assert window_round((0, 10, 40, 30)) == (-10, 5, 50, 35)
    assert window_round((5, 5, 6, 6)) == (3, 3, 8, 8)
    assert (seen_through((-10, 5, 50, 35), pixels) == 9).all()
    mask = np.full((40, 40), 255, np.uint8)
    beyond = seen_through((-10, 5, 50, 35), mask, blank=True)
    assert beyond.shape == (SIDE, SIDE)
    assert (beyond[:, : SIDE // 8] == 0).all()
    assert (beyond[:, SIDE // 4 : SIDE // 2] == 255).all()


def test_what_is_located_is_as_sure_as_without_a_tracer(scene: Scene) -> None:
    finder = Finder.load(device="cpu")
    query = load_picture(QUERY)
    traced = finder.locate(scene.pixels, [finder.ask(query)], threshold=0.3)
    plain = Finder(finder.card, finder._network, finder._features, finder.embedder).locate(
        scene.pixels, [finder.ask(query)], threshold=0.3
    )
    assert [each.region.score for each in traced] == [each.region.score for each in plain]
    truth = scene.place_of(0) >= 128
    assert iou(traced[0].region, truth) > max(0.8, iou(plain[0].region, truth))
    # What covers marks covers both.
    assert np.array_equal(traced[0].others[0].mask, plain[0].region.mask)


def test_a_tracers_card_that_cannot_be_is_refused(card: TracerCard, tmp_path: Path) -> None:
    card.write(tmp_path / "own.json")
    assert TracerCard.read(tmp_path / "own.json") == card
    for wrong in (
        {"widths": (4,)},
        {"widths": (0, 3)},
        {"widths": (8,) * 7},
        {"weights": "a/b.safetensors"},
        {"name": ""},
    ):
        with pytest.raises(ModelDamaged, match="tracer"):
            replace(card, **wrong)
    with pytest.raises(ModelError, match=r"none\.json: no such file"):
        TracerCard.read(tmp_path / "none.json")
    with pytest.raises(ModelDamaged, match="tracer must be the name of a card beside this one"):
        replace(OneShotCard.read(DEFAULT), tracer="../elsewhere")
