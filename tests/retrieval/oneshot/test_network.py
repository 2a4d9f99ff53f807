from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.models import tiny_model

from likemark.db.errors import ModelError
from likemark.retrieval.devices import Device
from likemark.retrieval.oneshot.features import Features, load_features
from likemark.retrieval.oneshot.network import OneShot, Size

SIZE = Size(channels=12, layers=2, tokens=(5, 2), width=8, depth=1, heads=2, fine=8, ways=2)


def asked(seed: int = 0) -> tuple[torch.Tensor, ...]:
    """Images, scenes, queries and questions: B = 2, Q = 3, A = 4, of 4 x 3 patches of 16 px."""
    rng = torch.Generator().manual_seed(seed)
    return (
        torch.randn(2, 3, 64, 48, generator=rng),
        torch.randn(2, 12, 4, 3, generator=rng),
        torch.randn(3, 7, 12, generator=rng),
        torch.tensor([[0, 0], [0, 1], [1, 2], [1, 0]]),
    )


@pytest.fixture
def network() -> OneShot:
    torch.manual_seed(1)
    return OneShot(SIZE).eval()


def test_a_mask_has_a_quarter_of_the_scenes_px_a_side(network: OneShot) -> None:
    assert network(*asked()).shape == (4, 16, 12)


def test_each_question_is_answered_as_if_it_were_asked_alone(network: OneShot) -> None:
    images, scenes, queries, asks = asked()
    with torch.inference_mode():
        together = network(images, scenes, queries, asks)
        for number, (scene, query) in enumerate(asks.tolist()):
            alone = network(
                images[[scene]], scenes[[scene]], queries[[query]], torch.tensor([[0, 0]])
            )
            torch.testing.assert_close(alone[0], together[number], rtol=1e-4, atol=1e-5)


def test_the_answer_depends_on_the_query_and_on_the_scene(network: OneShot) -> None:
    images, scenes, queries, asks = asked()
    with torch.inference_mode():
        answers = network(images, scenes, queries, asks)
        swapped = network(images, scenes, queries[[1, 0, 2]], asks)
        torch.testing.assert_close(swapped[0], answers[1], rtol=1e-4, atol=1e-5)
        moved = network(images, scenes.flip(0), queries, asks)
    assert (swapped[0] - answers[0]).abs().max() > 1e-3
    assert (moved - answers).abs().max() > 1e-3


def test_a_gradient_reaches_every_weight_and_the_query_for_any_mark(network: OneShot) -> None:
    images, scenes, queries, asks = asked()
    every = torch.cat([queries[:2], network.any_query()[None]])
    network.train()(images, scenes, every, asks).square().mean().backward()
    without = [name for name, p in network.named_parameters() if p.grad is None]
    assert without == []


def test_features_are_those_of_the_models_layers_at_three_sizes_of_the_query(
    tmp_path: Path,
) -> None:
    model = tiny_model(tmp_path, backbone="test_vit")
    features = Features(model, (1, 3))
    size, patch = features.size, features.patch
    assert features.sizes == [size, size // 2 // patch * patch, size // 4 // patch * patch]
    pixels = torch.randint(0, 256, (2, size, size, 3), dtype=torch.uint8)
    images = features.prepare(pixels)
    queries, scenes = features.of_queries(images), features.of_scenes(images)
    assert queries.shape == (2, sum(features.tokens), features.channels)
    side = size // patch
    assert scenes.shape == (2, features.channels, side, side)
    # What a query of the same px sees at its own size is what the scene has there.
    first = queries[:, 1 : features.tokens[0]]
    torch.testing.assert_close(first, scenes.flatten(2).transpose(1, 2), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(scenes.mean(1) * 0, scenes.mean(1), rtol=0, atol=1e-4)


def test_features_on_a_processor_are_the_same_with_attention_in_its_parts(tmp_path: Path) -> None:
    model = tiny_model(tmp_path, backbone="test_vit")
    fused = Features(model, (1, 3))
    parts = load_features(model, (1, 3), Device("cpu", bf16=False))
    images = fused.prepare(torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8))
    assert any(getattr(m, "fused_attn", False) for m in fused.modules())
    assert not any(getattr(m, "fused_attn", False) for m in parts.modules())
    torch.testing.assert_close(
        parts.of_scenes(images), fused.of_scenes(images), rtol=1e-4, atol=1e-4
    )


def test_scenes_of_any_shape_are_seen(tmp_path: Path) -> None:
    features = Features(tiny_model(tmp_path, backbone="test_vit"), (2,))
    pixels = torch.zeros(1, 4 * features.patch, 9 * features.patch, 3, dtype=torch.uint8)
    assert features.of_scenes(features.prepare(pixels)).shape[2:] == (4, 9)


def test_a_backbone_without_tokens_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="a vision transformer"):
        Features(tiny_model(tmp_path), (1,))
    with pytest.raises(ModelError, match="101 blocks or more"):
        Features(tiny_model(tmp_path, name="vit", backbone="test_vit"), (100,))


def test_another_backbone_or_other_layers_have_another_fingerprint(tmp_path: Path) -> None:
    one = tiny_model(tmp_path, name="one", backbone="test_vit")
    two = tiny_model(tmp_path, name="two", seed=1, backbone="test_vit")
    prints = {Features(m, layers).fingerprint() for m in (one, two) for layers in ((1,), (1, 2))}
    assert len(prints) == 4
    assert Features(one, (1,)).fingerprint() in prints
