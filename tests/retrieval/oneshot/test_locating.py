"""Many scenes in, places out: order, limits, and what cannot be looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.located import RED, Place, RedFinder, film, save, scene

from likemark.db.errors import InvalidInput, PictureError
from likemark.retrieval.oneshot.found import Found, found_json, labelled
from likemark.retrieval.oneshot.locating import (
    Listeners,
    LocateOptions,
    locate_in,
    read_queries,
)
from likemark.retrieval.oneshot.looks import QueryLook
from likemark.retrieval.oneshot.sources import list_sources
from likemark.retrieval.redact.regions import Pixels, region_of_box

PLATE = np.full((12, 20, 3), RED, np.uint8)
PLATE[3:6, 4:9] = 255


def query_look(finder: RedFinder, *names: str, **options: object) -> QueryLook:
    queries = [(asked, PLATE) for asked in labelled(names or ["logo.png"])]
    return QueryLook(finder, queries, **options)  # type: ignore[arg-type]


def locate(
    *paths: Path, look: QueryLook | None = None, **options: object
) -> tuple[list[Found], list[str]]:
    problems: list[str] = []
    answers = locate_in(
        list_sources([str(path) for path in paths]),
        look or query_look(RedFinder(), threshold=0.1),
        LocateOptions(**options),  # type: ignore[arg-type]
        Listeners(problems.append),
    )
    return [found for _, found in answers], problems


def boxes(found: Found) -> list[tuple[int, ...]]:
    return [match.region.box for match in found.matches]


def test_every_scene_is_answered_in_order(tmp_path: Path) -> None:
    save(tmp_path / "in" / "b.png", scene((8, 9)))
    save(tmp_path / "in" / "a.png", scene())
    film(tmp_path / "in" / "c.mkv", [scene((n, 30)) for n in range(15)])
    answers, problems = locate(tmp_path / "in")
    assert [(f.source.below.name, f.frame, f.time, boxes(f)) for f in answers] == [
        ("a.png", None, None, []),
        ("b.png", None, None, [(8, 9, 28, 21)]),
        ("c.mkv", 0, 0.0, [(0, 30, 20, 42)]),
        ("c.mkv", 10, 1.0, [(10, 30, 30, 42)]),
    ]
    assert problems == []


def test_the_best_places_come_first_and_no_more_than_wanted(tmp_path: Path) -> None:
    pixels = scene((5, 5), (60, 40))
    pixels[40:52, 72:80] = 0
    path = save(tmp_path / "a.png", pixels)
    both = locate(path)[0][0]
    assert boxes(both) == [(5, 5, 25, 17), (60, 40, 72, 52)]
    assert [m.region.score for m in both.matches] == pytest.approx([0.8, 0.48])
    assert boxes(locate(path, top=1)[0][0]) == [(5, 5, 25, 17)]


def test_what_cannot_be_read_is_an_answer_and_the_run_goes_on(tmp_path: Path) -> None:
    good = save(tmp_path / "c.png", scene((8, 9)))
    (tmp_path / "a.png").write_bytes(good.read_bytes()[:200])
    (tmp_path / "b.mp4").write_text("no video")
    cut, text, last, none = locate(tmp_path, tmp_path / "none.png")[0]
    assert isinstance(cut.error, PictureError)
    assert cut.error.reason == "truncated"
    assert "cannot be read as a video" in str(text.error)
    assert boxes(last) == [(8, 9, 28, 21)]
    assert isinstance(none.error, PictureError)


def test_a_scene_of_one_colour_is_not_asked(tmp_path: Path) -> None:
    finder = RedFinder()
    path = save(tmp_path / "plain.png", np.full((20, 30, 3), RED, np.uint8))
    (answer,), (line,) = locate(path, look=query_look(finder))
    assert (answer.width, answer.height, answer.matches, answer.error) == (30, 20, (), None)
    assert line.endswith("plain.png: is of one colour: there is nothing to find in it")
    assert finder.seen == []


def test_alpha_and_grey_arrive_in_colours(tmp_path: Path) -> None:
    finder = RedFinder()
    clear = np.zeros((40, 50, 4), np.uint8)
    clear[10:22, 15:35] = (*RED, 255)
    save(tmp_path / "clear.png", clear)
    save(tmp_path / "grey.png", scene()[..., 0])
    first, second = locate(tmp_path, look=query_look(finder, threshold=0.1))[0]
    assert boxes(first) == [(15, 10, 35, 22)]
    assert [seen.shape for seen in finder.seen] == [(40, 50, 3), (64, 96, 3)]
    assert second.matches == ()


def test_a_query_larger_than_a_scene_is_said_once(tmp_path: Path) -> None:
    problems: list[str] = []
    queries = [(asked, scene(size=(100, 200))) for asked in labelled(["big.png"])]
    look = QueryLook(RedFinder(), queries, threshold=0.1, problem=problems.append)
    paths = [save(tmp_path / f"{n}.png", scene((8, 9))) for n in range(2)]
    assert [boxes(found) for found in locate(*paths, look=look)[0]] == [[(8, 9, 28, 21)]] * 2
    (line,) = problems
    assert "big.png: 200 x 100 px is larger than the scene" in line


def test_a_query_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="missing"):
        read_queries(labelled([str(tmp_path / "none.png")]))


def test_places_less_like_the_query_are_left_out(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", scene((8, 9)))
    look = query_look(RedFinder(), "x/one.png", "y/two.png", threshold=0.1, similarity=0.7)
    ((answer,), _) = locate(path, look=look)
    (only,) = answer.matches
    assert (only.label, only.similarity) == ("one", 1)


def test_places_over_the_edge_are_cut_to_the_scene(tmp_path: Path) -> None:
    class Over(RedFinder):
        def propose(self, scene: Pixels, *, threshold: float | None = None) -> list[Place]:
            row = np.ones(1, np.float32)
            outside = region_of_box(200, 0, 5, 5, score=0.9)
            return [Place(0, region, None, row) for region in (
                outside, region_of_box(-5, 50, 40, 40, score=0.7),
            )]  # fmt: skip

    path = save(tmp_path / "a.png", scene())
    (answer,) = locate(path, look=query_look(Over()))[0]
    assert boxes(answer) == [(0, 50, 35, 64)]
    corners = np.array(found_json(answer)["regions"][0]["polygon"])
    assert (corners >= 0).all()
    assert (corners < (96, 64)).all()


def test_progress_counts_frames_as_they_become_known(tmp_path: Path) -> None:
    save(tmp_path / "a.png", scene())
    film(tmp_path / "b.mkv", [scene((n, 30)) for n in range(15)])
    counted: list[tuple[int, int]] = []
    listeners = Listeners(progress=lambda done, total: counted.append((done, total)))
    for _ in locate_in(list_sources([str(tmp_path)]), query_look(RedFinder()), None, listeners):
        pass
    assert counted == [(1, 2), (2, 3), (3, 3)]


@pytest.mark.parametrize("wrong", [{"top": 0}, {"every": 0}, {"every": float("nan")}])
def test_wrong_options_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        LocateOptions(**wrong)  # type: ignore[arg-type]


def test_a_run_that_is_left_early_ends_its_process(tmp_path: Path) -> None:
    for number in range(6):
        save(tmp_path / f"{number}.png", scene((8, 9)))
    answers = locate_in(list_sources([str(tmp_path)]), query_look(RedFinder(), threshold=0.1))
    _, first = next(iter(answers))
    assert boxes(first) == [(8, 9, 28, 21)]
    del answers  # a process that is not reaped is a warning, and so an error


def test_json_has_every_field_of_a_place(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", scene((8, 9)))
    bad = tmp_path / "none.png"
    one, other = (found_json(found) for found in locate(path, bad)[0])
    assert one == {
        "scene": str(path), "width": 96, "height": 64, "error": None,
        "regions": [{
            "query": "logo.png", "score": 0.8, "similarity": 1.0, "box": [8, 9, 28, 21],
            "rotated_box": [[8.0, 9.0], [28.0, 9.0], [28.0, 21.0], [8.0, 21.0]],
            "polygon": [[8, 9], [8, 20], [27, 20], [27, 9]],
        }],
    }  # fmt: skip
    assert other["error"] == {"reason": "missing", "detail": "no such file: check the path"}
    assert (other["width"], other["regions"]) == (0, [])
