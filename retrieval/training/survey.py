"""One look at every drawing before a training: which cannot be read, and what shape each has."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import PictureError
from likemark.retrieval import shape
from likemark.retrieval.devices import processes
from likemark.retrieval.files import whole_file
from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.pictures.normalise import prepared
from likemark.retrieval.training.alike import DIMENSION, thrown
from likemark.retrieval.training.corpus import Corpus

Rows = NDArray[np.float32]
_CHUNK = 64


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    corpus: Corpus  # the N drawings that can be read
    shapes: Rows  # (N, 256), of length 1
    errors: tuple[str, ...]  # of the others


def survey(corpus: Corpus, *, kept: Path, told: Callable[[int, int], None]) -> Survey:
    """kept: a file that spares a resumed run the reading; told: how many of all are read."""
    paths = [str(path) for path in corpus.paths]
    key = hashlib.sha256("\n".join(map(_state, paths)).encode()).hexdigest()
    found = _remembered(kept, key)
    if found is None:
        found = _surveyed(paths, told)
        with whole_file(kept) as stream:
            np.savez(stream, key=key, shapes=found[0], errors=np.array(found[1], np.str_))
    shapes, errors = found
    whole = np.array([not error for error in errors])
    return Survey(corpus.only(whole), shapes[whole], tuple(error for error in errors if error))


def _state(path: str) -> str:
    """What tells that a file has changed."""
    try:
        stat = os.stat(path)
    except OSError:
        return path
    return f"{path} {stat.st_size} {stat.st_mtime_ns}"


def _remembered(kept: Path, key: str) -> tuple[Rows, list[str]] | None:
    """None for a file that is not there, of other drawings, or not whole."""
    try:
        with kept.open("rb") as stream, np.load(stream) as held:
            return (held["shapes"], held["errors"].tolist()) if str(held["key"]) == key else None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def _surveyed(paths: list[str], told: Callable[[int, int], None]) -> tuple[Rows, list[str]]:
    shapes = np.zeros((len(paths), DIMENSION), np.float32)
    errors: list[str] = []
    for rows, faults in _chunks(paths):
        shapes[len(errors) : len(errors) + len(rows)] = rows
        errors += faults
        told(len(errors), len(paths))
    return shapes, errors


def _chunks(paths: list[str]) -> Iterator[tuple[Rows, list[str]]]:
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    if len(chunks) == 1:  # not worth the start of other processes
        yield _looked_at(paths)
        return
    with processes() as pool:
        yield from pool.map(_looked_at, chunks)


def _looked_at(paths: list[str]) -> tuple[Rows, list[str]]:
    rows, faults = [], []
    for path in paths:
        row, fault = np.zeros(shape.DIMENSION, np.float32), ""
        try:
            row = shape.describe(prepared(load_picture(Path(path)), shape.SIZE))
        except PictureError as error:
            fault = str(error)
        rows.append(row)
        faults.append(fault)
    return thrown(np.stack(rows)), faults
