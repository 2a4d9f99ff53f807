"""The demonstration: the bundled collection indexed, its sample queries answered and written up."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from likemark.benchmarks.demo_scene import SceneDemo, figures, run_scene
from likemark.db.browse import find_mark
from likemark.db.errors import LikemarkError
from likemark.db.search import MarkRow
from likemark.retrieval.devices import AUTO
from likemark.retrieval.engine import QueryOptions, query_requests, search_pictures
from likemark.retrieval.indexing import IndexingOptions, IndexingReport, Listeners, index_paths
from likemark.retrieval.models import find_model
from likemark.retrieval.pictures.picture import Request
from likemark.retrieval.report.page import Figure
from likemark.retrieval.report.sheet import write_contact_sheet
from likemark.retrieval.report.thumbnails import load_thumbnails
from likemark.retrieval.report.write import write_report
from likemark.retrieval.results import QueryResult, Search
from likemark.retrieval.workspace import Workspace

SAMPLE = Path(__file__).parent / "sample"
COLLECTION = "sample"
HITS = 10
LABEL = "same brand, another drawing"


@dataclass(frozen=True, slots=True)
class SampleQuery:
    picture: Path
    title: str
    expected: tuple[str, ...]  # ids in the manifest of the brand's other drawings


@dataclass(frozen=True, slots=True)
class Demo:
    indexing: IndexingReport
    search: Search
    queries: tuple[SampleQuery, ...]
    results: tuple[QueryResult, ...]  # one a query, in their order
    best_ranks: tuple[int | None, ...]  # of the first other drawing of the brand, if it was found
    scene: SceneDemo  # a mark found in a made scene, and painted over
    report: Path  # HTML
    sheet: Path  # PNG


def sample_queries() -> list[SampleQuery]:
    with (SAMPLE / "queries.csv").open(encoding="utf-8", newline="") as stream:
        return [
            SampleQuery(SAMPLE / row["image"], row["text"], tuple(row["expected"].split(";")))
            for row in csv.DictReader(stream)
        ]


def run_demo(
    out: Path, *, device: str = AUTO, progress: Callable[[IndexingReport], None] = lambda r: None
) -> Demo:
    """Index, query, find a mark in a scene, and write it all up into a folder.

    There are then `report.html`, `contact-sheet.png`, and what `run_scene` writes.

    Raises LikemarkError when the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LikemarkError(f"{out}: cannot be made: {error.strerror}") from error
    model = find_model()
    queries = sample_queries()
    requests = query_requests([str(query.picture) for query in queries])
    with Workspace.open(out / "workspace") as space:
        indexing, _ = index_paths(
            space,
            [SAMPLE / "manifest.csv"],
            model,
            options=IndexingOptions(collection=COLLECTION, prune=True, device=device),
            listeners=Listeners(progress=progress),
        )
        options = QueryOptions(k=HITS, device=device)
        search, answers = search_pictures(space, requests, model, options)
        results = tuple(answers)
        expected = _expected(space, queries)
    scene = run_scene(out, device=device)
    report, sheet = _written(out, results, search, requests, expected, figures(scene))
    ranks = tuple(_best_rank(result, expected[result.query]) for result in results)
    return Demo(indexing, search, tuple(queries), results, ranks, scene, report, sheet)


def _expected(space: Workspace, queries: Sequence[SampleQuery]) -> dict[str, set[int]]:
    """Per query picture, the image ids of its brand's other drawings."""
    with space.catalogue.read() as session:
        return {
            str(query.picture): {
                image.image_id
                for name in query.expected
                for image in find_mark(session, name, COLLECTION).images
            }
            for query in queries
        }


def _best_rank(result: QueryResult, expected: set[int]) -> int | None:
    shown = ((hit.rank, _images(hit.marks)) for hit in result.hits)
    return next((rank for rank, images in shown if images & expected), None)


def _images(marks: Sequence[MarkRow]) -> set[int]:
    return {image.image_id for mark in marks for image in mark.images}


def _written(
    out: Path,
    results: Sequence[QueryResult],
    search: Search,
    requests: Sequence[Request],
    expected: Mapping[str, set[int]],
    shown: Sequence[Figure],
) -> tuple[Path, Path]:
    paths = {hit.path for result in results for hit in result.hits}
    thumbnails = load_thumbnails(sorted(paths), size=240, extra=requests)
    report, sheet = out / "report.html", out / "contact-sheet.png"
    write_report(
        report,
        results,
        search,
        thumbnails=thumbnails,
        version=version("likemark"),
        title="likemark: sample queries",
        highlight=expected,
        highlight_label=LABEL,
        figures=shown,
        figures_title="A mark in a scene",
    )
    write_contact_sheet(sheet, results, thumbnails, highlight=expected, highlight_label=LABEL)
    return report, sheet
