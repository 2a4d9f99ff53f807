"""`likemark reindex` and `doctor`"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from likemark.cli import options as opt
from likemark.cli.output import print_json, progress_bar, say


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: likemark reindex --model default --index auto")(reindex)
    app.command(epilog="Example: likemark doctor")(doctor)


def reindex(
    model: opt.CatalogueModel = None,
    index: opt.IndexSetting = None,
    recall: opt.Recall = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Go on without pictures that are gone.")
    ] = False,
    device: opt.DeviceName = "auto",
    wait: opt.Wait = 0.0,
    max_megapixels: opt.MaxMegapixels = opt.DEFAULT_MEGAPIXELS,
    max_megabytes: opt.MaxMegabytes = opt.DEFAULT_MEGABYTES,
    any_extension: opt.AnyExtension = False,
    json: opt.AsJson = False,
    workspace: opt.Root = None,
    database: opt.Database = None,
) -> None:
    """Build the index anew, and embed all pictures again if the model is another one.

    The old model answers queries until the last picture is done; a run that was stopped goes on
    where it was.
    """
    from likemark.retrieval.models import chosen_model
    from likemark.retrieval.reindex import ReindexOptions
    from likemark.retrieval.reindex import reindex as run

    options = ReindexOptions(
        index=index,
        recall=recall,
        allow_missing=allow_missing,
        device=device,
        wait=wait,
        limits=opt.limits(max_megapixels, max_megabytes, any_extension),
    )
    with opt.open_workspace(workspace, database) as space, progress_bar("embedding", None) as bar:
        found = chosen_model(space, model)
        report = run(
            space, found, options, problem=bar.note, progress=lambda done, total: bar(done, total)
        )
    stats = report.opened.index.stats()
    if json:
        document = {
            "model": found.card.name,
            "embedded": report.embedded,
            "failed": report.failed,
            "index": {"vectors": stats.count, "factory": stats.factory},
        }
        print_json(document)
    else:
        say(
            f"{found.card.name}: {report.embedded} pictures embedded, {report.failed} unreadable, "
            f"index {stats.factory} of {stats.count} vectors built"
        )


def doctor(
    json: opt.AsJson = False,
    workspace: opt.Root = None,
    database: opt.Database = None,
) -> None:
    """Check versions, device, weights, catalogue and index, and name the fix for each fault.

    Exit code 1 says that there is a fault.
    """
    from likemark.retrieval.doctor import examine

    findings = []
    for finding in examine(workspace, database):
        findings.append(finding)
        if not json:
            say(f"{'ok   ' if finding.ok else 'FAULT'}  {finding.check}: {finding.detail}")
            if finding.fix:
                say(f"       fix: {finding.fix}")
    healthy = all(finding.ok for finding in findings)
    if json:
        print_json({"healthy": healthy, "findings": [asdict(finding) for finding in findings]})
    raise typer.Exit(0 if healthy else 1)
