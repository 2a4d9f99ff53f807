"""COCO and YOLO: what other programs read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from support.located import found, match, save, scene

from likemark.db.errors import InvalidInput, NotFound
from likemark.retrieval.oneshot.exports import Exports, Targets
from likemark.retrieval.oneshot.found import Asked, Found
from likemark.retrieval.oneshot.sources import Scene, Source, list_sources
from likemark.retrieval.redact.regions import region_of_mask

Export = Callable[..., Path]


@pytest.fixture
def export(tmp_path: Path) -> Export:
    """Writes what was found to all targets below the folder it gives."""

    def write(*answers: Found, queries: tuple[str, ...] = (), polygons: bool = False) -> Path:
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        targets = Targets(out / "overlay", out / "coco.json", out / "yolo", polygons)
        exports = Exports(targets, [], [Asked(f"{name}.png", name) for name in queries])
        for answer in answers:
            exports.add(Scene(answer.source, scene(), answer.frame, answer.time), answer)
        exports.close()
        return out

    return write


def coco(out: Path) -> Any:
    return json.loads((out / "coco.json").read_text())


def test_coco_names_pictures_places_and_classes(export: Export) -> None:
    first = found("in/a.png", match("acme", score=0.8), match("logo", x=50, y=4, score=0.6))
    document = coco(export(first, found("in/b.png"), queries=("logo", "acme")))
    assert [(i["id"], i["file_name"], i["width"], i["height"]) for i in document["images"]] == [
        (1, "in/a.png", 96, 64), (2, "in/b.png", 96, 64),
    ]  # fmt: skip
    assert [(c["id"], c["name"]) for c in document["categories"]] == [(1, "logo"), (2, "acme")]
    one, two = document["annotations"]
    assert (one["id"], one["image_id"], one["category_id"], one["score"]) == (1, 1, 2, 0.8)
    assert (one["bbox"], one["area"], one["iscrowd"]) == ([10, 20, 20, 12], 240, 0)
    (outline,) = one["segmentation"]
    assert sorted(zip(outline[::2], outline[1::2], strict=True)) == [
        (10, 20), (10, 31), (29, 20), (29, 31),
    ]  # fmt: skip
    assert (two["id"], two["category_id"]) == (2, 1)


def test_frames_of_a_video_are_pictures_of_their_own(export: Export) -> None:
    out = export(found("v/clip.mp4", match(), frame=0), found("v/clip.mp4", match(), frame=10))
    images = coco(out)["images"]
    assert [(i["file_name"], i["video"], i["frame"], i["time"]) for i in images] == [
        ("v/clip.mp4#0", "v/clip.mp4", 0, 0.0), ("v/clip.mp4#10", "v/clip.mp4", 10, 1.0),
    ]  # fmt: skip
    names = ["v/clip-000000", "v/clip-000010"]
    assert [str(p.relative_to(out / "yolo")) for p in sorted(out.glob("yolo/v/*"))] == [
        f"{name}.txt" for name in names
    ]
    assert [p.name for p in sorted(out.glob("overlay/v/*"))] == [
        "clip-000000.jpg", "clip-000010.jpg",
    ]  # fmt: skip


def test_yolo_lines_are_shares_of_the_scene(export: Export) -> None:
    out = export(found("a.png", match("acme")), found("b.png"), queries=("logo", "acme"))
    number, *box = (out / "yolo" / "a.txt").read_text().split()
    assert number == "1"
    assert [float(v) for v in box] == pytest.approx([20 / 96, 26 / 64, 20 / 96, 12 / 64], abs=1e-6)
    assert (out / "yolo" / "b.txt").read_text() == ""
    assert (out / "yolo" / "classes.txt").read_text() == "logo\nacme\n"
    assert (out / "yolo" / "data.yaml").read_text() == 'nc: 2\nnames:\n  0: "logo"\n  1: "acme"\n'


def test_labels_of_other_classes_are_not_mixed(export: Export) -> None:
    out = export(found("a.png", match("acme")), queries=("logo", "acme"))
    before = {path: path.read_bytes() for path in (out / "yolo").iterdir()}
    with pytest.raises(InvalidInput, match="holds labels of other classes"):
        export(found("b.png", match("other")), queries=("other",))
    assert {path: path.read_bytes() for path in (out / "yolo").iterdir()} == before
    export(found("b.png", match("logo")), queries=("logo",))  # the first of the same
    assert (out / "yolo" / "classes.txt").read_text() == "logo\nacme\n"


def test_yolo_outlines_are_inside_the_scene(export: Export) -> None:
    out = export(found("a.png", match(x=0, y=0, width=96, height=64)), polygons=True)
    number, *values = (out / "yolo" / "a.txt").read_text().split()
    corners = np.array(values, float).reshape(-1, 2) * (96, 64)
    assert number == "0"
    assert sorted(corners.tolist()) == [
        pytest.approx(corner, abs=1e-4)
        for corner in ([0.5, 0.5], [0.5, 63.5], [95.5, 0.5], [95.5, 63.5])
    ]


def test_a_yolo_outline_has_every_part_that_coco_has(export: Export) -> None:
    mask = np.zeros((64, 96), np.uint8)
    for left in (4, 30, 52, 75):
        mask[20:44, left : left + 14] = 255
    mark = replace(match(), region=region_of_mask(mask))
    out = export(found("a.png", mark), polygons=True)
    (line,) = (out / "yolo" / "a.txt").read_text().splitlines()
    corners = np.array(line.split()[1:], float).reshape(-1, 2) * (96, 64) - 0.5
    drawn = cv2.fillPoly(np.zeros_like(mask), [np.rint(corners).astype(np.int32)], (255,))
    (annotation,) = coco(out)["annotations"]
    assert len(annotation["segmentation"]) == 4
    assert annotation["area"] == np.count_nonzero(drawn[mask > 0])


def test_scenes_of_one_name_get_files_of_their_own(export: Export) -> None:
    out = export(found("a.png"), found("a.jpg"), found("A.webp"), found("classes.png"))
    assert {path.name for path in out.glob("yolo/*.txt")} == {
        "a.txt", "a-2.txt", "A-3.txt", "classes-2.txt", "classes.txt",
    }  # fmt: skip
    assert {path.name for path in out.glob("overlay/*")} == {
        "a.png", "a-2.jpg", "A-3.png", "classes.png",
    }  # fmt: skip


def test_names_that_are_not_utf8_or_hold_quotes_are_written(export: Export) -> None:
    out = export(found("a\udce9.png", match('a "b": c')))
    assert '0: "a \\"b\\": c"' in (out / "yolo" / "data.yaml").read_text()
    assert coco(out)["images"][0]["file_name"] == "a\udce9.png"


def test_what_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    exports = Exports(Targets(coco=tmp_path / "c.json"), [])
    exports.add(None, found("a.png"))
    exports.close()
    assert json.loads((tmp_path / "c.json").read_text())["images"] == []


def test_what_cannot_be_written_is_said_before_anything_is_looked_for(tmp_path: Path) -> None:
    sources = list_sources([str(save(tmp_path / "in" / "a.png", scene()).parent)])
    with pytest.raises(NotFound, match="there is no folder"):
        Exports(Targets(coco=tmp_path / "no" / "c.json"), sources)
    with pytest.raises(InvalidInput, match="is no folder"):
        Exports(Targets(yolo=tmp_path / "in" / "a.png"), sources)
    with pytest.raises(InvalidInput, match=r"holds the scene .*a.png; give another folder"):
        Exports(Targets(overlay=tmp_path), sources)
    asked = [Asked(str(tmp_path / "logos" / "logo.png"), "logo")]
    with pytest.raises(InvalidInput, match=r"holds the query .*logo.png; give another folder"):
        Exports(Targets(overlay=tmp_path / "logos"), sources, asked)
    with pytest.raises(InvalidInput, match="name a folder for YOLO"):
        Targets(polygons=True)


@pytest.mark.parametrize("ground", [0, 128, 255])
def test_an_overlay_is_readable_on_any_ground(ground: int, tmp_path: Path) -> None:
    pixels = np.full((128, 192, 3), ground, np.uint8)
    source = Source("a.png", Path("a.png"))
    exports = Exports(Targets(overlay=tmp_path / "out"), [])
    answer = Found(source, 192, 128, (match("logo", x=60, y=50, width=80, height=40),))
    exports.add(Scene(source, pixels), answer)
    with Image.open(tmp_path / "out" / "a.png") as image:
        drawn = np.asarray(image).astype(int)
    assert drawn.shape == (128, 192, 3)
    assert np.abs(drawn[70, 100] - ground).max() > 20  # the mask
    label = drawn[30:50, 60:140]
    assert (label.max(axis=2) < 60).any()
    assert (label.min(axis=2) > 200).any()
    edge = drawn[50 - 3 : 50 + 4, 120]
    assert np.ptp(edge.sum(axis=1)) > 150
    assert (drawn[110:] == ground).all()


def test_labels_stay_inside_the_smallest_of_scenes(tmp_path: Path) -> None:
    source = Source("a.png", Path("a.png"))
    exports = Exports(Targets(overlay=tmp_path / "out"), [])
    tiny = Found(source, 24, 9, (match("a name " * 9, x=0, y=0, width=24, height=9),))
    exports.add(Scene(source, scene(size=(9, 24))), tiny)
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert image.size == (24, 9)
