"""Which pictures a hit stands for: the same artwork may be filed under several image ids."""

from __future__ import annotations

from collections.abc import Container, Mapping

from likemark.db.search import MarkImageRow, MarkRow
from likemark.retrieval.results import Hit

Highlight = Mapping[str, Container[int]]  # query -> ids of the pictures to point out


def is_highlighted(hit: Hit, marked: Container[int]) -> bool:
    """Whether one of the pictures that a hit stands for is among those to point out."""
    return hit.image_id in marked or any(image.image_id in marked for image in _same(hit))


def own_path(mark: MarkRow, hit: Hit) -> str:
    """Where this mark's own copy of the hit's picture was read."""
    mine = {image.image_id for image in mark.images}
    return next((image.path for image in _same(hit) if image.image_id in mine), hit.path)


def _same(hit: Hit) -> list[MarkImageRow]:
    images = [image for mark in hit.marks for image in mark.images]
    artworks = {image.artwork for image in images if image.image_id == hit.image_id}
    return [image for image in images if image.artwork in artworks]
