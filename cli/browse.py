"""`likemark list`, `show`, `remove` and `stats`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from likemark.cli import options as opt
from likemark.cli.output import NOTHING_FOUND, note, print_json, say, table

if TYPE_CHECKING:
    from likemark.db.search import MarkRow


def register(app: typer.Typer) -> None:
    app.command("list", epilog="Example: likemark list --office EM --limit 20")(list_marks)
    app.command(epilog="Example: likemark show 42 --json")(show)
    app.command(epilog="Example: likemark remove 42 43")(remove)
    app.command(epilog="Example: likemark stats --json")(stats)


def list_marks(
    collection: opt.CollectionFilter = None,
    nice: opt.NiceFilter = None,
    vienna: opt.ViennaFilter = None,
    status: opt.StatusFilter = None,
    office: opt.OfficeFilter = None,
    owner: opt.OwnerFilter = None,
    filed_after: opt.FiledAfter = None,
    filed_before: opt.FiledBefore = None,
    limit: Annotated[int, typer.Option(help="Marks to show.", min=1, max=opt.LARGEST_ID)] = 100,
    after: Annotated[
        int, typer.Option(help="Begin behind this id.", min=0, max=opt.LARGEST_ID)
    ] = 0,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="List the pictures that could not be read instead.")
    ] = False,
    json: opt.AsJson = False,
    workspace: opt.Root = None,
    database: opt.Database = None,
) -> None:
    """List marks, page by page."""
    from dataclasses import replace

    from likemark.db import browse as db
    from likemark.db.errors import InvalidInput
    from likemark.db.filters import unknown_values
    from likemark.retrieval.results import mark_json

    filters = opt.filters(
        collections=collection,
        nice=nice,
        vienna=vienna,
        status=status,
        office=office,
        owner=owner,
        filed_after=filed_after,
        filed_before=filed_before,
    )
    with opt.open_workspace(workspace, database) as space, space.catalogue.read() as session:
        if rejected:
            if after or replace(filters, collections=()).active:
                raise InvalidInput("--rejected takes --collection and --limit alone")
            names = filters.collections or (None,)
            rows = [row for name in names for row in db.rejects(session, name)]
            _print_rejects(rows[:limit], json)
            _tell_more(len(rows) > limit, "--limit shows more")
            raise typer.Exit(0 if rows else NOTHING_FOUND)
        found = db.list_marks(session, filters, limit=min(limit + 1, opt.LARGEST_ID), after=after)
        for line in [] if found else unknown_values(session, filters):
            note(f"likemark: {line}")
    marks = found[:limit]
    following = marks[-1].id if len(found) > limit else None  # id to go on behind
    if json:
        print_json({"marks": [mark_json(mark) for mark in marks], "next_after": following})
    elif marks:
        columns = ("id", "mark", "collection", "office", "number", "owner", "nice", "status")
        say(table(columns, [_row(mark) for mark in marks]))
        _tell_more(following is not None, f"--after {following} goes on")
    raise typer.Exit(0 if marks else NOTHING_FOUND)


def _print_rejects(rows: list[Any], as_json: bool) -> None:
    if as_json:
        rejects = [{"path": r.path, "reason": r.reason, "detail": r.detail} for r in rows]
        print_json({"rejected": rejects})
    elif rows:
        say(table(("reason", "path", "detail"), [(r.reason, r.path, r.detail) for r in rows]))


def _tell_more(more: bool, how: str) -> None:
    if more:
        note(f"likemark: there are more: {how}")


def _row(mark: MarkRow) -> list[object]:
    number = mark.application_number or mark.registration_number
    nice = ",".join(map(str, mark.nice))
    return [
        mark.id, mark.title, mark.collection, mark.office, number, mark.owner, nice, mark.status
    ]  # fmt: skip


def show(
    mark: Annotated[
        str, typer.Argument(help="A mark's id, number, or id in its manifest.", callback=opt.utf8)
    ],
    collection: opt.OneCollection = None,
    json: opt.AsJson = False,
    workspace: opt.Root = None,
    database: opt.Database = None,
) -> None:
    """Show everything that is known of one mark."""
    from likemark.db.browse import find_mark
    from likemark.retrieval.results import mark_json

    with opt.open_workspace(workspace, database) as space, space.catalogue.read() as session:
        document = mark_json(find_mark(session, mark, collection))
    if json:
        print_json(document)
        return
    images = document.pop("images")
    known = [(name, _plain(value)) for name, value in document.items() if value not in (None, [])]
    pictures = [("picture", f"{i['path']} ({i['width']} x {i['height']} px)") for i in images]
    say(table(("field", "value"), known + pictures))


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_plain(part)}" for name, part in value.items())
    return str(value)


def remove(
    marks: Annotated[
        list[str],
        typer.Argument(help="Marks by id, number, or id in the manifest.", callback=opt.utf8),
    ],
    collection: opt.OneCollection = None,
    wait: opt.Wait = 0.0,
    json: opt.AsJson = False,
    workspace: opt.Root = None,
    database: opt.Database = None,
) -> None:
    """Remove marks; a picture that no other mark shows goes with them. Files are left alone."""
    from likemark.retrieval.remove import remove_marks

    with opt.open_workspace(workspace, database) as space:
        removed = remove_marks(space, marks, collection=collection, wait=wait, problem=note)
    if json:
        print_json({"removed": removed})
    else:
        say("1 mark removed" if len(removed) == 1 else f"{len(removed)} marks removed")


def stats(
    json: opt.AsJson = False,
    workspace: opt.Root = None,
    database: opt.Database = None,
) -> None:
    """Count marks, pictures and vectors."""
    from likemark.retrieval.stats import workspace_stats

    with opt.open_workspace(workspace, database) as space:
        document = workspace_stats(space)
    if json:
        print_json(document)
        return
    columns = ("collection", "marks", "pictures", "rejected")
    say(
        table(
            columns, [[c[name] for name in ("name", *columns[1:])] for c in document["collections"]]
        )
    )
    index = document["index"]
    say(
        f"\n{document['marks']} marks, {document['pictures']} pictures, {document['vectors']} "
        "vectors" + (f" of {document['model']}" if document["model"] else "")
    )
    if index:
        size = f"{index['vectors']} vectors, {index['bytes']} bytes in memory"
        say(f"index {index['factory']}: {size}")
        if index["recall_promised"] is not None:
            say(
                f"recall {index['recall_promised']} promised; {index['recall_at_10']:.4f} of the "
                f"first ten measured, at {index['probes']} lists a search; {index['added']} added "
                f"and {index['removed']} removed since they were made"
            )
        if index["recall_kept"] is False:
            say(
                f"{index['factory']} cannot keep that promise: choose finer codes, as "
                "--index auto does"
            )
    say(f"catalogue: {document['catalogue']}")
