"""`likemark index`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from likemark.cli import options as opt
from likemark.cli.output import print_json, progress_bar, say

if TYPE_CHECKING:
    from likemark.retrieval.indexing import IndexingReport
    from likemark.retrieval.sync import Opened


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: likemark index register.csv logos/ --collection eu --prune")(index)


def index(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Folders, pictures, manifests (.csv, .tsv, .jsonl), tar shards, or addresses "
            "such as s3://bucket/marks."
        ),
    ],
    collection: Annotated[
        str,
        typer.Option(
            "--collection", "-c", help="Collection to put the marks in.", callback=opt.utf8
        ),
    ] = "default",
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove marks that these paths hold no more.")
    ] = False,
    model: opt.CatalogueModel = None,
    device: opt.DeviceName = "auto",
    index: opt.IndexSetting = None,
    recall: opt.Recall = None,
    wait: opt.Wait = 0.0,
    max_megapixels: opt.MaxMegapixels = opt.DEFAULT_MEGAPIXELS,
    max_megabytes: opt.MaxMegabytes = opt.DEFAULT_MEGABYTES,
    any_extension: opt.AnyExtension = False,
    workers: Annotated[
        str | None,
        typer.Option(
            help="Embed with Ray: local, a number of processes, ray://HOST:PORT or HOST:PORT "
            "[default: without].",
            show_default=False,
        ),
    ] = None,
    retries: Annotated[
        int, typer.Option(help="Other workers to try when one has died.", min=0, max=100)
    ] = 2,
    json: opt.AsJson = False,
    workspace: opt.Root = None,
    database: opt.Database = None,
) -> None:
    """Add marks to a collection: new pictures are embedded, changed ones replaced.

    Folders are read recursively. A manifest names its columns in the first line: image, id, office,
    application_number, registration_number, text, kind, status, filing_date, registration_date,
    expiry_date, owner, nice, vienna, goods; others are kept as they are. A second run embeds
    nothing that is there already, and a run that was stopped goes on where it was.

    A picture of a tar shard is found again as SHARD.tar!/NAME; NAME's .json holds register data.
    """
    from likemark.retrieval.distributed.options import WorkerOptions
    from likemark.retrieval.indexing import IndexingOptions, Listeners, index_paths
    from likemark.retrieval.models import chosen_model, find_model
    from likemark.retrieval.scan import Inputs

    options = IndexingOptions(
        collection=collection,
        prune=prune,
        index=index,
        recall=recall,
        device=device,
        wait=wait,
        limits=opt.limits(max_megapixels, max_megabytes, any_extension),
        workers=None if workers is None else WorkerOptions(workers, retries=retries),
    )
    # Looked up first: a misspelt name must not leave an empty workspace behind.
    named = None if model is None else find_model(model, opt.models_folder(workspace))
    total = Inputs.of(paths).count()
    space = opt.open_workspace(workspace, database, create=True)
    with space, progress_bar("indexing", total) as bar:
        found = named or chosen_model(space, None)
        listeners = Listeners(problem=bar.note, progress=lambda report: bar(report.written))
        report, opened = index_paths(space, paths, found, options=options, listeners=listeners)
    if json:
        print_json(_document(report, opened))
    else:
        say(_sentence(report, opened, collection))
    raise typer.Exit(1 if report.nothing_used else 0)


def _document(report: IndexingReport, opened: Opened) -> dict[str, object]:
    return {
        "rows": report.rows,
        "added": report.added,
        "updated": report.updated,
        "removed": report.removed,
        "embedded": report.embedded,
        "rejected": dict(report.rejected),
        "unusable_rows": report.unusable_rows,
        "index": {
            "vectors": opened.index.stats().count,
            "factory": opened.index.factory,
            "action": opened.action,
        },
    }


def _sentence(report: IndexingReport, opened: Opened, collection: str) -> str:
    refused = sum(report.rejected.values()) + report.unusable_rows
    reasons = [f"{count} {reason}" for reason, count in report.rejected.most_common()]
    if report.unusable_rows:
        reasons.append(f"{report.unusable_rows} unusable rows")
    parts = [
        f"{collection}: {report.rows} rows",
        f"{report.added} marks added",
        f"{report.updated} updated",
        f"{report.removed} removed",
        f"{report.embedded} pictures embedded",
        f"{refused} refused" + (f" ({', '.join(reasons)})" if reasons else ""),
        f"{opened.index.stats().count} vectors in the index"
        + (" (behind: another process is bringing it up to date)" * (opened.action == "behind")),
    ]
    return ", ".join(parts)
