"""The demonstration's second half: a bundled mark found in a made scene, and taken out of it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likemark.augment.marks import Mark
from likemark.augment.scenes.recipe import SCENE_RECIPES
from likemark.augment.scenes.scene import make_scene
from likemark.benchmarks.demo_room import draw_room
from likemark.retrieval.devices import AUTO
from likemark.retrieval.files import write_whole
from likemark.retrieval.oneshot.finder import Finder
from likemark.retrieval.oneshot.found import Asked, Match
from likemark.retrieval.oneshot.overlay import COLOURS, overlay
from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.pictures.normalise import flatten
from likemark.retrieval.redact.pictures import redact_picture
from likemark.retrieval.redact.style import Style
from likemark.retrieval.report.page import Figure
from likemark.retrieval.report.text import counted
from likemark.retrieval.report.thumbnails import picture_uri

SAMPLE = Path(__file__).parent / "sample"
QUERY = SAMPLE / "marks" / "logos-blender.svg"
OTHERS = (SAMPLE / "marks" / "logos-bluesky.svg", SAMPLE / "marks" / "logos-brave.svg")
SIZE = (448, 640)  # H, W of the scene, px
_SEED = 8


@dataclass(frozen=True, slots=True, eq=False)
class SceneDemo:
    query: Path  # the mark that is looked for
    scene: Path  # PNG
    overlay: Path  # PNG: what was found
    redacted: Path  # PNG: the scene without it
    matches: tuple[Match, ...]  # best first


def run_scene(out: Path, *, device: str = AUTO) -> SceneDemo:
    """Write scene.png, scene-located.png and scene-redacted.png into a folder that is there.

    Raises ModelError and LikemarkError, as `Finder.load` and `write_whole` do.
    """
    finder = Finder.load(device=device)
    pixels = demo_scene()
    scene, drawn, redacted = (
        out / name for name in ("scene.png", "scene-located.png", "scene-redacted.png")
    )
    _write(scene, pixels)
    asked = Asked(str(QUERY), "blender")
    located = finder.locate(pixels, [finder.ask(load_picture(QUERY), name=asked.name)])
    matches = tuple(Match(each.region, asked, similarity=each.similarity) for each in located)
    _write(drawn, overlay(pixels, matches, [COLOURS[0]] * len(matches)))
    regions = [match.region for match in matches]
    redact_picture(scene, redacted, lambda frame: regions, style=Style(way="inpaint"))
    return SceneDemo(QUERY, scene, drawn, redacted, matches)


def demo_scene(size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """(H, W, 3): the query's mark, twice, and two others, in a drawn room. size: H, W"""
    rng = np.random.default_rng(_SEED)
    marks = [Mark.of(load_picture(path)) for path in (QUERY, QUERY, *OTHERS)]
    recipe = SCENE_RECIPES["default"]
    return make_scene(draw_room(), marks, rng, recipe, size=size).pixels


def figures(demo: SceneDemo) -> Sequence[Figure]:
    """What the report shows of it."""
    found = counted(len(demo.matches), "place")
    shown = (
        ("The mark that was looked for", demo.query),
        (f"A scene made for this page, and where the mark was found in it: {found}", demo.overlay),
        ("The same scene, what was found painted over", demo.redacted),
    )
    return tuple(
        Figure(caption, picture_uri(flatten(load_picture(path)))) for caption, path in shown
    )


def _write(path: Path, pixels: NDArray[np.uint8]) -> None:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    write_whole(path, stream.getvalue())
