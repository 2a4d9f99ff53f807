"""Which cluster a workspace's index is on: asked for, told by the environment, or remembered."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from likemark.db.errors import IndexFault
from likemark.index.milvus.url import ClusterUrl, is_cluster
from likemark.retrieval.workspace import Workspace

REMEMBERED = "cluster.json"
ENVIRONMENT = "LIKEMARK_INDEX"


def cluster_setting(workspace: Workspace, setting: str | None) -> str | None:
    """The cluster to use; None: this machine's files.

    setting: what was asked for now; None: what the environment says, else what is remembered.
    """
    if setting is None:
        setting = os.environ.get(ENVIRONMENT) or _remembered(workspace)
    return setting if is_cluster(setting) else None


def remember(workspace: Workspace, setting: str) -> None:
    """Keep a cluster's URL without its password; forget it when it is no cluster's."""
    path = _path(workspace)
    with suppress(OSError):  # a folder that cannot be written: it must be told every time
        if not is_cluster(setting):
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"setting": ClusterUrl.parse(setting).stored}))
        draft.replace(path)


def _path(workspace: Workspace) -> Path:
    return workspace.index_folder("x").parent / REMEMBERED


def _remembered(workspace: Workspace) -> str | None:
    try:
        held = json.loads(_path(workspace).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        path = _path(workspace)
        raise IndexFault(f"index {path}: cannot be read; run: likemark reindex --index") from error
    return str(held["setting"]) if isinstance(held, dict) and "setting" in held else None
