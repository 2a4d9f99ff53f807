"""A part of the questions, for rivals that take seconds each: whole scenes, by brand in turn."""

from __future__ import annotations

import numpy as np

from likemark.benchmarks.locate.asks import Ask, Asked
from likemark.db.errors import InvalidInput


def sampled(asked: Asked, most: int, *, seed: int = 0) -> tuple[Asked, tuple[int, ...]]:
    """So many questions at most, and the scenes that are left, by their former numbers.

    Each scene that is drawn keeps all that it is asked, so that right and wrong queries are still
    compared within it, and every brand, like the scenes of none, keeps its share. The sample of
    more questions holds that of fewer.

    most: fewer than one scene is asked are one scene's all the same
    Raises InvalidInput for none.
    """
    if most < 1:
        raise InvalidInput(f"questions {most}: must be 1 or more")
    counts = np.bincount([ask.scene for ask in asked.asks], minlength=len(asked.scenes))
    order = _order(asked, seed)
    there = np.cumsum(counts[order]) <= most
    there[np.flatnonzero(counts[order])[0]] = True
    kept = tuple(sorted(order[there].tolist()))
    place = {scene: number for number, scene in enumerate(kept)}
    asks = tuple(Ask(place[ask.scene], ask.query) for ask in asked.asks if ask.scene in place)
    return Asked(tuple(asked.scenes[scene] for scene in kept), asked.queries, asks), kept


def _order(asked: Asked, seed: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """All scenes, those of each brand spread evenly."""
    rng = np.random.default_rng(seed)
    brands = np.array([str(scene.brand) for scene in asked.scenes])
    places = np.empty(len(brands))
    for brand in np.unique(brands):
        mine = np.flatnonzero(brands == brand)
        places[mine] = (rng.permutation(len(mine)) + rng.random()) / len(mine)
    return np.argsort(places, kind="stable").astype(np.int64)
