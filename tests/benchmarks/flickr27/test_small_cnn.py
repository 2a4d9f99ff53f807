from __future__ import annotations

import numpy as np
import pytest
import torch

from likemark.benchmarks.flickr27.small_cnn import CnnRecipe, as_inputs, build, train_cnn
from likemark.benchmarks.flickr27.training import Examples
from likemark.db.errors import InvalidInput

QUICK = CnnRecipe(size=22, epochs=40, batch=4, rate=1e-3)


def photos(count: int, seed: int) -> list[np.ndarray]:
    """Red, green and blue in turn, with noise, of different sizes."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        pixels = rng.integers(0, 120, (30 + number, 40, 3), dtype=np.uint8)
        pixels[..., number % 3] += 100
        made.append(pixels)
    return made


def examples(count: int, seed: int) -> Examples:
    return Examples(as_inputs(photos(count, seed), QUICK.size), np.arange(count) % 3)


def test_the_layers_are_the_posts():
    network = build(64, 27)
    kinds = [type(layer).__name__ for layer in network.children()]
    assert kinds == ["Conv2d", "ReLU", "MaxPool2d"] * 3 + [
        *("Flatten", "Linear", "ReLU", "Dropout", "Linear")
    ]
    shapes = [
        tuple(weight.shape) for name, weight in network.named_parameters() if "weight" in name
    ]
    # 64 px: 62, 31, 29, 14, 12, 6 after each convolution and pool.
    assert shapes == [(16, 3, 3, 3), (32, 16, 3, 3), (64, 32, 3, 3), (64, 64 * 36), (27, 64)]
    assert network.get_submodule("12").p == 0.5


@pytest.mark.parametrize("size", [22, 32, 63, 64])
def test_the_network_takes_its_size(size: int):
    assert build(size, 27)(torch.zeros(2, 3, size, size)).shape == (2, 27)


def test_weights_start_as_keras_has_them():
    torch.manual_seed(0)
    network = build(64, 27)
    for name, values in network.named_parameters():
        if name.endswith("bias"):
            assert not values.any()
        else:
            fan_in, fan_out = values[0].numel(), values.numel() // values.shape[1]
            bound = np.sqrt(6 / (fan_in + fan_out))
            assert 0.9 * bound < values.abs().max() <= bound


def test_it_learns_and_answers_as_its_curve_says():
    trained = train_cnn(examples(24, 0), examples(12, 1), 3, recipe=QUICK)
    assert len(trained.curve.train_loss) == QUICK.epochs
    assert trained.curve.train_accuracy[-1] == 1
    test = examples(12, 1)
    right = trained.answer(test.inputs).brands == test.labels
    assert trained.curve.validation_accuracy[-1] == right.mean() > 0.8


def test_the_same_seed_trains_the_same_network_whatever_torch_drew_before():
    recipe = CnnRecipe(size=22, epochs=3, batch=4)
    curves = []
    for seed in (0, 0, 1):
        torch.rand(5)
        curves.append(train_cnn(examples(9, 0), examples(6, 1), 3, seed=seed, recipe=recipe).curve)
    assert curves[0] == curves[1]
    assert curves[0] != curves[2]


def test_photos_are_squashed_into_a_square_of_values_up_to_one():
    wide = np.zeros((10, 80, 3), np.uint8)
    wide[:, 40:] = (255, 0, 51)
    (result,) = as_inputs([wide], 32)
    assert result.shape == (3, 32, 32)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result[:, 16, 31], [1, 0, 0.2])
    assert not result[:, :, 0].any()


def test_an_alpha_channel_is_passed_over():
    plain = photos(1, 0)[0]
    clear = np.dstack([plain, np.zeros(plain.shape[:2], np.uint8)])
    assert np.array_equal(as_inputs([plain], 24), as_inputs([clear], 24))


def test_fingerprints_tell_recipes_and_seeds_apart():
    prints = [CnnRecipe().fingerprint(0), CnnRecipe().fingerprint(1), QUICK.fingerprint(0)]
    assert len(set(prints)) == 3
    assert prints[0] == CnnRecipe().fingerprint(0)
    assert all(len(one) == 64 and int(one, 16) for one in prints)


def test_sizes_too_small_for_the_pools_are_refused():
    with pytest.raises(InvalidInput, match="21 px leaves nothing after the pools: 22 or more"):
        CnnRecipe(size=21)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch": 0}, {"rate": 0.0}])
def test_a_recipe_that_cannot_train_is_refused(wrong: dict[str, float]):
    with pytest.raises(InvalidInput, match="above 0"):
        CnnRecipe(**wrong)  # type: ignore[arg-type]
