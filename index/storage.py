"""An index on disk: data under new names, then a small head file that says what belongs to it.

The head is replaced by one rename, after the data are on the disk: a reader sees the old state or
the new one. The head carries the data's lengths and CRC-32s, and its own: what is damaged is
noticed before FAISS reads any of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from filelock import FileLock, Timeout

from likemark.db.errors import IndexDamaged, IndexFault, one_line
from likemark.index.protocol import Stamp
from likemark.index.sweeping import sweep_drafts

HEAD = "index.json"
KEPT = "base-"  # folders of stored bases
LOCK = ".lock"
LAYOUT = 2
_CHUNK = 2**24
T = TypeVar("T")
Files = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class State:
    """What a head says."""

    engine: str  # which kind of index it is
    factory: str
    setting: str  # what was asked for: a factory string or "auto"
    stamp: Stamp
    files: Files  # by path within the folder: bytes, and crc32 of those that are read in whole
    about: dict[str, Any] = field(default_factory=dict)  # the engine's own

    @property
    def recall(self) -> float | None:
        """What an approximate index promises, or an exact one once it is outgrown; None where
        nothing was asked for."""
        recall = self.about.get("promise", self.about).get("recall")
        return None if recall is None else float(recall)


@contextmanager
def saving(folder: Path) -> Iterator[None]:
    """Alone in a folder; on failure what was written goes, and IndexFault is raised."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Two that store at once would sweep each other's unfinished files away.
        with FileLock(folder / LOCK):
            try:
                yield
            except BaseException:
                _sweep_unnamed(folder)
                raise
    except (OSError, RuntimeError) as error:
        reason = one_line(str(error), limit=160)
        raise IndexFault(f"index {folder}: cannot be stored ({reason})") from error


def sealed(folder: Path, names: Sequence[str]) -> Files:
    """Files brought to the disk, with their lengths and checksums."""
    files: Files = {}
    for name in names:
        _sync(folder / name)
        with (folder / name).open("rb") as stream:
            size, crc = _measured(stream)
        files[name] = {"bytes": size, "crc32": crc}
    return files


def sized(folder: Path, names: Sequence[str]) -> Files:
    """The same of files that keep checksums of their own."""
    for name in names:
        _sync(folder / name)
    return {name: {"bytes": (folder / name).stat().st_size} for name in names}


def publish(folder: Path, state: State, *, instead: Stamp | None = None) -> None:
    """Make a state the one that is read, and sweep away what belongs to no state.

    instead: of the state that it was made in place of, which may be newer. Raises IndexFault when
    any other newer one of the same catalogue and model has been stored.
    """
    held = stored_state(folder)
    if held is not None and held.stamp.newer_than(state.stamp) and held.stamp != instead:
        raise IndexFault(f"index {folder}: a newer state has been stored meanwhile; try again")
    head = {"layout": LAYOUT, **asdict(state)}
    draft = folder / f"{HEAD}.{os.getpid()}-{secrets.token_hex(4)}"
    draft.write_text(json.dumps({**head, "check": _check(head)}))
    _sync(draft)
    for part in {Path(name).parent for name in state.files}:
        _sync(folder / part)
    draft.replace(folder / HEAD)
    _sync(folder)
    _sweep(folder, keep=_parts(state))


def opened(folder: Path, load: Callable[[State], T]) -> tuple[T, State]:
    """What `load` makes of the stored state.

    Raises FileNotFoundError when none is stored, IndexDamaged when it cannot be trusted.
    """
    state = read_state(folder)
    try:
        return load(state), state
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, IndexFault) as error:
        if read_state(folder) != state:
            return opened(folder, load)  # a writer was faster
        if isinstance(error, IndexFault):
            raise
        if isinstance(error, FileNotFoundError):
            gone = next((name for name in state.files if not (folder / name).exists()), "file")
            raise IndexDamaged(f"index {folder}: its file {gone} is gone") from error
        raise IndexDamaged(f"index {folder}: {one_line(str(error), limit=160)}") from error


def check_stream(folder: Path, state: State, name: str, stream: BinaryIO) -> None:
    """Raises IndexDamaged unless an open file is as it was stored; it is then at its start."""
    size, crc = _measured(stream)
    if state.files[name] != {"bytes": size, "crc32": crc}:
        raise IndexDamaged(f"index {folder / name}: its bytes are not those stored")
    stream.seek(0)


def check_files(folder: Path, state: State) -> None:
    """Raises IndexDamaged unless all files are as they were stored, by length at least."""
    for name, held in state.files.items():
        with (folder / name).open("rb") as stream:
            if "crc32" in held:
                check_stream(folder, state, name, stream)
            elif os.fstat(stream.fileno()).st_size != held["bytes"]:
                raise IndexDamaged(f"index {folder / name}: its bytes are not those stored")


def stored_state(folder: Path) -> State | None:
    """What the head says, however damaged the data are; None where there is no sound one."""
    try:
        return read_state(folder)
    except (OSError, IndexDamaged):
        return None


def stored_setting(folder: Path) -> str | None:
    """What was asked for when the stored index was made."""
    state = stored_state(folder)
    return None if state is None else state.setting


def stored_recall(folder: Path) -> float | None:
    """As `State.recall`."""
    state = stored_state(folder)
    return None if state is None else state.recall


def read_state(folder: Path) -> State:
    """Raises FileNotFoundError, IndexDamaged."""
    head = _head(folder)
    try:
        stamp = Stamp(**head.pop("stamp"))
        return State(stamp=stamp, **{k: v for k, v in head.items() if k != "layout"})
    except (TypeError, KeyError) as error:
        raise IndexDamaged(f"index {folder / HEAD}: not a head") from error


def _head(folder: Path) -> dict[str, Any]:
    try:
        head = json.loads((folder / HEAD).read_bytes())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise IndexDamaged(f"index {folder / HEAD}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise IndexDamaged(f"index {folder / HEAD}: not JSON") from error
    if not isinstance(head, dict) or head.get("layout") != LAYOUT:
        raise IndexDamaged(f"index {folder / HEAD}: not of layout {LAYOUT}")
    if head.pop("check", None) != _check(head):
        raise IndexDamaged(f"index {folder / HEAD}: its bytes are not those stored")
    return head


def _check(head: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(head, sort_keys=True).encode())


def _measured(stream: BinaryIO) -> tuple[int, int]:
    """(bytes, CRC-32) of an open file."""
    size = crc = 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        crc = zlib.crc32(chunk, crc)
    return size, crc


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep_unnamed(folder: Path) -> None:
    """Remove what killed savers have left; nothing while another saves."""
    with contextlib.suppress(Timeout, OSError), FileLock(folder / LOCK, timeout=0):
        _sweep_unnamed(folder)


def _sweep_unnamed(folder: Path) -> None:
    """All that the head does not name; nothing where it cannot be read."""
    try:
        keep = _parts(read_state(folder))
    except FileNotFoundError:
        keep = set()
    except IndexDamaged:
        return
    _sweep(folder, keep=keep)


def _parts(state: State) -> set[str]:
    """What a state consists of, in its folder."""
    return {Path(name).parts[0] for name in state.files}


def _sweep(folder: Path, *, keep: set[str]) -> None:
    old = [*folder.glob("*.faiss"), *folder.glob("*.changes.npz"), *folder.glob(f"{HEAD}.*")]
    for path in (path for path in old if path.name not in keep):
        with contextlib.suppress(OSError):
            path.unlink()
    for path in folder.glob(f"{KEPT}*"):
        if path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)
    sweep_drafts(folder)
