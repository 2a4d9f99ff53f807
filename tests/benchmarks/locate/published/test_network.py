from __future__ import annotations

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import conv2d, relu

from likemark.benchmarks.locate.published.network import (
    PUBLISHED,
    QUERY,
    SCENE,
    Compare,
    Published,
    load_published,
    squashed,
)
from likemark.db.errors import ModelDamaged


@pytest.fixture
def network() -> Published:
    torch.manual_seed(0)
    return Published(4)


def pictures(count: int, side: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def test_a_question_has_a_mask_at_the_scenes_own_px(network: Published) -> None:
    asks = torch.tensor([(0, 0), (0, 1), (1, 2)])
    logits = network(pictures(2, SCENE), pictures(3, QUERY), asks)
    assert logits.shape == (3, SCENE, SCENE)
    assert logits.dtype == torch.float32


def test_the_query_is_met_at_five_scales(network: Published) -> None:
    seen = network.of_scenes(pictures(1, SCENE))
    assert [each.shape[1:] for each in seen] == [
        (32, 8, 8), (32, 16, 16), (32, 32, 32), (16, 64, 64), (8, 128, 128)
    ]  # fmt: skip
    assert network.of_queries(pictures(2, QUERY)).shape == (2, 32)
    shapes = {name: value.shape for name, value in network.named_parameters()}
    assert [shapes[f"fuse.{n}.map.weight"][:2] for n in range(4)] == [
        (32, 32), (16, 32), (8, 16), (4, 8)
    ]  # fmt: skip


def test_at_the_published_width_the_channels_are_the_published_ones() -> None:
    network = Published(PUBLISHED)
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert shapes["segmentation.4.2.weight"] == (512, 512, 3, 3)
    assert shapes["conditional.0.0.weight"] == (32, 3, 3, 3)
    assert shapes["vector.weight"] == (512, 512, 2, 2)
    assert shapes["lowest.0.weight"] == (512, 1024, 3, 3)
    assert shapes["up.1.0.weight"] == (256, 768, 3, 3)
    assert shapes["up.3.0.weight"] == (64, 192, 3, 3)
    assert sum(p.numel() for p in network.parameters()) == 35_745_569


def test_comparing_is_a_convolution_over_the_map_beside_the_tiled_vector() -> None:
    torch.manual_seed(1)
    compare = Compare(6, 10, 4)
    skip, vectors = torch.randn(2, 6, 5, 5), torch.randn(3, 10)
    asks = torch.tensor([(0, 2), (1, 0), (0, 1)])
    tiled = vectors[asks[:, 1]][..., None, None].expand(-1, -1, 5, 5)
    weight = torch.cat([compare.map.weight, compare.vector.weight[..., None, None]], dim=1)
    plain = conv2d(torch.cat([skip[asks[:, 0]], tiled], dim=1), weight, compare.map.bias)
    torch.testing.assert_close(compare(skip, vectors, asks), relu(plain))


def test_questions_of_one_scene_are_answered_as_if_each_were_alone(network: Published) -> None:
    network.eval()
    scenes, queries = pictures(2, SCENE), pictures(2, QUERY, 1)
    asks = torch.tensor([(0, 0), (1, 0), (1, 1)])
    with torch.inference_mode():
        together = network(scenes, queries, asks)
        alone = network(scenes[1:], queries[1:], torch.tensor([(0, 0)]))
    torch.testing.assert_close(together[2:], alone, rtol=1e-4, atol=1e-4)


def test_two_scenes_with_two_marks_are_told_apart_by_the_query() -> None:
    """A red and a blue square in each scene: the query decides which of them is covered. Scenes of
    a quarter of the side, which the convolutions take as well."""
    torch.manual_seed(0)
    network = Published(8)
    colours = torch.tensor([(0.9, 0.1, 0.1), (0.1, 0.1, 0.9)])
    side = SCENE // 4
    scenes, wanted = torch.full((2, 3, side, side), 0.5), torch.zeros(4, side, side)
    asks = [(scene, mark) for scene in range(2) for mark in range(2)]
    for number, (scene, mark) in enumerate(asks):
        top, left = 8 + 24 * scene, 6 + 30 * mark
        wanted[number, top : top + 22, left : left + 22] = 1
        scenes[scene] += wanted[number] * (colours[mark][:, None, None] - 0.5)
    queries = colours[:, :, None, None].expand(-1, -1, QUERY, QUERY).contiguous()
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        logits = network(scenes, queries, torch.tensor(asks))
        loss = cross_entropy(logits, wanted)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.4 * losses[0], losses[::10]
    with torch.inference_mode():
        likely = network(scenes, queries, torch.tensor(asks)).sigmoid()
    for mine, other in ((0, 1), (1, 0), (2, 3), (3, 2)):
        assert likely[mine][wanted[mine] > 0].mean() > 2 * likely[mine][wanted[other] > 0].mean()


def test_weights_say_how_wide_they_are(network: Published) -> None:
    again = load_published(network.state_dict())
    assert again.width == 4
    assert not again.training
    for key, value in network.state_dict().items():
        assert torch.equal(again.state_dict()[key], value)


def test_weights_of_something_else_are_refused(network: Published) -> None:
    with pytest.raises(ModelDamaged, match="no weights of the published network"):
        load_published({"head.weight": torch.zeros(2, 2)})
    cut = dict(list(network.state_dict().items())[:-1])
    with pytest.raises(ModelDamaged):
        load_published(cut)


def test_pictures_of_any_aspect_are_squashed() -> None:
    wide = torch.zeros(1, 40, 120, 3, dtype=torch.uint8)
    wide[:, :, 60:] = 255
    square = squashed(wide, 64)
    assert square.shape == (1, 3, 64, 64)
    assert float(square[..., :30].max()) < 0.05
    assert float(square[..., 34:].min()) > 0.95
