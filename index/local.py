"""The embedded index of whatever kind its setting or its folder says."""

from __future__ import annotations

from pathlib import Path

from likemark.index.building import Plan, build, sample
from likemark.index.factory import EXACT, choose_factory, is_flat, training_size
from likemark.index.faiss_index import ENGINE as FLAT
from likemark.index.faiss_index import FaissIndex, load_flat
from likemark.index.layers import LayeredIndex
from likemark.index.layers_stored import ENGINE as LAYERS
from likemark.index.layers_stored import load_layers
from likemark.index.promise import PROMISED
from likemark.index.protocol import RowsOf, Stamp, Stream
from likemark.index.storage import State, check_files, opened

LocalIndex = FaissIndex | LayeredIndex


def build_local(
    setting: str, stream: Stream, folder: Path, *, dimension: int, count: int,
    recall: float | None = None, rows_of: RowsOf | None = None,
) -> LocalIndex:  # fmt: skip
    """An index of `count` vectors that `stream` gives, not stored yet.

    setting: a factory string or "auto"; folder: where it will be stored; recall: promised by an
    approximate one; rows_of: exact vectors to score its candidates with. Raises InvalidInput and
    IndexFault.
    """
    factory = EXACT if count == 0 else choose_factory(setting, expected=count, dimension=dimension)
    if not is_flat(factory):
        plan = Plan(factory, setting, dimension, count, recall or PROMISED)
        return build(plan, stream, folder, rows_of=rows_of)
    index = FaissIndex.create(setting, dimension=dimension, expected=count)
    if not index.trained:
        index.train(sample(stream, training_size(factory) / count))
    for ids, rows in stream():
        index.add(ids, rows)
    index.recall = recall
    return index


def open_local(folder: Path, *, rows_of: RowsOf | None = None) -> tuple[LocalIndex, Stamp]:
    """What was stored. Raises IndexDamaged when the files are broken, FileNotFoundError."""
    index, state = opened(folder, lambda state: _load(folder, state, rows_of))
    return index, state.stamp


def _load(folder: Path, state: State, rows_of: RowsOf | None) -> LocalIndex:
    if state.engine == FLAT:
        inner = load_flat(folder, state)
        return FaissIndex(inner, state.factory, state.setting, recall=state.recall)
    if state.engine != LAYERS:
        raise ValueError(f"of an unknown kind, {state.engine!r}")
    check_files(folder, state)
    base, layers, promise = load_layers(folder, state)
    return LayeredIndex(
        base, promise, factory=state.factory, setting=state.setting, layers=layers, rows_of=rows_of
    )
