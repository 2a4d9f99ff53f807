"""What a training does, as a TOML file says it: one table for each of the classes below."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Self, get_type_hints

from likemark.db.errors import InvalidInput


def _check(what: str, holds: bool, rule: str) -> None:
    if not holds:
        raise InvalidInput(f"{what} must be {rule}")


@dataclass(frozen=True, slots=True)
class Data:
    corpus: str  # a built corpus, a folder with one folder a brand, or a CSV
    exclude: tuple[str, ...] = ()  # groups to leave out: names or patterns such as "acme*"
    validation: float = 0.06  # share of the groups that is held out, by the hash of their names
    distractors: int = 3000  # held-out drawings that no query asks for, at most
    workers: int = 1  # processes that read and augment
    ahead: int = 6  # batches that each of them prepares in advance

    def __post_init__(self) -> None:
        _check("data.corpus", bool(self.corpus), "the path of a corpus")
        _check("data.validation", 0 < self.validation < 1, "between 0 and 1")
        _check("data.distractors", self.distractors >= 0, "0 or more")
        _check("data.workers", self.workers >= 0, "0 or more")
        _check("data.ahead", self.ahead >= 1, "1 or more")


@dataclass(frozen=True, slots=True)
class Batch:
    groups: int = 40  # in a batch, on all machines together
    views: int = 4  # of each group
    brands: float = 0.5  # share of the groups: brands that were drawn more than once
    ideas: float = 0.25  # everyday ideas drawn by many hands; the rest is single drawings
    alike: float = 0.5  # share of the groups that are chosen for looking like another in the batch
    refresh: int = 200  # steps after which what looks alike is looked up anew
    gallery: int = 0  # views of earlier batches that rank beside this one's
    chunk: int = 0  # views that go through the network at once; 0: all of them

    def __post_init__(self) -> None:
        _check("batch.groups", self.groups >= 2, "2 or more")
        _check("batch.views", self.views >= 2, "2 or more")
        _check("batch.brands", 0 <= self.brands <= 1, "from 0 to 1")
        _check("batch.ideas", 0 <= self.ideas <= 1 - self.brands, "from 0 to 1 - brands")
        _check("batch.alike", 0 <= self.alike <= 1, "from 0 to 1")
        _check("batch.refresh", self.refresh >= 1, "1 or more")
        _check("batch.gallery", self.gallery >= 0, "0 or more")
        _check("batch.chunk", self.chunk >= 0, "0 or more")


@dataclass(frozen=True, slots=True)
class Augment:
    recipe: str = "default"  # one of likemark.augment.recipe's
    plain: float = 0.3  # share of the views of groups with several drawings that stay as they are
    photos: str = ""  # a folder of photos that marks are laid on; empty: none are

    def __post_init__(self) -> None:
        _check("augment.plain", 0 <= self.plain <= 1, "from 0 to 1")


@dataclass(frozen=True, slots=True)
class Network:
    backbone: str = "tiny_vit_5m_224"  # timm's name
    weights: str = ""  # a safetensors file with timm's keys, or a model; empty: timm fetches them
    size: int = 128  # px
    pooling: str = "avg"  # parts joined by +: avg, max, gem, token
    dimension: int = 256  # of the embedding
    colour: str = "rgb"  # or grey
    freeze: int = 0  # first blocks of the backbone that are not trained
    patch_drop: float = 0.0  # share of a picture's patches that a step leaves out: a faster step
    whole: float = 0.15  # share of the steps, the last ones, that see all patches all the same

    def __post_init__(self) -> None:
        _check("network.patch_drop", 0 <= self.patch_drop < 1, "from 0 to below 1")
        _check("network.whole", 0 <= self.whole <= 1, "from 0 to 1")
        _check("network.size", 32 <= self.size <= 1024, "from 32 to 1024 px")
        _check("network.dimension", 8 <= self.dimension <= 4096, "from 8 to 4096")
        _check("network.colour", self.colour in ("rgb", "grey"), "rgb or grey")


@dataclass(frozen=True, slots=True)
class LossChoice:
    name: str = "smooth-ap"  # or triplet, supcon
    temperature: float = 0.0  # or the margin of triplet; 0: the loss's own

    def __post_init__(self) -> None:
        _check("loss.temperature", self.temperature >= 0, "0 or more")


@dataclass(frozen=True, slots=True)
class Optimiser:
    rate: float = 3e-4  # of the backbone
    head_rate: float = 2e-3  # of what follows it
    decay: float = 0.05  # of weights, not of biases and norms
    layer_decay: float = 1.0  # of the rate, from each block to the one before it
    warmup: int = 100  # steps
    average: float = 0.998  # decay of the moving average of the weights
    clip: float = 1.0  # highest norm of the gradient

    def __post_init__(self) -> None:
        _check("optimiser.rate", self.rate > 0, "above 0")
        _check("optimiser.head_rate", self.head_rate > 0, "above 0")
        _check("optimiser.decay", self.decay >= 0, "0 or more")
        _check("optimiser.layer_decay", 0 < self.layer_decay <= 1, "above 0, at most 1")
        _check("optimiser.warmup", self.warmup >= 0, "0 or more")
        _check("optimiser.average", 0 <= self.average < 1, "from 0 to below 1")
        _check("optimiser.clip", self.clip > 0, "above 0")


@dataclass(frozen=True, slots=True)
class Run:
    steps: int = 2000
    seed: int = 0
    validate: int = 250  # steps between validations
    validate_first: bool = True  # also before the first step: what the training starts from
    checkpoint: float = 180  # seconds between checkpoints
    device: str = "auto"

    def __post_init__(self) -> None:
        _check("run.steps", self.steps >= 1, "1 or more")
        _check("run.seed", self.seed >= 0, "0 or more")
        _check("run.validate", self.validate >= 1, "1 or more")
        _check("run.checkpoint", self.checkpoint >= 0, "0 or more seconds")


@dataclass(frozen=True, slots=True)
class Training:
    data: Data
    batch: Batch = field(default_factory=Batch)
    augment: Augment = field(default_factory=Augment)
    network: Network = field(default_factory=Network)
    loss: LossChoice = field(default_factory=LossChoice)
    optimiser: Optimiser = field(default_factory=Optimiser)
    run: Run = field(default_factory=Run)

    @classmethod
    def read(cls, path: Path, overrides: Sequence[str] = ()) -> Self:
        """overrides: such as "run.steps=500". Raises InvalidInput for what is not understood."""
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InvalidInput(f"{path}: no such file") from None
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{path}: {error}") from error
        for override in overrides:
            _merge(values, _override(override))
        return cls.of(values)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        made: Self = _made(cls, values, "")
        return made

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


_WORDS = {
    bool: "true or false", int: "a whole number", float: "a number", str: "text",
    tuple: "a list of texts",
}  # fmt: skip


def _override(text: str) -> dict[str, Any]:
    key, equals, value = text.partition("=")
    section, _, name = key.strip().partition(".")
    if not (equals and section and name):
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
    if isinstance(value, list | tuple) and kind == tuple[str, ...]:
        return tuple(str(each) for each in value)
    wanted: type = kind if isinstance(kind, type) else tuple
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
        raise InvalidInput(f"{name}: {value!r} must be {_WORDS[wanted]}")
    return value
