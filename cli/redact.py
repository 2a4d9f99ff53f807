"""`likemark redact`"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likemark.cli import options as opt
from likemark.cli.output import NOTHING_FOUND, Bar, note, plain, print_json, progress_bar, say

if TYPE_CHECKING:
    from likemark.retrieval.pictures.limits import PictureLimits
    from likemark.retrieval.redact.batch import Outcome, RedactOptions
    from likemark.retrieval.redact.following import Tracking
    from likemark.retrieval.redact.jobs import Job
    from likemark.retrieval.redact.locating import Locating
    from likemark.retrieval.redact.style import Style

STDIN = "-"


class Way(StrEnum):
    MOSAIC = "mosaic"
    BLUR = "blur"
    FILL = "fill"
    INPAINT = "inpaint"
    REPLACE = "replace"


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: likemark redact photos/ --query logo.png --out redacted/")(redact)


def redact(
    scenes: Annotated[
        list[Path],
        typer.Argument(
            help="Pictures, videos, and folders of both.", metavar="SCENE...", parser=opt.path
        ),
    ],
    query: Annotated[
        list[Path] | None,
        typer.Option(
            "--query",
            "-q",
            parser=opt.path,
            metavar="LOGO",
            help="Take this mark out: a picture of it, or a folder of such; may be repeated.",
        ),
    ] = None,
    all_logos: Annotated[
        bool, typer.Option("--all-logos", help="Take every mark out, whichever it is.")
    ] = False,
    regions: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.json",
            help="Take out what `likemark locate --json` found in pictures; - is standard input.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=opt.path,
            metavar="FOLDER|FILE",
            help="Where to write; of one scene also its name.",
        ),
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Replace each file, whole, in place of --out.")
    ] = False,
    style: Annotated[Way, typer.Option(help="How marks are covered.")] = Way.MOSAIC,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--with",
            parser=opt.path,
            metavar="IMAGE",
            help="What `--style replace` puts in place.",
        ),
    ] = None,
    margin: Annotated[
        float,
        typer.Option(
            help="Cover so much around a mark too, as a share of its size.", min=0, max=10
        ),
    ] = 0.08,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Probability from which a place counts [default: 0.1; --all-logos: 0.25; "
            "--regions: all of them].",
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="Look for marks in a video's frames so far apart, and follow them in between; 0: "
            "in every frame.",
        ),
    ] = 0.25,
    skip_clean: Annotated[
        bool, typer.Option("--skip-clean", help="Do not copy files in which nothing is found.")
    ] = False,
    preview: Annotated[
        Path | None,
        typer.Option(
            parser=opt.path, metavar="FOLDER", help="Write before and after, side by side, as PNG."
        ),
    ] = None,
    device: opt.DeviceName = "auto",
    max_megapixels: opt.MaxMegapixels = opt.DEFAULT_MEGAPIXELS,
    max_megabytes: opt.MaxMegabytes = opt.DEFAULT_MEGABYTES,
    any_extension: opt.AnyExtension = False,
    json: opt.AsJson = False,
) -> None:
    """Take marks out of photos and videos.

    What lies outside the marks stays as it is; a file in which nothing is found is copied. Exit
    code 3 says that nothing was found in any, 1 that at least one file could not be done.
    """
    from likemark.db.errors import InvalidInput
    from likemark.retrieval.redact.batch import Outcome, RedactOptions
    from likemark.retrieval.redact.jobs import list_jobs

    if (out is None) != in_place:
        raise InvalidInput("name what is written: --out FOLDER, or --in-place to replace the files")
    limits = opt.limits(max_megapixels, max_megabytes, any_extension)
    options = RedactOptions(
        style=_style(style, picture, margin, limits),
        tracking=_tracking(every),
        limits=limits,
        copy=not skip_clean,
    )
    listing = None if regions in (None, STDIN) else Path(str(regions))
    read = [*(query or []), *(path for path in (picture, listing) if path is not None)]
    listed = list_jobs(scenes, out=out, preview=preview, read=read)
    locating = _locating(query or [], all_logos, regions, threshold, device, limits)
    outcomes = [Outcome(Path(error.name), None, error=error) for error in listed.errors]
    for line in (*listed.notes, *listed.errors):
        note(f"likemark: {line}")
    for done in _run(listed.jobs, locating, options):
        outcomes += done
        if not json:
            _tell(done)
    if json:
        print_json([outcome.to_json() for outcome in outcomes])
    elif len(outcomes) > 1:
        note(_summary(outcomes))
    raise typer.Exit(_exit_code(outcomes))


def _style(way: Way, picture: Path | None, margin: float, limits: PictureLimits) -> Style:
    from likemark.db.errors import InvalidInput
    from likemark.retrieval.pictures.load import load_picture
    from likemark.retrieval.redact.style import Style

    if (picture is not None) != (way is Way.REPLACE):
        raise InvalidInput(
            "--style replace needs a picture, --with IMAGE; no other style takes one"
        )
    pixels = None if picture is None else load_picture(picture, limits)
    return Style(way=way.value, margin=margin, picture=pixels)


def _tracking(every: float) -> Tracking:
    """A mark that is missed in one look is still covered until the next."""
    from likemark.retrieval.redact.following import Tracking

    usual = Tracking()
    return Tracking(
        every=every, hold=max(usual.hold, 2 * every), lookback=max(usual.lookback, every)
    )


def _locating(
    query: list[Path], all_logos: bool, regions: str | None, threshold: float | None,
    device: str, limits: PictureLimits,
) -> Locating:  # fmt: skip
    from likemark.db.errors import InvalidInput
    from likemark.retrieval.redact import listing, locating

    if bool(query) + all_logos + (regions is not None) != 1:
        raise InvalidInput("name what is taken out: --query LOGO, --all-logos or --regions FILE")
    if regions is not None:
        name = "standard input" if regions == STDIN else regions
        entries = listing.read_listing(_text(regions), name=name, threshold=threshold)
        return listing.locating_listed(entries, name=name)
    usual = locating.ANY_THRESHOLD if all_logos else locating.THRESHOLD
    least = usual if threshold is None else threshold
    if all_logos:
        return locating.locating_all(threshold=least, device=device)
    return locating.locating_queries(query, threshold=least, device=device, limits=limits)


def _text(regions: str) -> bytes:
    import sys

    from likemark.db.errors import LikemarkError

    try:
        return sys.stdin.buffer.read() if regions == STDIN else Path(regions).read_bytes()
    except OSError as error:
        raise LikemarkError(f"{regions}: cannot be read: {error.strerror}") from error


def _run(
    jobs: Sequence[Job], locating: Locating, options: RedactOptions
) -> Iterator[list[Outcome]]:
    """What became of each video, and of pictures that stand side by side, once they are done."""
    from likemark.retrieval.redact.batch import redact_files

    for is_video, group in groupby(jobs, key=lambda job: job.is_video):
        several = list(group)
        for some in [[job] for job in several] if is_video else [several]:
            label = some[0].source.name if is_video else "redacting"
            outcomes: list[Outcome] = []
            with progress_bar(label, None if is_video else len(some)) as bar:
                frames = bar if is_video else None
                for outcome in redact_files(some, locating, options, progress=frames):
                    outcomes.append(outcome)
                    _note(outcome, bar)
                    if not is_video:
                        bar(len(outcomes))
            yield outcomes


def _note(outcome: Outcome, bar: Bar) -> None:
    if outcome.error is not None:
        bar.note(f"likemark: {outcome.error}")
    for line in outcome.notes:
        bar.note(line)


def _tell(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.error is None:
            say(f"{plain(str(outcome.target or outcome.source))}: {_what(outcome)}")


def _what(outcome: Outcome) -> str:
    if outcome.regions:
        return f"{_marks(outcome.regions)} covered"
    if outcome.target is None:
        return "nothing found, not written"
    return "nothing found, " + ("copied as it is" if outcome.copied else "only encoded anew")


def _marks(count: int) -> str:
    return "1 mark" if count == 1 else f"{count} marks"


def _summary(outcomes: list[Outcome]) -> str:
    covered = [outcome for outcome in outcomes if outcome.regions]
    failed = sum(outcome.error is not None for outcome in outcomes)
    return (
        f"{len(outcomes)} files: {_marks(sum(o.regions for o in covered))} covered in "
        f"{len(covered)}, nothing found in {len(outcomes) - len(covered) - failed}, "
        f"{failed} failed"
    )


def _exit_code(outcomes: list[Outcome]) -> int:
    """A file that failed still shows its marks: nobody may take the run for done."""
    if any(outcome.error is not None for outcome in outcomes):
        return 1
    return 0 if any(outcome.regions for outcome in outcomes) else NOTHING_FOUND
