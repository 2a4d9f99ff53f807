"""What killed builds have left: drafts that nobody holds any more."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from pathlib import Path

from filelock import FileLock, Timeout

DRAFT = "draft-"
# Where the folder of an index cannot be written.
TEMPORARY = f"likemark-{DRAFT}"
MAKING = "making.lock"  # held in a draft by its maker
_YOUNG = 60  # seconds


def sweep_drafts(folder: Path, prefix: str = DRAFT) -> None:
    """Remove drafts that nobody makes any more."""
    for draft in folder.glob(f"{prefix}*"):
        with contextlib.suppress(Timeout, OSError):
            if draft.is_symlink():  # none of ours: temporary files are anybody's
                continue
            if not (draft / MAKING).exists() and _age(draft) < _YOUNG:
                continue  # its maker is about to hold it
            with FileLock(draft / MAKING, timeout=0):
                pass
            shutil.rmtree(draft, ignore_errors=True)


def sweep_temporary() -> None:
    """The same among the system's temporary files."""
    with contextlib.suppress(OSError):  # there is no such folder, or its disk is full
        sweep_drafts(Path(tempfile.gettempdir()), TEMPORARY)


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime
