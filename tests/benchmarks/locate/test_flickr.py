from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.flickr27 import BOX, COLOURS, SIZE, STRANGERS, draw_photo, row

from likemark.benchmarks.flickr27.layout import PICTURES, TRAINING
from likemark.benchmarks.locate.asks import Ask
from likemark.benchmarks.locate.flickr import EMPTY, WRONG, FlickrTasks

Drawings = dict[str, np.ndarray]


def append(folder: Path, *rows: str) -> None:
    path = folder / TRAINING
    path.write_text(path.read_text() + "".join(rows))


def brands_asked(tasks: FlickrTasks, scene: str, kind: str) -> list[str]:
    asked = tasks.asked
    return [
        asked.queries[ask.query].brand
        for ask in asked.asks
        if asked.scenes[ask.scene].id == scene and asked.queries[ask.query].kind == kind
    ]


def test_scenes_are_photos_with_a_box_and_those_without_a_brand(tasks: FlickrTasks):
    counts = Counter(scene.brand for scene in tasks.asked.scenes)
    assert counts == {**dict.fromkeys(COLOURS, 6), None: STRANGERS}
    scene = tasks.asked.scenes[0]
    assert (scene.id, scene.width, scene.height) == ("Azure azure-0.jpg", *SIZE)
    assert scene.boxes == ((BOX[0], BOX[1], BOX[2] - BOX[0], BOX[3] - BOX[1]),)
    assert tasks.scene_pixels(0).shape == (SIZE[1], SIZE[0], 3)
    assert tasks.truth(0) is None


def test_each_scene_has_one_right_query_of_a_kind_and_some_wrong_ones(tasks: FlickrTasks):
    for scene in tasks.asked.scenes:
        for kind, brands in (("drawing", {"Azure", "Rose"}), ("crop", set(COLOURS))):
            right = int(scene.brand in brands)
            wrong = len(brands) - right
            asked = brands_asked(tasks, scene.id, kind)
            most = min(wrong, WRONG if scene.brand else EMPTY)
            assert len(asked) == len(set(asked)) == right + most
            assert asked.count(str(scene.brand)) == right


def test_a_brand_without_a_drawing_is_named_and_asked_for_by_crops(tasks: FlickrTasks):
    assert tasks.without_drawing == ("Moss",)
    assert "Moss" not in {q.brand for q in tasks.asked.queries if q.kind == "drawing"}
    assert brands_asked(tasks, "Moss moss-0.jpg", "crop")[0] == "Moss"


def test_a_crop_is_never_of_the_scene_itself(tasks: FlickrTasks):
    for ask in tasks.asked.asks:
        if ask.query < len(tasks.exemplars):
            assert tasks.exemplars[ask.query].file != tasks.files[ask.scene]


def test_a_crop_is_not_of_a_copy_of_the_scene_either(folder: Path, drawings: Drawings):
    names = [f"twin-{number}.jpg" for number in range(4)]
    for name in names:
        shutil.copy(folder / PICTURES / "rose-0.jpg", folder / PICTURES / name)
    append(folder, *(row(name, "Rose", 1) for name in names))
    tasks = FlickrTasks.read(folder, drawings)
    digests = [exemplar.digest for exemplar in tasks.exemplars]
    assert len(set(digests)) == len(digests)
    twins = {*names, "rose-0.jpg"}
    for ask in tasks.asked.asks:
        if tasks.files[ask.scene] in twins and ask.query < len(tasks.exemplars):
            assert tasks.exemplars[ask.query].file not in twins


def test_query_pixels_are_the_crop_or_the_drawing(tasks: FlickrTasks, drawings: Drawings):
    for place, query in enumerate(tasks.asked.queries):
        pixels = tasks.query_pixels(place)
        if query.kind == "drawing":
            assert pixels is drawings[query.brand]
        else:
            assert pixels.shape == (BOX[3] - BOX[1], BOX[2] - BOX[0], 3)
            assert np.abs(pixels.mean(axis=(0, 1)) - COLOURS[query.brand]).max() < 12


def test_no_brand_of_a_photo_is_asked_there_as_a_wrong_one(folder: Path, drawings: Drawings):
    append(folder, row("rose-0.jpg", "Moss", 3, (1, 2, 9, 8)))
    tasks = FlickrTasks.read(folder, drawings)
    for brand, other in (("Rose", "Moss"), ("Moss", "Rose")):
        assert other not in brands_asked(tasks, f"{brand} rose-0.jpg", "crop")


def test_well_sized_boxes_are_crops_before_others(folder: Path, drawings: Drawings):
    flat = np.full((300, 300, 3), 230, np.uint8)
    for name in ("good.jpg", "flat.jpg"):
        Image.fromarray(flat).save(folder / PICTURES / name)
        flat[:9] = 0
    append(folder, row("good.jpg", "Rose", 1, (20, 20, 90, 120)))
    append(folder, row("flat.jpg", "Rose", 1, (0, 0, 300, 300)))
    tasks = FlickrTasks.read(folder, drawings)
    files = [exemplar.file for exemplar in tasks.exemplars if exemplar.brand == "Rose"]
    assert files[:2] == ["good.jpg", "flat.jpg"]


def test_photos_whose_boxes_are_degenerate_are_no_scenes(folder: Path, drawings: Drawings):
    draw_photo(folder / PICTURES / "bad.jpg", "Rose")
    append(folder, row("bad.jpg", "Rose", 1, (5, 5, 5, 9)))
    assert "bad.jpg" not in FlickrTasks.read(folder, drawings).files


def test_questions_are_the_same_every_time_and_their_hash_sees_every_change(
    folder: Path, drawings: Drawings, tasks: FlickrTasks
):
    again = FlickrTasks.read(folder, drawings)
    assert (again.asked, again.data) == (tasks.asked, tasks.data)
    other = {**drawings, "Rose": 255 - drawings["Rose"]}
    assert FlickrTasks.read(folder, other).data != tasks.data
    draw_photo(folder / PICTURES / "moss-0.jpg", "Rose")
    assert FlickrTasks.read(folder, drawings).data != tasks.data


def test_a_subset_has_fewer_scenes_with_the_same_queries(folder: Path, drawings: Drawings):
    tasks = FlickrTasks.read(folder, drawings, subset=1)
    assert Counter(scene.brand for scene in tasks.asked.scenes)["Rose"] == 2
    assert tasks.asked.queries == FlickrTasks.read(folder, drawings).asked.queries


def test_questions_of_a_scene_stand_side_by_side(tasks: FlickrTasks):
    order = [ask.scene for ask in tasks.asked.asks]
    assert order == sorted(order)
    assert len({tasks.asked.id(ask) for ask in tasks.asked.asks}) == len(order)
    assert all(isinstance(ask, Ask) for ask in tasks.asked.asks)


def test_the_published_data_give_the_questions_described(drawings: Drawings):
    folder = os.environ.get("LIKEMARK_FLICKR27")
    if folder is None:
        pytest.skip("LIKEMARK_FLICKR27 does not name a folder with FlickrLogos-27")
    tasks = FlickrTasks.read(Path(folder), {})
    asked = tasks.asked
    assert len(asked.scenes) == 809 + 135
    assert len(asked.queries) == 27 * 5
    assert len(asked.asks) == 809 * 3 + 135
    assert Counter(s.size for s in asked.scenes)["small"] == 52
