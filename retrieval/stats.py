"""What a workspace holds, in numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from likemark.db.browse import count
from likemark.retrieval.sync import open_index
from likemark.retrieval.workspace import Workspace


def workspace_stats(workspace: Workspace) -> dict[str, Any]:
    """Counts of catalogue and index as one JSON object; `index` is null while nothing is there."""
    with workspace.catalogue.read() as session:
        counts = count(session)
    opened = open_index(workspace)
    index = None
    if opened is not None:
        stats = opened.index.stats()
        index = {
            "vectors": stats.count,
            "factory": stats.factory,
            "setting": opened.index.setting,
            "exact": stats.exact,
            "bytes": stats.bytes_in_memory,
            "device": stats.device,
            "added": stats.added,
            "removed": stats.removed,
            "recall_promised": stats.recall,
            "recall_at_10": stats.measured,
            "recall_kept": stats.kept,
            "probes": stats.probes,
            "generation": opened.model.generation,
            "state": opened.action,
        }
    return {
        "workspace": str(workspace.root),
        "catalogue": workspace.catalogue.shown,
        "collections": [asdict(collection) for collection in counts.collections],
        "marks": counts.marks,
        "pictures": counts.pictures,
        "vectors": counts.vectors,
        "model": counts.model,
        "model_fingerprint": counts.model_fingerprint,
        "dimension": counts.dimension,
        "index": index,
    }
