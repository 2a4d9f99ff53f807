"""Indexing from folders and manifests: incremental, ordered, never stopped by a bad picture."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from support.corpus import draw_mark, write_corpus, write_manifest
from support.models import tiny_model
from support.state import catalogue_state, index_state

from likemark.db.browse import count, find_mark, list_marks, rejects
from likemark.db.errors import InvalidInput, ManifestError, ModelMismatch, NotFound, PictureError
from likemark.db.values import Filters, MarkData
from likemark.retrieval.indexing import (
    IndexingOptions,
    IndexingReport,
    Listeners,
    SeenIds,
    index_paths,
)
from likemark.retrieval.models import FoundModel
from likemark.retrieval.pipeline import Job, Pipeline
from likemark.retrieval.rows import Row
from likemark.retrieval.scan import Inputs
from likemark.retrieval.workspace import Workspace


def run(
    workspace: Workspace, model: FoundModel, *paths: Path, **options: object
) -> tuple[IndexingReport, list[str]]:
    problems: list[str] = []
    report, _ = index_paths(
        workspace,
        list(paths),
        model,
        options=IndexingOptions(**options),  # type: ignore[arg-type]
        listeners=Listeners(problem=problems.append),
    )
    return report, problems


def names(workspace: Workspace) -> list[str]:
    with workspace.catalogue.read() as session:
        return [mark.title for mark in list_marks(session, Filters())]


def test_a_folder_is_read_recursively_and_every_picture_becomes_a_mark(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    report, problems = run(workspace, tiny, logos)
    assert (report.rows, report.added, report.embedded) == (24, 24, 24)
    assert problems == []
    assert len(index_state(workspace)[1]) == 24


def test_a_second_run_over_the_same_input_embeds_and_changes_nothing(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    run(workspace, tiny, logos)
    before = catalogue_state(workspace), index_state(workspace)
    report, _ = run(workspace, tiny, logos)
    assert (report.added, report.updated, report.embedded) == (0, 0, 0)
    assert (catalogue_state(workspace), index_state(workspace)) == before


def test_a_second_run_does_not_even_load_the_network(
    workspace: Workspace, tiny: FoundModel, logos: Path, tmp_path: Path
) -> None:
    run(workspace, tiny, logos)
    without_weights = tmp_path / "card-only"
    without_weights.mkdir()
    shutil.copy(tiny.folder / "tiny.json", without_weights)
    report, _ = run(workspace, FoundModel(tiny.card, without_weights), logos)
    assert report.embedded == 0


def test_only_new_pictures_are_embedded(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    run(workspace, tiny, logos)
    write_corpus(logos, [30, 31])
    report, _ = run(workspace, tiny, logos)
    assert (report.added, report.embedded) == (2, 2)


def test_a_changed_picture_is_replaced_and_the_old_vector_goes(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    run(workspace, tiny, logos)
    _, ids, _ = index_state(workspace)
    draw_mark(99).save(logos / "mark-0003.png")
    report, _ = run(workspace, tiny, logos)
    assert (report.added, report.updated, report.embedded) == (0, 1, 1)
    after = index_state(workspace)[1]
    assert len(after) == 24
    assert len(set(ids) - set(after)) == 1


def test_a_vanished_picture_stays_until_pruned(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    run(workspace, tiny, logos)
    (logos / "mark-0000.png").unlink()
    (logos / "below" / "mark-0022.png").unlink()
    report, _ = run(workspace, tiny, logos)
    assert report.removed == 0
    assert len(names(workspace)) == 24
    report, _ = run(workspace, tiny, logos, prune=True)
    assert report.removed == 2
    assert "mark-0000" not in names(workspace)
    assert len(index_state(workspace)[1]) == 22


def test_pruning_one_folder_leaves_its_neighbours_alone(
    workspace: Workspace, tiny: FoundModel, tmp_path: Path
) -> None:
    write_corpus(tmp_path / "a", [1, 2])
    write_corpus(tmp_path / "ab", [3])
    run(workspace, tiny, tmp_path / "a", tmp_path / "ab")
    (tmp_path / "a" / "mark-0001.png").unlink()
    (tmp_path / "ab" / "mark-0003.png").unlink()
    report, _ = run(workspace, tiny, tmp_path / "a", prune=True)
    assert report.removed == 1
    assert names(workspace) == ["mark-0002", "mark-0003"]


def test_an_emptied_folder_is_not_pruned_whatever_its_neighbour_holds(
    workspace: Workspace, tiny: FoundModel, tmp_path: Path
) -> None:
    write_corpus(tmp_path / "a", [1])
    write_corpus(tmp_path / "ab", [2, 3])
    run(workspace, tiny, tmp_path / "a", tmp_path / "ab")
    (tmp_path / "a" / "mark-0001.png").unlink()
    (tmp_path / "ab" / "mark-0003.png").unlink()
    report, problems = run(workspace, tiny, tmp_path / "a", tmp_path / "ab", prune=True)
    assert report.removed == 1
    assert problems == [
        f"{tmp_path / 'a'}: not pruned, since none of its pictures are there (is its disk?); "
        "likemark remove takes marks out"
    ]
    assert names(workspace) == ["mark-0001", "mark-0002"]


def test_the_same_bytes_twice_are_one_picture_and_two_marks(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    shutil.copy(logos / "mark-0000.png", logos / "copy.png")
    report, _ = run(workspace, tiny, logos)
    assert (report.added, report.embedded) == (25, 24)
    with workspace.catalogue.read() as session:
        counts = count(session)
    assert (counts.marks, counts.pictures, counts.vectors) == (25, 24, 24)


def test_a_broken_picture_is_named_counted_and_passed_over(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    (logos / "aaa.png").write_bytes(b"")
    (logos / "mmm.png").write_bytes((logos / "mark-0001.png").read_bytes()[:200])
    report, problems = run(workspace, tiny, logos)
    assert report.added == 24
    assert report.rejected == {"empty": 1, "truncated": 1}
    assert all("\n" not in line for line in problems)
    assert [line.split(":")[1].strip() for line in problems] == ["empty", "truncated"]
    with workspace.catalogue.read() as session:
        assert [Path(row.path).name for row in rejects(session)] == ["aaa.png", "mmm.png"]


def test_copies_of_a_broken_picture_are_all_refused_under_their_own_names(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    broken = (logos / "mark-0001.png").read_bytes()[:200]
    for name in ("a.png", "b.png", "z.png"):
        (logos / name).write_bytes(broken)
    report, problems = run(workspace, tiny, logos, batch_rows=4)
    assert report.rejected == {"truncated": 3}
    assert {Path(line.split(":")[0]).name for line in problems} == {"a.png", "b.png", "z.png"}


def test_a_mended_picture_leaves_the_list_of_rejects(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    (logos / "aaa.png").write_bytes(b"")
    run(workspace, tiny, logos)
    draw_mark(77).save(logos / "aaa.png")
    report, _ = run(workspace, tiny, logos)
    assert report.added == 1
    with workspace.catalogue.read() as session:
        assert rejects(session) == []


@pytest.mark.parametrize("prune", [False, True])
def test_a_picture_that_breaks_later_keeps_its_mark_and_vector(
    workspace: Workspace, tiny: FoundModel, logos: Path, prune: bool
) -> None:
    run(workspace, tiny, logos)
    before = index_state(workspace)
    (logos / "mark-0005.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    report, _ = run(workspace, tiny, logos, prune=prune)
    assert sum(report.rejected.values()) == 1
    assert report.removed == 0
    assert index_state(workspace) == before


def test_a_wrong_extension_is_refused_unless_the_check_is_off(
    workspace: Workspace, tiny: FoundModel, tmp_path: Path
) -> None:
    from likemark.retrieval.pictures.limits import PictureLimits

    folder = tmp_path / "odd"
    folder.mkdir()
    draw_mark(1).save(folder / "logo.png", format="JPEG")
    report, _ = run(workspace, tiny, folder)
    assert report.rejected == {"wrong_extension": 1}
    report, _ = run(workspace, tiny, folder, limits=PictureLimits(check_extension=False))
    assert report.added == 1


def test_a_csv_manifest_brings_register_data_and_keeps_unknown_columns(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    manifest = write_manifest(
        logos / "register.csv",
        [
            {
                "id": "a1", "image": "mark-0001.png", "office": "EM", "application_number": "017",
                "text": "ALPHA", "owner": "Müller & Söhne", "nice": "9, 42", "vienna": "3.7.17",
                "filing_date": "2020-05-01", "status": "Registered", "colour claimed": "blue",
            },
            {"id": "a2", "image": "below/mark-0022.png", "text": "BETA"},
        ],
    )  # fmt: skip
    report, problems = run(workspace, tiny, manifest)
    assert (report.added, report.embedded, problems) == (2, 2, [])
    with workspace.catalogue.read() as session:
        mark = find_mark(session, "017")
    assert (mark.text, mark.owner, mark.nice) == ("ALPHA", "Müller & Söhne", (9, 42))
    assert mark.vienna == ("03.07.17",)
    assert mark.extra == {"colour claimed": "blue"}


def test_a_jsonl_manifest_with_a_byte_order_mark_is_read(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    rows = [{"id": "x", "image": "mark-0001.png", "nice": [9, 42], "note": {"deep": [1, None]}}]
    text = "\ufeff" + "\n".join(json.dumps(row) for row in rows)
    (logos / "m.jsonl").write_text(text, encoding="utf-8")
    run(workspace, tiny, logos / "m.jsonl")
    with workspace.catalogue.read() as session:
        mark = find_mark(session, "x")
    assert mark.nice == (9, 42)
    assert mark.extra == {"note": {"deep": [1, None]}}


def test_rows_that_share_an_id_are_pictures_of_one_mark(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    rows = [{"id": "m", "image": f"mark-000{n}.png", "text": "M"} for n in (1, 2, 3)]
    report, _ = run(workspace, tiny, write_manifest(logos / "m.csv", rows))
    assert report.added == 1
    with workspace.catalogue.read() as session:
        assert len(find_mark(session, "m").images) == 3
    write_manifest(logos / "m.csv", rows[:2])
    report, _ = run(workspace, tiny, logos / "m.csv", prune=True)
    assert report.removed == 0
    with workspace.catalogue.read() as session:
        assert len(find_mark(session, "m").images) == 2
    assert len(index_state(workspace)[1]) == 2


def test_later_rows_of_a_mark_add_to_what_the_first_says(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    rows = [
        {"id": "m", "image": "mark-0001.png", "text": "M", "nice": "9", "note": "a"},
        {"id": "m", "image": "mark-0002.png", "nice": "42", "owner": "O"},
    ]
    manifest = write_manifest(logos / "m.csv", rows)
    run(workspace, tiny, manifest)
    with workspace.catalogue.read() as session:
        mark = find_mark(session, "m")
    assert (mark.text, mark.owner, mark.nice, mark.extra) == ("M", "O", (9, 42), {"note": "a"})
    assert run(workspace, tiny, manifest)[0].updated == 0


def test_pictures_that_change_places_keep_their_vectors(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    run(workspace, tiny, logos, batch_rows=4)
    # What the last row will show is what the first row shows no more, many batches earlier.
    (logos / "mark-0000.png").rename(logos / "zzz.png")
    draw_mark(70).save(logos / "mark-0000.png")
    report, _ = run(workspace, tiny, logos, batch_rows=4)
    assert (report.added, report.updated, report.embedded) == (1, 1, 1)
    assert len(index_state(workspace)[1]) == 25
    with workspace.catalogue.read() as session:
        counts = count(session)
    assert (counts.marks, counts.pictures, counts.vectors) == (25, 25, 25)


def test_a_row_without_a_usable_picture_keeps_its_register_data(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    rows = [
        {"id": "word", "text": "WORD MARK"},
        {"id": "gone", "text": "GONE", "image": "no-such.png"},
    ]
    report, problems = run(workspace, tiny, write_manifest(logos / "m.csv", rows))
    assert report.added == 2
    assert report.rejected == {"missing": 1}
    assert len(problems) == 1
    assert names(workspace) == ["WORD MARK", "GONE"]


def test_bad_rows_of_a_manifest_are_counted_and_the_rest_is_indexed(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    (logos / "m.jsonl").write_text(
        '{"id": "a", "image": "mark-0001.png"}\nnot json\n[1]\n{"nice": "9"}\n'
        '{"id": "b", "image": "mark-0002.png", "filing_date": "soon"}\n'
    )
    report, problems = run(workspace, tiny, logos / "m.jsonl")
    assert (report.added, report.unusable_rows) == (2, 3)
    assert sum("m.jsonl:5" in line and "soon" in line for line in problems) == 1
    with workspace.catalogue.read() as session:
        assert find_mark(session, "b").extra == {"filing_date": "soon"}


def test_a_manifest_without_usable_columns_is_refused(
    workspace: Workspace, tiny: FoundModel, tmp_path: Path
) -> None:
    (tmp_path / "m.csv").write_text("foo,bar\n1,2\n")
    with pytest.raises(ManifestError, match="first line must name the columns"):
        run(workspace, tiny, tmp_path / "m.csv")


def test_a_missing_path_is_named(workspace: Workspace, tiny: FoundModel, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        run(workspace, tiny, tmp_path / "nowhere")


def test_an_unprintable_collection_is_refused() -> None:
    with pytest.raises(InvalidInput, match="collection"):
        IndexingOptions(collection="a\nb")


def test_another_model_is_refused_and_the_line_says_what_to_run(
    workspace: Workspace, tiny: FoundModel, logos: Path, tmp_path: Path
) -> None:
    run(workspace, tiny, logos)
    before = catalogue_state(workspace)
    other = tiny_model(tmp_path / "other", name="other", seed=1)
    card = str(tmp_path / "other" / "other.json")
    with pytest.raises(ModelMismatch, match=f"run: likemark reindex --model {re.escape(card)}$"):
        run(workspace, other, logos)
    assert catalogue_state(workspace) == before


def test_collections_share_pictures_but_not_marks(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    run(workspace, tiny, logos, collection="one")
    report, _ = run(workspace, tiny, logos, collection="two")
    assert (report.added, report.embedded) == (24, 0)
    with workspace.catalogue.read() as session:
        counts = count(session)
    assert [(c.name, c.marks) for c in counts.collections] == [("one", 24), ("two", 24)]
    assert counts.pictures == 24


def test_the_size_of_batches_does_not_change_the_result(
    tmp_path: Path, tiny: FoundModel, logos: Path
) -> None:
    states = []
    for rows in (5, 128):
        with Workspace.open(tmp_path / f"w{rows}") as space:
            run(space, tiny, logos, batch_rows=rows)
            state = catalogue_state(space)
            # Generations count transactions, which are what differs here.
            pairs = [(r[0], r[1], r[3]) for r in state.pop("embeddings")]
            del state["generations"], state["models"]
            states.append((state, pairs, index_state(space)[1:]))
    assert states[0] == states[1]


def test_hidden_files_and_linked_folders_are_left_out(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    write_corpus(logos / ".hidden", [50])
    draw_mark(51).save(logos / ".51.png")
    (logos / "loop").symlink_to(logos, target_is_directory=True)
    report, _ = run(workspace, tiny, logos)
    assert report.rows == 24


def test_a_name_that_is_not_utf8_is_refused_in_one_line(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    odd = bytes(logos) + b"/caf\xe9.png"
    with open(odd, "wb") as stream:
        draw_mark(60).save(stream, format="PNG")
    report, problems = run(workspace, tiny, logos)
    assert report.added == 24
    assert report.rejected == {"unreadable": 1}
    assert "not UTF-8" in problems[0]


def test_a_manifest_with_a_broken_line_is_not_pruned(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    manifest = logos / "m.jsonl"
    good = [f'{{"id": "{n}", "image": "mark-000{n}.png"}}\n' for n in range(3)]
    manifest.write_text("".join(good))
    run(workspace, tiny, manifest)
    manifest.write_text(good[0] + good[1][:-5] + "\n")
    report, problems = run(workspace, tiny, manifest, prune=True)
    assert (report.removed, report.unusable_rows) == (0, 1)
    assert problems[-1] == f"{manifest}: not pruned, since part of it could not be read"
    manifest.write_text(good[0])
    assert run(workspace, tiny, manifest, prune=True)[0].removed == 2


def test_a_folder_that_cannot_be_listed_is_named_and_nothing_in_it_is_pruned(
    workspace: Workspace, tiny: FoundModel, logos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(workspace, tiny, logos)
    scandir = os.scandir

    def refusing(path: str) -> object:
        # Permissions do not stop root, under which tests may run.
        if str(path).endswith("below"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    report, problems = run(workspace, tiny, logos, prune=True)
    assert (report.removed, report.rejected) == (0, {"unreadable": 1})
    assert "the folder cannot be listed" in problems[0]
    assert "not pruned" in problems[1]


def test_a_picture_pointed_at_twice_is_one_row(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    report, _ = run(workspace, tiny, logos, logos / "below", logos / "mark-0001.png")
    assert (report.rows, report.added) == (24, 24)


def test_only_pictures_of_an_input_inside_another_are_remembered(logos: Path) -> None:
    beside = logos.parent / f"{logos.name}-more"
    beside.mkdir()
    named = logos / "mark-0001.png"
    comes_again = Inputs.of([logos, beside, logos / "below", named])._comes_again()
    assert comes_again(str(logos / "below" / "a.png"))
    assert comes_again(str(named))
    assert not comes_again(str(logos / "mark-0002.png"))
    assert not comes_again(str(beside / "a.png"))
    assert not Inputs.of([logos, beside])._comes_again()(str(named))


@pytest.mark.parametrize("order", ["together", "manifest first", "folder first"])
@pytest.mark.parametrize("with_id", [True, False])
def test_a_picture_that_a_manifest_names_is_one_mark_with_its_register_data(
    workspace: Workspace, tiny: FoundModel, logos: Path, order: str, with_id: bool
) -> None:
    rows = [{"image": f"mark-000{n}.png", "text": f"M{n}", "owner": "O"} for n in range(4)]
    if with_id:
        rows = [{"id": f"r{n}", **row} for n, row in enumerate(rows)]
    manifest = write_manifest(logos / "register.csv", rows)
    if order == "together":
        run(workspace, tiny, logos, manifest)
    elif order == "manifest first":
        run(workspace, tiny, manifest)
        run(workspace, tiny, logos)
    else:
        run(workspace, tiny, logos)
        run(workspace, tiny, manifest)
    run(workspace, tiny, logos, prune=True)
    with workspace.catalogue.read() as session:
        marks = list_marks(session, Filters())
    assert len(marks) == 24
    assert sorted(mark.text for mark in marks if mark.text) == ["M0", "M1", "M2", "M3"]
    before = catalogue_state(workspace)
    report, _ = run(workspace, tiny, logos, manifest, prune=True)
    assert (report.added, report.updated, report.removed, report.embedded) == (0, 0, 0, 0)
    assert catalogue_state(workspace) == before


def test_rows_of_a_mark_that_stand_far_apart_add_up(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    rows = [{"id": "m", "image": "mark-0000.png", "text": "M", "nice": "9"}]
    rows += [{"id": f"x{n}", "image": f"mark-000{n}.png", "text": "X"} for n in range(1, 9)]
    rows += [{"id": "m", "image": "mark-0009.png", "nice": "42"}]
    run(workspace, tiny, write_manifest(logos / "m.csv", rows), batch_rows=3)
    with workspace.catalogue.read() as session:
        mark = find_mark(session, "m")
    assert (mark.text, mark.nice, len(mark.images)) == ("M", (9, 42), 2)


def test_a_quote_left_open_is_an_error_and_nothing_is_pruned(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    lines = [f"m{n},mark-000{n}.png,T{n}\n" for n in range(9)]
    manifest = logos / "m.csv"
    manifest.write_text("id,image,text\n" + "".join(lines))
    run(workspace, tiny, manifest)
    lines[2] = 'm2,mark-0002.png,"T2\n'
    manifest.write_text("ID, Image ,Text\n" + "".join(lines))
    report, problems = run(workspace, tiny, manifest, prune=True)
    assert (report.unusable_rows, report.removed) == (1, 0)
    assert "is a quote left open?" in problems[0]
    assert len(names(workspace)) == 9


def test_the_way_a_path_is_written_does_not_make_another_mark(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    run(workspace, tiny, logos)
    report, _ = run(workspace, tiny, logos / "below" / "..")
    assert (report.rows, report.added) == (24, 0)


def test_rejects_are_forgotten_when_pruning_finds_them_gone(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    (logos / "odd  name.png").write_bytes(b"")
    rows = [{"id": "a", "image": "mark-0001.png"}, {"id": "b", "image": "none.png"}]
    manifest = write_manifest(logos.parent / "logos" / "m.csv", rows)
    run(workspace, tiny, logos, manifest, prune=True)
    with workspace.catalogue.read() as session:
        assert [Path(r.path).name for r in rejects(session)] == ["none.png", "odd  name.png"]
    write_manifest(manifest, rows[:1])
    (logos / "odd  name.png").unlink()
    run(workspace, tiny, logos, manifest, prune=True)
    with workspace.catalogue.read() as session:
        assert rejects(session) == []


def test_an_index_that_is_not_supported_is_refused_before_any_work() -> None:
    with pytest.raises(InvalidInput, match="is not supported; give auto"):
        IndexingOptions(index="banana")


def test_an_index_asked_for_before_there_are_pictures_is_not_forgotten(
    workspace: Workspace, tiny: FoundModel, logos: Path, tmp_path: Path
) -> None:
    (tmp_path / "nothing").mkdir()
    run(workspace, tiny, tmp_path / "nothing", index="SQfp16")
    _, opened = index_paths(workspace, [logos], tiny)
    assert opened.index.factory == "SQfp16"


def test_a_model_that_has_embedded_nothing_makes_way_for_another(
    workspace: Workspace, tiny: FoundModel, logos: Path, tmp_path: Path
) -> None:
    (tmp_path / "nothing").mkdir()
    run(workspace, tiny, tmp_path / "nothing")
    other = tiny_model(tmp_path / "other", name="other", seed=1)
    assert run(workspace, other, logos)[0].embedded == 24


def test_a_marks_file_that_changed_is_renewed_by_whoever_comes_by_it(
    workspace: Workspace, tiny: FoundModel, logos: Path, tmp_path: Path
) -> None:
    manifest = write_manifest(logos / "m.csv", [{"id": "r", "image": "mark-0000.png"}])
    run(workspace, tiny, logos, manifest)
    draw_mark(77).save(tmp_path / "new.png")
    for name in ("mark-0000.png", "mark-0001.png"):
        shutil.copy(tmp_path / "new.png", logos / name)
    report, problems = run(workspace, tiny, logos)
    said = f"{logos}: 1 files passed over for their ending: 1 .csv"
    assert (report.embedded, problems) == (1, [said])
    with workspace.catalogue.read() as session:
        (own,) = find_mark(session, "r").images
        shown = [mark for mark in list_marks(session, Filters()) if mark.title == "mark-0001"]
    assert [image.image_id for mark in shown for image in mark.images] == [own.image_id]
    before = catalogue_state(workspace)
    report, _ = run(workspace, tiny, logos)
    assert report.embedded == 0
    assert catalogue_state(workspace) == before


def test_a_copy_of_a_file_that_went_is_not_said_to_be_gone() -> None:
    """Gone is what is pruned."""

    class Stages:
        def hashed(self, rows: Iterable[Row]) -> Iterator[Job]:
            yield from (Job(row, b"same") for row in rows)

        def embedded(self, jobs: Iterator[Job]) -> Iterator[tuple[Job, None]]:
            for job in jobs:
                if job.needed:
                    job.result = PictureError(job.row.path or "", "missing")
                yield job, None

    rows = [Row(MarkData(key=name, source="s"), f"/{name}", False) for name in ("a.png", "b.png")]
    first, second = Pipeline(Stages(), known=lambda contents: set()).entries(rows)
    assert first.error is not None
    assert second.error is not None
    assert (first.error.reason, second.error.reason) == ("missing", "unreadable")
    assert str(second.error).startswith("/b.png: ")


def test_ids_that_were_seen_are_known_again() -> None:
    seen = SeenIds()
    numbers = [1, 7, 8, 9_000_000, 9_000_001]
    seen.update(numbers)
    assert [number for number in (0, *numbers, 6, 10, 10**9) if number in seen] == numbers
