"""Catalogues with an index, held against each other, and ways to harm the index."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from support.marks import FINGERPRINT, file_entry, put

from likemark.db.browse import list_marks
from likemark.db.removal import remove_marks
from likemark.db.values import Filters
from likemark.db.vectors import active_model, vectors_since
from likemark.index.storage import HEAD
from likemark.retrieval.sync import Opened, open_index
from likemark.retrieval.workspace import Workspace


def fill(workspace: Workspace, *names: str) -> None:
    put(workspace.catalogue, *(file_entry(f"/in/{name}.png", name) for name in names))


def remove(workspace: Workspace, *names: str) -> None:
    keys = {f"file:/in/{name}.png" for name in names}
    with workspace.catalogue.write() as session:
        found = [row.id for row in list_marks(session, Filters(), limit=10_000) if row.key in keys]
        assert remove_marks(session, found) == len(names)


def names(count: int, prefix: str = "p") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def folder(workspace: Workspace) -> Path:
    return workspace.index_folder(FINGERPRINT)


def data_file(workspace: Workspace) -> Path:
    (path,) = folder(workspace).glob("*.faiss")
    return path


def opened(
    workspace: Workspace, *, setting: str | None = None, save: bool | None = None,
    rebuild: bool = False,
) -> Opened:  # fmt: skip
    """What `open_index` gives, held against the catalogue id by id and row by row."""
    found = open_index(workspace, setting=setting, save=save, rebuild=rebuild)
    assert found is not None
    with workspace.catalogue.read() as session:
        row = active_model(session)
        assert row is not None
        assert row == found.model
        wanted = {
            int(image_id): vector
            for part in vectors_since(session, row)
            for image_id, vector in zip(part.ids, part.rows, strict=True)
        }
    assert found.index.ids().tolist() == sorted(wanted)
    assert found.index.stats().count == len(wanted)
    for image_id, vector_ in wanted.items() if found.index.stats().exact else ():
        hit = found.index.search(vector_[None], 1, allowed=np.array([image_id]))
        np.testing.assert_allclose(hit.scores[0, 0], vector_ @ vector_, rtol=1e-6)
    return found


def cut_data(workspace: Workspace) -> None:
    path = data_file(workspace)
    path.write_bytes(path.read_bytes()[:-1])


def flip_data(workspace: Workspace) -> None:
    path = data_file(workspace)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def lose_data(workspace: Workspace) -> None:
    data_file(workspace).unlink()


def break_head(workspace: Workspace) -> None:
    path = folder(workspace) / HEAD
    path.write_text(path.read_text().replace('"auto"', '"auto!"'))


def lose_head(workspace: Workspace) -> None:
    (folder(workspace) / HEAD).unlink()


def lose_folder(workspace: Workspace) -> None:
    shutil.rmtree(folder(workspace))
