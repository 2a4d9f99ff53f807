"""`likemark demo`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likemark.cli import options as opt
from likemark.cli.output import note, print_json, progress_bar, say, table

if TYPE_CHECKING:
    from likemark.benchmarks.demo import Demo
    from likemark.benchmarks.demo_scene import SceneDemo


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: likemark demo --out demo-out")(demo)


def demo(
    out: Annotated[Path, typer.Option(help="Folder for workspace, report and contact sheet.")] = (
        Path("demo-out")
    ),
    device: opt.DeviceName = "auto",
    json: opt.AsJson = False,
) -> None:
    """Index the bundled collection of logos, run its sample queries, find a mark in a scene and
    paint it over, and write report, contact sheet and pictures."""
    from likemark.benchmarks.demo import run_demo

    with progress_bar("indexing", None) as bar:
        result = run_demo(out, device=device, progress=lambda report: bar(report.written))
    if json:
        print_json(_document(result))
        return
    say(f"{result.search.vectors} marks indexed, {result.indexing.embedded} embedded now\n")
    for query, answer, rank in zip(result.queries, result.results, result.best_ranks, strict=True):
        found = f"its brand's other drawing at rank {rank}" if rank else "not found"
        say(f"{query.title} ({query.picture.name}): {found}")
        rows = [(hit.rank, f"{hit.score:.3f}", hit.mark.title, hit.path) for hit in answer.hits[:5]]
        say(table(("rank", "score", "mark", "picture"), rows) + "\n")
    say(_summary(result))
    say(f"\n{_places(result.scene)}")
    note(f"report: {result.report}\ncontact sheet: {result.sheet}")
    note(f"scene: {result.scene.overlay}, {result.scene.redacted}")


def _summary(result: Demo) -> str:
    ranks = [rank for rank in result.best_ranks if rank is not None]
    first = sum(rank == 1 for rank in ranks)
    shown = result.search.k
    return (
        f"{first} of {len(result.queries)} queries find another drawing of their brand first, "
        f"{len(ranks)} among {shown}"
    )


def _places(scene: SceneDemo) -> str:
    from likemark.retrieval.report.text import counted

    where = [
        f"{','.join(map(str, match.region.box))} ({match.region.score:.2f})"
        for match in scene.matches
    ]
    found = counted(len(where), "place")
    return f"{scene.query.name} in {scene.scene.name}: {found} {' '.join(where)}".rstrip()


def _document(result: Demo) -> dict[str, object]:
    from likemark.retrieval.results import results_json

    return {
        **results_json(result.results, result.search),
        "embedded": result.indexing.embedded,
        "best_ranks": list(result.best_ranks),
        "report": str(result.report),
        "contact_sheet": str(result.sheet),
        "scene": {
            "picture": str(result.scene.scene),
            "overlay": str(result.scene.overlay),
            "redacted": str(result.scene.redacted),
            "regions": [
                {"score": match.region.score, "box": list(match.region.box)}
                for match in result.scene.matches
            ],
        },
    }
