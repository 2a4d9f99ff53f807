"""Questions made for a test, and every measure once more by plain loops."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from likemark.benchmarks.locate.asks import Ask, Asked, Query, Scene
from likemark.benchmarks.locate.found import Rect
from likemark.benchmarks.locate.matches import Answer, Evidence

SIDE = 100  # px of every scene
Given = tuple[Asked, list[Answer]]


def box(x: float, y: float = 0, side: float = 10) -> Rect:
    return x, y, side, side


def answer(*found: tuple[float, Rect]) -> Answer:
    """found: (score, box), best first."""
    return Answer(tuple(each for _, each in found), tuple(score for score, _ in found))


class Book:
    """Scenes and questions, added one by one."""

    def __init__(self) -> None:
        self.scenes: list[Scene] = []
        self.queries: list[Query] = []
        self.asks: list[Ask] = []
        self.answers: list[Answer] = []

    def scene(self, brand: str | None, *boxes: Rect) -> int:
        self.scenes.append(Scene(f"s{len(self.scenes)}", SIDE, SIDE, brand, boxes))
        return len(self.scenes) - 1

    def ask(self, scene: int, brand: str, *found: tuple[float, Rect]) -> None:
        if brand not in [query.brand for query in self.queries]:
            self.queries.append(Query(f"crop {brand}", "crop", brand))
        place = [query.brand for query in self.queries].index(brand)
        self.asks.append(Ask(scene, place))
        self.answers.append(answer(*found))

    @property
    def given(self) -> Given:
        asked = Asked(tuple(self.scenes), tuple(self.queries), tuple(self.asks))
        return asked, self.answers

    @property
    def evidence(self) -> Evidence:
        return evidence(self.given)


def evidence(given: Given) -> Evidence:
    asked, answers = given
    return Evidence.of(asked, answers, range(len(answers)))


def ones(counted: Evidence) -> np.ndarray:
    return np.ones((1, counted.scenes))


def random_book(seed: int) -> Given:
    """Scenes of three brands and of none; found boxes near the truth and elsewhere, some tied."""
    rng = np.random.default_rng(seed)
    book = Book()
    for _ in range(int(rng.integers(3, 9))):
        brand = (None, "a", "b", "c")[int(rng.integers(4))]
        count = int(rng.integers(1, 4)) if brand else 0
        boxes = [box(20.0 * i, float(rng.integers(0, 60)), 12) for i in range(count)]
        scene = book.scene(brand, *boxes)
        for asked in ("a", "b", "c"):
            book.ask(scene, asked, *_random_found(rng, boxes))
    if not any(scene.brand for scene in book.scenes):
        book.ask(book.scene("a", box(0)), "a", (0.5, box(1)))
    return book.given


def repeated(given: Given, weights: Sequence[int]) -> Given:
    """Every scene as often as its weight says, with all that was asked in it."""
    asked, answers = given
    scenes, asks, kept = [], [], []
    for number, (scene, weight) in enumerate(zip(asked.scenes, weights, strict=True)):
        for copy in range(weight):
            scenes.append(
                Scene(f"{scene.id}-{copy}", scene.width, scene.height, scene.brand, scene.boxes)
            )
            for ask, got in zip(asked.asks, answers, strict=True):
                if ask.scene == number:
                    asks.append(Ask(len(scenes) - 1, ask.query))
                    kept.append(got)
    return Asked(tuple(scenes), asked.queries, tuple(asks)), kept


def plain_ap(given: Given, brand: str, least: float, *, shown: bool = False) -> float:
    """Average precision of a brand; NaN without a box."""
    asked, answers = given
    ranked: list[tuple[float, bool]] = []
    boxes = 0
    for ask, got in zip(asked.asks, answers, strict=True):
        is_right = asked.is_right(ask)
        if asked.queries[ask.query].brand != brand or (shown and not is_right):
            continue
        truths = asked.scenes[ask.scene].boxes if is_right else ()
        boxes += len(truths)
        ranked += plain_hits(got, truths, least)
    if not boxes:
        return math.nan
    points = []
    for score in sorted({score for score, _ in ranked}, reverse=True):
        above = [is_hit for each, is_hit in ranked if each >= score]
        points.append((sum(above) / boxes, sum(above) / len(above)))
    area, before = 0.0, 0.0
    for place, (recall, _) in enumerate(points):
        area += (recall - before) * max(precision for _, precision in points[place:])
        before = recall
    return area


def plain_map(given: Given, least: float, *, shown: bool = False) -> float:
    asked, _ = given
    each = [plain_ap(given, query.brand, least, shown=shown) for query in asked.queries]
    return float(np.nanmean(each)) if not np.isnan(each).all() else math.nan


def plain_hits(got: Answer, truths: Sequence[Rect], least: float) -> list[tuple[float, bool]]:
    free = list(truths)
    hits = []
    for found, score in zip(got.boxes, got.scores, strict=True):
        fits = [each for each in free if plain_iou(found, each) >= least]
        if fits:
            free.remove(max(fits, key=lambda each: plain_iou(found, each)))
        hits.append((score, bool(fits)))
    return hits


def plain_iou(one: Rect, other: Rect) -> float:
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(0.0, across) * max(0.0, down)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def plain_recall_at(given: Given, per_picture: float) -> float:
    _, answers = given
    ranked, boxes = _pooled(given)
    best = 0.0
    for score in {score for score, _ in ranked}:
        above = [is_hit for each, is_hit in ranked if each >= score]
        if above.count(False) <= per_picture * len(answers) + 1e-9:
            best = max(best, sum(above) / boxes)
    return best


def plain_false_masks(given: Given, recall: float, *, empty: bool = False) -> float:
    asked, answers = given
    ranked, boxes = _pooled(given)
    scores = sorted({score for score, _ in ranked}, reverse=True)
    enough = [
        score
        for score in scores
        if sum(hit for each, hit in ranked if each >= score) >= recall * boxes - 1e-9
    ]
    wrong = [
        max(got.scores, default=-math.inf)
        for ask, got in zip(asked.asks, answers, strict=True)
        if not asked.is_right(ask) and (asked.scenes[ask.scene].brand is None) == empty
    ]
    if not enough or not wrong:
        return math.nan
    return sum(best >= enough[0] for best in wrong) / len(wrong)


def plain_swap(given: Given) -> float:
    asked, answers = given
    best: dict[bool, list[float]] = {True: [], False: []}
    for ask, got in zip(asked.asks, answers, strict=True):
        if asked.scenes[ask.scene].brand is not None:
            best[asked.is_right(ask)].append(max(got.scores, default=-math.inf))
    pairs = [(right, wrong) for right in best[True] for wrong in best[False]]
    wins = sum(1.0 if r > w else 0.5 if r == w else 0.0 for r, w in pairs)
    return wins / len(pairs) if pairs else math.nan


def _pooled(given: Given) -> tuple[list[tuple[float, bool]], int]:
    """(score and whether right of every found box, annotated boxes)."""
    asked, answers = given
    ranked: list[tuple[float, bool]] = []
    boxes = 0
    for ask, got in zip(asked.asks, answers, strict=True):
        truths = asked.scenes[ask.scene].boxes if asked.is_right(ask) else ()
        boxes += len(truths)
        ranked += plain_hits(got, truths, 0.5)
    return ranked, boxes


def _random_found(rng: np.random.Generator, boxes: list[Rect]) -> list[tuple[float, Rect]]:
    found = []
    for _ in range(int(rng.integers(0, 5))):
        near = boxes[int(rng.integers(len(boxes)))] if boxes and rng.random() < 0.6 else box(50, 50)
        x, y = (rng.integers(-4, 5, 2) * 0.75).tolist()
        score = float(rng.integers(1, 8)) / 8
        found.append((score, (max(0.0, near[0] + x), max(0.0, near[1] + y), 12.0, 12.0)))
    return sorted(found, key=lambda pair: -pair[0])
