"""The transformations that make up the suite, in the order of the tables."""

from __future__ import annotations

from likemark.benchmarks.invariance.inks import INK_WAYS
from likemark.benchmarks.invariance.shapes import SHAPE_WAYS
from likemark.benchmarks.invariance.transformations import Transformation
from likemark.db.errors import InvalidInput

TRANSFORMATIONS: dict[str, Transformation] = {**SHAPE_WAYS, **INK_WAYS}


def select(names: tuple[str, ...]) -> tuple[Transformation, ...]:
    """The transformations of these names, in their order; none named: all."""
    unknown = [name for name in names if name not in TRANSFORMATIONS]
    if unknown:
        known = ", ".join(TRANSFORMATIONS)
        raise InvalidInput(f"no transformation is named {unknown[0]!r}: choose from {known}")
    return tuple(TRANSFORMATIONS[name] for name in names or TRANSFORMATIONS)
