from __future__ import annotations

import pytest

from likemark.benchmarks.corpus.curated import CURATED, kept_groups, read_curated
from likemark.benchmarks.corpus.kin import Kin, seen_groups

KIN = Kin(
    [
        ("facebook", "facebook"), ("onenote-color", "onenote"), ("square", "square"),
        ("google-drive", "drive"), ("openai", "openai"), ("css-3", "css"),
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "group"),
    [("square-facebook", "facebook"), ("facebook-logo-1-block", "facebook"),
     ("cc-facebook", "facebook"), ("facebook-f", "facebook"), ("microsoft-onenote", "onenote"),
     ("logos:google-drive-2020", "drive"), ("open-ai", "openai"), ("file-type-css2", "css")],
)  # fmt: skip
def test_other_names_of_a_mark_are_its_kin(name: str, group: str) -> None:
    assert KIN.of(name) == {group}


def test_the_name_of_a_whole_is_kin_of_its_parts_names() -> None:
    assert KIN.of("google") == {"drive"}


@pytest.mark.parametrize("name", ["face", "square-enix", "book", "driver"])
def test_names_that_mean_something_else_are_no_kin(name: str) -> None:
    assert KIN.of(name) == frozenset()


def test_the_groups_that_were_seen_are_the_benchmarks() -> None:
    groups = set(kept_groups(read_curated(CURATED)).values())
    seen = seen_groups()
    assert seen < groups
    assert {"facebook", "netflix", "mastercard"} <= seen  # as `square-facebook` and the like
