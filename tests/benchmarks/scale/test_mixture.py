from __future__ import annotations

import numpy as np
import pytest

from likemark.benchmarks.scale.likeness import KINSHIPS, calibrated, compared, local_dimension
from likemark.benchmarks.scale.material import Material
from likemark.benchmarks.scale.mixture import BINS, DIRECTIONS, Mixture, Rows
from likemark.db.errors import InvalidInput


def test_draws_are_unit_and_the_same_for_the_same_seed(mixture: Mixture):
    first, again = (mixture.draw(300, (0, 1), kinship=1.0) for _ in range(2))
    assert np.array_equal(first.rows, again.rows)
    assert np.array_equal(first.place, again.place)
    assert not np.array_equal(first.rows, mixture.draw(300, (0, 2), kinship=1.0).rows)
    assert np.linalg.norm(first.rows, axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kinship", [0.0, 1.0, 4.0])
def test_a_part_keeps_its_mean_and_spread_however_near_kin_are(kinship: float):
    rng = np.random.default_rng(0)
    real = (5 + rng.standard_normal((140, 40)) * np.linspace(2, 0.1, 40)).astype(np.float32)
    one = Mixture.fit(real)
    assert (one.parts, one.directions.shape) == (1, (1, DIRECTIONS, 40))
    lean = one.draw(1, (0,), kinship=kinship)  # the rows are unit: look at what they are made of
    assert lean.rows.shape == (1, 40)
    noise = one._noise(np.zeros(20_000, np.int64), np.random.default_rng(0))
    assert noise.mean(axis=0) == pytest.approx(np.zeros(40), abs=0.06)
    assert noise.var(axis=0).sum() == pytest.approx(real.var(axis=0).sum(), rel=0.05)
    assert noise.var(axis=0)[:10] == pytest.approx(real.var(axis=0)[:10], rel=0.1)


def test_the_more_kinship_the_nearer_is_a_real_vector(mixture: Mixture):
    nearest = [
        float((mixture.draw(400, (0,), kinship=kinship).rows @ mixture.real.T).max(axis=1).mean())
        for kinship in KINSHIPS
    ]
    assert nearest == sorted(nearest)


def test_filters_allow_the_share_that_they_say(mixture: Mixture):
    drawn = mixture.draw(20_000, (0,), kinship=1.0)
    for marks in (drawn.lot, drawn.place):
        assert int(marks.max()) < BINS
        for share in (0.01, 0.1, 0.5):
            assert (marks < share * BINS).mean() == pytest.approx(share, rel=0.2)


def test_near_vectors_have_near_places(real: Rows):
    mixture = Mixture.fit(real)
    assert mixture.parts == 3
    drawn = mixture.draw(3000, (0,), kinship=0.0)
    region = drawn.rows[drawn.place < BINS // 10]
    any_of = drawn.rows[drawn.lot < BINS // 10]
    assert (region @ region.T).mean() > (any_of @ any_of.T).mean() + 0.2


def test_one_real_vector_is_too_few(real: Rows):
    with pytest.raises(InvalidInput, match="1 real vectors"):
        Mixture.fit(real[:1])


def test_dimension_of_a_flat_patch_is_its_own():
    rng = np.random.default_rng(0)
    patch = np.zeros((40_000, 8), np.float32)
    patch[:, :3] = rng.uniform(-0.05, 0.05, (40_000, 3))
    patch[:, 7] = 1
    patch /= np.linalg.norm(patch, axis=1, keepdims=True)
    nearest = np.sort(patch @ patch[0][None].T, axis=0)[::-1][1:101].T
    assert local_dimension(nearest)[0] == pytest.approx(3, abs=1)


def test_families_call_for_kinship(mixture: Mixture, material: Material):
    kinship, (real, drawn) = calibrated(material)
    assert kinship > 0
    assert (real.gallery, drawn.gallery) == ("real", "drawn around 39 of them")
    whole = compared(mixture, material, kinship)
    assert real.vectors == drawn.vectors == whole.vectors == len(material.known)
    assert whole.tenth[1] == pytest.approx(real.tenth[1], abs=0.1)


def test_vectors_that_are_not_kin_call_for_none():
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((900, 12)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    kinship, _ = calibrated(Material.of(rows, np.empty(0, np.int64)))
    assert kinship <= 1
