"""What a scene is looked at for: the marks of some queries, or any mark, named by the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from likemark.retrieval.devices import AUTO
from likemark.retrieval.oneshot.found import Asked, Match
from likemark.retrieval.oneshot.sources import Scene
from likemark.retrieval.pictures.normalise import prepared
from likemark.retrieval.redact.regions import Pixels, Region

if TYPE_CHECKING:
    from likemark.retrieval.embedder import Embedder
    from likemark.retrieval.models import FoundModel
    from likemark.retrieval.oneshot.finder import Ask, Located
    from likemark.retrieval.results import Hit

Rows = NDArray[np.float32]
Search = Callable[[Rows], Sequence[Sequence["Hit"]]]

SIMILARITY = 0.5  # cosine from which a crop is taken for the catalogue's nearest mark
_CROPS = 16  # embedded at once


class Finds(Protocol):
    """What is needed of `likemark.retrieval.oneshot.finder.Finder`."""

    @property
    def embedder(self) -> Embedder: ...

    def ask(self, query: Pixels, *, name: str = "query") -> Ask: ...

    def locate(
        self, scene: Pixels, asks: Sequence[Ask], *, threshold: float | None = None
    ) -> list[Located]: ...

    def propose(self, scene: Pixels, *, threshold: float | None = None) -> list[Located]: ...


class Look(Protocol):
    """What finds the places of one scene."""

    def __call__(self, scene: Scene, /) -> list[Match]:
        """In any order."""
        ...


class QueryLook:
    """Looks for the marks of queries."""

    def __init__(
        self,
        finder: Finds,
        queries: Sequence[tuple[Asked, Pixels]],
        *,
        threshold: float | None = None,
        similarity: float | None = None,
        problem: Callable[[str], None] = lambda line: None,
    ) -> None:
        """queries: (h, w, 3 or 4) of each, of any size.

        threshold: probability of a place; None: the finder's own
        similarity: cosine; places whose crop is less like the query are left out
        problem: called once with a line for a query of more px than a scene
        Raises InvalidInput for a query without a mark, as `Finder.ask` does.
        """
        self._finder = finder
        self._asked = [asked for asked, _ in queries]
        self._asks = [finder.ask(pixels, name=asked.name) for asked, pixels in queries]
        self._sizes = {asked: pixels.shape[:2] for asked, pixels in queries}
        self._threshold = threshold
        self._least = -1.0 if similarity is None else similarity
        self._problem = problem

    def __call__(self, scene: Scene, /) -> list[Match]:
        self._compare(scene)
        located = self._finder.locate(scene.pixels, self._asks, threshold=self._threshold)
        return [
            Match(each.region, self._asked[each.query], similarity=each.similarity)
            for each in located
            if each.similarity is None or each.similarity >= self._least
        ]

    def _compare(self, scene: Scene) -> None:
        height, width = scene.pixels.shape[:2]
        for asked, (tall, wide) in list(self._sizes.items()):
            if tall > height and wide > width:
                del self._sizes[asked]
                self._problem(
                    f"{asked.name}: {wide} x {tall} px is larger than the scene {scene.shown} of "
                    f"{width} x {height} px: it is looked for in fewer px"
                )


@dataclass(frozen=True, slots=True, eq=False)
class CatalogueLook:
    """Looks for any mark, and asks the catalogue which it is."""

    finder: Finds
    search: Search  # the best hits of each of (Q, D) rows of the catalogue's model
    embedder: Embedder | None  # of the catalogue's model; None: it is the finder's own
    threshold: float | None = None  # probability of a place; None: the finder's own
    similarity: float = SIMILARITY  # cosine below which a place is an unknown mark
    known: bool = False  # unknown marks are left out

    def __call__(self, scene: Scene, /) -> list[Match]:
        located = self.finder.propose(scene.pixels, threshold=self.threshold)
        if not located:
            return []
        hits = self.search(self._rows(scene.pixels, located))
        matches = [self._match(each.region, best) for each, best in zip(located, hits, strict=True)]
        return [match for match in matches if match.mark is not None or not self.known]

    def _rows(self, pixels: Pixels, located: Sequence[Located]) -> Rows:
        if self.embedder is None:
            return np.stack([each.row for each in located])
        from likemark.retrieval.oneshot.finder import cut_out

        size = self.embedder.size
        squares = [prepared(cut_out(pixels, each.box), size) for each in located]
        parts = [
            self.embedder.embed(np.stack(squares[start : start + _CROPS]))
            for start in range(0, len(squares), _CROPS)
        ]
        return np.concatenate(parts)

    def _match(self, region: Region, hits: Sequence[Hit]) -> Match:
        if not hits:
            return Match(region)
        best = hits[0]
        is_known = best.score >= self.similarity
        return Match(region, mark=best.mark if is_known else None, similarity=best.score)


def catalogue_look(
    finder: Finds,
    search: Search,
    model: FoundModel,
    *,
    device: str = AUTO,
    threshold: float | None = None,
    similarity: float = SIMILARITY,
    known: bool = False,
) -> CatalogueLook:
    """search: of `likemark.retrieval.engine.row_search` for that model, with k 1 or more

    Raises InvalidInput, and ModelDamaged where the model is not the finder's own and is broken.
    """
    from likemark.retrieval.embedder import Embedder

    is_own = finder.embedder.card.fingerprint == model.card.fingerprint
    embedder = None if is_own else Embedder.load(model, device=device)
    return CatalogueLook(finder, search, embedder, threshold, similarity, known)
