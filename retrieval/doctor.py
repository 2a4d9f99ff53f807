"""Looks for what is wrong and says what to run against it; changes nothing."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from likemark.db.blobs import damage
from likemark.db.browse import count_unembedded
from likemark.db.errors import IndexDamaged, LikemarkError, NotFound, one_line
from likemark.db.schema import MarkImage
from likemark.db.vectors import (
    ModelRow,
    active_model,
    damaged_vectors,
    known_token,
    vectors_since,
)
from likemark.index.faiss_index import FaissIndex
from likemark.index.local import LocalIndex, open_local
from likemark.retrieval.cluster import cluster_state
from likemark.retrieval.cluster_setting import cluster_setting
from likemark.retrieval.devices import choose_device
from likemark.retrieval.models import DEFAULT, FoundModel, find_model, list_models
from likemark.retrieval.pictures.places import is_there
from likemark.retrieval.workspace import Workspace

PACKAGES = ("likemark", "torch", "timm", "faiss-gpu", "faiss-cpu", "numpy", "pillow", "sqlalchemy")
# Files looked for at most: a look at each of ten million would take longer than anybody waits.
MAX_FILES = 20_000


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    ok: bool
    detail: str
    fix: str = ""  # what to run or do; empty when all is well


def examine(root: Path | None, database: str | None) -> Iterator[Finding]:
    """Every check in turn; a check that itself fails is a finding."""
    yield Finding("versions", True, _versions())
    yield _guarded("device", _device, "reinstall torch, or choose --device cpu")
    yield from _models(None)
    try:
        workspace = Workspace.open(root, database=database, create=False)
    except NotFound as nothing:
        yield Finding("catalogue", True, str(nothing))
        return
    except LikemarkError as error:
        yield Finding("catalogue", False, str(error), "do what the line says")
        return
    with workspace:
        yield from _models(workspace.models)
        catalogue = _guarded("catalogue", lambda: _catalogue(workspace), "restore it from a backup")
        yield catalogue
        if not catalogue.ok:
            return
        with workspace.catalogue.read() as session:
            model = active_model(session)
            if model is None:
                yield Finding("index", True, "nothing is indexed yet")
                return
            yield _model(model, workspace)
            yield _vectors(session, model)
            yield _index_or_why(session, workspace, model)
            yield _files(session)


def _guarded(check: str, run: Callable[[], str], fix: str) -> Finding:
    try:
        return Finding(check, True, run())
    except Exception as error:  # a fault of any library is what this command is for
        return Finding(check, False, one_line(str(error)), fix)


def _versions() -> str:
    found = [f"Python {platform.python_version()}", sys.platform, platform.machine()]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _device() -> str:
    device = choose_device()
    return f"{device.name}, {'bfloat16' if device.bf16 else 'float32'}"


def _models(folder: Path | None) -> Iterator[Finding]:
    """Models of the package, or of a workspace's folder."""
    where = "likemark" if folder is None else str(folder)
    try:
        models = [m for m in list_models(folder) if folder is None or m.folder == folder]
    except LikemarkError as error:
        yield Finding(f"models of {where}", False, str(error), f"mend or delete it in {where}")
        return
    for model in models:
        fix = "pip install --force-reinstall likemark" if folder is None else "add the model again"
        check = partial(_weights, model)
        yield _guarded(f"weights of {model.card.name}", check, fix)


def _weights(model: FoundModel) -> str:
    return ", ".join(map(str, model.card.check_weights(model.folder)))


def _catalogue(workspace: Workspace) -> str:
    with workspace.catalogue.read() as session:
        if workspace.catalogue.engine.dialect.name == "sqlite":
            _sqlite_check(session)
    return workspace.catalogue.shown


def _sqlite_check(session: Session) -> None:
    wrong = [row[0] for row in session.execute(text("PRAGMA integrity_check")) if row[0] != "ok"]
    wrong += [f"{row[0]} row {row[1]}" for row in session.execute(text("PRAGMA foreign_key_check"))]
    if wrong:
        raise ValueError("; ".join(map(str, wrong[:3])))


def _model(active: ModelRow, workspace: Workspace) -> Finding:
    try:
        known = {m.card.fingerprint: m.card.name for m in list_models(workspace.models)}
        default = find_model(DEFAULT).card.name
    except LikemarkError as error:
        return Finding("model", False, str(error), "see models above")
    if active.fingerprint in known:
        return Finding("model", True, f"{active.name} ({active.fingerprint[:8]})")
    return Finding(
        "model",
        False,
        f"the catalogue is embedded with {active.name} ({active.fingerprint[:8]}), "
        "which is not here",
        f"likemark reindex --model {default}",
    )


def _vectors(session: Session, model: ModelRow) -> Finding:
    lacking = count_unembedded(session, model.id)
    if lacking:
        return Finding("vectors", False, f"{lacking} pictures have no vector", "likemark reindex")
    damaged = list(damaged_vectors(session, model))
    if damaged:
        said, cure = damage(session, damaged[0])
        others = ", ".join(map(str, damaged[1:6])) + (", ..." if damaged[6:] else "")
        return Finding("vectors", False, said + (f", and of {others} too" if others else ""), cure)
    return Finding("vectors", True, "every picture has one")


def _index_or_why(session: Session, workspace: Workspace, model: ModelRow) -> Finding:
    try:
        return _index(session, workspace, model)
    except LikemarkError as error:
        return Finding("index", False, str(error), "do what the line says")


def _index(session: Session, workspace: Workspace, model: ModelRow) -> Finding:
    rebuild = "likemark reindex"
    cluster = cluster_setting(workspace, None)
    if cluster is not None:
        detail, ok = cluster_state(session, model, cluster)
        return Finding("index", ok, detail, "" if ok else rebuild)
    try:
        index, stamp = open_local(workspace.index_folder(model.fingerprint))
        index.check()
    except FileNotFoundError:
        return Finding("index", False, "there is none", rebuild)
    except IndexDamaged as error:
        return Finding("index", False, str(error), rebuild)
    if known_token(session, model.id, stamp.generation) != stamp.token:
        return Finding("index", False, "the catalogue has another history", rebuild)
    if stamp.generation < model.generation:
        behind = model.generation - stamp.generation
        detail = f"{behind} changes behind; every command catches up by itself"
        return Finding("index", True, detail)
    different = _difference(session, index, model)
    if different:
        return Finding("index", False, different, rebuild)
    return Finding("index", True, f"{index.stats().count} vectors, those of the catalogue")


def _difference(session: Session, index: LocalIndex, model: ModelRow) -> str:
    held = index.ids()
    wanted = 0
    for part in vectors_since(session, model):
        wanted += len(part.ids)
        places = np.searchsorted(held, part.ids)
        if places[-1] >= len(held) or (held[places] != part.ids).any():
            return "it lacks vectors of the catalogue"
        if not isinstance(index, FaissIndex) or not index.stats().exact:
            continue
        if not np.array_equal(index.rows(part.ids), part.rows):
            return "it holds other vectors than the catalogue"
    return "" if wanted == len(held) else "it holds vectors that the catalogue does not"


def _files(session: Session) -> Finding:
    paths = session.scalars(select(MarkImage.path).order_by(MarkImage.id).limit(MAX_FILES))
    looked = gone = 0
    for path in islice(paths, MAX_FILES):
        looked += 1
        gone += not is_there(path)
    detail = f"{gone} of {looked} pictures are not where they were read"
    fix = "search works on; bring them back, or run: likemark index PATH --prune"
    return Finding("files", not gone, detail, fix if gone else "")
