"""The changing part of an approximate index on disk, and the state that it makes with its base."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likemark.index.base import CONTENT, WHOLE, Base
from likemark.index.lists import list_content
from likemark.index.probing import faiss
from likemark.index.promise import Effort, Promise
from likemark.index.protocol import Ids, Stamp
from likemark.index.storage import State, publish, saving, sealed, sized

ENGINE = "layers"
CHANGES = ".changes.npz"


@dataclass(frozen=True, slots=True)
class Layers:
    """What was added to a base, M vectors, and what was removed from it."""

    codes: NDArray[np.uint8]  # (M, code size)
    ids: Ids  # (M,)
    lists: Ids  # (M,) ascending
    removed: Ids  # (R,) ascending

    @classmethod
    def of(cls, added: Any, removed: Ids) -> Layers:
        parts = [list_content(added.invlists, number) for number in range(int(added.nlist))]
        numbers = np.repeat(np.arange(len(parts)), [len(ids) for _, ids in parts])
        codes = np.concatenate([codes for codes, _ in parts])
        return cls(codes, np.concatenate([ids for _, ids in parts]), numbers, removed)

    def lay_on(self, engine: Any) -> Ids:
        """Put what was added into an empty engine of the same training; its ids, ascending."""
        numbers, starts, sizes = np.unique(self.lists, return_index=True, return_counts=True)
        ends = (starts + sizes).tolist()
        for number, start, end in zip(numbers.tolist(), starts.tolist(), ends, strict=True):
            codes = np.ascontiguousarray(self.codes[start:end])
            ids = np.ascontiguousarray(self.ids[start:end])
            pointer = faiss.swig_ptr
            engine.invlists.add_entries(number, end - start, pointer(ids), pointer(codes))
        engine.ntotal = len(self.ids)
        return np.sort(self.ids)


def store_layers(
    folder: Path, base: Base, layers: Layers, promise: Promise, stamp: Stamp, *,
    factory: str, setting: str, instead: Stamp | None = None,
) -> None:  # fmt: skip
    """Raises IndexFault when the folder cannot be written; the old state then stands.

    instead: see `publish`
    """
    changes = f"{stamp.generation}-{secrets.token_hex(8)}{CHANGES}"
    with saving(folder):
        with (folder / changes).open("wb") as stream:
            np.savez(
                stream, codes=layers.codes, ids=layers.ids, lists=layers.lists,
                removed=layers.removed,
            )  # fmt: skip
        kept = base.keep(folder).name  # last of all that takes room: a draft that stays one goes
        files = sealed(folder, [changes, *(f"{kept}/{name}" for name in WHOLE)])
        files |= sized(folder, [f"{kept}/{CONTENT}"])
        state = State(
            ENGINE, factory, setting, stamp, files,
            {"base": kept, "changes": changes, "promise": asdict(promise)},
        )  # fmt: skip
        publish(folder, state, instead=instead)


def load_layers(folder: Path, state: State) -> tuple[Base, Layers, Promise]:
    """Raises FileNotFoundError, and IndexDamaged when lists are shorter than they were."""
    base = Base(folder / str(state.about["base"]))
    with np.load(folder / str(state.about["changes"]), allow_pickle=False) as held:
        layers = Layers(held["codes"], held["ids"], held["lists"], held["removed"])
    return base, layers, _promise(state.about["promise"])


def _promise(held: dict[str, Any]) -> Promise:
    efforts = tuple(Effort(**effort) for effort in held["efforts"])
    return Promise(held["recall"], held["queries"], efforts)
