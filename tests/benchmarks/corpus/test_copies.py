from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from likemark.benchmarks.corpus.copies import clusters, distinct, near_copies
from likemark.benchmarks.corpus.drawings import Drawing
from likemark.benchmarks.corpus.render import Rendered, render

Signature = NDArray[np.uint8]
STAR = '<path d="M12 2l3 7h7l-6 4 3 8-7-5-7 5 3-8-6-4h7z"/>'
RINGS = (
    '<path d="M2 12a10 10 0 1020 0a10 10 0 10-20 0M7 12h10M12 7v10" fill="none" stroke="black"/>'
)
CROSS = '<path d="M10 2h4v8h8v4h-8v8h-4v-8h-8v-4h8z"/>'
PLATE = '<rect width="24" height="24" rx="5" fill="{ground}"/><g fill="white">{mark}</g>'


def signed(body: str) -> Signature:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">{body}</svg>'
    result = render(Drawing("p", "1", "n", svg, "MIT", True))
    assert isinstance(result, Rendered)
    return result.signature


def recoloured(body: str, colour: str) -> str:
    return f'<g fill="{colour}">{body}</g>'


@pytest.fixture(scope="module")
def star() -> Signature:
    return signed(STAR)


def test_a_recoloured_drawing_is_a_copy(star: Signature) -> None:
    blue = signed(recoloured(STAR, "#2a6fdb"))
    assert clusters(np.stack((star, blue))) == [[0, 1]]


def test_another_drawing_is_none(star: Signature) -> None:
    assert clusters(np.stack((star, signed(RINGS), signed(CROSS)))) == [[0], [1], [2]]


def test_two_plates_are_told_apart_by_what_is_on_them() -> None:
    plates = [signed(PLATE.format(ground="#222", mark=mark)) for mark in (STAR, CROSS)]
    assert clusters(np.stack(plates)) == [[0], [1]]


def test_the_same_plate_in_another_colour_is_a_copy() -> None:
    plates = [signed(PLATE.format(ground=g, mark=CROSS)) for g in ("#222", "#0a7")]
    assert clusters(np.stack(plates)) == [[0, 1]]


def test_copies_of_copies_are_one_cluster_and_the_greatest_comes_first(star: Signature) -> None:
    others = [signed(CROSS), star, signed(recoloured(STAR, "red")), star]
    assert clusters(np.stack(others)) == [[1, 2, 3], [0]]


def test_near_copies_are_found_among_other_drawings(star: Signature) -> None:
    given = np.stack((signed(CROSS), signed(recoloured(STAR, "green")), signed(RINGS)))
    assert near_copies(given, star[None]).tolist() == [False, True, False]


def plain_distinct(signatures: NDArray[np.uint8], tolerance: int) -> list[bool]:
    bits = signatures.reshape(len(signatures), -1) > 127
    keep: list[bool] = []
    for i, row in enumerate(bits):
        keep.append(not any(keep[j] and (row != bits[j]).sum() <= tolerance for j in range(i)))
    return keep


@pytest.mark.parametrize("tolerance", [0, 10, 200])
def test_distinct_keeps_the_first_of_near_copies_in_order(tolerance: int) -> None:
    rng = np.random.default_rng(3)
    bases = rng.random((12, 2, 32, 32)) < rng.random((12, 1, 1, 1))
    flips = rng.random((90, 2, 32, 32)) < rng.choice([0, 0.003, 0.04], (90, 1, 1, 1))
    signatures = (bases[rng.integers(12, size=90)] ^ flips).astype(np.uint8) * 255
    expected = plain_distinct(signatures, tolerance)
    assert distinct(signatures, tolerance=tolerance).tolist() == expected
    assert 12 <= sum(expected) < 90 or tolerance == 200


def test_nothing_is_distinct_of_nothing() -> None:
    assert distinct(np.empty((0, 2, 32, 32), np.uint8), tolerance=3).tolist() == []
