"""The invariance suite on likemark-open: one drawing of each mark, among all distractors."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from likemark.benchmarks.corpus.dataset import OpenBenchmark
from likemark.benchmarks.corpus.drawings import Drawing
from likemark.benchmarks.corpus.render import Rendered, render
from likemark.benchmarks.encoders import Encoder
from likemark.benchmarks.invariance.evaluate import Source, evaluate
from likemark.benchmarks.invariance.holding import Looks
from likemark.benchmarks.invariance.queries import Named
from likemark.benchmarks.invariance.results import Invariance
from likemark.benchmarks.protocol.run import Gallery
from likemark.benchmarks.sample_builder import SAMPLE

COMPANIONS = 24


def run_invariance(gallery: Gallery, model: Encoder) -> Invariance:
    """R@1 and R@10 of each transformation; other drawings of the mark are neither right nor wrong.

    Composites join a mark with one of the bundled sample's, none of which the gallery holds.
    """
    rows = np.asarray(gallery.rows(model))
    gallery.progress(f"{model.name}: transformed pictures")
    looks = Looks(gallery.benchmark.pictures)
    return evaluate(model, _sources(gallery.benchmark), rows, companions=_companions(), looks=looks)


def _sources(benchmark: OpenBenchmark) -> Iterator[Source]:
    """The drawing of each group whose file's hash is least."""
    for group in range(int(benchmark.groups.max()) + 1):
        members = np.flatnonzero(benchmark.groups == group)
        first = min(members, key=lambda i: benchmark.relevant[i].sha256)
        others = tuple(int(i) for i in members if i != first)
        yield Source(
            benchmark.relevant[first].id, benchmark.pictures[int(first)], int(first), others
        )


def _companions() -> list[Named]:
    paths = sorted((SAMPLE / "marks").glob("*.svg"))
    step = len(paths) // COMPANIONS
    rendered = (_rendered(path.stem, path.read_text()) for path in paths[::step])
    return [named for named in rendered if named]


def _rendered(name: str, svg: str) -> Named | None:
    result = render(Drawing("sample", "", name, svg, "CC0-1.0", True))
    if not isinstance(result, Rendered):
        return None
    with Image.open(io.BytesIO(result.png)) as image:
        return name, np.asarray(image.convert("RGB"))
