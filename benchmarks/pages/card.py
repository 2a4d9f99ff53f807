"""Completes a shipped model's card: what it was trained on, and how it scores.

python -m likemark.benchmarks.pages.card MODEL.json --corpus data/training --results results
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from likemark.benchmarks.corpus.manifest import data_hash, read_entries
from likemark.benchmarks.pages.documents import read_documents
from likemark.db.errors import LikemarkError
from likemark.retrieval.cards import ModelCard


def completed(card: ModelCard, *, corpus: Path | None, results: Path | None) -> ModelCard:
    """corpus: the built training share; results: a folder of `likemark bench run`.

    Raises what reading either raises.
    """
    about = dict(card.about)
    if corpus is not None:
        about["data"] = trained_on(corpus)
    if results is not None:
        about["scores"] = scores(card, read_documents(results))
    return replace(card, about=about)


def trained_on(corpus: Path) -> dict[str, Any]:
    entries = read_entries(corpus)
    licences = Counter(entry.licence for entry in entries)
    return {
        "name": "likemark-open, training share",
        "sha256": data_hash(corpus),
        "drawings": len(entries),
        "drawings by licence": dict(sorted(licences.items(), key=lambda item: -item[1])),
    }


def scores(card: ModelCard, documents: list[dict[str, Any]]) -> dict[str, Any]:
    """Headline figures of the documents that are of this model."""
    own = [d for d in documents if d["model"].get("fingerprint") == card.fingerprint]
    found: dict[str, Any] = {}
    for document in own:
        result = document["result"]
        if document["benchmark"] == "retrieval":
            figures = result["rows"][0]["standing"]["all_groups"]
            found[f"likemark-open, {result['distractors']:,} distractors"] = {
                "mAP": _rounded(figures["map"]),
                "R@1": _rounded(figures["hit_rate_at"]["1"]),
                "R@10": _rounded(figures["hit_rate_at"]["10"]),
            }
        elif document["benchmark"] == "invariance":
            found["invariance"] = {
                "mean R@1": _rounded(result["mean_recall_at_1"]),
                "mean R@10": _rounded(result["mean_recall_at_10"]),
                "worst": result["worst"],
            }
        elif document["benchmark"] == "flickr27":
            found["FlickrLogos-27"] = _flickr(result["rows"], card.name)
    return found


def _flickr(rows: list[Mapping[str, Any]], name: str) -> dict[str, float]:
    return {
        f"{row['classifier']}, {row['source']}": _rounded(row["scores"]["accuracy"])
        for row in rows
        if row["name"] == name
    }


def _rounded(value: float) -> float:
    return round(value, 4)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("card", type=Path)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--results", type=Path)
    given = parser.parse_args(arguments)
    try:
        card = ModelCard.read(given.card)
        completed(card, corpus=given.corpus, results=given.results).write(given.card)
    except LikemarkError as error:
        sys.exit(f"{given.card}: {error}")


if __name__ == "__main__":
    main()
