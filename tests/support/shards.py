"""Tar shards made of a folder, in the order in which the folder is read."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from likemark.retrieval.scan import pictures


def write_shard(path: Path, folder: Path) -> Path:
    """A .tar, or a .tar.gz, of every picture below a folder."""
    files = {str(p.relative_to(folder)): p.read_bytes() for p in pictures(folder)}
    return write_members(path, files)


def write_links(path: Path, links: Mapping[str, str], *, symbolic: bool) -> None:
    """Append links to a .tar: what each of the names stands for."""
    with tarfile.open(path, "a") as archive:
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type = tarfile.SYMTYPE if symbolic else tarfile.LNKTYPE
            info.linkname = target
            archive.addfile(info)


def write_members(path: Path, files: Mapping[str, bytes]) -> Path:
    mode: Literal["w:gz", "w"] = "w:gz" if path.name.endswith("gz") else "w"
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path
