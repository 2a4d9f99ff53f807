from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.rivals.orb import (
    FEWEST,
    OrbScorer,
    agreeing,
    load_orb,
    most_voted,
)
from likemark.benchmarks.rivals.orb_features import BYTES, MOST, SIZE, Features, extract, keypoints
from likemark.benchmarks.rivals.orb_votes import NEAR, Votes
from likemark.benchmarks.rivals.scorer import Scorer
from likemark.db.errors import InvalidInput

BLANK = np.full((90, 90, 3), 255, np.uint8)


def rotated(pixels: Pixels, degrees: float) -> Pixels:
    image = Image.fromarray(pixels)
    ground = image.getpixel((0, 0))
    turned = image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=ground)
    return np.asarray(turned)


def silent(line: str) -> None:
    pass


def all_scores(pictures: list[Pixels], queries: list[int], **settings: int) -> np.ndarray:
    blocks = list(OrbScorer(**settings).scores(pictures, np.array(queries, np.int64)))
    rows = [i for part, _ in blocks for i in range(len(queries))[part]]
    assert rows == list(range(len(queries)))
    return np.concatenate([scores for _, scores in blocks])


def flipped(descriptors: np.ndarray, bits: int) -> np.ndarray:
    """The first `bits` of every descriptor inverted."""
    changed = np.unpackbits(descriptors, axis=1)
    changed[:, :bits] ^= 1
    return np.packbits(changed, axis=1)


def random_features(sizes: list[int]) -> Features:
    rng = np.random.default_rng(0)
    total = sum(sizes)
    descriptors = rng.integers(0, 256, (total, BYTES), np.uint8)
    places = rng.uniform(0, SIZE, (total, 2)).astype(np.float16)
    return Features(descriptors, places, np.cumsum([0, *sizes]))


def test_it_finds_a_rotated_copy_among_30_marks(marks):
    queries = [2, 11, 20]
    copies = [rotated(marks[i], 30) for i in queries]
    scores = all_scores([*marks, *copies], [30, 31, 32])
    assert scores.shape == (3, 33)
    assert scores.dtype == np.float32
    for row, own in zip(scores, (30, 31, 32), strict=True):
        assert row.argmax() == own
        row[own] = 0
    assert scores.argmax(axis=1).tolist() == queries
    assert scores.max(axis=1).min() >= FEWEST


def test_it_scores_the_same_again_and_in_any_company_of_queries(marks):
    few = marks[:8]
    first = all_scores(few, [4, 7])
    assert np.array_equal(first, all_scores(few, [4, 7]))
    assert np.array_equal(first[1:], all_scores(few, [7]))


def test_more_queries_than_a_block_come_in_blocks(marks):
    progress: list[str] = []
    few, queries = marks[:6], np.arange(40) % 6
    blocks = list(OrbScorer().scores(few, queries, progress=progress.append))
    assert [len(scores) for _, scores in blocks] == [32, 8]
    assert np.array_equal(blocks[0][1][5], blocks[1][1][3])  # both are of mark 5
    assert progress[0] == "ORB: 6 of 6 pictures"
    assert progress[-1] == "ORB: 40 of 40 queries"


def test_unverified_pictures_keep_their_votes_which_are_below_1(marks):
    few = marks[:8]
    scores = all_scores(few, [0, 1, 2], verified=0)
    assert 0 < scores.max() < 1
    verified = all_scores(few, [0, 1, 2], verified=1)
    assert ((verified >= 1).sum(axis=1) == 1).all()
    assert np.array_equal(verified % 1 > 0, scores > 0)


def test_pictures_without_keypoints_score_0(marks):
    scores = all_scores([BLANK, marks[0], BLANK], [0, 1])
    assert not scores[0].any()
    assert scores[1, 1] > 1
    assert not scores[1, [0, 2]].any()


def test_a_gallery_without_any_keypoint_scores_0_throughout():
    assert not all_scores([BLANK, BLANK], [1]).any()
    assert list(OrbScorer().scores([BLANK], np.empty(0, np.int64))) == []


def test_keypoints_are_few_and_inside_the_square(marks):
    for mark in marks[:8]:
        descriptors, places = keypoints(mark)
        assert descriptors.shape == (len(places), BYTES)
        assert 0 < len(places) <= MOST
        assert 0 <= places.min() <= places.max() < SIZE


def test_features_stand_one_picture_after_the_other(marks):
    features = extract([marks[0], BLANK, marks[1]], silent)
    assert len(features) == 3
    for picture, mark in ((0, marks[0]), (2, marks[1])):
        descriptors, places = features.of(picture)
        assert np.array_equal(descriptors, keypoints(mark)[0])
        assert np.array_equal(places, keypoints(mark)[1])
    assert len(features.of(1)[0]) == 0
    assert set(features.owners().tolist()) == {0, 2}


def test_votes_fall_with_distance_and_end():
    features = random_features([3, 5, 4])
    votes = Votes.build(features)
    own = features.of(1)[0]
    assert votes.count([own])[0] == pytest.approx([0, 5, 0])
    assert votes.count([flipped(own, 16)])[0, 1] == pytest.approx(5 * (1 - 16 / NEAR))
    assert votes.count([flipped(own, NEAR)])[0, 1] == 0


def test_a_picture_votes_once_for_a_keypoint_with_its_nearest():
    features = random_features([1])
    twice = np.concatenate([flipped(features.descriptors, 8), features.descriptors])
    doubled = Features(twice, np.zeros((2, 2), np.float16), np.array([0, 2]))
    assert Votes.build(doubled).count([features.descriptors])[0] == pytest.approx([1])


def test_votes_of_several_queries_are_kept_apart():
    features = random_features([40] * 6)
    asked = [features.of(4)[0], np.empty((0, BYTES), np.uint8), features.of(2)[0][:7]]
    counted = Votes.build(features).count(asked)
    assert counted.shape == (3, 6)
    assert counted[0].argmax() == 4
    assert not counted[1].any()
    assert counted[2] == pytest.approx([0, 0, 7, 0, 0, 0])


def test_most_voted_leaves_out_what_has_no_vote_and_prefers_the_first_of_equals():
    votes = np.array([0, 2, 3, 2, 0, 1], np.float32)
    assert most_voted(votes, 3) == [2, 1, 3]
    assert most_voted(votes, 50) == [2, 1, 3, 5]
    assert most_voted(votes, 0) == []


def test_agreeing_counts_keypoints_under_one_turn_shift_and_scale():
    features = random_features([40])
    descriptors, places = features.of(0)
    turn = np.array([[0.8, -0.6], [0.6, 0.8]]) * 0.5
    moved = (places.astype(np.float64) @ turn.T + (90, 10)).astype(np.float16)
    assert agreeing((descriptors, places), (descriptors, moved)) == 40
    moved[:10] = np.random.default_rng(1).uniform(0, SIZE, (10, 2))
    assert 30 <= agreeing((descriptors, places), (descriptors, moved)) <= 32


def test_agreeing_refuses_other_descriptors_wild_scales_and_too_few():
    features = random_features([40, 40])
    descriptors, places = features.of(0)
    assert agreeing((descriptors, places), features.of(1)) == 0
    assert agreeing((descriptors, places), (descriptors, (places / 8).astype(np.float16))) == 0
    few = descriptors[: FEWEST - 1], places[: FEWEST - 1]
    assert agreeing(few, few) == 0


def test_it_is_a_scorer_whose_fingerprint_tells_its_settings():
    scorer: Scorer = load_orb()
    assert isinstance(scorer, Scorer)
    assert len(scorer.fingerprint) == 64
    assert scorer.fingerprint == OrbScorer().fingerprint != OrbScorer(verified=9).fingerprint
    with pytest.raises(InvalidInput, match="verified -1"):
        OrbScorer(verified=-1)
