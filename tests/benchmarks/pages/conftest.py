"""Documents as runs write them, made of the real results with figures by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from support.locate import random_book

from likemark.benchmarks.experiments.run import ArmResult, Experiments, Outcome
from likemark.benchmarks.flickr27.run import Classifier, Flickr27Result, Flickr27Row, Source
from likemark.benchmarks.flickr27.scores import Scores
from likemark.benchmarks.flickr27.training import Curve
from likemark.benchmarks.invariance.results import Asked, Invariance, Recall, Sampled, summed_up
from likemark.benchmarks.locate.failures import Failure as LocateFailure
from likemark.benchmarks.locate.failures import Failures
from likemark.benchmarks.locate.failures import Source as Pictured
from likemark.benchmarks.locate.made import MadeResult
from likemark.benchmarks.locate.photos import PhotoResult
from likemark.benchmarks.locate.run import LocateResult, LocateRow
from likemark.benchmarks.locate.standings import standings
from likemark.benchmarks.metrics.bootstrap import Interval
from likemark.benchmarks.metrics.measures import Measures
from likemark.benchmarks.metu.evaluate import Figures, MetuResult
from likemark.benchmarks.pages.page import render_page
from likemark.benchmarks.protocol.retrieval import Failure, Hit, Intervals, Standing
from likemark.benchmarks.protocol.run import RetrievalResult, RetrievalRow
from likemark.benchmarks.protocol.search_time import SearchTime, Way
from likemark.benchmarks.redaction.clip import ClipFigures
from likemark.benchmarks.redaction.run import RedactionResult, RedactionRow
from likemark.benchmarks.scale.likeness import Likeness
from likemark.benchmarks.scale.run import Effort, ScaleResult, ScaleRow
from likemark.benchmarks.speed import SpeedOptions, SpeedReport, report_json
from likemark.benchmarks.speed_indexing import Cost, Repetition, summary
from likemark.benchmarks.speed_machine import Machine
from likemark.benchmarks.speed_search import SearchSpeed
from likemark.benchmarks.speed_startup import Seconds, StartUp

DATA = "3f1c" * 16
FINGERPRINT = "ab12" * 16
MACHINE = Machine(
    "AMD EPYC 9B14", 2, 23.5, "Linux-6.1", "3.11.2", {"torch": "2.15.0"}, "cpu", bf16=True, load=0.1
)
REASON = "DISC21 weights | not on this disk: run 'get <weights>' & try again"
# Name, kind, mAP, pictures/s.
SYSTEMS: tuple[tuple[str, str, float, float | None], ...] = (
    ("likemark-small", "model", 0.812, 56.4),
    ("perceptual hash", "vectors", 0.104, 1234.0),
    ("difference hash", "vectors", 0.098, 1310.0),
    ("orb + ratio test", "scores", 0.233, None),
    ("convnext-tiny", "vectors", 0.541, 31.2),
    ("dinov2-small", "vectors", 0.655, 28.7),
    ("resnet50", "vectors", 0.502, 22.9),
)


def envelope(benchmark: str, result: Any, **changes: Any) -> dict[str, Any]:
    """A document with int keys and tuples, as it is before it is written."""
    known = {
        "benchmark": benchmark,
        "command": f"likemark bench run {benchmark}",
        "date": "2026-11-21",
        "machine": asdict(MACHINE),
        "model": {"name": "likemark-small", "fingerprint": FINGERPRINT},
        "data": {"name": "likemark-open", "sha256": DATA},
        "result": result,
    }
    return {**known, **changes}


def measured(level: float, *, queries: int = 300) -> Measures:
    tenths = np.arange(11) / 10
    cuts: dict[int, float] = dict.fromkeys((1, 5, 10, 100), level)
    return Measures(
        queries=queries,
        without_relevant=0,
        relevant=2 * queries,
        map=level,
        map_at={**cuts, 100: level - 0.01},
        hit_rate_at={**cuts, 1: level + 0.02, 10: level + 0.05},
        recall_at=cuts,
        precision_at=cuts,
        mrr=level + 0.03,
        nar=(1 - level) ** 4 / 3,
        median_rank=round(2 / level) + 0.5,
        interpolated_precision=tuple((level ** (0.3 + 2 * tenths)).tolist()),
    )


def stood(level: float) -> Standing:
    around = Interval(level - 0.02, level + 0.03)
    return Standing(
        measured(level), Intervals(around, around, around, around), measured(level - 0.05),
        measured(level + 0.01), around,
    )  # fmt: skip


def hit(number: int, group: str, score: float) -> Hit:
    return Hit(f"set:icon-{number}", f"images/{number}.png", group, score)


def failed(query: int) -> Failure:
    """Two others of its group are relevant; one of them is the fourth that was found."""
    group = f"group {query % 4}"
    found = [hit(query + 1 + i, f"wrong {i}", 0.9 - 0.1 * i) for i in range(5)]
    found[3] = hit(query + 4, group, 0.6)
    expected = (hit(query + 9, group, 0.11), found[3])
    return Failure(
        f"set:icon-{query}", f"images/{query}.png", group, 0.13, tuple(found), expected, (4, 1707)
    )


def retrieval(*, queries: Sequence[int] = (0, 10), extra: Sequence[RetrievalRow] = ()) -> Any:
    rows = [
        RetrievalRow(name, kind, FINGERPRINT, 256, speed, stood(level), None)
        for name, kind, level, speed in SYSTEMS
    ]
    gone = RetrievalRow("sscd", "vectors", None, None, None, None, REASON)
    rows.insert(2, gone)
    failures = tuple(map(failed, queries))
    result = RetrievalResult(DATA, 120, 40, 300, 200, 40_000, (*rows, *extra), failures)
    return envelope("retrieval", asdict(result))


def metu() -> Any:
    curve = tuple(1 / (1 + 0.4 * tenth) for tenth in range(11))
    cuts = {50: 0.3, 100: 0.31, 200: 0.32, 400: 0.33}
    official = Figures(0.352, cuts, 0.0182, 16_611.4, 212.0, 0.97, 0.99, curve)
    excluded = Figures(0.288, cuts, 0.0183, 16_700.0, 240.5, 0.41, 0.55, (*curve[:-1], 0.1))
    result = MetuResult(417, 35, 922_926, official, excluded)
    return envelope("metu", asdict(result), data={"name": "METU v2", "sha256": "c0de" * 16})


def flickr27() -> Any:
    scores = Scores(0.881, 0.822, 0.933, 0.951, 0.741, 0.0444, -0.4)
    epochs = np.arange(1, 61)
    curve = Curve(
        tuple((3 * np.exp(-epochs / 9)).tolist()),
        tuple((1 - np.exp(-epochs / 7)).tolist()),
        tuple((2.1 + epochs / 60).tolist()),
        tuple((0.8 - 0.6 * np.exp(-epochs / 12)).tolist()),
    )
    kinds: list[tuple[Source, Classifier]] = [
        ("photos", "knn"),
        ("photos", "linear"),
        ("crops", "knn"),
        ("crops", "linear"),
    ]
    rows = [
        Flickr27Row(
            "likemark-small",
            FINGERPRINT,
            source,
            way,
            270,
            scores,
            curve if way == "linear" else None,
        )
        for source, way in kinds
    ]
    rows.append(Flickr27Row("small CNN", FINGERPRINT, "photos", "cnn", 270, scores, curve))
    brands = tuple(f"Brand {number}" for number in range(27))
    result = Flickr27Result(DATA, 0, 2, brands, 4536, 4, 270, 1234, 135, 135, 3, tuple(rows))
    return envelope("flickr27", asdict(result), data={"name": "FlickrLogos-27", "sha256": DATA})


def locate() -> Any:
    brands = tuple(f"Brand {number}" for number in range(27))
    found = standings(*random_book(3), repetitions=20)
    row = LocateRow("likemark-small", FINGERPRINT, 1.93, 0.41, 0.02, found)
    answers = LocateResult(DATA, 0, 944, 135, 156, 4944, 151.4, (row,))
    missing = {"Brand 3": "no package draws it"}
    result = PhotoResult(brands, 6, 2, 1, missing, None, answers, worst_found())
    return envelope("locate", asdict(result), data={"name": "FlickrLogos-27", "sha256": DATA})


def worst_found() -> Failures:
    """One of either kind: asked with a crop, and with a drawing."""
    crop, box = Pictured("images/1.png", (4.0, 4.0, 20.0, 30.0)), (10.0, 8.0, 30.0, 30.0)
    missed = LocateFailure(
        "crop Brand 1 1.png", "crop", "Brand 1", crop, "Brand 1 2.png", Pictured("images/2.png"),
        ((40.0, 40.0, 20.0, 20.0),), (box, (0.0, 0.0, 5.0, 5.0)), (0.91, 0.2),
    )  # fmt: skip
    false = LocateFailure(
        "drawing Nike", "drawing", "Nike", Pictured(None), "none 3.png", Pictured("images/3.png"),
        (), (box,), (0.77,),
    )  # fmt: skip
    return Failures((missed,), (false,))


def scenes() -> Any:
    found = standings(*random_book(4), repetitions=20)
    row = LocateRow("likemark-small", FINGERPRINT, 1.93, 0.41, 0.02, found)
    answers = LocateResult(DATA, 0, 300, 0, 400, 600, 19.7, (row,))
    result = MadeResult(400, 171, 26, answers)
    return envelope("scenes", asdict(result), data={"name": "likemark-open", "sha256": DATA})


def redaction() -> Any:
    clip, share = ClipFigures(0.0, 1.0, 41.7), Interval(0.021, 0.063)
    rows = tuple(
        RedactionRow(where, style, 0.04, share, 0.912, 0.743, 0.951, clip)
        for where in ("found", "true boxes")
        for style in ("mosaic", "fill")
    )
    brands = tuple(f"Brand {number}" for number in range(27))
    result = RedactionResult(
        DATA, "likemark-oneshot 0a1b", 0, brands, 809, 1261, 135, 540, 0.613,
        Interval(0.57, 0.66), 0.084, 0.41, 48, (480, 270), rows,
    )  # fmt: skip
    return envelope("redaction", asdict(result), data={"name": "FlickrLogos-27", "sha256": DATA})


def invariance() -> Any:
    recalls = [
        Recall("rotation_15", "turned by 15 degrees either way", 200, 0.95, 0.99),
        Recall("inversion", "every colour's negative", 200, 0.415, 0.6),
        Recall("jpeg_10", "saved as a JPEG file of quality 10", 200, 1.0, 1.0),
        Recall("mirror", "left and right exchanged", 160, 0.7, 0.82),
        Recall("transparent", "cut out of its ground", 0, None, None),
    ]
    also = tuple(
        Asked(name, "in another manner", tuple(recalls), **asdict(summed_up(tuple(recalls))))
        for name in ("elements", "turned")
    )
    some = Sampled(50, *also)
    result = Invariance(
        encoder="likemark-small", fingerprint=FINGERPRINT, sources=200, gallery=40_000,
        transformations=tuple(recalls), **asdict(summed_up(tuple(recalls))), asked_also=also,
        sampled=some,
    )  # fmt: skip
    return envelope("invariance", asdict(result))


def search() -> Any:
    ways = (
        Way("as it is", 1, 1, 0.004, 0.61, 0.7, Interval(0.0, 0.0)),
        Way("mean with inverted", 2, 1, 0.004, 0.62, 0.71, Interval(0.002, 0.018)),
    )
    return envelope("search", asdict(SearchTime(1166, 5000, ways)))


def experiments() -> Any:
    outcomes = (Outcome(0, 0.5, 0.6, 0.55, 41.0, 180.0), Outcome(1, 0.52, 0.62, 0.56, 43.0, 190.0))
    same, better = Interval(0.0, 0.0), Interval(0.01, 0.04)
    arms = (
        ArmResult("Loss", "triplet", ("loss.name=triplet",), outcomes, 0.51, 0.014, 0.61, same),
        ArmResult("Loss", "Smooth-AP", (), outcomes[:1], 0.535, None, 0.64, better),
    )
    return envelope("experiments", asdict(Experiments(1166, 1000, 100, 128, arms)))


def speed() -> Any:
    cost = Cost(100.0, 0.02)
    repetition = Repetition(cost, cost, Cost(30.0, 0.06), 0.1, 0.0)
    search = SearchSpeed(
        vectors=10_000, dimension=320, index="Flat", exact=True, queries=5, build_seconds=1.0,
        p50_ms=0.291, p95_ms=0.34, recall_at_10=1.0, raw_bytes=1280.0, stored_bytes=1288.0,
        resident_bytes=1293.0, memory_ratio=1.0102,
    )  # fmt: skip
    runs = Seconds.of([0.4])
    report = SpeedReport(
        command="likemark bench speed",
        date="2026-11-21T00:00:00+00:00",
        machine=MACHINE,
        model="likemark-small",
        options=SpeedOptions(),
        indexing=summary([repetition], on_cpu=True, pictures=640),
        search=(search,),
        start_up=StartUp(runs, runs, runs, marks=640),
    )
    return envelope("speed", report_json(report), data={"name": "made pictures"})


def scale() -> Any:
    rows = []
    for size in (10_000, 1_000_000):
        for number, name in enumerate(("likemark", "FAISS HNSW32")):
            rows.append(ScaleRow(name, not number, size, None, scale_figures(number, size)))
        rows.append(ScaleRow("hnswlib", False, size, "hnswlib is not installed", None))
    cosines = (0.31, 0.62, 0.87), (0.2, 0.4, 0.7), (0.1, 0.3, 0.5)
    alike = Likeness("real", 9000, *cosines, (8, 22, 66))
    result = ScaleResult(
        DATA, 256, 98_000, 512, 4.0, 0, Effort(), 2, {"faiss-gpu": "1.15.1"}, (10_000, 1_000_000),
        (alike,), tuple(rows),
    )  # fmt: skip
    return envelope("scale", asdict(result), data={"name": "drawn", "sha256": DATA})


def scale_figures(number: int, size: int) -> dict[str, Any]:
    """As a child prints them; the rival, number 1, has two efforts and cannot remove."""
    around = {"low": 0.985, "high": 0.995}
    single = {"queries": 1000, "p50": 1.2 + number, "p95": 2.0 + 2 * number, "p99": 9.5}
    point = {
        "target": 0.99, "reached": True, "effort": None, "recall_10": 0.9912,
        "interval_10": around, "recall_100": 0.981, "interval_100": around, "threads": 2,
        "single": single, "batched": 1520.0 * size**-0.1,
    }  # fmt: skip
    lower = {**point, "target": 0.97, "effort": 48, "recall_10": 0.9734}
    filtered = [
        {
            "kind": kind, "selectivity": share, "allowed": int(share * size), "recall_10": 0.99,
            "interval": around, "single": single,
        }
        for kind in ("random", "clustered")
        for share in (0.001, 0.01, 0.1, 0.5)
    ]  # fmt: skip
    return {
        "setting": "IVF4096,SQ8", "build_seconds": size / 9000, "build_peak": 300 * size,
        "open_seconds": 0.21, "disk": 290 * size, "resident": 310 * size, "of_files": 120 * size,
        "points": [{**lower}, {**point, "effort": 96}] if number else [point],
        "filtered": [] if number else filtered,
        "rates": {"added": 4100.0, "removed": None if number else 9000.0},
    }  # fmt: skip


def plain(document: Any) -> dict[str, Any]:
    """As it is read back from its file."""
    read: dict[str, Any] = json.loads(json.dumps(document))
    return read


def draw_pictures(folder: Path, count: int = 24) -> Path:
    """A benchmark's folder with its pictures: discs, each in a colour of its own."""
    (folder / "images").mkdir(parents=True)
    for number in range(count):
        image = Image.new("RGB", (64, 64), "white")
        colour = (40 + 9 * number, 255 - 9 * number, 120)
        ImageDraw.Draw(image).ellipse((8, 8, 56, 56), fill=colour)
        image.save(folder / "images" / f"{number}.png")
    return folder


@pytest.fixture
def documents() -> dict[str, dict[str, Any]]:
    """By benchmark, as read back from their files."""
    made = (
        retrieval(), metu(), flickr27(), locate(), scenes(), redaction(), invariance(), search(),
        experiments(), speed(), scale()
    )  # fmt: skip
    return {document["benchmark"]: plain(document) for document in made}


@pytest.fixture(scope="session")
def whole_page(pictures: Path) -> str:
    """Every benchmark, with pictures."""
    made = (
        retrieval(), metu(), flickr27(), locate(), scenes(), redaction(), invariance(), search(),
        experiments(), speed(), scale()
    )  # fmt: skip
    return render_page(made, pictures=pictures)


@pytest.fixture
def raw_retrieval() -> Callable[..., dict[str, Any]]:
    return retrieval


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_pictures(tmp_path_factory.mktemp("open") / "likemark-open")
