"""Histograms of oriented gradients, as `likemark.retrieval.shape` computes them."""

from __future__ import annotations

from likemark.benchmarks.rivals.descriptor import DescriptorEncoder
from likemark.retrieval.shape import BINS, BLOCK, CELL, CLIP, DIMENSION, SIZE, describe

NAME = "HOG (64 px)"


def hog() -> DescriptorEncoder:
    recipe = f"hog {CELL} px cells, {BINS} bins, {BLOCK} x {BLOCK} blocks, clip {CLIP}"
    return DescriptorEncoder(NAME, recipe, SIZE, DIMENSION, describe)
