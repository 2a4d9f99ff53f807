"""The unchanging part of an approximate index: trained engine, mapped lists, places of ids.

It is a folder that is written once, under a name of its own, and never changed: a later state that
keeps it refers to it. While it is being made it is a draft, held by a lock: one whose maker was
killed is told by its lock being free, and swept away.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

from filelock import FileLock

from likemark.db.errors import IndexFault, one_line
from likemark.index.lists import ListTable, MappedLists, write_lists
from likemark.index.places import IDS, LISTS, Places
from likemark.index.probing import faiss
from likemark.index.protocol import Ids
from likemark.index.storage import KEPT, sweep_unnamed
from likemark.index.sweeping import DRAFT, MAKING, TEMPORARY, sweep_drafts, sweep_temporary

TRAINED, TABLE, CONTENT = "trained.faiss", "table.npz", "lists.bin"
# Files that are read in whole, and so checked on opening; the lists are checked one by one.
WHOLE = (TRAINED, TABLE, IDS, LISTS)
_BY_QUERY = 3  # FAISS's number


class Base:
    """Vectors that do not change: to add or remove some is the business of the layers above."""

    def __init__(self, folder: Path, *, draft: Draft | None = None) -> None:
        self.folder = folder
        self._draft = draft  # held for as long as the folder is no part of a stored state
        engine = _read(folder / TRAINED)
        # Another writer may sweep the folder away: what is mapped stays, what is not is kept here.
        self.trained = faiss.clone_index(engine)
        self.lists = MappedLists(folder / CONTENT, ListTable.load(folder / TABLE))
        self.places = Places.load(folder, int(engine.nlist))
        engine.replace_invlists(self.lists.faiss, False)
        engine.ntotal = len(self.places.ids)
        self.engine = engine

    @property
    def count(self) -> int:
        return len(self.places.ids)

    @property
    def mean(self) -> float:
        """Vectors in a list."""
        return self.count / int(self.engine.nlist)

    @property
    def exact(self) -> bool:
        """Whether the codes are the vectors as the catalogue has them, to float16 accuracy."""
        if isinstance(self.engine, faiss.IndexIVFScalarQuantizer):
            half = self.engine.sq.qtype == faiss.ScalarQuantizer.QT_fp16
            return bool(half and not self.engine.by_residual)
        return isinstance(self.engine, faiss.IndexIVFFlat)

    def spawn(self) -> Any:
        """An empty engine of the same training, in memory."""
        return faiss.clone_index(self.trained)

    def keep(self, folder: Path) -> Path:
        """Its place in a folder, moved or copied there if need be; what is mapped stays so.

        Raises OSError.
        """
        if self._draft is None and self.folder.parent == folder:
            return self.folder
        kept = folder / f"{KEPT}{secrets.token_hex(8)}"
        if self._draft is None:
            shutil.copytree(self.folder, kept)
        else:
            shutil.move(self.folder, kept)
            self._draft.release()
            (kept / MAKING).unlink(missing_ok=True)
        self.folder, self._draft = kept, None
        return kept


def _read(path: Path) -> Any:
    engine = faiss.read_index(str(path))
    # Where lists are chosen before they are visited, FAISS shares queries out in this mode alone.
    engine.parallel_mode = _BY_QUERY
    return engine


class Draft:
    """A folder to make a base in; it goes when nothing holds it, unless it was kept."""

    def __init__(self, folder: Path) -> None:
        # What killed builds and savers have left would fill the disk in the end.
        sweep_drafts(folder)
        sweep_temporary()
        sweep_unnamed(folder)
        self.folder = _draft_folder(folder)
        self._lock = FileLock(self.folder / MAKING)
        self._lock.acquire()
        self._end = weakref.finalize(self, _drop, self.folder, self._lock)

    def file(self, name: str) -> Path:
        return self.folder / name

    def finished(self, trained: Any, sources: list[Any], *, without: Ids | None = None) -> Base:
        """Write what is searched, from FAISS's lists (see `write_lists`)."""
        try:
            faiss.write_index(trained, str(self.file(TRAINED)))
            table = write_lists(self.file(CONTENT), sources, without=without)
            table.save(self.file(TABLE))
            Places.of(MappedLists(self.file(CONTENT), table)).save(self.folder)
            return Base(self.folder, draft=self)
        except (OSError, RuntimeError) as error:
            raise _unwritten(self.folder, error) from error

    def release(self) -> None:
        self._end.detach()
        self._lock.release()


def _draft_folder(folder: Path) -> Path:
    """Beside the stored states; where that cannot be, among the system's temporary files."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=DRAFT, dir=folder))
    except OSError:
        try:
            return Path(tempfile.mkdtemp(prefix=TEMPORARY))
        except OSError as error:
            raise _unwritten(folder, error) from error


def _unwritten(folder: Path, error: Exception) -> IndexFault:
    reason = one_line(str(error), limit=160)
    return IndexFault(f"index {folder}: cannot be built ({reason})")


def _drop(folder: Path, lock: FileLock) -> None:
    lock.release()
    shutil.rmtree(folder, ignore_errors=True)
