"""How well held-out groups are found: every drawing asks for the others of its brand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.pictures.normalise import prepared
from likemark.retrieval.training.corpus import Corpus
from likemark.retrieval.training.step import Embed

Rows = NDArray[np.float32]
# (Q, D) queries, the (N, D) gallery that begins with them, the (N,) groups -> mAP
Measure = Callable[[Rows, Rows, NDArray[np.int64]], float]
_BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    pixels: NDArray[np.uint8]  # (N, S, S, 3), those that ask first
    groups: NDArray[np.int64]  # (N,)
    queries: int  # Q

    @classmethod
    def of(cls, corpus: Corpus, *, size: int, distractors: int) -> HeldOut:
        """One drawing of each artwork; brands with two or more ask, others distract."""
        first = corpus.originals()
        per_group = np.bincount(corpus.groups[first], minlength=len(corpus.names))
        asks = (per_group[corpus.groups[first]] >= 2) & ~corpus.is_idea[first]
        others = first[~asks]
        if len(others) > distractors:
            others = np.sort(np.random.default_rng(0).choice(others, distractors, replace=False))
        chosen = np.concatenate([first[asks], others])
        squares = [prepared(load_picture(corpus.paths[n]), size) for n in chosen.tolist()]
        pixels = np.stack(squares) if squares else np.zeros((0, size, size, 3), np.uint8)
        return cls(pixels, corpus.groups[chosen], int(asks.sum()))

    def measured(self, embed: Embed, measure: Measure) -> float:
        with torch.inference_mode():
            parts = [
                embed(torch.from_numpy(self.pixels[start : start + _BATCH])).float().cpu()
                for start in range(0, len(self.pixels), _BATCH)
            ]
        rows: Rows = torch.cat(parts).numpy()
        return measure(rows[: self.queries], rows, self.groups)
