"""Views: the same for a step whoever makes them, shared out among processes without loss."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from likemark.augment.recipe import RECIPES, Recipe, Scene
from likemark.db.errors import InvalidInput, NotFound, PictureError
from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.pictures.normalise import prepared
from likemark.retrieval.training.config import Augment, Batch
from likemark.retrieval.training.corpus import find_photos, read_corpus
from likemark.retrieval.training.preview import preview
from likemark.retrieval.training.sampler import Sampler
from likemark.retrieval.training.task import Share
from likemark.retrieval.training.views import Views, read_mark, readable


@pytest.fixture
def views(brands: Path) -> Views:
    corpus = read_corpus(brands)
    sampler = Sampler(corpus, Batch(groups=4, views=4, ideas=0.0), None, seed=0)
    return Views(corpus, sampler, RECIPES["default"], size=48, seed=0, plain=0.3)


def test_a_batch_is_bytes_and_the_groups_they_show(views: Views) -> None:
    pixels, groups = views[0]
    assert (pixels.shape, pixels.dtype) == ((16, 48, 48, 3), torch.uint8)
    assert groups.tolist() == [slot.group for slot in views.sampler.batch(0)]


def test_a_step_gives_the_same_views_whatever_was_made_before(views: Views, brands: Path) -> None:
    for step in (5, 1, 9):
        views[step]
    fresh = replace(views, corpus=read_corpus(brands), _marks={})
    assert torch.equal(views[3][0], fresh[3][0])
    assert not torch.equal(views[3][0], views[4][0])


def test_marks_are_laid_on_photos_where_there_are_some(views: Views, tmp_path: Path) -> None:
    recipe = Recipe(scene=Scene(photo=1.0))
    photos = tuple(tmp_path / f"{n}.png" for n in range(3))
    photos[0].write_bytes(b"broken")  # the next one is taken instead
    for photo in photos[1:]:
        Image.new("RGB", (500, 300), (10, 200, 60)).save(photo)
    laid = replace(views, recipe=recipe, plain=0.0, photos=photos)
    pixels, _ = laid[0]
    green = (pixels[..., 1].int() - pixels[..., 0].int() > 150).float().mean((1, 2))
    assert green.min() > 0.1
    assert torch.equal(replace(laid, photos=photos[:1])[0][0], replace(laid, photos=())[0][0])


def test_marks_are_found_in_photos_as_often_as_is_asked(views: Views, tmp_path: Path) -> None:
    photo = tmp_path / "green.png"
    Image.new("RGB", (500, 300), (10, 200, 60)).save(photo)
    plain = replace(views, recipe=Recipe(untouched=1.0), plain=0.0, photos=(photo,))
    alone = torch.cat([plain[step][0] for step in range(3)]).float()
    for share, least, most in ((0.0, 0.0, 0.0), (0.5, 0.2, 0.8), (1.0, 0.9, 1.0)):
        pixels = torch.cat([replace(plain, found=share)[step][0] for step in range(3)]).float()
        others = (pixels - alone).abs().mean((1, 2, 3)) > 16
        assert least <= float(others.float().mean()) <= most, share


def test_photos_are_needed_to_find_marks_in() -> None:
    with pytest.raises(InvalidInput, match=r"augment\.found must be 0 without augment\.photos"):
        Augment(found=0.2)


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    assert find_photos("", "augment.photos") == ()
    with pytest.raises(NotFound, match=r"augment\.photos: .* has no pictures"):
        find_photos(str(tmp_path), "augment.photos")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one.JPG").touch()
    assert find_photos(str(tmp_path), "augment.photos") == (tmp_path / "deep" / "one.JPG",)


def test_another_seed_gives_other_views(views: Views) -> None:
    assert not torch.equal(views[0][0], replace(views, seed=1)[0][0])


def test_the_shares_of_processes_make_up_the_batch(views: Views) -> None:
    whole, groups = views[2]
    for world in (2, 4):
        for rank in range(world):
            pixels, own = replace(views, share=Share(rank, world))[2]
            assert torch.equal(pixels, whole[rank::world])
            assert torch.equal(own, groups[rank::world])


def test_plain_views_are_the_drawings_as_a_search_sees_them(views: Views) -> None:
    plain = replace(views, plain=1.0)
    slots = plain.sampler.batch(0)
    alone = [n for n, slot in enumerate(slots) if not slot.copied]
    assert alone
    for number in alone:
        drawing = readable(plain.corpus.paths[slots[number].drawing])
        seen = plain.view(slots, number, 0).astype(int) - prepared(drawing, 48)
        assert np.abs(seen).mean() < 8  # scaled once more on the way


def test_a_mark_stands_on_the_ground_that_a_search_finds(tmp_path: Path) -> None:
    """Ink along most of the edge is no ground: a search pads what has no even edge with white."""
    pixels = np.full((60, 60, 3), 255, np.uint8)
    pixels[:, :24] = (200, 30, 30)
    pixels[:, 36:] = (200, 30, 30)
    pixels[20:40] = (20, 20, 160)
    Image.fromarray(pixels).save(tmp_path / "ink.png")
    Image.fromarray(pixels[::-1, ::-1, ::-1]).save(tmp_path / "other.png")
    mark = read_mark(tmp_path / "ink.png", 60)
    np.testing.assert_array_equal(
        prepared(mark.pixels, 48), prepared(load_picture(tmp_path / "ink.png"), 48)
    )


def test_what_stands_beside_a_mark_is_of_no_group_of_the_batch(views: Views) -> None:
    rng = np.random.default_rng(0)
    groups = set(range(len(views.corpus.names) - 1))  # all but one
    beside = [int(views.corpus.groups[views._beside(groups, rng)]) for _ in range(60)]
    assert np.mean([group not in groups for group in beside]) > 0.5


def test_copies_in_one_batch_are_never_both_plain(views: Views) -> None:
    plain = replace(views, plain=1.0)
    slots = plain.sampler.batch(0)
    copied = [n for n, slot in enumerate(slots) if slot.copied]
    made = [plain.view(slots, number, 0).tobytes() for number in copied]
    assert len(set(made)) > len(made) // 2


def test_few_marks_are_kept_in_memory(views: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("likemark.retrieval.training.views._KEPT", 3)
    before = views[0][0]
    assert len(views._marks) <= 3
    assert torch.equal(before, views[0][0])


@pytest.fixture
def moved(views: Views, tmp_path: Path) -> Views:
    """The same views of files that may be taken away."""
    shutil.copytree(views.corpus.paths[0].parents[1], tmp_path / "brands")
    corpus = read_corpus(tmp_path / "brands")
    return replace(views, corpus=corpus, plain=1.0, _marks={}, _lost=[])


def test_a_drawing_that_breaks_or_goes_gives_way_to_another_of_its_group(moved: Views) -> None:
    slots = [replace(slot, copied=False) for slot in moved.sampler.batch(0)]
    gone = moved.corpus.paths[slots[0].drawing]
    others = [n for n in np.flatnonzero(moved.corpus.groups == slots[0].group).tolist()
              if n != slots[0].drawing]  # fmt: skip
    whole = replace(moved, _lost=[])
    for spoil, reason in ((lambda: gone.write_bytes(b""), "empty"), (gone.unlink, "missing")):
        spoil()
        moved._marks.clear()
        # It may be the view of another place too: it does not stay as it is.
        stood_in = [replace(slots[0], drawing=others[0], copied=True), *slots[1:]]
        assert np.array_equal(moved.view(slots, 0, 0), whole.view(stood_in, 0, 0))
        (line,) = moved.lost()
        assert line.startswith(f"{gone}: {reason}")
        assert moved.lost() == ()


def test_a_group_that_has_none_left_is_named_on_one_line(moved: Views) -> None:
    slots = moved.sampler.batch(0)
    for path in moved.corpus.paths:
        path.unlink()
    name = moved.corpus.names[slots[0].group]
    with pytest.raises(NotFound, match=f"{name}: none of its 3 drawings can be read any more: ."):
        moved.view(slots, 0, 0)


def test_what_stands_beside_a_mark_gives_way_too(moved: Views) -> None:
    recipe = Recipe(scene=Scene(beside=1.0))
    beside = replace(moved, recipe=recipe, plain=0.0, _lost=[])
    slots = moved.sampler.batch(0)
    other = beside._beside({slot.group for slot in slots}, np.random.default_rng([0, 0, 0]))
    before = beside.view(slots, 0, 0)
    moved.corpus.paths[other].unlink()
    beside._marks.clear()
    assert not np.array_equal(beside.view(slots, 0, 0), before)
    assert len(beside.lost()) == 1


def test_a_drawing_that_has_gone_is_named(views: Views) -> None:
    with pytest.raises(PictureError, match=r"none\.png: missing"):
        readable(Path("none.png"))


def test_the_preview_shows_the_first_batch_group_by_group(views: Views) -> None:
    pixels, groups = views[0]
    shown = preview(views)
    assert shown.views.shape == (4, 4, 48, 48, 3)
    assert torch.equal(torch.from_numpy(shown.views).flatten(0, 1), pixels)
    assert list(shown.names) == [views.corpus.names[n] for n in groups[::4].tolist()]
