from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from PIL import Image
from support.drawings import Pixels, badge, disc, five_rings, lockup, triangles
from support.vectors import clustered_rows, exact_rows

from likemark.augment.pixels import lay
from likemark.benchmarks.invariance import evaluate as module
from likemark.benchmarks.invariance import holding
from likemark.benchmarks.invariance.asking import views_of
from likemark.benchmarks.invariance.evaluate import Source, evaluate, ranks_of
from likemark.benchmarks.invariance.holding import Looks, look, with_parts
from likemark.benchmarks.invariance.queries import MAX_SIDE, companion, derive
from likemark.benchmarks.invariance.results import Invariance, Recall
from likemark.benchmarks.invariance.suite import TRANSFORMATIONS, select
from likemark.db.errors import InvalidInput

SIDE = 8


class Grey:
    """A real encoder of the simplest kind: the picture's lightness on a coarse grid."""

    name = "grey"
    fingerprint = "cd" * 32
    dimension = SIDE * SIDE

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []

    def encode(self, pictures: Iterable[Pixels]) -> Iterator[np.ndarray]:
        for pixels in pictures:
            self.sizes.append(pixels.shape)
            image = Image.fromarray(lay(pixels, (255, 255, 255))).convert("L")
            small = image.resize((SIDE, SIDE), Image.Resampling.BOX)
            row = 256 - np.asarray(small, np.float32).ravel()
            yield row / np.linalg.norm(row)


MARKS = {"disc": disc(), "badge": badge(), "rings": five_rings(), "lockup": lockup()}


def sources() -> list[Source]:
    return [Source(name, pixels, 3 + 5 * i) for i, (name, pixels) in enumerate(MARKS.items())]


def gallery(distractors: int = 300) -> np.ndarray:
    rows = np.abs(clustered_rows(distractors, Grey.dimension, clusters=40))
    for source, row in zip(sources(), Grey().encode(MARKS.values()), strict=True):
        rows[source.row] = row
    return rows


def plain_rank(row: np.ndarray, truth: tuple[int, ...], rows: np.ndarray) -> int:
    """One query at a time: everything else that is as close, or closer, comes first."""
    scores = rows.astype(np.float64) @ row.astype(np.float64)
    rank = 1
    for number, score in enumerate(scores):
        rank += number not in truth and score >= scores[truth[0]] - 1e-6
    return rank


@pytest.mark.parametrize("block", [7, 64, 10_000])
def test_ranks_agree_with_counting_one_by_one(monkeypatch: pytest.MonkeyPatch, block: int):
    monkeypatch.setattr(module, "BLOCK", block)
    rows, asked = exact_rows(200, 16), exact_rows(60, 16, seed=1)
    rng = np.random.default_rng(0)
    truths = [
        tuple(rng.choice(200, int(rng.integers(1, 6)), replace=False).tolist()) for _ in asked
    ]
    expected = [plain_rank(row, truth, rows) for row, truth in zip(asked, truths, strict=True)]
    assert ranks_of(asked, truths, rows).tolist() == expected
    assert len(set(expected)) > 20


def test_a_twin_of_the_own_row_counts_against_us_unless_it_is_an_equivalent():
    rows = clustered_rows(50, 16, clusters=50)
    rows[[4, 9]] = rows[20]
    asked = rows[[20, 20, 20]]
    assert ranks_of(asked, [(20,), (20, 4), (20, 4, 9)], rows).tolist() == [3, 2, 1]


def test_a_query_of_several_rows_counts_by_its_best():
    rows, asked = exact_rows(200, 16), exact_rows(9, 16, seed=1)
    of, weights = np.array([0, 0, 0, 1, 2, 2, 3, 3, 3]), np.linspace(0.6, 1, 9, dtype=np.float32)
    truths = [(5,), (6, 7), (8,), (9, 1, 2)]
    scores = np.minimum(rows @ asked.T, weights * (rows @ asked.T))
    for query, rank in enumerate(ranks_of(asked, truths, rows, of=of, weights=weights).tolist()):
        best = scores[:, of == query].max(axis=1)
        aside = set(truths[query])
        assert rank == 1 + sum(
            best[n] >= best[truths[query][0]] - 1e-6 for n in range(200) if n not in aside
        )


def test_elements_find_what_a_composite_holds_and_turns_what_lies_on_its_side():
    ways = select(("composite", "rotation_free"))
    companions = [("other", badge((0, 0, 0, 0)))]
    result = evaluate(Grey(), sources(), gallery(), companions=companions, transformations=ways)
    elements, turned = result.asked_also
    assert (elements.name, turned.name) == ("elements", "turned")
    composite = [r.transformations[0].recall_at_10 or 0 for r in (result, elements)]
    assert composite[1] >= composite[0]
    assert turned.mean_recall_at_10 >= result.mean_recall_at_10
    views = [(view.part, view.weight) for view in views_of(lockup())]
    turns = ["turn"] * 3 + ["eighth"] * 4
    assert [part for part, _ in views if part != "element"] == ["whole", *turns]
    assert all((weight < 1) == (part in ("element", "eighth")) for part, weight in views)
    more = [view.part for view in views_of(lockup(), by_parts=True)]
    assert more[: len(views)] == [part for part, _ in views]
    assert set(more[len(views) :]) == {"half"}


def test_the_suite_agrees_with_a_plain_loop():
    rows, companions = gallery(), [("other", badge((0, 0, 0, 0)))]
    result = evaluate(Grey(), sources(), rows, companions=companions)
    place = {source.picture: source.row for source in sources()}
    for recall in result.transformations:
        ways = select((recall.name,))
        queries = list(derive(MARKS.items(), companions=companions, transformations=ways))
        ranks = [
            plain_rank(row, (place[query.picture],), rows)
            for query, row in zip(queries, Grey().encode(q.pixels for q in queries), strict=True)
        ]
        assert recall.queries == len(ranks)
        assert recall.recall_at_1 == np.mean([rank == 1 for rank in ranks])
        assert recall.recall_at_10 == np.mean([rank <= 10 for rank in ranks])


def test_the_summary_is_that_of_its_rows_and_plain_json():
    result = evaluate(Grey(), sources(), gallery(), companions=[("other", badge())])
    assert (result.encoder, result.sources, result.gallery) == ("grey", 4, 300)
    assert [recall.name for recall in result.transformations] == list(TRANSFORMATIONS)
    asked = [recall for recall in result.transformations if recall.queries]
    at_1 = [r.recall_at_1 for r in asked if r.recall_at_1 is not None]
    at_10 = [r.recall_at_10 for r in asked if r.recall_at_10 is not None]
    assert result.mean_recall_at_1 == pytest.approx(np.mean(at_1))
    assert result.mean_recall_at_10 == pytest.approx(np.mean(at_10))
    worst = next(recall for recall in asked if recall.name == result.worst)
    assert worst.recall_at_1 == min(at_1)
    assert json.loads(json.dumps(dataclasses.asdict(result)))["encoder"] == "grey"
    by_name = {recall.name: recall for recall in asked}
    assert by_name["jpeg_10"].recall_at_1 == 1


def test_a_transformation_without_queries_is_shown_and_not_counted():
    only = [Source("disc", disc(), 0)]
    rows = gallery()[[3, 0, 1, 2]]
    ways = select(("segments_removed", "thumbnail_32"))
    result = evaluate(Grey(), only, rows, transformations=ways)
    none, some = result.transformations
    assert (none.queries, none.recall_at_1, none.recall_at_10) == (0, None, None)
    assert some.queries == 1
    assert result.mean_recall_at_1 == some.recall_at_1
    assert result.worst == "thumbnail_32"
    with pytest.raises(InvalidInput, match="no transformation applies"):
        evaluate(Grey(), only, rows, transformations=ways[:1])


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch):
    whole = evaluate(Grey(), sources(), gallery())
    monkeypatch.setattr(module, "BATCH", 7)
    assert evaluate(Grey(), iter(sources()), gallery()) == whole


def test_queries_are_the_same_in_any_order_of_pictures():
    forth = {(q.picture, q.transformation): q.pixels for q in derive(MARKS.items())}
    back = {(q.picture, q.transformation): q.pixels for q in derive(reversed(MARKS.items()))}
    assert forth.keys() == back.keys()
    assert all(np.array_equal(pixels, back[key]) for key, pixels in forth.items())


def test_a_companion_is_another_mark_and_stays_when_others_leave():
    names = [(str(number), np.full((1, 1, 3), number, np.uint8)) for number in range(20)]
    chosen = companion("7", names)
    assert chosen is not None
    kept = [(name, pixels) for name, pixels in names if np.array_equal(pixels, chosen)]
    again = companion("7", [*names[:3], *kept])
    assert again is not None
    assert np.array_equal(again, chosen)
    assert companion("7", [names[7]]) is None
    picks = [companion(name, names) for name, _ in names]
    assert len({int(p[0, 0, 0]) for p in picks if p is not None}) > 5


def test_large_pictures_are_reduced_before_anything_is_made_of_them():
    large = np.repeat(np.repeat(badge(), 8, axis=0), 8, axis=1)
    encoder = Grey()
    ways = select(("mirror",))
    evaluate(encoder, [Source("a", large, 0)], gallery(), transformations=ways)
    assert encoder.sizes[0] == (MAX_SIDE, MAX_SIDE, 3)
    assert max(side for size in encoder.sizes for side in size) == MAX_SIDE


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (gallery()[:, :5], r"must be float32 and \(N, 64\)"),
        (gallery().astype(np.float64), "must be float32"),
        (gallery() * 2, "must have length 1"),
        (np.full_like(gallery(), np.nan), "must have length 1"),
        (gallery()[:10], r"row 13 is beyond the 10 rows"),
    ],
)
def test_a_gallery_that_does_not_fit_is_refused(rows: np.ndarray, message: str):
    with pytest.raises(InvalidInput, match=message):
        evaluate(Grey(), sources(), rows)


def test_pictures_that_cannot_be_used_are_refused():
    with pytest.raises(InvalidInput, match="comes twice"):
        evaluate(Grey(), [sources()[0], sources()[0]], gallery())
    with pytest.raises(InvalidInput, match="must be uint8"):
        evaluate(Grey(), [Source("a", np.zeros((4, 4), np.uint8), 0)], gallery())
    with pytest.raises(InvalidInput, match="different rows"):
        Source("a", disc(), 3, equivalents=(3,))
    with pytest.raises(InvalidInput, match="different rows"):
        Source("a", disc(), -1)


class Lazy(Grey):
    def encode(self, pictures: Iterable[Pixels]) -> Iterator[np.ndarray]:
        return (row for row in [*super().encode(pictures)][1:])


class Broken(Grey):
    def encode(self, pictures: Iterable[Pixels]) -> Iterator[np.ndarray]:
        return (row * np.float32(np.nan) for row in super().encode(pictures))


@pytest.mark.parametrize(("encoder", "message"), [(Lazy(), "rows fewer"), (Broken(), "unit rows")])
def test_an_encoder_that_breaks_its_word_is_named(encoder: Grey, message: str):
    with pytest.raises(InvalidInput, match=f"grey gave .*{message}"):
        evaluate(encoder, sources()[:1], gallery(), transformations=select(("mirror", "plate")))


def test_results_that_contradict_themselves_are_refused():
    with pytest.raises(InvalidInput, match="a recall of None over 3"):
        Recall("a", "b", 3, None, 1.0)
    with pytest.raises(InvalidInput, match="worst 'x'"):
        Invariance("e", "f", 1, 1, (), 0.0, 0.0, "x")


def filled() -> list[np.ndarray]:
    """Pictures of the gallery: the marks, triangles, and one other everywhere else."""
    other = badge((10, 10, 10, 255))
    pictures = [other] * 300
    pictures[250] = triangles(0)
    for source in sources():
        pictures[source.row] = MARKS[source.picture]
    return pictures


def test_queries_of_some_pictures_are_looked_for_in_the_nearest(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "SAMPLED", 2)
    ways = select(("crop_25", "rotation_15"))
    looks = Looks(filled())
    result = evaluate(Grey(), sources(), gallery(), transformations=ways, looks=looks)
    sampled = result.sampled
    assert sampled is not None
    assert (sampled.sources, sampled.without.name, sampled.asked.name) == (2, "turned", "parts")
    for without, asked in zip(
        sampled.without.transformations, sampled.asked.transformations, strict=True
    ):
        assert without.queries == asked.queries == 2
    assert sampled.asked.mean_recall_at_1 >= sampled.without.mean_recall_at_1
    plain = evaluate(Grey(), sources(), gallery(), transformations=ways)
    assert plain.sampled is None
    assert plain == dataclasses.replace(result, sampled=None)


def test_what_holds_the_query_rises_and_nothing_falls():
    looks = Looks(filled())
    scores = np.linspace(0.5, 0.1, 300, dtype=np.float32)
    found = with_parts(scores, look(triangles(0)[40:120, 40:120]), looks)
    assert int(np.argmax(found)) == 250
    assert (found >= scores).all()


def test_only_the_nearest_are_looked_into(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(holding, "LONG", 5)
    looks = Looks(filled())
    row = sources()[2].row
    scores = np.full(300, 0.5, np.float32)
    scores[row] = 0.1
    found = with_parts(scores, look(five_rings()), looks)
    assert found[row] == np.float32(0.1)
