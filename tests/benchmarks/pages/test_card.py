"""What a shipped model's card states, and what it says that nobody knows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from likemark.benchmarks.corpus.manifest import Entry, data_hash, write_manifest
from likemark.benchmarks.pages.card import NOT_KNOWN, completed, main
from likemark.db.errors import InvalidInput
from likemark.retrieval.cards import ModelCard
from likemark.retrieval.models import BUNDLED, find_model

Documents = dict[str, dict[str, Any]]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def card() -> ModelCard:
    return replace(find_model("small").card, about={"recipe": {"augment.photos": ""}})


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Three drawings, two of them under one licence."""
    (tmp_path / "corpus").mkdir()
    licences = ("MIT", "CC0-1.0", "MIT")
    write_manifest(
        tmp_path / "corpus",
        [Entry(f"set:{n}", f"{n}.png", "brand", "acme", n, "set", "1.0", str(n), licence, "0" * 64)
         for n, licence in enumerate(licences)],
    )  # fmt: skip
    return tmp_path / "corpus"


def results(folder: Path, documents: Documents, card: ModelCard, *, row: int) -> Path:
    """The model has one row of each document, by its number; no document as a whole is of it."""
    folder.mkdir(exist_ok=True)
    for name in ("retrieval", "flickr27", "invariance"):
        result = documents[name]["result"]
        for number, each in enumerate(result.get("rows", [result])):
            each["fingerprint"] = card.fingerprint if number == row else "another"
        (folder / f"{name}.json").write_text(json.dumps(documents[name]))
    return folder


def test_a_card_states_data_with_its_licences_commit_and_scores(
    card: ModelCard, corpus: Path, documents: Documents, tmp_path: Path
) -> None:
    found = results(tmp_path / "results", documents, card, row=0)
    about = completed(card, corpus=corpus, commit=COMMIT, results=found).about
    assert about["data"] == {
        "name": "likemark-open, training share", "sha256": data_hash(corpus), "drawings": 3,
        "drawings by licence": {"MIT": 2, "CC0-1.0": 1},
    }  # fmt: skip
    assert about["commit"] == COMMIT
    assert about["scores"] == {
        "likemark-open, 40,000 distractors": {"mAP": 0.812, "R@1": 0.832, "R@10": 0.862},
        "FlickrLogos-27": {"knn, photos": 0.881},
        "invariance": {"mean R@1": 0.7663, "mean R@10": 0.8525, "worst": "inversion"},
    }
    assert NOT_KNOWN not in about


def test_scores_are_of_the_models_own_rows(
    card: ModelCard, documents: Documents, tmp_path: Path
) -> None:
    found = results(tmp_path / "results", documents, card, row=1)
    about = completed(card, results=found).about
    assert about["scores"] == {
        "likemark-open, 40,000 distractors": {"mAP": 0.104, "R@1": 0.124, "R@10": 0.154},
        "FlickrLogos-27": {"linear, photos": 0.881},
    }
    assert about[NOT_KNOWN] == ["data", "commit"]


def test_what_nobody_says_is_left_out_and_named(
    card: ModelCard, documents: Documents, tmp_path: Path
) -> None:
    found = results(tmp_path / "results", documents, card, row=99)
    with_photos = replace(card, about={"recipe": {"augment.photos": "photos"}})
    about = completed(with_photos, results=found).about
    assert about.keys() == {"recipe", NOT_KNOWN}
    assert about[NOT_KNOWN] == ["data", "commit", "scores", "licences of photos"]
    later = completed(replace(card, about=about), commit=COMMIT).about
    assert (later["commit"], "commit" in later[NOT_KNOWN]) == (COMMIT, False)


def test_a_commit_is_given_in_full(card: ModelCard) -> None:
    with pytest.raises(InvalidInput, match="commit 'a536d97': give all 40 hexadecimal digits"):
        completed(card, commit="a536d97")


def test_the_command_writes_the_card(card: ModelCard, corpus: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    card.write(path)
    main([str(path), "--corpus", str(corpus), "--commit", COMMIT])
    assert ModelCard.read(path) == completed(card, corpus=corpus, commit=COMMIT)
    assert ModelCard.read(path).fingerprint == card.fingerprint
    with pytest.raises(SystemExit, match=r"model\.json: commit 'none': give all 40"):
        main([str(path), "--commit", "none"])


@pytest.mark.parametrize("name", ["default", "small", "photos"])
def test_a_shipped_card_states_all_that_it_must_or_says_what_is_not_known(name: str) -> None:
    shipped = find_model(name).card
    assert completed(shipped).about == shipped.about
    assert {"recipe", "data", "code"} <= shipped.about.keys()
    data = shipped.about["data"]
    assert sum(data["drawings by licence"].values()) == data["drawings"]
    assert (BUNDLED / shipped.weights).is_file()


def test_the_small_model_is_of_the_default_ones_training() -> None:
    small, default = (find_model(name).card.about for name in ("small", "default"))
    assert (small["recipe"], small["data"]) == (default["recipe"], default["data"])
