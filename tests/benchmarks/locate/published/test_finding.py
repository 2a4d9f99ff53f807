"""The published network as a rival: from its weights to places in the scene's own px."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from support.flickr27 import ColourEncoder

from likemark.benchmarks.locate.published.network import SCENE, Published
from likemark.benchmarks.locate.rivals.published import (
    NAME,
    TAG,
    PublishedLocator,
    PublishedRecipe,
    places,
)
from likemark.benchmarks.locate.rivals.registry import locators
from likemark.db.errors import InvalidInput, ModelError
from likemark.retrieval.devices import Device


def picture(width: int, height: int, seed: int = 0, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Of a network that has learned nothing, and sees marks in many places."""
    torch.manual_seed(0)
    network = Published(4)
    save_file(network.state_dict(), tmp_path / f"{TAG}.safetensors")
    return tmp_path / f"{TAG}.safetensors"


def test_places_are_in_the_scenes_own_px() -> None:
    likely = np.zeros((SCENE, SCENE), np.float32)
    likely[64:128, 32:96] = 0.9
    likely[200:210, 200:220] = 0.6
    likely[0:5, 0:5] = 0.4  # below one half: nothing
    first, second = places(likely, (128, 512), 0.5)
    assert first.box == (64, 32, 128, 32)
    assert first.score == pytest.approx(0.9)
    assert second.score == pytest.approx(0.6)
    assert first.mask is not None
    assert first.mask.shape == (128, 512)
    assert first.mask[32:64, 64:192].all()
    assert first.mask.sum() == 32 * 128


def test_the_score_is_the_mean_probability_inside_a_place() -> None:
    likely = np.zeros((SCENE, SCENE), np.float32)
    likely[10, 10:12] = 0.5, 1.0
    (found,) = places(likely, (SCENE, SCENE), 0.5)
    assert found.score == pytest.approx(0.75)


def test_boxes_are_within_the_scene_and_best_first(weights: Path) -> None:
    locator = PublishedLocator.load(weights, device="cpu")
    found = locator.locate(picture(50, 40), picture(300, 90, 1))
    assert found
    for each in found:
        left, top, width, height = each.box
        assert 0 <= left < left + width <= 300
        assert 0 <= top < top + height <= 90
        assert 0.5 <= each.score <= 1
    assert [each.score for each in found] == sorted((f.score for f in found), reverse=True)


def test_the_same_question_has_the_same_answer_whatever_was_kept(weights: Path) -> None:
    network = PublishedLocator.load(weights, device="cpu").network
    locator = PublishedLocator(network, Device("cpu", bf16=False), "-", PublishedRecipe())
    scene, query = picture(120, 80, 1), picture(40, 40, 2, channels=4)
    first = locator.probabilities(query, scene)
    again = locator.probabilities(query.copy(), scene.copy())
    np.testing.assert_allclose(first, again, atol=1e-4)
    assert not np.array_equal(first, locator.probabilities(picture(40, 40, 5), scene))


def test_it_stands_among_the_rivals_where_its_weights_are_given(weights: Path) -> None:
    assert NAME not in [each.name for each in locators(ColourEncoder())]
    assert NAME not in [each.name for each in locators(ColourEncoder(), weights=Path("/no"))]
    given = locators(ColourEncoder(), weights=weights.parent, device="cpu")
    assert given[0].name == NAME
    assert len(given[0].fingerprint) == 64


def test_other_weights_and_thresholds_share_no_answers(weights: Path) -> None:
    one = PublishedLocator.load(weights, device="cpu")
    device = Device("cpu", bf16=False)
    other = PublishedLocator(one.network, device, "ab" * 32)
    lower = PublishedLocator(one.network, device, "ab" * 32, PublishedRecipe(threshold=0.2))
    assert len({one.fingerprint, other.fingerprint, lower.fingerprint}) == 3


def test_a_file_that_is_no_such_weights_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"broken\.safetensors"):
        PublishedLocator.load(tmp_path / "broken.safetensors", device="cpu")
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="no weights of the published network"):
        PublishedLocator.load(tmp_path / "other.safetensors", device="cpu")


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InvalidInput):
        PublishedRecipe(threshold=1.0)
