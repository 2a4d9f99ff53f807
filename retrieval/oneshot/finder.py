"""A mark found in scenes of any size, from one picture of it; or any mark, whichever it is.

H, W: px of a scene; h, w: places of a level's mask; T, C: tokens and channels of `Features`;
D: dimensions of the model that crops are embedded by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput, ModelDamaged, one_line
from likemark.retrieval.devices import AUTO, Device, choose_device
from likemark.retrieval.embedder import Embedder
from likemark.retrieval.models import find_model
from likemark.retrieval.oneshot import card as cards
from likemark.retrieval.oneshot.card import Facts, OneShotCard, TracerCard
from likemark.retrieval.oneshot.features import Features, load_features, size_of
from likemark.retrieval.oneshot.judging import Candidate, Place, judged
from likemark.retrieval.oneshot.network import STRIDE, OneShot
from likemark.retrieval.oneshot.regions import (
    Box,
    Logits,
    Spot,
    is_like,
    is_same,
    spots,
    suppressed,
)
from likemark.retrieval.oneshot.tiles import Level, Tile, levels, view
from likemark.retrieval.oneshot.tracer import Tracer
from likemark.retrieval.oneshot.tracing import Tracing
from likemark.retrieval.oneshot.windows import likest, spot_of, windows
from likemark.retrieval.pictures.normalise import FLAT, flatten, prepared, spread
from likemark.retrieval.redact.regions import Region

Pixels = NDArray[np.uint8]
Row = NDArray[np.float32]
_AT_ONCE = 16  # questions that go through the network together
_KEPT = 12  # views of a scene that are kept for its next query
_OWN, _MORE, _ANY = 8, 4, 40  # places that are embedded: of a query's mask, of any mark beside it
# and of any mark alone
_LIKEST = 4  # of a scene's windows, likest to a query
_TRACED = 0.02  # probability of a place, from which its mask is drawn anew
_ROUND = 0.04  # of a box's sides: what its crop shows round it


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """A query, ready to be looked for."""

    name: str
    tokens: torch.Tensor  # (T, C)
    row: Row | None  # (D,), of length 1; None: any mark


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A place before its crop is embedded."""

    spot: Spot
    facts: Facts  # but for the similarity
    is_own: bool  # of the query's mask, not only of that of any mark
    is_window: bool = False

    @classmethod
    def of(cls, spot: Spot, logits: Logits, anywhere: Logits, is_own: bool) -> Self:
        """logits: (h, w), of the query; anywhere: (h, w), of any mark"""
        facts = Facts(*spot.read(logits), spot.side, spot.read(anywhere)[0], None)
        return cls(spot, facts, is_own)


def _worth_it(seen: Sequence[_Seen], *, is_any: bool) -> list[_Seen]:
    """The places whose crops are worth embedding: the surest of the query, and of any mark."""
    own = [each for each in seen if each.is_own]
    more = [each for each in seen if not each.is_own]
    own.sort(key=lambda each: -each.facts.peak - each.facts.mean)
    more.sort(key=lambda each: -each.facts.anything)
    return own[:_OWN] + more[: _ANY if is_any else _MORE]


@dataclass(slots=True, eq=False)
class _Held:
    """The last scene, and what was made of it for a query: the next one needs it too."""

    scene: Pixels | None
    # What the network is fed of each view.
    views: dict[tuple[Level, Tile], tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)
    rows: dict[Box, Row] = field(default_factory=dict)  # by a place's box


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """One place where a mark is."""

    query: int  # which of those that were asked, from 0
    region: Region  # px of the scene; its score is the probability that the mark is there
    box: Box  # of the place before its mask was traced, whose crop was compared:
    similarity: float | None  # cosine of that crop's embedding with the query's; None: any mark
    row: Row  # (D,), of length 1: its embedding
    # What else was found of the same mark, which `region` may lack; its mask untraced, too.
    others: tuple[Region, ...] = ()


class Finder:
    """threshold: probability from which a place counts; embedder: what crops are embedded by."""

    def __init__(
        self, card: OneShotCard, network: OneShot, features: Features, embedder: Embedder,
        tracing: Tracing | None = None,
    ) -> None:  # fmt: skip
        self.card, self.threshold, self.embedder = card, card.threshold, embedder
        self._network: Any = network.eval().to(embedder.device.torch())
        self._features, self._tracing = features, tracing
        for part in (self._network, features):
            embedder.device.settle(part)
        self._held = _Held(None)

    @property
    def tracer(self) -> str:
        """sha256 of the weights of what draws masks anew; empty: nothing does."""
        return "" if self._tracing is None else self._tracing.sha256

    @property
    def step(self) -> int:
        """px: the network sees scenes whose sides are multiples of it."""
        return self._features.step

    @classmethod
    def load(cls, *, device: str = AUTO, card: Path | None = None) -> Finder:
        """card: of the one-shot model; the one in the package, unless told otherwise.

        Raises ModelError when there is none, ModelDamaged when the parts do not belong together.
        """
        path = card or cards.DEFAULT
        known, chosen = OneShotCard.read(path), choose_device(device)
        model = find_model(known.model)
        features = load_features(model, known.layers, chosen)
        if features.fingerprint() != known.backbone:
            raise ModelDamaged(
                f"one-shot model {known.name!r} learned from another backbone than that of "
                f"{model.card.name!r}: install the two that were made together"
            )
        network = _filled(known, path.parent, features)
        embedder = find_model(known.embedder or known.model)
        tracing = None if not known.tracer else _tracing(path.parent, known.tracer, chosen)
        return cls(known, network, features, Embedder.load(embedder, device=chosen.name), tracing)

    def ask(self, query: Pixels, *, name: str = "query") -> Ask:
        """query: (h, w, 3 or 4). Raises InvalidInput for a picture of one colour."""
        if is_flat(query):
            raise InvalidInput(
                f"{one_line(name)}: the picture is of one colour: there is no mark to look for"
            )
        square = prepared(query, self._features.size)[None]
        device = self.embedder.device
        with torch.inference_mode(), device.precision():
            pixels = torch.from_numpy(square).to(device.torch())
            tokens = self._features.of_queries(self._features.prepare(pixels))
        return Ask(name, tokens[0], self._rows([query])[0])

    def locate(
        self, scene: Pixels, asks: Sequence[Ask], *, threshold: float | None = None
    ) -> list[Located]:
        """Where the marks of the queries are, the surest first, each place once for each query.

        scene: (H, W, 3), of any size; threshold: the least probability
        """
        least = self.threshold if threshold is None else threshold
        found: list[Located] = []
        if not is_flat(scene) and asks:
            for number, places in enumerate(self.places(scene, asks)):
                named = [self._named(number, place) for place in places]
                sure = [each for each in named if each.region.score >= least]
                found += [sure[n] for n in suppressed([each.region for each in sure])]
        return _each_once(self._traced(scene, found))

    def propose(self, scene: Pixels, *, threshold: float | None = None) -> list[Located]:
        """Where any mark is, the surest first. scene: (H, W, 3)"""
        return self.locate(scene, [self.anything()], threshold=threshold)

    def anything(self) -> Ask:
        """The query that every mark answers."""
        with torch.inference_mode():
            tokens: torch.Tensor = self._network.any_query()
        return Ask("any mark", tokens, None)

    def places(self, scene: Pixels, asks: Sequence[Ask]) -> list[list[Place]]:
        """Of each query the places where it may be; of a query for any mark all candidates.

        scene: (H, W, 3)
        """
        return [
            judged(known) if ask.row is not None else [Place(each, each.facts) for each in known]
            for ask, known in zip(asks, self.candidates(scene, asks), strict=True)
        ]

    def candidates(self, scene: Pixels, asks: Sequence[Ask]) -> list[list[Candidate]]:
        """Of each query all places of all levels, neither judged nor suppressed: those of its own
        mask, those where any mark is, for its crop may be like what the mask has missed, and the
        largest windows of the scene that are likest to it.

        scene: (H, W, 3)
        """
        self._hold(scene)
        tokens = [*(ask.tokens for ask in asks), self.anything().tokens]
        shape = scene.shape[0], scene.shape[1]
        found: list[list[_Seen]] = [[] for _ in asks]
        large: list[list[_Seen]] = [[] for _ in asks]
        for level in levels(scene.shape[1], scene.shape[0], step=self._features.step):
            logits = self._level(scene, level, tokens)
            for number, ask in enumerate(asks):
                if ask.row is not None and not large[number]:  # of the first level
                    large[number] = self._windows(scene, ask.row, logits[number], logits[-1])
            anywhere = spots(logits[-1], shape)
            for number, ask in enumerate(asks):
                own = [] if ask.row is None else spots(logits[number], shape)
                more = [s for s in anywhere if not any(is_like(s.region, o.region) for o in own)]
                found[number] += [_Seen.of(s, logits[number], logits[-1], True) for s in own]
                found[number] += [_Seen.of(s, logits[number], logits[-1], False) for s in more]
        return [
            self._candidates(scene, ask, [*_worth_it(seen, is_any=ask.row is None), *windows])
            for ask, seen, windows in zip(asks, found, large, strict=True)
        ]

    def rows(self, scene: Pixels, boxes: Sequence[Box]) -> NDArray[np.float32]:
        """(n, D), of length 1: what the boxes of a (H, W, 3) scene show, as places are compared.

        Those of the scene that was looked at last are not made again.
        """
        self._hold(scene)
        found = self._embedded(scene, boxes)
        return np.stack(found) if found else self._rows([])

    def _hold(self, scene: Pixels) -> None:
        if self._held.scene is not scene:
            self._held = _Held(scene)

    def _windows(self, scene: Pixels, wanted: Row, logits: Logits, anywhere: Logits) -> list[_Seen]:
        """The likest to a query. logits, anywhere: (h, w) of the scene's first level"""
        size = scene.shape[0], scene.shape[1]
        every = windows(size[1], size[0])
        chosen = likest(every, np.stack(self._embedded(scene, every)) @ wanted, _LIKEST)
        seen = (_Seen.of(spot_of(box, size, logits), logits, anywhere, True) for box in chosen)
        return [replace(each, is_window=True) for each in seen]

    def _candidates(self, scene: Pixels, ask: Ask, seen: Sequence[_Seen]) -> list[Candidate]:
        rows = self._embedded(scene, [each.spot.region.box for each in seen])
        return [
            Candidate(
                each.spot.region,
                replace(each.facts, similarity=None if ask.row is None else float(row @ ask.row)),
                row,
                each.is_window,
            )
            for each, row in zip(seen, rows, strict=True)
        ]

    def _named(self, number: int, place: Place) -> Located:
        known = place.candidate
        region = replace(known.region, score=self.card.probability(place.facts))
        likeness, row = known.facts.similarity, known.row
        return Located(number, region, region.box, likeness, row, place.others)

    def _traced(self, scene: Pixels, found: Sequence[Located]) -> list[Located]:
        """With masks drawn anew, but those of places that are hardly there."""
        likely = [each for each in found if each.region.score >= _TRACED]
        if self._tracing is None or not likely:
            return list(found)
        regions = self._tracing.traced(scene, [each.region for each in likely])
        drawn = [
            replace(each, region=region, others=(each.region, *each.others))
            for each, region in zip(likely, regions, strict=True)
        ]
        return [*drawn, *(each for each in found if each.region.score < _TRACED)]

    def _level(
        self, scene: Pixels, level: Level, tokens: Sequence[torch.Tensor]
    ) -> NDArray[np.float32]:
        """(queries, h, w): logits; where tiles overlap, the middle of a tile counts most."""
        shape = level.height // STRIDE, level.width // STRIDE
        total = np.zeros((len(tokens), *shape), np.float32)
        weight = np.zeros(shape, np.float32)
        for tile in level.tiles():
            left, top, wide, tall = (side // STRIDE for side in tile)
            share = np.minimum.outer(_ramp(tall), _ramp(wide))
            window = np.s_[top : top + tall, left : left + wide]
            total[:, *window] += self._answers(scene, level, tile, tokens) * share
            weight[window] += share
        logits: NDArray[np.float32] = total / weight
        return logits

    def _answers(
        self, scene: Pixels, level: Level, tile: Tile, tokens: Sequence[torch.Tensor]
    ) -> NDArray[np.float32]:
        """(queries, h, w): logits of one view."""
        parts = []
        with torch.inference_mode(), self.embedder.device.precision():
            images, places = self._seen(scene, level, tile)
            for start in range(0, len(tokens), _AT_ONCE):
                queries = torch.stack(list(tokens[start : start + _AT_ONCE]))
                numbers = torch.arange(len(queries), device=queries.device)
                asks = torch.stack([torch.zeros_like(numbers), numbers], dim=1)
                parts.append(self._network(images, places, queries, asks).float().cpu())
        answers: NDArray[np.float32] = torch.cat(parts).numpy()
        return answers

    def _seen(self, scene: Pixels, level: Level, tile: Tile) -> tuple[torch.Tensor, torch.Tensor]:
        """What the network is fed of one view; of the last scene it is kept, if that is small."""
        kept = self._held.views
        if (level, tile) not in kept:
            pixels = torch.from_numpy(view(scene, level, tile)[None])
            images = self._features.prepare(pixels.to(self.embedder.device.torch()))
            seen = images, self._features.of_scenes(images)
            if len(kept) >= _KEPT:
                return seen
            kept[level, tile] = seen
        return kept[level, tile]

    def _embedded(self, scene: Pixels, boxes: Sequence[Box]) -> list[Row]:
        """The rows of boxes' crops; of the last scene they are kept."""
        rows = self._held.rows
        new = [box for box in boxes if box not in rows]
        crops = [cut_out(scene, box) for box in new]
        rows.update(zip(new, self._rows(crops), strict=True))
        return [rows[box] for box in boxes]

    def _rows(self, crops: Sequence[Pixels]) -> NDArray[np.float32]:
        squares = [prepared(each, self.embedder.size) for each in crops]
        if not squares:
            return np.zeros((0, self.embedder.dimension), np.float32)
        return self.embedder.embed(np.stack(squares))


def _each_once(found: Sequence[Located]) -> list[Located]:
    """The surest first. Once traced, two places of a query may be one: the surer of them."""
    kept: list[Located] = []
    for each in sorted(found, key=lambda each: -each.region.score):
        for number, surer in enumerate(kept):
            if surer.query == each.query and is_same(each.region.box, surer.region.box):
                others = (*surer.others, each.region, *each.others)
                kept[number] = replace(surer, others=others)
                break
        else:
            kept.append(each)
    return kept


def cut_out(scene: Pixels, box: Box) -> Pixels:
    """What the scene shows in a box, with a little round it."""
    left, top, right, bottom = box
    x, y = round((right - left) * _ROUND), round((bottom - top) * _ROUND)
    return np.ascontiguousarray(scene[max(0, top - y) : bottom + y, max(0, left - x) : right + x])


def is_flat(pixels: Pixels) -> bool:
    """Whether a (h, w, 3 or 4) picture is of one colour."""
    return spread(flatten(pixels)) <= FLAT


def _ramp(length: int) -> NDArray[np.float32]:
    """(length,): from little at both ends to 1 in the middle."""
    place = np.arange(length, dtype=np.float32) + 0.5
    ramp: NDArray[np.float32] = np.minimum(np.minimum(place, length - place) / 16, 1)
    return ramp


def _tracing(folder: Path, name: str, device: Device) -> Tracing:
    card = TracerCard.read(folder / f"{name}.json")
    network = Tracer(card.widths)
    card.fill(network, folder)
    return Tracing(network, device, card.sha256)


def _filled(card: OneShotCard, folder: Path, features: Features) -> OneShot:
    network = OneShot(size_of(card, features))
    card.fill(network, folder)
    return network
