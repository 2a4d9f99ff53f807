"""`likemark query`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likemark.cli import options as opt
from likemark.cli.output import NOTHING_FOUND, note, plain, print_json, say, table

if TYPE_CHECKING:
    from likemark.retrieval.results import Hit, QueryResult


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: likemark query logo.png -k 10 --nice 9,42 --report report.html")(
        query
    )


def query(
    images: Annotated[
        list[str], typer.Argument(help="Pictures, folders of pictures, or - for standard input.")
    ],
    k: Annotated[int, typer.Option("-k", help="Hits per query.")] = 20,
    collection: opt.CollectionFilter = None,
    nice: opt.NiceFilter = None,
    vienna: opt.ViennaFilter = None,
    status: opt.StatusFilter = None,
    office: opt.OfficeFilter = None,
    owner: opt.OwnerFilter = None,
    filed_after: opt.FiledAfter = None,
    filed_before: opt.FiledBefore = None,
    crop: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,W,H", help="Search for this part of each picture, px (an SVG: of 512)."
        ),
    ] = None,
    blocks: Annotated[
        bool,
        typer.Option(help="Ask with each element of a composite mark too."),
    ] = True,
    turned: Annotated[
        bool,
        typer.Option(
            "--turned", help="Ask with each picture turned by eighths of a full turn too."
        ),
    ] = False,
    parts: Annotated[
        bool,
        typer.Option(
            "--parts",
            help="Ask with each picture's halves too, and look into the 5,000 nearest marks for "
            "the picture as a part of them.",
        ),
    ] = False,
    min_score: Annotated[
        float | None, typer.Option(help="Leave hits out whose score is below that, -1 to 1.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write the answer as one HTML page.", metavar="FILE.html")
    ] = None,
    paths: Annotated[
        bool, typer.Option("--paths/--no-paths", help="Tell whole paths in the report.")
    ] = True,
    model: opt.CatalogueModel = None,
    device: opt.DeviceName = "auto",
    max_megapixels: opt.MaxMegapixels = opt.DEFAULT_MEGAPIXELS,
    max_megabytes: opt.MaxMegabytes = opt.DEFAULT_MEGABYTES,
    any_extension: opt.AnyExtension = False,
    json: opt.AsJson = False,
    workspace: opt.Root = None,
    database: opt.Database = None,
) -> None:
    """Find the marks that look like a picture, best first.

    Filters are met before ranking: -k 20 means twenty hits that satisfy them all. Exit code 3 says
    that nothing passed.
    """
    from importlib.metadata import version

    from likemark.db.filters import unknown_values
    from likemark.retrieval.engine import QueryOptions, query_requests, search_pictures
    from likemark.retrieval.files import check_named
    from likemark.retrieval.models import chosen_model
    from likemark.retrieval.pictures.picture import Crop
    from likemark.retrieval.report.write import write_report
    from likemark.retrieval.results import results_json

    picture_limits = opt.limits(max_megapixels, max_megabytes, any_extension)
    options = QueryOptions(
        k=k,
        filters=opt.filters(
            collections=collection,
            nice=nice,
            vienna=vienna,
            status=status,
            office=office,
            owner=owner,
            filed_after=filed_after,
            filed_before=filed_before,
        ),
        crop=None if crop is None else Crop.parse(crop),
        min_score=min_score,
        blocks=blocks,
        turned=turned,
        parts=parts,
        device=device,
        limits=picture_limits,
    )
    if report is not None:
        # Before the search: nobody wants to wait for an answer that cannot be written.
        check_named(report, ".html", ".htm")
    requests = query_requests(images, opt.standard_input())
    with opt.open_workspace(workspace, database) as space:
        found = chosen_model(space, model)
        search, answers = search_pictures(space, requests, found, options)
        results: list[QueryResult] = []
        for result in answers:
            results.append(result)
            if result.error is not None:
                note(f"likemark: {result.error}")
            if not json and result.error is None:
                say(_answer(result, alone=len(requests) == 1))
        if not any(result.hits for result in results):
            with space.catalogue.read() as session:
                for line in unknown_values(session, options.filters):
                    note(f"likemark: {line}")
    if json:
        print_json(results_json(results, search))
    if report is not None:
        write_report(
            report,
            results,
            search,
            requests=requests,
            limits=picture_limits,
            version=version("likemark"),
            paths=paths,
        )
        note(f"report: {report}")
    raise typer.Exit(_exit_code(results))


def _answer(result: QueryResult, *, alone: bool) -> str:
    head = "" if alone else f"{plain(result.query)}\n"
    if not result.hits:
        return head + "nothing found"
    columns = (
        "rank", "score", "mark", "office", "number", "owner", "nice", "status", "picture", "block",
        "turn", "part",
    )  # fmt: skip
    return head + table(columns, [_row(hit) for hit in result.hits]) + ("" if alone else "\n")


def _row(hit: Hit) -> list[object]:
    from likemark.retrieval.report.highlight import own_path

    mark = hit.mark
    more = f" (+{hit.others})" if hit.others else ""
    number = mark.application_number or mark.registration_number
    nice = ",".join(map(str, mark.nice))
    score = f"{hit.score:.3f}"
    return [
        hit.rank, score, mark.title + more, mark.office, number, mark.owner, nice, mark.status,
        own_path(mark, hit), ",".join(map(str, hit.block.box)) if hit.block else "",
        hit.turn or "", ",".join(f"{share:.2f}" for share in hit.part) if hit.part else "",
    ]  # fmt: skip


def _exit_code(results: list[QueryResult]) -> int:
    if any(result.hits for result in results):
        return 0
    return 1 if any(result.error for result in results) else NOTHING_FOUND
