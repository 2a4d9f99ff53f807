"""The committed list of groups, held against its own rules."""

from __future__ import annotations

from collections import Counter, defaultdict

from likemark.benchmarks.corpus.curated import (
    MOST_DRAWINGS,
    dropped_reasons,
    kept_groups,
    read_curated,
)
from likemark.benchmarks.corpus.keys import brand_key, brand_share
from likemark.benchmarks.corpus.packages import read_sources

ROWS = read_curated()
SIZES = Counter(kept_groups(ROWS).values())


def test_there_are_enough_groups_and_enough_of_three_or_more() -> None:
    assert len(SIZES) >= 300
    assert sum(size >= 3 for size in SIZES.values()) >= 120


def test_every_group_has_two_drawings_and_none_outweighs_the_others() -> None:
    assert min(SIZES.values()) >= 2
    per_group = Counter((row.group, row.package) for row in ROWS if not row.dropped)
    assert max(Counter(group for group, _ in per_group).values()) <= 2 * MOST_DRAWINGS


def test_no_drawing_is_in_two_groups() -> None:
    kept = [(row.package, row.icon) for row in ROWS if not row.dropped]
    assert len(kept) == len(set(kept))


def test_drawings_of_a_group_are_of_different_sets() -> None:
    sets: dict[str, list[str]] = defaultdict(list)
    for row in ROWS:
        if not row.dropped:
            sets[row.group].append(row.package)
    same = {group for group, found in sets.items() if len(set(found)) < 2}
    assert not same


def test_every_drawing_is_of_a_brand_of_the_benchmarks_share() -> None:
    for row in ROWS:
        if not row.dropped:
            assert brand_share(brand_key(row.icon)) == "benchmark", row


def test_every_package_is_one_of_the_sources() -> None:
    assert {row.package for row in ROWS} <= {source.package for source in read_sources()}


def test_every_dropped_drawing_has_a_reason() -> None:
    reasons = dropped_reasons(ROWS)
    assert sum(reasons.values()) > 300
    assert len(reasons) < 10
