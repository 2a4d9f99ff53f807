"""Settings of any shape that a task may have: tables, lists, and defaults of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from likemark.db.errors import InvalidInput
from likemark.retrieval.training.settings import check, made, of_task


@dataclass(frozen=True, slots=True)
class Shape:
    layers: tuple[int, ...] = (3, 7)
    shares: tuple[float, ...] = ()
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check("shape.layers", bool(self.layers), "some")


@dataclass(frozen=True, slots=True)
class Whole:
    rate: float
    shape: Shape = field(default_factory=Shape)


def test_lists_are_of_what_the_annotation_says() -> None:
    tables = {"rate": 1, "shape": {"layers": [1, 2], "shares": [1, 0.5], "names": ["a", 3]}}
    built = made(Whole, tables)
    assert built == Whole(1.0, Shape((1, 2), (1.0, 0.5), ("a", "3")))
    assert [type(one) for one in built.shape.shares] == [float, float]


def test_what_is_not_given_has_its_default() -> None:
    assert made(Whole, {"rate": 2.5}).shape.layers == (3, 7)


@pytest.mark.parametrize(
    ("values", "said"),
    [({}, "rate must be set"),
     ({"rate": 1, "shape": []}, "shape must be a table"),
     ({"rate": 1, "shape": {"layers": 3}}, "shape.layers: 3 must be a list of whole numbers"),
     ({"rate": 1, "shape": {"layers": [1.5]}}, "shape.layers: 1.5 must be a whole number"),
     ({"rate": 1, "shape": {"layers": [True]}}, "shape.layers: True must be a whole number"),
     ({"rate": 1, "shape": {"shares": "x"}}, "shape.shares: 'x' must be a list of numbers"),
     ({"rate": 1, "shape": {"layers": []}}, "shape.layers must be some"),
     ({"rate": 1, "size": 3}, "size is no setting; there are: rate, shape")],
    ids=str,
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_its_name(values: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        made(Whole, values)
    assert str(refused.value) == said


def test_the_task_is_no_table() -> None:
    assert of_task("mine", {"task": "mine", "rate": 1}) == {"rate": 1}
    assert of_task("retrieval", {"rate": 1}) == {"rate": 1}
    with pytest.raises(InvalidInput, match="task must be 'mine' here, not 'retrieval'"):
        of_task("mine", {"rate": 1})
