"""Options that several commands share. Nothing here imports more than Typer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from likemark.db.values import Filters
    from likemark.retrieval.pictures.limits import PictureLimits
    from likemark.retrieval.workspace import Workspace


def utf8(value: str | list[str] | None) -> str | list[str] | None:
    """Refuse what no database can hold: an argument whose bytes are not UTF-8."""
    texts = [value] if isinstance(value, str) else value or []
    for text in texts:
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise typer.BadParameter(f"{text!r} is not UTF-8")
    return value


def path(text: str) -> Path:
    """An argument; an empty one, as of a variable that is not set, is not the current folder."""
    if not text:
        raise typer.BadParameter("is empty: give a path")
    return Path(text)


Root = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        parser=path,
        envvar="LIKEMARK_HOME",
        help="Folder that holds catalogue and index [default: the platform's data folder].",
        show_default=False,
    ),
]
Database = Annotated[
    str | None,
    typer.Option(
        envvar="LIKEMARK_DATABASE",
        help="Catalogue URL, such as postgresql+psycopg://user@host/name [default: SQLite].",
        show_default=False,
    ),
]
ModelName = Annotated[
    str, typer.Option("--model", "-m", envvar="LIKEMARK_MODEL", help="Model name or card (.json).")
]
CatalogueModel = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        envvar="LIKEMARK_MODEL",
        help="Model name or card (.json) [default: the catalogue's, else the shipped one].",
        show_default=False,
    ),
]
DeviceName = Annotated[
    str, typer.Option("--device", envvar="LIKEMARK_DEVICE", help="auto, cpu, cuda, cuda:1 or mps.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Wait = Annotated[float, typer.Option(help="Seconds to wait while another process writes.", min=0)]
IndexSetting = Annotated[
    str | None,
    typer.Option(
        "--index",
        help="auto, a FAISS factory string, or a cluster: milvus://HOST:PORT [default: as it is].",
        show_default=False,
    ),
]
Recall = Annotated[
    float | None,
    typer.Option(
        "--recall",
        help="Recall@10 that an approximate index promises, 0.5 to 0.999 [default: as it is, "
        "or 0.99].",
        show_default=False,
    ),
]
MaxMegapixels = Annotated[
    float,
    typer.Option(envvar="LIKEMARK_MAX_MEGAPIXELS", help="Refuse larger pictures.", min=0.001),
]
MaxMegabytes = Annotated[
    float, typer.Option(envvar="LIKEMARK_MAX_MEGABYTES", help="Refuse larger files.", min=0.001)
]
AnyExtension = Annotated[
    bool, typer.Option("--any-extension", help="Accept a picture whose name says another kind.")
]

CollectionFilter = Annotated[
    list[str] | None,
    typer.Option(
        "--collection", "-c", help="Only this collection; may be repeated.", callback=utf8
    ),
]
NiceFilter = Annotated[
    str | None, typer.Option("--nice", help="Only these Nice classes: 9,42.", metavar="CLASSES")
]
ViennaFilter = Annotated[
    str | None,
    typer.Option("--vienna", help="Only these Vienna codes: 03.07.*,26.01.01.", metavar="CODES"),
]
OneCollection = Annotated[
    str | None,
    typer.Option("--collection", "-c", help="Look in this collection only.", callback=utf8),
]
StatusFilter = Annotated[
    list[str] | None,
    typer.Option("--status", help="Only this status; may be repeated.", callback=utf8),
]
OfficeFilter = Annotated[
    list[str] | None,
    typer.Option("--office", help="Only this office; may be repeated.", callback=utf8),
]
OwnerFilter = Annotated[
    str | None, typer.Option("--owner", help="Only owners whose name contains this.", callback=utf8)
]
FiledAfter = Annotated[
    str | None, typer.Option("--filed-after", help="Only marks filed on this day or later.")
]
FiledBefore = Annotated[
    str | None, typer.Option("--filed-before", help="Only marks filed on this day or earlier.")
]

LARGEST_ID = 2**63 - 1  # a database's
DEFAULT_MEGAPIXELS = 100.0
DEFAULT_MEGABYTES = 64.0


def open_workspace(root: Path | None, database: str | None, *, create: bool = False) -> Workspace:
    from likemark.retrieval.workspace import Workspace

    return Workspace.open(root, database=database, create=create)


def models_folder(root: Path | None) -> Path:
    from likemark.retrieval.workspace import default_root

    return (root or default_root()) / "models"


def limits(megapixels: float, megabytes: float, any_extension: bool) -> PictureLimits:
    from likemark.retrieval.pictures.limits import PictureLimits

    return PictureLimits(
        max_megapixels=megapixels,
        max_bytes=int(megabytes * 2**20),
        check_extension=not any_extension,
    )


def filters(
    *,
    collections: list[str] | None,
    nice: str | None,
    vienna: str | None,
    status: list[str] | None,
    office: list[str] | None,
    owner: str | None,
    filed_after: str | None,
    filed_before: str | None,
) -> Filters:
    from likemark.db.values import Filters

    return Filters(
        collections=tuple(collections or ()),
        nice=tuple(_nice(part) for part in _listed("--nice", nice)),
        vienna=tuple(_listed("--vienna", vienna)),
        status=tuple(_said("--status", status or [])),
        office=tuple(_said("--office", office or [])),
        owner=None if owner is None else _said("--owner", [owner])[0],
        filed_after=_day(filed_after),
        filed_before=_day(filed_before),
    )


def _said(option: str, values: list[str]) -> list[str]:
    from likemark.db.errors import InvalidInput

    if not all(value.strip() for value in values):
        raise InvalidInput(f"{option} '': names nothing; leave it out to filter nothing")
    return values


def _listed(option: str, text: str | None) -> list[str]:
    from likemark.db.errors import InvalidInput

    if text is None:
        return []
    parts = [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]
    if not parts:
        raise InvalidInput(f"{option} {text!r}: names nothing; leave it out to filter nothing")
    return parts


def _nice(text: str) -> int:
    from likemark.db.codes import parse_nice
    from likemark.db.errors import InvalidInput

    try:
        return parse_nice(text)
    except ValueError as error:
        raise InvalidInput(f"--nice: {error}") from None


def _day(text: str | None) -> dt.date | None:
    from likemark.db.codes import parse_date
    from likemark.db.errors import InvalidInput

    try:
        return None if text is None else parse_date(text)
    except ValueError as error:
        raise InvalidInput(f"filing date: {error}") from None


def standard_input() -> Iterator[bytes]:
    """Its bytes, touched when they are asked for. Raises InvalidInput where it is closed."""
    import sys

    from likemark.db.errors import InvalidInput

    if sys.stdin is None:
        raise InvalidInput("-: standard input is closed")
    yield from sys.stdin.buffer
