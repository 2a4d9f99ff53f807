"""Vectors without a catalogue: pictures in, an `.npz` file out. N pictures, D dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import PictureError
from likemark.retrieval.devices import AUTO as AUTO_DEVICE
from likemark.retrieval.embedder import Embedder, pixels_of
from likemark.retrieval.files import check_named, whole_file
from likemark.retrieval.models import FoundModel
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Request
from likemark.retrieval.pictures.pool import DecoderPool


@dataclass(frozen=True, slots=True)
class Embedded:
    paths: tuple[str, ...]  # (N,) of the pictures that could be read
    vectors: NDArray[np.float32]  # (N, D), unit rows
    model: str  # name
    errors: tuple[PictureError, ...]  # of the others
    rejected: tuple[str, ...]  # their paths, as they were given


def embed_pictures(
    requests: Sequence[Request],
    model: FoundModel,
    *,
    device: str = AUTO_DEVICE,
    limits: PictureLimits | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Embedded:
    """Embed pictures in their order; those that cannot be read are left out and listed."""
    paths: list[str] = []
    rows: list[NDArray[np.float32]] = []
    errors: list[PictureError] = []
    rejected: list[str] = []
    limits = limits or PictureLimits()
    with DecoderPool(size=model.card.input_size, limits=limits) as pool:
        decoded = zip(requests, pool.map(requests), strict=True)
        embedder = Embedder.load(model, device=device)
        for (request, result), row in embedder.stream(decoded, lambda item: pixels_of(item[1])):
            if isinstance(result, PictureError):
                errors.append(result)
                rejected.append(request.name)
            if row is not None:
                paths.append(request.name)
                rows.append(row)
            progress(len(rows) + len(errors))
    empty = np.empty((0, model.card.dimension), np.float32)
    vectors = np.stack(rows) if rows else empty
    return Embedded(tuple(paths), vectors, model.card.name, tuple(errors), tuple(rejected))


def write_npz(embedded: Embedded, out: Path) -> None:
    """Write `paths` (N,) str, `vectors` (N, D) float32 and `model` str, whole or not at all.

    Raises what `check_npz` raises, and LikemarkError when the file cannot be written.
    """
    check_npz(out)
    with whole_file(out) as stream:
        np.savez(
            stream,
            paths=np.array(embedded.paths, dtype=np.str_),
            vectors=embedded.vectors,
            model=np.array(embedded.model),
        )


def check_npz(out: Path) -> None:
    """Raise InvalidInput for a name that does not end in .npz, and what `check_target` raises."""
    check_named(out, ".npz")
