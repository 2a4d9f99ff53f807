"""Recipes as plain numbers: what bounds them, and how tables such as TOML's become recipes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

Range = tuple[float, float]
Made = TypeVar("Made")


def check_bounds(values: Mapping[str, Any], within: Mapping[str, Range]) -> None:
    """Raise ValueError for a chance outside 0 to 1, or a strength outside its bounds."""
    for name, value in values.items():
        low, high = within.get(name, (0.0, 1.0))
        numbers = value if isinstance(value, tuple) else (value,)
        if not all(low <= number <= high for number in numbers):
            raise ValueError(f"{name} {value} must be from {low} to {high}")
        if isinstance(value, tuple) and (len(value) != 2 or value[0] > value[1]):
            raise ValueError(f"{name} {value} must be two numbers, the lower first")


def from_tables(make: type[Made], tables: Mapping[str, object], name: str) -> Made:
    """A dataclass whose fields are numbers, or dataclasses of numbers with tables of their own.

    name: what it is called where it is refused
    Raises ValueError for a name that is none, or a number out of its range.
    """
    made = dict(tables)
    for each in fields(make):  # type: ignore[arg-type]
        group: Any = each.default_factory
        if is_dataclass(group) and each.name in made:
            made[each.name] = _from_table(group, made[each.name], each.name)
    whole: Made = _from_table(make, made, name)
    return whole


def _from_table(make: Any, table: object, name: str) -> Any:
    if not isinstance(table, Mapping):
        raise ValueError(f"{name} must be a table of numbers, not {table!r}")
    known = [each.name for each in fields(make)]
    for key in table:
        if key not in known:
            raise ValueError(f"{name} has no {key!r}: choose from {', '.join(known)}")
    return make(**{key: tuple(v) if isinstance(v, list) else v for key, v in table.items()})
