"""Embeddings of a benchmark's pictures, kept on the disk: a killed run goes on where it stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from likemark.benchmarks.encoders import Encoder, Pixels, Rows
from likemark.db.errors import LikemarkError

_ROWS = 512
Progress = Callable[[str], None]


def embedded(
    encoder: Encoder,
    pictures: Sequence[Pixels],
    cache: Path,
    *,
    data: str,
    progress: Progress = lambda line: None,
) -> Rows:
    """The rows of all pictures, of which those in the cache are not computed again.

    pictures: N; fewer than at another time if they are the first of the same
    cache: folder, made when missing
    data: what the pictures are, as a hash; other data never shares a file
    result: (N, D) float32 unit rows, memory-mapped
    Raises LikemarkError when the folder cannot be written, and what decoding raises.
    """
    key = hashlib.sha256(f"{data}\0{encoder.fingerprint}".encode()).hexdigest()
    path, width = cache / f"{key[:32]}.rows", 4 * encoder.dimension
    try:
        cache.mkdir(parents=True, exist_ok=True)
        done = path.stat().st_size // width if path.exists() else 0
        if done < len(pictures):
            _append(path, encoder, pictures, done, progress)
    except OSError as error:
        raise LikemarkError(f"{path}: cannot be written: {error.strerror}") from error
    rows = np.memmap(path, np.float32, "r", shape=(len(pictures), encoder.dimension))
    return rows


def _append(
    path: Path, encoder: Encoder, pictures: Sequence[Pixels], done: int, progress: Progress
) -> None:
    total = len(pictures)
    rows = encoder.encode(pictures[i] for i in range(done, total))
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.seek(done * encoder.dimension * 4)
        file.truncate()  # a killed run may have left part of a row
        for block in _blocks(rows):
            file.write(np.ascontiguousarray(block, np.float32).tobytes())
            file.flush()
            done += len(block)
            progress(f"{encoder.name}: {done:,} of {total:,} pictures")


def _blocks(rows: Iterator[Rows]) -> Iterator[Rows]:
    while block := list(islice(rows, _ROWS)):
        yield np.stack(block)
