"""Queries: ranked, filtered before ranking, grouped, and honest about what cannot be read."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy.orm import Session
from support.corpus import draw_mark, write_corpus, write_manifest
from support.models import tiny_model

from likemark.db.errors import InvalidInput, ModelMismatch, NotFound
from likemark.db.search import ShownImage, shown_marks
from likemark.db.values import Filters
from likemark.retrieval.engine import QueryOptions, query_requests, search_pictures
from likemark.retrieval.indexing import index_paths
from likemark.retrieval.models import FoundModel
from likemark.retrieval.pictures.picture import Crop
from likemark.retrieval.results import QueryResult, results_json
from likemark.retrieval.workspace import Workspace


@pytest.fixture
def register(workspace: Workspace, tiny: FoundModel, tmp_path: Path) -> Path:
    """Thirty marks with register data that follow from their number."""
    write_corpus(tmp_path / "marks", range(30))
    rows = [
        {
            "id": f"m{n}", "image": f"marks/mark-{n:04d}.png", "text": f"MARK {n}",
            "office": "EM" if n % 2 else "US", "nice": "9" if n % 3 == 0 else "42",
            "vienna": f"0{1 + n % 4}.01.01", "status": "Live" if n < 20 else "Dead",
            "owner": "Ärger GmbH" if n == 7 else "Acme", "filing_date": f"20{n:02d}-01-01",
        }
        for n in range(30)
    ]  # fmt: skip
    index_paths(workspace, [write_manifest(tmp_path / "m.csv", rows)], tiny)
    return tmp_path / "marks"


def ask(
    workspace: Workspace, model: FoundModel, *names: str | Path, **options: object
) -> list[QueryResult]:
    requests = query_requests([str(name) for name in names])
    wanted = QueryOptions(**options)  # type: ignore[arg-type]
    return list(search_pictures(workspace, requests, model, wanted)[1])


def found(result: QueryResult) -> list[str]:
    return [hit.mark.title for hit in result.hits]


def test_an_indexed_picture_finds_itself_first_with_score_one(
    workspace: Workspace, tiny: FoundModel, register: Path
) -> None:
    (result,) = ask(workspace, tiny, register / "mark-0004.png", k=5)
    assert found(result)[0] == "MARK 4"
    assert result.hits[0].score == pytest.approx(1, abs=2e-3)
    assert [hit.rank for hit in result.hits] == [1, 2, 3, 4, 5]
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)


def test_the_same_picture_in_another_file_format_is_found(
    workspace: Workspace, tiny: FoundModel, register: Path, tmp_path: Path
) -> None:
    draw_mark(11).save(tmp_path / "q.webp", lossless=True)
    (result,) = ask(workspace, tiny, tmp_path / "q.webp", k=1)
    assert found(result) == ["MARK 11"]


def test_a_folder_of_queries_is_answered_in_the_order_of_its_names(
    workspace: Workspace, tiny: FoundModel, register: Path
) -> None:
    results = ask(workspace, tiny, register, k=1)
    assert [found(result) for result in results] == [[f"MARK {n}"] for n in range(30)]


def test_standard_input_is_a_query(workspace: Workspace, tiny: FoundModel, register: Path) -> None:
    stream = io.BytesIO((register / "mark-0008.png").read_bytes())
    requests = query_requests(["-"], stream)
    (result,) = search_pictures(workspace, requests, tiny, QueryOptions(k=1))[1]
    assert (result.query, found(result)) == ("stdin", ["MARK 8"])


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        (Filters(nice=(9,)), [n for n in range(30) if n % 3 == 0]),
        (Filters(office=("em",)), [n for n in range(30) if n % 2]),
        (Filters(status=("dead",)), list(range(20, 30))),
        (Filters(vienna=("02.*",)), [n for n in range(30) if n % 4 == 1]),
        (Filters(owner="ÄRGER"), [7]),
        (Filters(nice=(9,), office=("US",), status=("Live",)), [0, 6, 12, 18]),
    ],
)
def test_k_hits_all_satisfy_the_filters(
    workspace: Workspace, tiny: FoundModel, register: Path, filters: Filters, wanted: list[int]
) -> None:
    (result,) = ask(workspace, tiny, register / "mark-0004.png", k=30, filters=filters)
    assert sorted(found(result)) == sorted(f"MARK {n}" for n in wanted)
    (few,) = ask(workspace, tiny, register / "mark-0004.png", k=3, filters=filters)
    assert found(few) == found(result)[:3]


def test_filing_dates_bound_the_hits_on_both_sides(
    workspace: Workspace, tiny: FoundModel, register: Path
) -> None:
    import datetime as dt

    filters = Filters(filed_after=dt.date(2005, 1, 1), filed_before=dt.date(2007, 1, 1))
    (result,) = ask(workspace, tiny, register / "mark-0004.png", filters=filters)
    assert sorted(found(result)) == ["MARK 5", "MARK 6", "MARK 7"]


def test_filters_that_nothing_meets_give_no_hits(
    workspace: Workspace, tiny: FoundModel, register: Path
) -> None:
    (result,) = ask(workspace, tiny, register / "mark-0004.png", filters=Filters(nice=(45,)))
    assert result.hits == ()


def test_an_unknown_collection_is_named_with_those_there_are(
    workspace: Workspace, tiny: FoundModel, register: Path
) -> None:
    with pytest.raises(NotFound, match=r"'nope'; there are: default"):
        ask(workspace, tiny, register / "mark-0004.png", filters=Filters(collections=("nope",)))


def test_a_minimum_score_leaves_the_weaker_hits_out(
    workspace: Workspace, tiny: FoundModel, register: Path
) -> None:
    (everything,) = ask(workspace, tiny, register / "mark-0004.png", k=30)
    bar = everything.hits[3].score
    (result,) = ask(workspace, tiny, register / "mark-0004.png", k=30, min_score=bar - 1e-6)
    assert found(result) == found(everything)[:4]


def test_the_same_picture_filed_twice_is_one_hit_with_both_marks(
    workspace: Workspace, tiny: FoundModel, register: Path
) -> None:
    folder = register.parent / "again"
    folder.mkdir()
    shutil.copy(register / "mark-0004.png", folder / "copy.png")  # the same bytes
    draw_mark(4).save(folder / "other.bmp")  # the same pixels in other bytes
    index_paths(workspace, [folder], tiny)
    (result,) = ask(workspace, tiny, register / "mark-0004.png", k=2)
    assert [mark.title for mark in result.hits[0].marks] == ["MARK 4", "copy", "other"]
    assert len(result.hits) == 2


def test_twenty_hits_are_twenty_groups_however_many_copies_there_are(
    workspace: Workspace, tiny: FoundModel, register: Path
) -> None:
    folder = register.parent / "copies"
    folder.mkdir()
    for number in range(120):
        shutil.copy(register / "mark-0004.png", folder / f"{number}.png")
        image = draw_mark(4)
        image.save(folder / f"{number}.bmp", dpi=(number + 10, number + 10))
    index_paths(workspace, [folder], tiny)
    (result,) = ask(workspace, tiny, register / "mark-0004.png", k=20)
    assert len(result.hits) == 20
    assert len(result.hits[0].marks) == 241


def test_of_very_many_marks_with_one_picture_the_known_ones_are_listed_and_the_rest_counted(
    workspace: Workspace, tiny: FoundModel, register: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (before,) = ask(workspace, tiny, register / "mark-0004.png", k=30)
    rows = [{"id": f"c{n}", "image": "marks/mark-0004.png"} for n in range(12)]
    rows.append({"id": "known", "image": "marks/mark-0004.png", "owner": "Fox"})
    index_paths(workspace, [write_manifest(register.parent / "more.csv", rows)], tiny)
    monkeypatch.setattr("likemark.retrieval.engine.LISTED", 3)
    (result,) = ask(workspace, tiny, register / "mark-0004.png", k=30)
    assert [hit.image_id for hit in result.hits] == [hit.image_id for hit in before.hits]
    first, *others = result.hits
    assert [mark.title for mark in first.marks] == ["MARK 4", "known", "c0"]
    assert (first.unlisted, first.others) == (11, 13)
    assert {hit.unlisted for hit in others} == {0}


def test_two_pictures_that_the_same_many_marks_show_are_one_hit_and_what_else_shows_one_is_another(
    workspace: Workspace, tiny: FoundModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(tmp_path / "p", range(2))
    rows = [
        {"id": f"m{n}", "image": f"p/mark-000{picture}.png"} for n in range(9) for picture in (0, 1)
    ]
    manifest = write_manifest(tmp_path / "m.csv", rows)
    index_paths(workspace, [manifest], tiny)
    monkeypatch.setattr("likemark.retrieval.engine.LISTED", 4)
    (result,) = ask(workspace, tiny, tmp_path / "p" / "mark-0000.png", k=2)
    assert [hit.others for hit in result.hits] == [8]
    write_manifest(manifest, [*rows, {"id": "m9", "image": "p/mark-0001.png"}])
    index_paths(workspace, [manifest], tiny)
    (result,) = ask(workspace, tiny, tmp_path / "p" / "mark-0000.png", k=2)
    assert [(hit.mark.title, hit.others) for hit in result.hits] == [("m0", 8), ("m9", 0)]


def copies(parent: Path, count: int) -> Path:
    """A folder of files of different bytes that all show one mark."""
    folder = parent / "copies"
    folder.mkdir()
    for number in range(count):
        draw_mark(4).save(folder / f"{number}.bmp", dpi=(number + 10, number + 10))
    return folder


def test_no_picture_is_looked_up_twice_for_one_query(
    workspace: Workspace, tiny: FoundModel, register: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_paths(workspace, [copies(register.parent, 30)], tiny)
    asked: list[list[int]] = []

    def noted(session: Session, image_ids: list[int], filters: Filters) -> dict[int, ShownImage]:
        asked.append(image_ids)
        return shown_marks(session, image_ids, filters)

    monkeypatch.setattr("likemark.retrieval.engine.shown_marks", noted)
    (result,) = ask(workspace, tiny, register / "mark-0004.png", k=2)
    assert len(result.hits) == 2
    assert len(asked) > 1
    every = [image_id for ids in asked for image_id in ids]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_last_hit_too_has_all_marks_that_show_its_picture(
    workspace: Workspace, tiny: FoundModel, register: Path, k: int
) -> None:
    index_paths(workspace, [copies(register.parent, 9)], tiny)
    (result,) = ask(workspace, tiny, register / "mark-0004.png", k=k)
    assert len(result.hits) == k
    assert len(result.hits[0].marks) == 10


def test_a_mark_that_a_manifest_names_by_its_id_alone_is_called_so(
    workspace: Workspace, tiny: FoundModel, tmp_path: Path
) -> None:
    write_corpus(tmp_path / "marks", range(2))
    rows = [{"id": f"A{n}", "image": f"marks/mark-000{n}.png"} for n in range(2)]
    index_paths(workspace, [write_manifest(tmp_path / "reg.csv", rows)], tiny)
    (result,) = ask(workspace, tiny, tmp_path / "marks" / "mark-0001.png", k=2)
    assert found(result) == ["A1", "A0"]


def test_a_mark_with_several_pictures_stands_once_at_its_best(
    workspace: Workspace, tiny: FoundModel, tmp_path: Path
) -> None:
    write_corpus(tmp_path / "p", range(4))
    rows = [{"id": "a", "image": f"p/mark-000{n}.png", "text": "A"} for n in (0, 1, 2)]
    rows.append({"id": "b", "image": "p/mark-0003.png", "text": "B"})
    index_paths(workspace, [write_manifest(tmp_path / "m.csv", rows)], tiny)
    (result,) = ask(workspace, tiny, tmp_path / "p" / "mark-0001.png", k=10)
    assert sorted(found(result)) == ["A", "B"]
    assert result.hits[0].path.endswith("mark-0001.png")


def test_a_crop_searches_for_a_part_of_the_picture(
    workspace: Workspace, tiny: FoundModel, register: Path, tmp_path: Path
) -> None:
    sheet = Image.new("RGB", (400, 200), "white")
    sheet.paste(draw_mark(3), (20, 40))
    sheet.paste(draw_mark(17), (230, 40))
    sheet.save(tmp_path / "sheet.png")
    (left,) = ask(workspace, tiny, tmp_path / "sheet.png", k=1, crop=Crop(10, 30, 140, 140))
    (right,) = ask(workspace, tiny, tmp_path / "sheet.png", k=1, crop=Crop(220, 30, 140, 140))
    assert (found(left), found(right)) == (["MARK 3"], ["MARK 17"])
    (outside,) = ask(workspace, tiny, tmp_path / "sheet.png", crop=Crop(500, 0, 5, 5))
    assert outside.error is not None
    assert outside.error.reason == "crop_outside"


def test_a_query_that_cannot_be_read_does_not_stop_the_others(
    workspace: Workspace, tiny: FoundModel, register: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    names = [tmp_path / "bad.png", register / "mark-0001.png", tmp_path / "none.png"]
    bad, good, missing = ask(workspace, tiny, *names, k=1)
    assert bad.error is not None
    assert (bad.error.reason, found(good)) == ("not_a_picture", ["MARK 1"])
    assert missing.error is not None
    assert missing.error.reason == "missing"


def test_nothing_indexed_is_said_with_what_to_run(
    workspace: Workspace, tiny: FoundModel, tmp_path: Path
) -> None:
    draw_mark(1).save(tmp_path / "q.png")
    with pytest.raises(NotFound, match="likemark index"):
        ask(workspace, tiny, tmp_path / "q.png")


def test_another_model_than_the_catalogues_is_refused(
    workspace: Workspace, tiny: FoundModel, register: Path, tmp_path: Path
) -> None:
    other = tiny_model(tmp_path / "other", name="other", seed=1)
    with pytest.raises(ModelMismatch, match=r"likemark reindex --model .*/other/other\.json$"):
        ask(workspace, other, register / "mark-0001.png")


def test_ranking_equals_brute_force_over_the_catalogues_vectors(
    workspace: Workspace, tiny: FoundModel, register: Path
) -> None:
    from likemark.db.vectors import active_model, vectors_since

    with workspace.catalogue.read() as session:
        model = active_model(session)
        assert model is not None
        (stored,) = list(vectors_since(session, model))
    (result,) = ask(workspace, tiny, register / "mark-0009.png", k=30)
    order = [hit.image_id for hit in result.hits]
    query = stored.rows[stored.ids == result.hits[0].image_id][0]
    similar = dict(zip(stored.ids.tolist(), (stored.rows @ query).tolist(), strict=True))
    assert set(order) == set(similar)
    in_order = np.array([similar[image_id] for image_id in order])
    assert (np.diff(in_order) <= 2e-3).all()


@pytest.mark.parametrize("bad", [{"k": 0}, {"k": 10**6}, {"min_score": 1.5}])
def test_senseless_options_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        QueryOptions(**bad)  # type: ignore[arg-type]


def test_a_folder_without_pictures_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="holds no pictures"):
        query_requests([str(tmp_path)])


def test_the_json_form_holds_what_the_hits_hold(
    workspace: Workspace, tiny: FoundModel, register: Path
) -> None:
    requests = query_requests([str(register / "mark-0007.png")])
    search, answers = search_pictures(workspace, requests, tiny, QueryOptions(k=2))
    document = json.loads(json.dumps(results_json(list(answers), search)))
    assert document["model"]["name"] == "tiny"
    assert document["index"] == {"factory": "Flat", "vectors": 30}
    (query,) = document["queries"]
    mark = query["hits"][0]["marks"][0]
    assert (mark["title"], mark["nice"], mark["filing_date"]) == ("MARK 7", [42], "2007-01-01")
    assert (mark["owner"], mark["registration_number"]) == ("Ärger GmbH", None)
