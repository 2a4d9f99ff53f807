from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from likemark.db.errors import InvalidInput, ModelDamaged, ModelError
from likemark.retrieval.oneshot.card import Facts, OneShotCard
from likemark.retrieval.oneshot.training.calibration import logistic

CARD = OneShotCard(
    name="one", model="default", backbone="b", layers=(1, 2), width=8, depth=1, heads=2, fine=8,
    query=(-2.0, 4.0), anything=(-1.0, 2.0, 0.0, 0.0), threshold=0.5,
    licence="Apache-2.0", provenance="made here", weights="one.safetensors", sha256="0" * 64,
)  # fmt: skip
KNOWN = Facts(peak=2.0, mean=1.0, side=64.0, anything=3.0, similarity=0.6)


def test_a_card_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    CARD.write(tmp_path / "one.json")
    assert OneShotCard.read(tmp_path / "one.json") == CARD


def test_a_liker_place_is_more_probable_however_sure_its_mask_is() -> None:
    known = CARD.probability(KNOWN)
    assert known == pytest.approx(1 / (1 + np.exp(2.0 - 2.4)))
    assert CARD.probability(replace(KNOWN, similarity=0.9)) > known
    assert CARD.probability(replace(KNOWN, peak=-4.0)) == known


def test_of_any_mark_a_surer_place_is_more_probable() -> None:
    anything = replace(KNOWN, similarity=None)
    assert CARD.probability(anything) == pytest.approx(0.5)
    assert CARD.probability(replace(anything, peak=4.0)) > 0.5
    assert 0 < CARD.probability(replace(anything, peak=-1e9)) < 1e-9


@pytest.mark.parametrize(
    "wrong",
    [{"query": (1.0,)}, {"anything": (float("nan"),) * 4}, {"threshold": 2.0}, {"name": ""},
     {"weights": "../x.safetensors"}, {"layers": ()}],
    ids=str,
)  # fmt: skip
def test_a_card_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ModelDamaged, match="one-shot model card"):
        replace(CARD, **wrong)  # type: ignore[arg-type]


def test_a_missing_a_broken_and_a_foreign_card_are_one_line_each(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        OneShotCard.read(tmp_path / "none.json")
    (tmp_path / "half.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelDamaged, match=r"half\.json"):
        OneShotCard.read(tmp_path / "half.json")
    (tmp_path / "other.json").write_text(json.dumps({"name": "x"}), encoding="utf-8")
    with pytest.raises(ModelDamaged, match="other fields"):
        OneShotCard.read(tmp_path / "other.json")


def test_weights_that_are_not_the_cards_are_refused(tmp_path: Path) -> None:
    (tmp_path / CARD.weights).write_bytes(b"something else")
    with pytest.raises(ModelDamaged, match="is not the file of its card"):
        CARD.check_weights(tmp_path)


def test_the_logistic_regression_finds_what_the_places_were_made_with() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    facts = np.column_stack([np.ones(4000), rng.normal(size=(4000, 3))])
    right = rng.random(4000) < 1 / (1 + np.exp(-(facts @ [-1.0, 2.0, 0.0, -0.5])))
    found = logistic(facts, right)
    known = LogisticRegression(C=1 / (1e-3 * 4000), tol=1e-8).fit(facts[:, 1:], right)
    expected = [known.intercept_[0], *known.coef_[0]]
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_places_that_are_told_apart_perfectly_have_finite_weights() -> None:
    facts = np.column_stack([np.ones(100), np.linspace(-1, 1, 100)])
    weights = logistic(facts, facts[:, 1] > 0)
    assert np.isfinite(weights).all()
    assert weights[1] > 0


def test_an_export_of_a_run_that_finds_nothing_says_what_to_do() -> None:
    from likemark.retrieval.oneshot.training.calibration import learned

    with pytest.raises(InvalidInput, match="1 places were found rightly and 0 wrongly"):
        learned([(KNOWN, True)])
