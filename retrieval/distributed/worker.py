"""What runs in a worker: pictures are hashed there, decoded and embedded."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import ModelMismatch, PictureError
from likemark.db.values import ImageFacts
from likemark.retrieval.cards import ModelCard
from likemark.retrieval.devices import choose_device
from likemark.retrieval.distributed.sent import network_from_bytes
from likemark.retrieval.embedder import Embedder
from likemark.retrieval.models import list_models
from likemark.retrieval.pictures.decode import read_checked
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Picture, Request
from likemark.retrieval.pictures.places import is_elsewhere
from likemark.retrieval.pictures.pool import DecoderPool
from likemark.retrieval.pipeline import facts_of

# Objects read to be hashed, kept until they are embedded.
_KEPT_BYTES = 128 * 2**20


@dataclass(frozen=True, slots=True)
class Given:
    """One picture handed to a worker."""

    path: str
    data: bytes | None = None  # its file; None: the worker reads it
    content: bytes | None = None  # sha256 that the file must have, 32 bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a picture; `refusal` stands alone."""

    content: bytes | None = None  # sha256 of the file, 32 bytes
    facts: ImageFacts | None = None
    vector: NDArray[np.float32] | None = None  # (D,), a unit row
    refusal: tuple[str, str] | None = None  # reason code and detail
    worker: str = ""  # who read the file last


@dataclass(frozen=True, slots=True)
class Assignment:
    """What every worker of a run is told."""

    card: Mapping[str, Any]  # the model's
    fingerprint: str  # of the model, as the driver computes it
    weights: tuple[Any, ...]  # a reference to each of the weights files' bytes, (n,) uint8
    limits: PictureLimits
    device: str  # auto, cpu, cuda or mps
    decoders: int  # processes that decode, of each worker
    inspect: Callable[[str], None] | None = None  # called with each place before it is decoded


@dataclass(frozen=True, slots=True)
class Hello:
    name: str  # of the worker, unlike any other
    version: str  # of likemark there


@dataclass(slots=True)
class _Kept:
    """The newest objects that were read, by their hash, up to a number of bytes."""

    held: OrderedDict[bytes, bytes] = field(default_factory=OrderedDict)
    size: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, content: bytes, data: bytes) -> None:
        with self.lock:
            if content not in self.held:
                self.held[content] = data
                self.size += len(data)
            while self.size > _KEPT_BYTES:
                self.size -= len(self.held.popitem(last=False)[1])

    def take(self, content: bytes | None) -> bytes | None:
        with self.lock:
            data = None if content is None else self.held.pop(content, None)
            self.size -= len(data or b"")
            return data


class Worker:
    """A Ray actor; its calls may run side by side. Raises ModelMismatch where it must not begin."""

    def __init__(self, assignment: Assignment) -> None:
        self._given = assignment
        self._card = _read_card(assignment)
        self._name = uuid.uuid4().hex
        self._pool = DecoderPool(
            size=self._card.input_size, limits=assignment.limits, workers=assignment.decoders
        )
        self._lock = threading.Lock()
        self._embedder: Embedder | None = None
        self._kept = _Kept()

    def hello(self) -> Hello:
        return Hello(self._name, version("likemark"))

    def hashed(self, pictures: Sequence[Given]) -> list[Answer]:
        """The content of each picture, or why it cannot be one."""
        return [self._hash(given) for given in pictures]

    def embedded(self, pictures: Sequence[Given]) -> list[Answer]:
        """Facts and vector of each picture, or its refusal."""
        results = list(self._pool.map(map(self._request, pictures)))
        checked = [_checked(given, result) for given, result in zip(pictures, results, strict=True)]
        pixels = [result.pixels for result in checked if isinstance(result, Picture)]
        rows = iter(self._rows(pixels))
        return [
            Answer(refusal=(result.reason, result.detail), worker=self._name)
            if isinstance(result, PictureError)
            else Answer(result.content, facts_of(result), next(rows), worker=self._name)
            for result in checked
        ]

    def close(self) -> None:
        """End the decoders; Ray ends the process without asking, and they end with it."""
        self._pool.close()

    def _hash(self, given: Given) -> Answer:
        try:
            data, _kind = read_checked(Request(given.path, given.data), self._given.limits)
        except PictureError as refusal:
            return Answer(refusal=(refusal.reason, refusal.detail), worker=self._name)
        content = hashlib.sha256(data).digest()
        if given.data is None and is_elsewhere(given.path):
            self._kept.put(content, data)
        return Answer(content, worker=self._name)

    def _request(self, given: Given) -> Request:
        if self._given.inspect is not None:
            self._given.inspect(given.path)
        data = given.data if given.data is not None else self._kept.take(given.content)
        return Request(given.path, data)

    def _rows(self, pixels: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Batches as full as the plain run's: a vector is the same to the bit."""
        if not pixels:
            return []
        embedder = self._loaded()
        if embedder.device.is_cpu:
            import torch

            torch.set_num_threads(1)  # of this thread alone
        rows: list[NDArray[np.float32]] = []
        for start in range(0, len(pixels), embedder.batch):
            part = pixels[start : start + embedder.batch]
            stacked = np.zeros((embedder.batch, embedder.size, embedder.size, 3), np.uint8)
            stacked[: len(part)] = part
            rows += list(embedder.embed(stacked)[: len(part)])
        return rows

    def _loaded(self) -> Embedder:
        with self._lock:
            if self._embedder is None:
                self._embedder = self._load()
            return self._embedder

    def _load(self) -> Embedder:
        import ray

        for model in list_models():
            if model.card.fingerprint == self._given.fingerprint:
                return Embedder.load(model, device=self._given.device)
        files: list[NDArray[np.uint8]] = ray.get(list(self._given.weights))
        network = network_from_bytes(self._card, files)
        return Embedder(self._card, network, choose_device(self._given.device))


def _read_card(assignment: Assignment) -> ModelCard:
    card = ModelCard(**assignment.card)
    if card.fingerprint != assignment.fingerprint:
        raise ModelMismatch(
            f"model {card.name!r} is {card.fingerprint[:8]} to a worker and "
            f"{assignment.fingerprint[:8]} here; install the same likemark on every node"
        )
    return card


def _checked(given: Given, result: Picture | PictureError) -> Picture | PictureError:
    if isinstance(result, Picture) and given.content not in (None, result.content):
        changed = "the file changed while it was read; run again"
        return PictureError(given.path, "unreadable", changed)
    return result
