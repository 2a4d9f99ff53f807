"""Marks of the sample, rendered, for the rivals to tell apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import likemark.benchmarks
from likemark.benchmarks.encoders import Pixels
from likemark.retrieval.pictures import svg
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.normalise import flatten

MARKS = Path(likemark.benchmarks.__file__).parent / "sample" / "marks"
COUNT, EVERY, SIZE = 30, 15, 240


@pytest.fixture(scope="session")
def marks() -> list[Pixels]:
    """30 marks, (h, w, 3), 240 px on the longer side."""
    paths = sorted(MARKS.glob("*.svg"))[::EVERY][:COUNT]
    rendered = [svg.render(p.name, p.read_bytes(), PictureLimits()) for p in paths]
    return [_small(image) for image in rendered]


def _small(image: Image.Image) -> Pixels:
    image.thumbnail((SIZE, SIZE))
    return flatten(np.asarray(image))
