from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
from support.drawings import badge, five_rings, lockup

from likemark.augment.recipe import RECIPES
from likemark.benchmarks.speed_augment import ViewSpeed, measure_views, sample_pictures
from likemark.db.errors import InvalidInput


def test_views_of_all_pictures_are_timed_on_one_thread_and_the_setting_comes_back():
    before = cv2.getNumThreads()
    speed = measure_views([badge(), five_rings(), lockup()], recipe="image", views=2)
    assert (speed.recipe, speed.marks, speed.views) == ("image", 3, 2)
    assert speed.seconds > 0
    assert speed.per_second == 6 / speed.seconds
    assert cv2.getNumThreads() == before


def test_the_target_is_four_hundred_views_a_second():
    speed = ViewSpeed("default", 160, 100, 4, 1.0)
    assert (speed.per_second, speed.met) == (400, True)
    assert replace(speed, seconds=1.01).met is False


def test_the_sample_is_drawn_with_its_longer_side_at_the_size_asked_for():
    pictures = sample_pictures(3, side=64)
    assert [max(picture.shape) for picture in pictures] == [64] * 3
    assert all(picture.dtype == np.uint8 for picture in pictures)


def test_what_cannot_be_timed_is_refused():
    for pictures, recipe, views in (([badge()], "none", 1), ([badge()] * 2, "none", 0)):
        with pytest.raises(InvalidInput, match="2 pictures or more and 1 view or more"):
            measure_views(pictures, recipe=recipe, views=views)
    with pytest.raises(InvalidInput, match=f"give one of {', '.join(RECIPES)}"):
        measure_views([badge()] * 2, recipe="loud")


def test_the_command_prints_one_document():
    command = [sys.executable, "-P", "-m", "likemark.benchmarks.speed_augment"]
    options = ["--marks", "3", "--views", "1", "--side", "48", "--recipe", "segment"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    document = json.loads(done.stdout)
    assert (document["recipe"], document["marks"], document["side"]) == ("segment", 3, 48)
    assert document["per_second"] == pytest.approx(3 / document["seconds"])
