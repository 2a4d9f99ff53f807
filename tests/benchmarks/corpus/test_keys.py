from __future__ import annotations

import hashlib

import pytest

from likemark.benchmarks.corpus.keys import brand_key, brand_share, idea_key, idea_share


@pytest.mark.parametrize(
    "name",
    ["adobe", "file-type-adobe", "brand-adobe", "logo--adobe", "adobe-color", "Adobe_icon",
     "adobe-logo-bold", "brand-adobe-filled"],
)  # fmt: skip
def test_all_names_of_a_brand_have_one_key(name: str) -> None:
    assert brand_key(name) == "adobe"


def test_words_inside_a_name_stay() -> None:
    assert brand_key("adobe-after-effects-original") == "adobeaftereffects"
    assert brand_key("black-duck") == "blackduck"


def test_a_style_word_alone_is_a_name() -> None:
    assert brand_key("flat") == "flat"


@pytest.mark.parametrize("name", ["home", "mail-filled", "x", "___"])
def test_a_name_that_means_no_brand_has_no_key(name: str) -> None:
    assert brand_key(name) == ""


def test_an_idea_is_the_same_at_every_size_and_weight() -> None:
    keys = {idea_key(n) for n in ("arrow-left", "arrow-left-24-filled", "arrow-left-duotone")}
    assert keys == {"arrowleft"}


def test_the_share_is_the_keys_first_byte_of_sha256() -> None:
    for key in ("adobe", "github", "python", "slack", "linux", "qgis"):
        first = hashlib.sha256(key.encode()).digest()[0]
        assert brand_share(key) == ("benchmark" if first < 64 else "training")
        assert idea_share(key) == ("benchmark" if first < 160 else "training")


def test_a_quarter_of_the_brands_is_the_benchmarks() -> None:
    shares = [brand_share(f"brand{i}") for i in range(4000)]
    assert 0.23 < shares.count("benchmark") / len(shares) < 0.27
