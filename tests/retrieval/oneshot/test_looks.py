"""Any mark, and which of the catalogue's it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.corpus import draw_mark, write_corpus
from support.located import Place, RedFinder
from support.models import tiny_model

from likemark.db.errors import ModelMismatch, NotFound
from likemark.db.values import Filters
from likemark.retrieval.embedder import Embedder
from likemark.retrieval.engine import QueryOptions, row_search
from likemark.retrieval.indexing import IndexingOptions, index_paths
from likemark.retrieval.models import FoundModel
from likemark.retrieval.oneshot.finder import cut_out
from likemark.retrieval.oneshot.found import UNKNOWN, Found, found_json
from likemark.retrieval.oneshot.looks import catalogue_look
from likemark.retrieval.oneshot.sources import Scene, Source
from likemark.retrieval.pictures.normalise import prepared
from likemark.retrieval.redact.regions import Pixels, region_of_box
from likemark.retrieval.workspace import Workspace

BOX = (20, 10, 120, 120)  # left, top, width, height


class OneFinder(RedFinder):
    """Proposes one place, embedded by its own embedder."""

    def propose(self, scene: Pixels, *, threshold: float | None = None) -> list[Any]:
        region = region_of_box(*BOX, score=0.6)
        square = prepared(cut_out(scene, region.box), self.embedder.size)
        return [Place(0, region, None, self.embedder.embed(square[None])[0])]


@pytest.fixture
def embedder(tiny: FoundModel) -> Embedder:
    return Embedder.load(tiny, device="cpu")


@pytest.fixture
def indexed(workspace: Workspace, tiny: FoundModel, tmp_path: Path) -> Workspace:
    for name, numbers in (("eu", range(4)), ("us", range(4, 8))):
        folder = write_corpus(tmp_path / name, numbers)[0].parent
        index_paths(workspace, [folder], tiny, options=IndexingOptions(collection=name))
    return workspace


def shown(number: int) -> Scene:
    """A scene with one of the corpus' marks in it."""
    left, top, width, height = BOX
    pixels = np.full((160, 200, 3), (90, 140, 60), np.uint8)
    pixels[top : top + height, left : left + width] = np.asarray(draw_mark(number))
    return Scene(Source("a.png", Path("a.png")), pixels)


def search(workspace: Workspace, model: FoundModel, *collections: str) -> Any:
    options = QueryOptions(k=1, filters=Filters(collections=collections))
    return row_search(workspace, model, options)


def test_a_place_is_named_by_its_nearest_mark(
    indexed: Workspace, tiny: FoundModel, embedder: Embedder
) -> None:
    look = catalogue_look(OneFinder(embedder), search(indexed, tiny), tiny)
    assert look.embedder is None
    (match,) = look(shown(5))
    assert (match.label, match.query) == ("mark-0005", None)
    assert match.similarity is not None
    assert match.similarity > 0.95  # its crop shows a little of what is round it
    assert match.mark is not None
    assert match.category == f"mark-0005 (@{match.mark.id})"
    found = Found(shown(5).source, 200, 160, (match,))
    (region,) = found_json(found)["regions"]
    assert (region["mark_id"], region["mark"]) == (match.mark.id, "mark-0005")
    assert "query" not in region


def test_what_is_like_no_mark_is_unknown_or_left_out(
    indexed: Workspace, tiny: FoundModel, embedder: Embedder
) -> None:
    finder, rows = OneFinder(embedder), search(indexed, tiny)
    (match,) = catalogue_look(finder, rows, tiny, similarity=0.99999)(shown(500))
    assert (match.label, match.category, match.mark) == (UNKNOWN, UNKNOWN, None)
    assert match.similarity is not None
    (region,) = found_json(Found(shown(500).source, 200, 160, (match,)))["regions"]
    assert (region["mark_id"], region["mark"]) == (None, None)
    assert not catalogue_look(finder, rows, tiny, similarity=0.99999, known=True)(shown(500))


def test_one_collection_can_be_asked(
    indexed: Workspace, tiny: FoundModel, embedder: Embedder
) -> None:
    look = catalogue_look(OneFinder(embedder), search(indexed, tiny, "eu"), tiny, similarity=-1)
    (match,) = look(shown(5))
    assert match.mark is not None
    assert match.mark.collection == "eu"
    with pytest.raises(NotFound, match="no collection 'jp'"):
        search(indexed, tiny, "jp")


def test_crops_are_embedded_anew_where_the_catalogue_has_another_model(
    indexed: Workspace, tiny: FoundModel, embedder: Embedder, tmp_path: Path
) -> None:
    class Stranger(OneFinder):
        """Its rows are of another model."""

        def propose(self, scene: Pixels, *, threshold: float | None = None) -> list[Any]:
            (place,) = super().propose(scene)
            return [replace(place, row=np.zeros(3, np.float32))] * 20

    other = Embedder.load(tiny_model(tmp_path / "other", seed=1), device="cpu")
    look = catalogue_look(Stranger(other), search(indexed, tiny), tiny, device="cpu")
    matches = look(shown(6))
    assert [match.label for match in matches] == ["mark-0006"] * 20


def test_nothing_proposed_and_an_empty_catalogue_are_no_faults(
    workspace: Workspace, tiny: FoundModel, embedder: Embedder, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="nothing is indexed"):
        search(workspace, tiny)
    (mark,) = write_corpus(tmp_path / "one", [1])
    index_paths(workspace, [mark], tiny)
    nothing = catalogue_look(RedFinder(embedder), search(workspace, tiny), tiny)
    assert nothing(shown(1)) == []
    rows: Sequence[object] = search(workspace, tiny)(np.zeros((0, tiny.card.dimension), "f4"))
    assert rows == []
    with pytest.raises(ModelMismatch):
        search(workspace, tiny_model(tmp_path / "other", seed=1))
