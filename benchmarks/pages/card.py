"""Completes a shipped model's card: what it was trained on and by which code, and how it scores.

python -m likemark.benchmarks.pages.card MODEL.json --corpus data/training --commit HASH \
    --results results

Its recipe is there: `likemark export` writes it. What nobody says stands under "not known".
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from likemark.benchmarks.corpus.manifest import data_hash, read_entries
from likemark.benchmarks.pages.documents import read_documents
from likemark.db.errors import InvalidInput, LikemarkError
from likemark.retrieval.cards import ModelCard

NOT_KNOWN = "not known"
_STATED = ("recipe", "data", "commit", "scores")


def completed(
    card: ModelCard,
    *,
    corpus: Path | None = None,
    commit: str | None = None,
    results: Path | None = None,
) -> ModelCard:
    """corpus: the built training share; commit: of the code that trained it, 40 digits; results: a
    folder of `likemark bench run`.

    Raises InvalidInput for what is no commit, and what reading a folder raises.
    """
    about = {name: value for name, value in card.about.items() if name != NOT_KNOWN}
    if corpus is not None:
        about["data"] = trained_on(corpus)
    if commit is not None:
        if not re.fullmatch("[0-9a-f]{40}", commit):
            raise InvalidInput(f"commit {commit!r}: give all 40 hexadecimal digits")
        about["commit"] = commit
    if results is not None:
        about["scores"] = scores(card, read_documents(results))
    lacking = [name for name in _to_state(about) if not about.get(name)]
    known = {name: value for name, value in about.items() if name not in lacking}
    return replace(card, about={**known, NOT_KNOWN: lacking} if lacking else known)


def _to_state(about: Mapping[str, Any]) -> tuple[str, ...]:
    """What a card must say; of a training that laid marks on photos also how these may be used."""
    with_photos = about.get("recipe", {}).get("augment.photos")
    return (*_STATED, "licences of photos") if with_photos else _STATED


def trained_on(corpus: Path) -> dict[str, Any]:
    entries = read_entries(corpus)
    licences = Counter(entry.licence for entry in entries)
    return {
        "name": "likemark-open, training share",
        "sha256": data_hash(corpus),
        "drawings": len(entries),
        "drawings by licence": dict(sorted(licences.items(), key=lambda item: -item[1])),
    }


def scores(card: ModelCard, documents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Headline figures of this model's rows, whichever model a document is of."""
    found: dict[str, Any] = {}
    for document in documents:
        result = document["result"]
        if document["benchmark"] == "retrieval":
            for row in _own(card, result["rows"]):
                distractors = f"likemark-open, {result['distractors']:,} distractors"
                found[distractors] = _retrieval(row["standing"]["all_groups"])
        elif document["benchmark"] == "flickr27":
            if own := _own(card, result["rows"]):
                found["FlickrLogos-27"] = _flickr(own)
        elif document["benchmark"] == "invariance":
            if _own(card, [result]):
                found["invariance"] = _invariance(result)
    return found


def _own(card: ModelCard, rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["fingerprint"] == card.fingerprint]


def _retrieval(figures: Mapping[str, Any]) -> dict[str, float]:
    return {
        "mAP": _rounded(figures["map"]),
        "R@1": _rounded(figures["hit_rate_at"]["1"]),
        "R@10": _rounded(figures["hit_rate_at"]["10"]),
    }


def _flickr(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    return {
        f"{row['classifier']}, {row['source']}": _rounded(row["scores"]["accuracy"]) for row in rows
    }


def _invariance(result: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "mean R@1": _rounded(result["mean_recall_at_1"]),
        "mean R@10": _rounded(result["mean_recall_at_10"]),
        "worst": result["worst"],
    }


def _rounded(value: float) -> float:
    return round(value, 4)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("card", type=Path)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--commit")
    parser.add_argument("--results", type=Path)
    given = parser.parse_args(arguments)
    try:
        card = completed(
            ModelCard.read(given.card), corpus=given.corpus, commit=given.commit,
            results=given.results,
        )  # fmt: skip
        card.write(given.card)
    except LikemarkError as error:
        sys.exit(f"{given.card}: {error}")


if __name__ == "__main__":
    main()
