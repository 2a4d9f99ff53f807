"""Settings from a TOML file and the command line: into dataclasses, or one clear line of refusal.

A configuration is a dataclass of tables, a table a dataclass of settings: numbers, texts, truths
and lists of them. Beside the tables a file may say its `task`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, Self, TypeVar, get_args, get_origin, get_type_hints

from likemark.db.errors import InvalidInput

TASK = "task"  # the key
DEFAULT = "retrieval"  # where it is not said
Made = TypeVar("Made")
_WORDS: dict[Any, str] = {
    bool: "true or false", int: "a whole number", float: "a number", str: "text",
    tuple[str, ...]: "a list of texts", tuple[int, ...]: "a list of whole numbers",
    tuple[float, ...]: "a list of numbers",
}  # fmt: skip


class Tables:
    """What a configuration, a frozen dataclass of tables, is read from and written to."""

    __slots__ = ()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Raises InvalidInput for what is not understood."""
        return made(cls, values)

    def to_dict(self) -> dict[str, Any]:
        whole: Any = self  # each that inherits is a dataclass
        return asdict(whole)


def check(what: str, holds: bool, rule: str) -> None:
    """Raises InvalidInput, "WHAT must be RULE", unless it holds."""
    if not holds:
        raise InvalidInput(f"{what} must be {rule}")


def read_settings(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """overrides: such as "run.steps=500". Raises InvalidInput for what is not understood."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidInput(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path}: {error}") from error
    for override in overrides:
        _merge(values, _override(override))
    return values


def of_task(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The tables alone. Raises InvalidInput when they are of another task."""
    said = values.get(TASK, DEFAULT)
    if said != name:
        raise InvalidInput(f"{TASK} must be {name!r} here, not {said!r}")
    return {key: value for key, value in values.items() if key != TASK}


def made(kind: type[Made], values: Mapping[str, Any]) -> Made:
    """A dataclass from the values of its fields, tables and all.

    Raises InvalidInput for a setting that is unknown, lacks, or is of another kind.
    """
    built: Made = _made(kind, values, "")
    return built


def _override(text: str) -> dict[str, Any]:
    key, equals, value = text.partition("=")
    section, _, name = key.strip().partition(".")
    if not (equals and section and name) or section == TASK:
        raise InvalidInput(f"{text!r}: give a setting as SECTION.NAME=VALUE")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()  # bare words are text
    return {section: {name: parsed}}


def _merge(values: dict[str, Any], more: dict[str, Any]) -> None:
    for section, table in more.items():
        kept = values.setdefault(section, {})
        if isinstance(kept, dict):  # else it is refused where it is read
            kept.update(table)


def _made(kind: Any, values: Any, where: str) -> Any:
    if not isinstance(values, Mapping):
        raise InvalidInput(f"{where.rstrip('.')} must be a table")
    hints = get_type_hints(kind)
    unknown = sorted(values.keys() - hints.keys())
    if unknown:
        known = ", ".join(hints)
        raise InvalidInput(f"{where}{unknown[0]} is no setting; there are: {known}")
    lacking = [f.name for f in fields(kind) if _required(f) and f.name not in values]
    if lacking:
        raise InvalidInput(f"{where}{lacking[0]} must be set")
    return kind(**{k: _value(hints[k], v, where + k) for k, v in values.items()})


def _required(one: Any) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def _value(kind: Any, value: Any, name: str) -> Any:
    if is_dataclass(kind):
        return _made(kind, value, name + ".")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list | tuple) and get_origin(kind) is tuple:
        each = get_args(kind)[0]
        return tuple(str(one) if each is str else _value(each, one, name) for one in value)
    wanted: type = get_origin(kind) or kind
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
        raise InvalidInput(f"{name}: {value!r} must be {_WORDS[kind]}")
    return value
