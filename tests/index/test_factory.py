"""One string says which engine; what cannot add, remove, filter and rank is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.layers import built
from support.vectors import clustered_rows, exact_rows

from likemark.db.errors import InvalidInput
from likemark.index.factory import (
    EXACT_BELOW,
    MEMORY_SHARE,
    OVERHEAD,
    choose_factory,
    memory,
    outgrown,
    training_size,
)
from likemark.index.faiss_index import FaissIndex

D = 16
# The share of true first hits that each engine must keep, every list visited.
ENGINES = {
    "Flat": 1.0, "SQ8": 0.95, "SQ6": 0.9, "SQ4": 0.8, "SQfp16": 0.99, "SQbf16": 0.95,
    "IVF16,Flat": 0.95, "IVF16,SQ8": 0.95, "IVF16,SQfp16": 0.95,
    "IVF16,PQ8x4": 0.4,
}  # fmt: skip
REFUSED = [
    "HNSW32", "HNSW32,SQ8", "NSG32", "IVF16,Flat,RFlat", "PCA8,Flat", "OPQ4,PQ4", "IDMap,Flat",
    "Flat,RFlat", "PQ4", "PQ4x4fs", "IVF16,PQ4x4fs", "LSH", "RQ4x4", "ZnLattice2x4_3", "RaBitQ",
    "IVF16,RaBitQ", "SQ8_direct", "IVF16_HNSW32,Flat",
    "IVF16,RQ4x4", "SQ", "SQ7", "IVF0,Flat", "IVF-3,Flat",
    "IVF,Flat", "IVF99999999999999999999,Flat", "flat", " Flat", "Flat ", "", "auto ", "Flat,Flat",
    "\x1b[31mFlat",
]  # fmt: skip


@pytest.mark.parametrize("factory", ENGINES)
def test_every_supported_engine_adds_removes_filters_and_ranks(
    factory: str, tmp_path: Path
) -> None:
    rows = clustered_rows(3000, D, clusters=40, spread=0.5)
    ids = 7 * np.arange(3000)
    index = built(factory, ids, rows, tmp_path)
    assert (index.search(rows[:200], 1).ids[:, 0] == ids[:200]).mean() >= ENGINES[factory]
    assert index.remove(ids[:100]) == 100
    found = index.search(rows[:20], 10, allowed=ids[50:300])
    assert np.isin(found.ids, ids[100:300]).all()
    assert (np.diff(found.scores, axis=1) <= 0).all()
    assert index.stats().count == len(index.ids()) == 2900


@pytest.mark.parametrize("factory", REFUSED)
def test_every_other_engine_is_refused_with_those_to_choose(factory: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        FaissIndex.create(factory, dimension=D)
    assert "is not supported; give auto, Flat, SQ8, IVF1024,SQfp16, IVF1024,PQ32 or" in str(
        caught.value
    )
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("factory", ["IVF16,PQ5", "IVF16,PQ4x99"])
def test_what_does_not_fit_the_dimension_is_refused_in_one_line(
    factory: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=f"index '{factory}': FAISS cannot build it: ") as caught:
        built(factory, np.arange(99), exact_rows(99, D), tmp_path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("count", [0, 1, EXACT_BELOW - 1])
def test_auto_is_exact_below_two_hundred_thousand(count: int) -> None:
    index = FaissIndex.create("auto", dimension=D, expected=count)
    assert (index.factory, index.setting) == ("Flat", "auto")
    assert index.stats().exact


@pytest.mark.parametrize(
    ("count", "lists"), [(200_000, 2048), (1_000_000, 8192), (10**7, 16384), (10**8, 65536)]
)
def test_auto_grows_its_lists_with_the_collection(count: int, lists: int) -> None:
    factory = choose_factory("auto", expected=count, dimension=D)
    assert factory == f"IVF{lists},SQfp16"
    assert 40 * lists <= training_size(factory) <= count


@pytest.mark.parametrize(("size", "fits", "beyond"), [(512, "SQfp16", "SQ8"), (256, "SQ8", "SQ4")])
def test_auto_takes_half_the_bits_where_codes_would_fill_the_memory(
    size: int, fits: str, beyond: str
) -> None:
    most = int(MEMORY_SHARE * memory() / (size + OVERHEAD))
    assert choose_factory("auto", expected=most - 1, dimension=256).endswith(fits)
    assert choose_factory("auto", expected=most + 1, dimension=256).endswith(beyond)
    assert choose_factory("auto", expected=100 * most, dimension=256).endswith("SQ4")


@pytest.mark.parametrize(
    ("lists", "wanted", "far"), [(1024, 1024, False), (1024, 2048, False), (1024, 4096, True),
                                 (4096, 1024, True), (4096, 2048, False)]
)  # fmt: skip
def test_a_collection_outgrows_its_lists_by_far_only(lists: int, wanted: int, far: bool) -> None:
    assert outgrown(f"IVF{lists},SQ8", f"IVF{wanted},SQ8") == far
    assert not outgrown("Flat", f"IVF{wanted},SQ8")


def test_a_setting_is_taken_as_it_is_whatever_the_size() -> None:
    for setting in ("Flat", "SQ8", "IVF16,Flat"):
        assert choose_factory(setting, expected=10**7) == setting


def test_a_product_quantiser_is_trained_on_enough_for_its_centroids() -> None:
    assert training_size("Flat") == training_size("SQ8") == training_size("IVF16,Flat") == 10_000
    assert training_size("IVF16,PQ8") == 256 * 256


def test_stats_say_what_it_holds_and_what_it_costs(tmp_path: Path) -> None:
    rows = exact_rows(100, D)
    sizes = {"Flat": 4 * D + 8, "SQfp16": 2 * D + 8, "SQ8": D + 8, "IVF4,SQ8": D + 20}
    for factory, bytes_each in sizes.items():
        index = built(factory, np.arange(100), rows, tmp_path)
        stats = index.stats()
        assert (stats.count, stats.dimension, stats.factory) == (100, D, factory)
        assert stats.bytes_in_memory == 100 * bytes_each
        assert stats.device == "cpu"
        assert stats.exact == (factory == "Flat")
