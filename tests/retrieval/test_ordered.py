from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from likemark.retrieval.ordered import in_order


def squared(item: int) -> int:
    if item == 7:
        raise ValueError("seven")
    return item * item


def done(item: int) -> Future[int]:
    future: Future[int] = Future()
    future.set_result(item)
    return future


def test_results_come_in_the_order_of_their_items() -> None:
    with ThreadPoolExecutor(3) as pool:
        found = list(in_order(lambda item: pool.submit(squared, item), range(7), ahead=4))
    assert found == [item * item for item in range(7)]


def test_no_more_items_are_taken_than_may_wait() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(20):
            taken.append(item)
            yield item

    results = in_order(done, items(), ahead=3)
    assert taken == []
    for expected in range(5):
        assert next(results) == expected
        assert len(taken) == expected + 3


def test_what_has_not_begun_is_cancelled_when_work_fails() -> None:
    given: list[Future[int]] = []

    def submit(item: int) -> Future[int]:
        given.append(Future())
        if item == 0:
            given[0].set_exception(ValueError("first"))
        return given[-1]

    with pytest.raises(ValueError, match="first"):
        next(in_order(submit, range(9), ahead=4))
    assert [future.cancelled() for future in given] == [False, True, True, True]
