"""Which drawings stand in a batch: a function of seed and step, hard on purpose, fair over time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from likemark.db.errors import InvalidInput
from likemark.retrieval.training.alike import NEAR, Alike, find_alike, thrown
from likemark.retrieval.training.config import Batch
from likemark.retrieval.training.corpus import Corpus, Drawing
from likemark.retrieval.training.sampler import Sampler


def corpus(brands: int = 20, ideas: int = 10, singles: int = 30) -> Corpus:
    """Groups are sorted by name: brands, then single drawings, then ideas."""
    several = [("brand", f"a{n:02d}") for n in range(brands)]
    several += [("idea", f"i{n:02d}") for n in range(ideas)]
    drawings = [Drawing(Path(f"{name}-{k}"), name, kind=kind) for kind, name in several
                for k in range(3)]  # fmt: skip
    drawings += [Drawing(Path(f"s{n:02d}"), f"s{n:02d}") for n in range(singles)]
    return Corpus.of(drawings)


def groups_in(sampler: Sampler, step: int) -> list[int]:
    return list(dict.fromkeys(slot.group for slot in sampler.batch(step)))


def test_a_batch_is_a_function_of_the_seed_and_the_step_alone() -> None:
    batch = Batch(groups=8, views=4)
    one, two = (Sampler(corpus(), batch, None, seed=3) for _ in range(2))
    for step in (40, 2, 17):
        two.batch(step)  # what was asked for before does not matter
    assert [one.batch(n) for n in range(5)] == [two.batch(n) for n in range(5)]
    assert one.batch(0) != one.batch(1)
    assert one.batch(0) != Sampler(corpus(), batch, None, seed=4).batch(0)


def test_it_has_p_groups_with_k_views_each_one_group_after_the_other() -> None:
    sampler = Sampler(corpus(), Batch(groups=8, views=4), None, seed=0)
    for step in range(20):
        slots = sampler.batch(step)
        numbers = [slot.group for slot in slots]
        assert len(set(numbers)) == 8
        assert numbers == [group for group in dict.fromkeys(numbers) for _ in range(4)]


def test_every_view_is_of_its_own_group() -> None:
    whole = corpus()
    for slot in Sampler(whole, Batch(groups=8), None, seed=0).batch(5):
        assert whole.groups[slot.drawing] == slot.group


def test_kinds_of_groups_come_in_the_shares_that_were_asked_for() -> None:
    whole = corpus(100, 100, 200)
    sampler = Sampler(whole, Batch(groups=20, brands=0.6, ideas=0.3), None, seed=0)
    assert sampler.counts == (100, 100, 200)
    kinds = Counter(whole.names[group][:7] for n in range(60) for group in groups_in(sampler, n))
    shares = [kinds[kind] / 1200 for kind in ("brand/a", "idea/i0", "brand/s")]
    assert shares[0] == pytest.approx(0.6, abs=0.05)
    assert sum(n for kind, n in kinds.items() if kind.startswith("idea")) / 1200 == pytest.approx(
        0.3, abs=0.05
    )
    assert shares[2] == pytest.approx(0.1, abs=0.03)


def test_a_kind_that_there_is_none_of_is_made_up_for_by_the_others() -> None:
    sampler = Sampler(corpus(ideas=0), Batch(groups=10, brands=0.0, ideas=1.0), None, seed=0)
    assert len(groups_in(sampler, 0)) == 10


def test_as_many_different_drawings_of_a_group_are_shown_as_there_are() -> None:
    whole = corpus()
    sampler = Sampler(whole, Batch(groups=20, views=4), None, seed=1)
    for slots in (sampler.batch(n) for n in range(10)):
        for group in {slot.group for slot in slots}:
            own = [slot for slot in slots if slot.group == group]
            shown = Counter(slot.drawing for slot in own)
            assert len(shown) == min(4, int((whole.groups == group).sum()))
            assert all(slot.copied == (shown[slot.drawing] > 1) for slot in own)


def test_copies_of_one_drawing_count_as_one() -> None:
    files = [Drawing(Path(f"c{n}"), "acme", "same") for n in range(3)]
    files += [Drawing(Path("other"), "acme"), Drawing(Path("z"), "zeta")]
    sampler = Sampler(Corpus.of(files), Batch(groups=2, views=2), None, seed=0)
    shown: set[int] = set()
    for step in range(40):
        own = [slot.drawing for slot in sampler.batch(step) if slot.group == 0]
        assert own.count(3) == 1  # the other drawing, beside one of the copies
        shown |= set(own)
    assert shown == {0, 1, 2, 3}


def test_every_drawing_comes_up() -> None:
    whole = corpus()
    sampler = Sampler(whole, Batch(groups=20, views=4), None, seed=0)
    shown = {slot.drawing for step in range(60) for slot in sampler.batch(step)}
    assert shown == set(range(len(whole)))


def test_two_names_for_one_drawing_never_stand_in_one_batch() -> None:
    count = len(corpus().names)
    same = tuple((group ^ 1,) for group in range(count))
    near = tuple(((group ^ 1), (group + 2) % count) for group in range(count))
    sampler = Sampler(corpus(), Batch(groups=20, alike=0.9), Alike(near, same), seed=0)
    for step in range(50):
        chosen = groups_in(sampler, step)
        assert not {group ^ 1 for group in chosen} & set(chosen)


def test_without_look_alikes_two_names_for_one_drawing_are_kept_apart_all_the_same() -> None:
    count = len(corpus().names)
    near = tuple(((group + 2) % count,) for group in range(count))
    batch, apart = Batch(groups=20, alike=0.0), tuple((group ^ 1,) for group in range(count))
    sampler = Sampler(corpus(), batch, Alike(near, apart), seed=0)
    for step in range(50):
        chosen = groups_in(sampler, step)
        assert not {group ^ 1 for group in chosen} & set(chosen)
    alone = Alike(near, ((),) * count)
    for step in range(5):
        expected = Sampler(corpus(), batch, None, seed=0).batch(step)
        assert Sampler(corpus(), batch, alone, seed=0).batch(step) == expected


def test_look_alikes_stand_side_by_side_as_often_as_asked_for() -> None:
    count = len(corpus().names)
    near = tuple(((group + 7) % count,) for group in range(count))
    alike = Alike(near, tuple(() for _ in range(count)))

    def pairs(share: float) -> int:
        sampler = Sampler(corpus(), Batch(groups=8, alike=share), alike, seed=0)
        return sum(
            (group + 7) % count in chosen
            for chosen in (groups_in(sampler, step) for step in range(40))
            for group in chosen
        )

    assert pairs(0.9) > 2 * pairs(0.0)


def test_fewer_groups_than_a_batch_takes_is_refused() -> None:
    with pytest.raises(InvalidInput, match="the corpus has 60 groups to train on"):
        Sampler(corpus(), Batch(groups=61), None, seed=0)


def test_a_batch_of_all_groups_that_are_too_alike_is_filled_nevertheless() -> None:
    alike = Alike(((),) * 3, ((1, 2), (0, 2), (0, 1)))
    sampler = Sampler(corpus(3, 0, 0), Batch(groups=3), alike, seed=0)
    assert sorted(groups_in(sampler, 0)) == [0, 1, 2]


def test_shapes_tell_near_groups_from_the_same_and_from_the_rest() -> None:
    rng = np.random.default_rng(0)
    base = rng.standard_normal((4, 1765)).astype(np.float32)
    near = base[0] + 0.9 * rng.standard_normal(1765).astype(np.float32)
    rows = thrown(np.stack([base[0], base[0] * 2, near, base[1], base[2], base[3], base[1]]))
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
    found = find_alike(rows, np.array([0, 1, 2, 3, 4, 4, 5]))
    assert found.same == ((1,), (0,), (), (5,), (), (3,))
    assert (found.near[0][0], found.near[2][:2]) == (2, (0, 1))
    assert all(group not in found.near[group] for group in range(6))
    assert not {1} & set(found.near[0])


def test_a_group_has_a_bounded_number_of_look_alikes() -> None:
    rows = thrown(np.random.default_rng(1).random((60, 50), np.float32) + 0.4)
    found = find_alike(rows, np.arange(60))
    assert max(map(len, found.near)) <= NEAR


def test_look_alikes_do_not_change_the_shares_of_the_kinds() -> None:
    whole = corpus(100, 100, 600)
    single = np.flatnonzero([name.startswith("brand/s") for name in whole.names]).tolist()
    near = tuple(tuple(single[:NEAR]) for _ in whole.names)  # singles are what looks like anything
    alike = Alike(near, tuple(() for _ in whole.names))
    sampler = Sampler(whole, Batch(groups=20, brands=0.6, ideas=0.3, alike=0.9), alike, seed=0)
    kinds = Counter(whole.names[group][:7] for n in range(40) for group in groups_in(sampler, n))
    assert kinds["brand/a"] / 800 == pytest.approx(0.6, abs=0.05)
    assert kinds["brand/s"] / 800 == pytest.approx(0.1, abs=0.03)


def test_what_is_barred_comes_only_where_nothing_else_is_left() -> None:
    whole = corpus(10, 0, 30)
    single = [n for n, name in enumerate(whole.names) if name.startswith("brand/s")]
    same = [set[int]() for _ in whole.names]
    for brand, other in zip(range(10), single, strict=False):  # ten singles repeat a brand
        same[brand].add(other)
        same[other].add(brand)
    alike = Alike(tuple(() for _ in same), tuple(tuple(s) for s in same))
    sampler = Sampler(whole, Batch(groups=30, brands=1.0, ideas=0.0), alike, seed=0)
    for step in range(20):
        chosen = groups_in(sampler, step)
        assert not any(same[group] & set(chosen) for group in chosen)
