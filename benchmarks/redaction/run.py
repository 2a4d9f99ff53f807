"""Photos redacted in every style, and judged: the result of `likemark bench run redaction`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.encoders import Encoder, Pixels
from likemark.benchmarks.flickr27.photos import hash_photos
from likemark.benchmarks.locate.flickr import FlickrTasks
from likemark.benchmarks.locate.found import Rect
from likemark.benchmarks.metrics.bootstrap import Interval, bootstrap
from likemark.benchmarks.redaction.clip import Clip, ClipFigures, make_clip, measure_clip, shaken
from likemark.benchmarks.redaction.covering import Covering, covering, windows
from likemark.benchmarks.redaction.finding import Finding, true_regions
from likemark.benchmarks.redaction.residual import Gallery
from likemark.db.errors import InvalidInput
from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.redact.paint import covered_mask, redacted
from likemark.retrieval.redact.regions import Region
from likemark.retrieval.redact.style import Style

ANY, TRUTH = "any mark", "true boxes"  # as `--all-logos` finds; the annotations
_MARK = Path(__file__).parents[1] / "sample" / "marks" / "logos-clojure.svg"  # in the clip
_REPORT = 50  # photos between two lines of progress
Progress = Callable[[str], None]
Way = tuple[str, str]  # what says where the mark is, and the style


@dataclass(frozen=True, slots=True)
class RedactionRow:
    """One style, with what is found of the mark or of any, or with the truth."""

    locating: str  # "found", ANY or TRUTH
    style: str
    known: float  # share of the true boxes whose brand still comes first
    known_interval: Interval  # 95 %, of a bootstrap over photos
    recall: float  # share of the true boxes' px that are covered
    precision: float  # share of the covered px that are in a true box
    boxes_covered: float  # share of the true boxes of which half or more is covered
    clip: ClipFigures


@dataclass(frozen=True, slots=True)
class RedactionResult:
    data: str  # sha256, as `FlickrTasks.data`
    network: str  # that finds, by name and weights
    seed: int  # of the bootstrap and of the clip
    brands: tuple[str, ...]
    photos: int
    boxes: int
    exemplars: int  # crops of brands in the gallery
    clutter: int  # crops of no brand in the gallery
    known: float  # before: share of the true boxes whose brand comes first
    known_interval: Interval
    nothing_found: float  # share of the photos
    seconds_per_photo: float  # of finding
    clip_frames: int
    clip_size: tuple[int, int]  # width and height, px
    rows: tuple[RedactionRow, ...]


def styles() -> dict[str, Style]:
    """Every style as it is without further settings; what is put in place is a plate."""
    plate = np.full((40, 60, 3), 214, np.uint8)
    plate[4:-4, 4:-4] = 240
    names = ("mosaic", "blur", "fill", "inpaint")
    return {**{name: Style(way=name) for name in names}, "replace": Style("replace", picture=plate)}


@dataclass(slots=True)
class _Tally:
    """What is counted while photos pass by."""

    asked: list[tuple[Way | None, int]] = field(default_factory=list)  # of each crop, in order
    coverings: dict[Way, Covering] = field(default_factory=dict)
    nothing: int = 0  # photos
    seconds: float = 0.0


def run_redaction(
    folder: Path,
    finding: Finding,
    encoder: Encoder,
    *,
    scenes: int | None = None,
    seed: int = 0,
    clip: Clip | None = None,
    progress: Progress = lambda line: None,
) -> RedactionResult:
    """A row for each style with what is found, then with any mark, then with the true boxes.

    folder: as `read_flickr27` takes it
    encoder: the retrieval model that is asked what it still knows
    scenes: so many of the photos with a box, of all brands alike; None: all
    clip: None: the usual one
    Raises PictureError, NotFound, InvalidInput, and what the finding raises.
    """
    tasks = FlickrTasks.read(folder, {})
    chosen = _chosen(tasks, scenes)
    progress(f"{len(chosen):,} photos, {len(tasks.exemplars):,} crops of brands")
    gallery, tally = Gallery.embed(tasks, encoder), _Tally()
    crops = _crops(tasks, chosen, finding, tally, progress)
    known = _judged(tasks, encoder.encode(crops), gallery, tally)
    film = clip or make_clip(load_picture(_MARK), seed=seed)
    progress("a film of a camera at rest")
    figures = _clip_figures(film, finding)
    share, interval = _known(known[None], seed)
    return RedactionResult(
        data=tasks.data,
        network=finding.network,
        seed=seed,
        brands=tasks.flickr.brands,
        photos=len(chosen),
        boxes=len(known[None]),
        exemplars=len(tasks.exemplars),
        clutter=len(gallery.clutter),
        known=share,
        known_interval=interval,
        nothing_found=tally.nothing / len(chosen),
        seconds_per_photo=tally.seconds / len(chosen),
        clip_frames=len(film.frames),
        clip_size=(film.frames.shape[2], film.frames.shape[1]),
        rows=tuple(
            _row(way, known[way], tally.coverings[way], figures[way], seed) for way in figures
        ),
    )


def _chosen(tasks: FlickrTasks, scenes: int | None) -> list[tuple[int, int]]:
    """Each photo with a box, and the crop of another photo that its brand is asked with."""
    right = [(ask.scene, ask.query) for ask in tasks.asked.asks if tasks.asked.is_right(ask)]
    count = len(right) if scenes is None else min(scenes, len(right))
    chosen = [right[number * len(right) // count] for number in range(count)]
    if not chosen:
        raise InvalidInput("no photo has a box and a crop of its brand from another photo")
    return chosen


def _crops(
    tasks: FlickrTasks,
    chosen: Sequence[tuple[int, int]],
    finding: Finding,
    tally: _Tally,
    progress: Progress,
) -> Iterator[Pixels]:
    """The true boxes of each photo as it is, and as it is after each way of redacting it."""
    for number, (scene, query) in enumerate(chosen, 1):
        pixels, boxes = tasks.scene_pixels(scene), tasks.asked.scenes[scene].boxes
        start = time.perf_counter()
        found = list(finding.find(tasks.query_pixels(query), pixels))
        tally.seconds += time.perf_counter() - start
        tally.nothing += not found
        regions = {
            finding.name: found,
            ANY: list(finding.find_any(pixels)),
            TRUTH: true_regions(boxes),
        }
        for way, made in _redactions(pixels, regions, boxes, tally):
            for part in windows(boxes):
                if made[part].size:
                    tally.asked.append((way, scene))
                    yield np.ascontiguousarray(made[part])
        if number % _REPORT == 0 or number == len(chosen):
            progress(f"{number:,} of {len(chosen):,} photos")


def _judged(
    tasks: FlickrTasks, rows: Iterator[NDArray[np.float32]], gallery: Gallery, tally: _Tally
) -> dict[Way | None, list[tuple[int, bool]]]:
    """Of each way, the photo of every box, and whether its brand is known; None: before."""
    digests = hash_photos(tasks.flickr)
    known: dict[Way | None, list[tuple[int, bool]]] = {}
    for number, row in enumerate(rows):
        way, scene = tally.asked[number]
        brand, file = tasks.asked.scenes[scene].brand, tasks.files[scene]
        is_known = gallery.knows(row, str(brand), digests[file])
        known.setdefault(way, []).append((scene, is_known))
    return known


def _redactions(
    pixels: Pixels, regions: Mapping[str, list[Region]], boxes: Sequence[Rect], tally: _Tally
) -> Iterator[tuple[Way | None, Pixels]]:
    yield None, pixels
    for locating, found in regions.items():
        for name, style in styles().items():
            way = (locating, name)
            mask = covered_mask(pixels.shape[:2], found, style)
            tally.coverings[way] = tally.coverings.get(way, Covering()) + covering(mask, boxes)
            yield way, redacted(pixels, found, style)


def _clip_figures(clip: Clip, finding: Finding) -> dict[Way, ClipFigures]:
    found = {
        finding.name: [list(finding.find(clip.query, frame)) for frame in clip.frames],
        ANY: [list(finding.find_any(frame)) for frame in clip.frames],
        TRUTH: shaken(clip),
    }
    return {
        (locating, name): measure_clip(clip, each, style)
        for locating, each in found.items()
        for name, style in styles().items()
    }


def _row(
    way: Way, known: Sequence[tuple[int, bool]], counts: Covering, clip: ClipFigures, seed: int
) -> RedactionRow:
    share, interval = _known(known, seed)
    return RedactionRow(
        *way, share, interval, counts.recall, counts.precision, counts.boxes_covered, clip
    )


def _known(known: Sequence[tuple[int, bool]], seed: int) -> tuple[float, Interval]:
    """Over boxes; those of one photo are drawn together."""
    scenes, values = zip(*known, strict=True)
    return float(np.mean(values)), bootstrap(values, scenes, seed=seed)
