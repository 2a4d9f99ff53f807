"""What Ray says at length of a worker that has failed, in one line."""

from __future__ import annotations

from likemark.db.errors import LikemarkError, ModelMismatch, one_line

_NODE = "its node has died"


def ending(error: Exception) -> str:
    text = str(error)
    if _NODE in text:
        return _NODE
    _, _, detail = text.partition("Worker exit detail:")
    return one_line((detail or text).split(" Some common causes")[0].strip(), limit=160)


def is_nodes_fault(reason: str) -> bool:
    """Whether a worker died with its node, whatever it was doing."""
    return reason == _NODE


def not_started(error: Exception) -> LikemarkError:
    """Why a worker could not begin, in one line: our own words where it raised one of ours."""
    cause = getattr(error, "cause", None) or error
    text = str(error)
    for word in ("ModelMismatch: ", "ModelDamaged: "):
        if word in text:
            return ModelMismatch(one_line(text.split(word)[-1]))
    if "No module named 'likemark" in text:
        return LikemarkError("the workers have no likemark; install it on every node")
    return LikemarkError(f"no worker starts: {type(cause).__name__}: {one_line(text, limit=200)}")
