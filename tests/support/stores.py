"""A store of several servers, whose paths are without their server: as those of ftp:// are."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fsspec import register_implementation
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem


def serve(root: Path) -> None:
    """Let `many://SERVER/PATH` be `root/SERVER/PATH`, until another root is served."""

    class Many(DirFileSystem):  # type: ignore[misc]
        protocol = "many"

        def __init__(self, host: str, **options: Any) -> None:
            super().__init__(path=str(root / host), fs=LocalFileSystem(), **options)

        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            return urlsplit(path).path.strip("/") if "://" in path else path.strip("/")

        @staticmethod
        def _get_kwargs_from_urls(path: str) -> dict[str, str]:
            return {"host": urlsplit(path).netloc}

    register_implementation("many", Many, clobber=True)
