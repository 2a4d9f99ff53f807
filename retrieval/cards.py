"""A model: safetensors and a JSON card that says what it is and how to feed it.

Models that share most of their weights share files: a card may name some that the weights of its
own file are laid over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from likemark.db.errors import ModelDamaged, ModelError, one_line
from likemark.retrieval.files import write_whole
from likemark.retrieval.poolings import OURS, is_ours, parts

if TYPE_CHECKING:
    import torch
    from torch import nn

# Part of every fingerprint: advance it when the same file would give other pixels.
PICTURE_RULES = 1
_CHUNK = 2**22


class Card:
    """What any card has, a frozen dataclass: its JSON file, and the weights that belong to it."""

    __slots__ = ()
    kind: ClassVar[str] = "model"  # in messages
    name: str
    weights: str  # file name, beside the card
    sha256: str  # of the weights file, hexadecimal

    @classmethod
    def values(cls, path: Path) -> dict[str, Any]:
        """Raises ModelError when there is no card, ModelDamaged when it is no JSON object."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ModelError(f"{cls.kind} card {path}: no such file") from None
        except (OSError, ValueError) as error:
            raise ModelDamaged(f"{cls.kind} card {path}: {error}") from error
        if not isinstance(values, dict):
            raise ModelDamaged(f"{cls.kind} card {path}: must hold one JSON object")
        return values

    def write(self, path: Path) -> None:
        whole: Any = self
        text = json.dumps(asdict(whole), indent=2, ensure_ascii=False)
        write_whole(path, (text + "\n").encode())

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """Names and sha256 of the weights files, each laid over those before it."""
        return ((self.weights, self.sha256),)

    def check_weights(self, folder: Path) -> tuple[Path, ...]:
        """The weights files, once their hashes agree. Raises ModelDamaged."""
        for name, wanted in self.files:
            path = folder / name
            try:
                found = file_sha256(path)
            except OSError as error:
                raise self.damaged(f"{path}: {error.strerror}") from error
            if found != wanted:
                raise self.damaged(
                    f"{path} is not the file of its card "
                    f"(sha256 {found[:12]}…, card {wanted[:12]}…); fetch or install it again"
                )
        return tuple(folder / name for name, _ in self.files)

    def read_weights(self, folder: Path) -> dict[str, torch.Tensor]:
        """Once the files' hashes agree. Raises ModelDamaged."""
        import safetensors
        from safetensors.torch import load_file

        from likemark.retrieval.eight_bits import unpacked

        weights: dict[str, torch.Tensor] = {}
        for path in self.check_weights(folder):
            try:
                weights |= unpacked(load_file(path))
            except (OSError, safetensors.SafetensorError) as error:
                reason = one_line(str(error), limit=200)
                raise self.damaged(f"{path} cannot be read: {reason}") from error
            except ValueError as error:
                raise self.unfit(path, error) from error
        return weights

    def read_merged(self, folder: Path) -> dict[str, torch.Tensor]:
        """With the changes that a training learned beside them added. Raises ModelDamaged."""
        return self._merged(self.read_weights(folder), folder / self.weights)

    def fill(self, network: nn.Module, folder: Path) -> None:
        """Raises ModelDamaged where the files' weights do not fit."""
        self.put(network, self.read_weights(folder), folder / self.weights)

    def put(
        self, network: nn.Module, weights: Mapping[str, torch.Tensor], where: Path | str
    ) -> None:
        """Give the network the weights of the card's files, laid over each other.

        where: what they are called where they do not fit: ModelDamaged is raised then
        """
        try:
            network.load_state_dict(self._merged(weights, where), strict=True)
        except RuntimeError as error:
            raise self.unfit(where, error) from error

    def _merged(
        self, weights: Mapping[str, torch.Tensor], where: Path | str
    ) -> dict[str, torch.Tensor]:
        from likemark.retrieval.lowrank import merged

        try:
            return merged(weights)
        except (KeyError, RuntimeError) as error:
            raise self.unfit(where, error) from error

    def unfit(self, where: Path | str, error: Exception) -> ModelDamaged:
        return self.damaged(f"{where} does not fit: {one_line(str(error), limit=200)}")

    def damaged(self, why: str) -> ModelDamaged:
        return ModelDamaged(f"{self.kind} {self.name!r}: {why}")


@dataclass(frozen=True, slots=True)
class ModelCard(Card):
    name: str
    backbone: str  # timm's name
    input_size: int  # px, square
    mean: tuple[float, float, float]  # of RGB in 0..1
    std: tuple[float, float, float]
    pooling: str  # timm's global_pool (avg, token, ...), or "linear:" and likemark's own
    dimension: int  # of the embedding
    licence: str  # SPDX, of the weights
    provenance: str  # training data and where the weights come from
    weights: str  # file name, beside the card
    sha256: str  # of the weights file, hexadecimal
    # Names and sha256 of files beside the card: each is laid over those before it, `weights` last.
    bases: tuple[tuple[str, str], ...] = ()
    colour: str = "rgb"  # "grey": the network sees luminance (ITU-R BT.601) in all three channels
    options: Mapping[str, Any] = field(default_factory=dict)  # further arguments of the backbone
    about: Mapping[str, Any] = field(default_factory=dict)  # data, recipe, scores: for people

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise ModelDamaged(f"model card {self.name!r}: {problem}")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises ModelError when there is no card, ModelDamaged when it cannot be used."""
        values = cls.values(path)
        wrong = (values.keys() | _OPTIONAL) ^ {f.name for f in fields(cls)}
        if wrong:
            listed = ", ".join(sorted(wrong))
            raise ModelDamaged(f"model card {path}: missing or unknown: {listed}")
        for name in ("mean", "std"):
            values[name] = tuple(values[name]) if isinstance(values[name], list) else ()
        values["bases"] = _pairs(values.get("bases", []))
        return cls(**values)

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        return (*self.bases, (self.weights, self.sha256))

    @property
    def fingerprint(self) -> str:
        """Equal for models whose vectors may be mixed: 64 hexadecimal digits."""
        what = {k: v for k, v in asdict(self).items() if k not in _NOT_IN_VECTORS}
        if self.bases:
            what["bases_sha256"] = [sha256 for _, sha256 in self.bases]
        text = json.dumps({**what, "picture_rules": PICTURE_RULES}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


_OPTIONAL = {"bases", "colour", "options", "about"}
_NOT_IN_VECTORS = ("name", "licence", "provenance", "weights", "bases", "about")


def _pairs(value: Any) -> Any:
    """A list of lists as tuples; anything else as it is, for `_problem` to refuse."""
    if not isinstance(value, list) or not all(isinstance(each, list) for each in value):
        return value
    return tuple(tuple(each) for each in value)


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def is_weights_file(name: str) -> bool:
    """Whether it can be one beside a card."""
    return Path(name).name == name and name.endswith(".safetensors")


def _are_files(pairs: Any) -> bool:
    return isinstance(pairs, tuple) and all(
        isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(x, str) and x for x in pair)
        for pair in pairs
    )


def _problem(card: ModelCard) -> str | None:
    texts = (card.name, card.backbone, card.pooling, card.licence, card.weights, card.sha256)
    if not all(isinstance(text, str) and text for text in texts):
        return "name, backbone, pooling, licence, weights and sha256 must be text"
    if not _are_files(card.bases):
        return "bases must be a list of pairs: a file's name and its sha256"
    if len({name for name, _ in card.files}) <= len(card.bases):
        return "bases and weights must be different files"
    for name, _ in card.files:
        if not is_weights_file(name):
            return f"weights {name!r} must be a .safetensors file beside the card"
    sizes = (card.input_size, card.dimension)
    if not all(isinstance(n, int) and 1 <= n <= 4096 for n in sizes):
        return f"input_size and dimension must be whole numbers from 1 to 4096, not {sizes}"
    numbers = (*card.mean, *card.std)
    if len(numbers) != 6 or not all(isinstance(n, int | float) for n in numbers):
        return "mean and std must be three numbers each"
    if min(card.std) <= 0:
        return "std must be above 0"
    if card.colour not in ("rgb", "grey"):
        return f"colour {card.colour!r} must be rgb or grey"
    try:
        parts(card.pooling.removeprefix(OURS)) if is_ours(card.pooling) else None
    except ValueError as error:
        return str(error)
    objects = isinstance(card.options, dict) and isinstance(card.about, dict)
    return None if objects else "options and about must be objects"
