"""`likemark locate`"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likemark.cli import options as opt
from likemark.cli.output import (
    NOTHING_FOUND,
    Bar,
    note,
    plain,
    print_json,
    progress_bar,
    say,
    table,
)

if TYPE_CHECKING:
    from likemark.retrieval.oneshot.exports import Exports
    from likemark.retrieval.oneshot.found import Asked, Found, Match
    from likemark.retrieval.oneshot.locating import Answer
    from likemark.retrieval.oneshot.looks import Look
    from likemark.retrieval.oneshot.sources import Scene
    from likemark.retrieval.pictures.limits import PictureLimits
    from likemark.retrieval.workspace import Workspace

HEAD = ("time", "query", "mark", "score", "similarity", "box")


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: likemark locate --query logo.png photos/ clip.mp4 --overlay out")(
        locate
    )


def locate(
    scenes: Annotated[
        list[str], typer.Argument(help="Photos, videos, or folders of them.", metavar="SCENE")
    ],
    query: Annotated[
        list[str] | None,
        typer.Option(
            "--query",
            "-q",
            metavar="LOGO",
            help="Picture of a mark, or a folder of them; may be repeated [default: any mark, "
            "named by the catalogue].",
            show_default=False,
        ),
    ] = None,
    collection: opt.CollectionFilter = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            min=0,
            max=1,
            help="Leave places out that are less probable.",
            show_default=False,
        ),
    ] = None,
    similarity: Annotated[
        float | None,
        typer.Option(
            min=-1,
            max=1,
            show_default=False,
            help="Cosine that a place's crop must reach [default: 0.5 for the catalogue's marks].",
        ),
    ] = None,
    known: Annotated[
        bool, typer.Option("--known", help="Leave marks out that the catalogue does not have.")
    ] = False,
    top: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="The N best places of a scene.")
    ] = None,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", help="Look at a video's frames so far apart.")
    ] = 1.0,
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write each scene with what was found drawn over it."),
    ] = None,
    coco: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Write COCO instances.")
    ] = None,
    yolo: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write YOLO labels, a file a scene.")
    ] = None,
    yolo_polygons: Annotated[
        bool, typer.Option("--yolo-polygons", help="YOLO labels are outlines, not boxes.")
    ] = False,
    model: opt.CatalogueModel = None,
    device: opt.DeviceName = "auto",
    max_megapixels: opt.MaxMegapixels = opt.DEFAULT_MEGAPIXELS,
    max_megabytes: opt.MaxMegabytes = opt.DEFAULT_MEGABYTES,
    any_extension: opt.AnyExtension = False,
    json: opt.AsJson = False,
    workspace: opt.Root = None,
    database: opt.Database = None,
) -> None:
    """Find where marks are in photos and videos, with masks, boxes and probabilities.

    With --query, the marks of those pictures; without, any mark, and which of the catalogue's it
    is. A scene that cannot be read is named and passed over. Exit code 3 says that nothing was
    found.
    """
    from likemark.db.errors import InvalidInput
    from likemark.retrieval.oneshot.exports import Exports, Targets
    from likemark.retrieval.oneshot.found import labelled
    from likemark.retrieval.oneshot.locating import Listeners, LocateOptions, locate_in
    from likemark.retrieval.oneshot.sources import list_sources

    if query and (known or collection):
        raise InvalidInput("--known and --collection are the catalogue's: leave --query out")
    limits = opt.limits(max_megapixels, max_megabytes, any_extension)
    options = LocateOptions(top=top, every=every, limits=limits)
    targets = Targets(overlay, coco, yolo, yolo_polygons)
    queries = list_sources(query or [], pictures_alone=True)
    asked = labelled([each.name for each in queries])
    sources = list_sources(scenes, lambda line: note(f"likemark: {line}"))
    exports = Exports(targets, sources, asked)
    with _bar(len(sources)) as bar, ExitStack() as stack:
        told = _Told(exports, bar, json=json, scenes=len(sources))
        if asked:
            look = _query_look(asked, limits, device, threshold, similarity, told.problem)
        else:
            space = stack.enter_context(opt.open_workspace(workspace, database))
            look = _catalogue_look(
                space, model, device, threshold, similarity, known, collection or []
            )
        fault = told.tell(locate_in(sources, look, options, Listeners(told.problem, bar)))
    # Before the files: what cannot be written must not cost what was found.
    if json:
        print_json(told.document)
    if fault is not None:
        raise fault
    exports.close()
    raise typer.Exit(told.exit_code)


@contextmanager
def _bar(total: int) -> Iterator[Bar]:
    stdout = sys.stdout
    with progress_bar("locating", total) as bar:
        if stdout is None or stdout.isatty():
            yield bar
        else:
            # While it is drawn, the bar would take to its own stream what is meant for a pipe.
            with redirect_stdout(stdout):
                yield bar


def _query_look(
    asked: Sequence[Asked], limits: PictureLimits, device: str, threshold: float | None,
    similarity: float | None, problem: Callable[[str], None],
) -> Look:  # fmt: skip
    from likemark.retrieval.oneshot.finder import Finder
    from likemark.retrieval.oneshot.locating import read_queries
    from likemark.retrieval.oneshot.looks import QueryLook

    queries = read_queries(asked, limits)  # before the network is loaded
    return QueryLook(
        Finder.load(device=device), queries, threshold=threshold, similarity=similarity,
        problem=problem,
    )  # fmt: skip


def _catalogue_look(
    space: Workspace, model: str | None, device: str, threshold: float | None,
    similarity: float | None, known: bool, collections: Sequence[str],
) -> Look:  # fmt: skip
    from likemark.db.values import Filters
    from likemark.retrieval.engine import QueryOptions, row_search
    from likemark.retrieval.models import chosen_model
    from likemark.retrieval.oneshot.finder import Finder
    from likemark.retrieval.oneshot.looks import SIMILARITY, catalogue_look

    found = chosen_model(space, model)
    wanted = QueryOptions(k=1, filters=Filters(collections=tuple(collections)))
    search = row_search(space, found, wanted)
    return catalogue_look(
        Finder.load(device=device), search, found, device=device, threshold=threshold,
        similarity=SIMILARITY if similarity is None else similarity, known=known,
    )  # fmt: skip


class _Told:
    """Prints what is found as soon as a file is done, and counts it."""

    def __init__(self, exports: Exports, bar: Bar, *, json: bool, scenes: int) -> None:
        self.document: list[dict[str, Any]] = []
        self._exports, self._bar, self._json, self._scenes = exports, bar, json, scenes
        self._places = self._failed = 0

    @property
    def exit_code(self) -> int:
        if self._places:
            return 0
        return 1 if self._failed else NOTHING_FOUND

    def problem(self, line: str) -> None:
        self._bar.note(f"likemark: {line}")

    def tell(self, answers: Iterable[Answer]) -> Exception | None:
        """What has ended the run early, if anything has: all before it is told."""
        try:
            self._tell_all(answers)
        except BrokenPipeError:
            raise
        except Exception as fault:
            return fault
        return None

    def _tell_all(self, answers: Iterable[Answer]) -> None:
        for source, scenes in groupby(answers, key=lambda answer: answer[1].source):
            failed = self._failed
            rows = [row for scene, found in scenes for row in self._rows(scene, found)]
            if not self._json and (rows or failed == self._failed):
                head = "" if self._scenes == 1 else f"{plain(source.name)}\n"
                end = "" if self._scenes == 1 else "\n"
                say(head + (table(HEAD, rows) if rows else "nothing found") + end)
        if self._failed and self._scenes > 1:
            self.problem(f"{self._failed} of {self._scenes} scenes could not be read")

    def _rows(self, scene: Scene | None, found: Found) -> list[list[object]]:
        from likemark.retrieval.oneshot.found import found_json

        self._exports.add(scene, found)
        self._places += len(found.matches)
        if found.error is not None:
            self._failed += 1
            self.problem(str(found.error))
        if self._json:
            self.document.append(found_json(found))
            return []
        return [_row(found, match) for match in found.matches]


def _row(found: Found, match: Match) -> list[object]:
    time = "" if found.time is None else f"{found.time:.2f}"
    query, mark = ("", match.label) if match.query is None else (match.label, "")
    similarity = "" if match.similarity is None else f"{match.similarity:.3f}"
    box = ",".join(map(str, match.region.box))
    return [time, query, mark, f"{match.region.score:.3f}", similarity, box]
