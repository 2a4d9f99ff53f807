"""Exporting, re-embedding, removing, counting, and finding what is wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update
from support.models import tiny_model
from support.state import catalogue_state, index_state

from likemark.db.errors import Busy, IndexFault, InvalidInput, LikemarkError, ModelError, NotFound
from likemark.db.lock import writer_lock
from likemark.db.schema import Embedding
from likemark.db.vectors import active_model
from likemark.index.storage import stored_recall, stored_setting
from likemark.retrieval.doctor import Finding, examine
from likemark.retrieval.engine import QueryOptions, query_requests, search_pictures
from likemark.retrieval.export import embed_pictures, write_npz
from likemark.retrieval.indexing import index_paths
from likemark.retrieval.models import DEFAULT_NAME, FoundModel, chosen_model
from likemark.retrieval.reindex import ReindexOptions, reindex
from likemark.retrieval.remove import remove_marks
from likemark.retrieval.stats import workspace_stats
from likemark.retrieval.workspace import Workspace


@pytest.fixture
def indexed(workspace: Workspace, tiny: FoundModel, logos: Path) -> Workspace:
    index_paths(workspace, [logos], tiny)
    return workspace


@pytest.fixture
def other(indexed: Workspace) -> FoundModel:
    return tiny_model(indexed.models, name="other", seed=1)


def active(workspace: Workspace) -> str:
    with workspace.catalogue.read() as session:
        model = active_model(session)
    assert model is not None
    return model.name


def faults(workspace: Workspace) -> list[Finding]:
    return [finding for finding in examine(workspace.root, None) if not finding.ok]


def test_exported_vectors_are_those_of_the_catalogue(
    indexed: Workspace, tiny: FoundModel, logos: Path, tmp_path: Path
) -> None:
    requests = query_requests([str(logos)])
    write_npz(embed_pictures(requests, tiny), tmp_path / "v.npz")
    with np.load(tmp_path / "v.npz", allow_pickle=False) as file:
        paths, vectors, model = file["paths"], file["vectors"], file["model"]
    assert [str(p) for p in paths] == [request.name for request in requests]
    assert (vectors.shape, vectors.dtype, str(model)) == ((24, 96), np.float32, "tiny")
    stored = np.frombuffer(index_state(indexed)[2], np.float32).reshape(24, 96)
    # Ids follow the order of indexing, which is that of the names.
    assert vectors == pytest.approx(stored, abs=1e-3)


def test_a_bad_picture_is_reported_and_left_out_of_the_export(
    tiny: FoundModel, logos: Path, tmp_path: Path
) -> None:
    (logos / "bad.png").write_bytes(b"")
    embedded = embed_pictures(query_requests([str(logos)]), tiny)
    assert len(embedded.paths) == len(embedded.vectors) == 24
    assert [error.reason for error in embedded.errors] == ["empty"]


def test_an_export_without_any_good_picture_is_an_empty_array(
    tiny: FoundModel, tmp_path: Path
) -> None:
    embedded = embed_pictures(query_requests([str(tmp_path / "none.png")]), tiny)
    write_npz(embedded, tmp_path / "v.npz")
    assert np.load(tmp_path / "v.npz")["vectors"].shape == (0, 96)


def test_an_export_that_cannot_be_written_leaves_nothing(
    tiny: FoundModel, logos: Path, tmp_path: Path
) -> None:
    embedded = embed_pictures(query_requests([str(logos / "mark-0001.png")]), tiny)
    with pytest.raises(InvalidInput, match=r"\.npz"):
        write_npz(embedded, tmp_path / "v.txt")
    with pytest.raises(NotFound, match="there is no folder"):
        write_npz(embedded, tmp_path / "no" / "v.npz")


def test_reindexing_under_another_model_switches_searches_to_it(
    indexed: Workspace, other: FoundModel, logos: Path
) -> None:
    report = reindex(indexed, other)
    assert (report.embedded, report.failed, active(indexed)) == (24, 0, "other")
    requests = query_requests([str(logos / "mark-0002.png")])
    (result,) = search_pictures(indexed, requests, other, QueryOptions(k=1))[1]
    assert result.hits[0].mark.title == "mark-0002"
    assert len(catalogue_state(indexed)["embeddings"]) == 24
    assert len(catalogue_state(indexed)["models"]) == 1
    assert len(list(indexed.root.glob("index/*"))) == 1


def test_reindexing_gives_what_indexing_with_that_model_gives(
    indexed: Workspace, other: FoundModel, logos: Path, tmp_path: Path
) -> None:
    reindex(indexed, other)
    with Workspace.open(tmp_path / "fresh") as fresh:
        index_paths(fresh, [logos], other)
        assert index_state(fresh)[1:] == index_state(indexed)[1:]


def test_reindexing_without_a_model_rebuilds_the_index_only(
    indexed: Workspace, tiny: FoundModel
) -> None:
    before = catalogue_state(indexed)
    report = reindex(indexed, tiny)
    assert (report.embedded, report.opened.action) == (0, "rebuilt")
    assert catalogue_state(indexed) == before


def test_an_index_setting_is_kept_until_another_is_given(
    indexed: Workspace, tiny: FoundModel
) -> None:
    reindex(indexed, tiny, ReindexOptions(index="SQfp16"))
    assert reindex(indexed, tiny).opened.index.factory == "SQfp16"
    assert reindex(indexed, tiny, ReindexOptions(index="auto")).opened.index.factory == "Flat"


def test_pictures_that_are_gone_stop_the_switch_unless_allowed(
    indexed: Workspace, other: FoundModel, logos: Path
) -> None:
    (logos / "mark-0003.png").unlink()
    shutil.copy(logos / "mark-0004.png", logos / "mark-0005.png")
    problems: list[str] = []
    with pytest.raises(LikemarkError, match=r"2 pictures cannot be read again.*--allow-missing"):
        reindex(indexed, other, problem=problems.append)
    assert [line.split(":")[1].strip() for line in problems] == ["missing", "unreadable"]
    assert active(indexed) == "tiny"
    report = reindex(indexed, other, ReindexOptions(allow_missing=True))
    assert (report.embedded, report.failed, active(indexed)) == (0, 2, "other")
    assert len(index_state(indexed)[1]) == 22


def test_the_old_model_answers_while_the_new_one_is_half_done(
    indexed: Workspace, tiny: FoundModel, other: FoundModel, logos: Path
) -> None:
    (logos / "mark-0003.png").rename(logos.parent / "away.png")
    with pytest.raises(LikemarkError):
        reindex(indexed, other)
    requests = query_requests([str(logos / "mark-0002.png")])
    (result,) = search_pictures(indexed, requests, tiny, QueryOptions(k=1))[1]
    assert result.hits[0].mark.title == "mark-0002"
    (logos.parent / "away.png").rename(logos / "mark-0003.png")
    assert reindex(indexed, other).embedded == 1


def test_reindexing_waits_for_no_writer_unless_told(indexed: Workspace, tiny: FoundModel) -> None:
    with writer_lock(indexed.catalogue), pytest.raises(Busy, match="--wait"):
        reindex(indexed, tiny)


def test_the_catalogues_own_model_is_the_one_to_reindex_with(
    indexed: Workspace, tiny: FoundModel
) -> None:
    with pytest.raises(ModelError, match="likemark reindex --model default"):
        chosen_model(indexed, None)
    indexed.models.mkdir()
    for path in tiny.folder.iterdir():
        shutil.copy(path, indexed.models)
    assert chosen_model(indexed, None).card == tiny.card
    assert chosen_model(indexed, "default").is_default


def test_a_removed_mark_is_found_no_more(indexed: Workspace, tiny: FoundModel, logos: Path) -> None:
    path = str(logos / "mark-0002.png")
    assert remove_marks(indexed, [path]) == [3]
    (result,) = search_pictures(indexed, query_requests([path]), tiny)[1]
    assert "mark-0002" not in [hit.mark.title for hit in result.hits]
    assert workspace_stats(indexed)["index"]["vectors"] == 23


def test_removing_is_all_or_nothing(indexed: Workspace) -> None:
    before = catalogue_state(indexed)
    with pytest.raises(NotFound, match="nope"):
        remove_marks(indexed, ["1", "nope"])
    assert catalogue_state(indexed) == before


def test_stats_count_what_is_there(indexed: Workspace) -> None:
    stats = workspace_stats(indexed)
    assert (stats["marks"], stats["pictures"], stats["vectors"]) == (24, 24, 24)
    assert stats["index"]["bytes"] == 24 * (96 * 4 + 8)
    assert (stats["index"]["exact"], stats["index"]["setting"]) == (True, "auto")


def test_stats_of_an_empty_workspace_have_no_index(workspace: Workspace) -> None:
    stats = workspace_stats(workspace)
    assert (stats["marks"], stats["model"], stats["index"]) == (0, None, None)


def test_a_healthy_workspace_has_no_faults(indexed: Workspace, tiny: FoundModel) -> None:
    indexed.models.mkdir()
    for path in tiny.folder.iterdir():
        shutil.copy(path, indexed.models)
    assert faults(indexed) == []


def test_the_doctor_names_an_absent_model_and_the_command_against_it(indexed: Workspace) -> None:
    (fault,) = faults(indexed)
    assert (fault.check, fault.fix) == ("model", f"likemark reindex --model {DEFAULT_NAME}")


def test_the_doctor_names_a_damaged_index(indexed: Workspace) -> None:
    (path,) = indexed.root.glob("index/*/*.faiss")
    path.write_bytes(path.read_bytes()[:-10])
    found = {fault.check: fault for fault in faults(indexed)}
    assert found["index"].fix == "likemark reindex"
    shutil.rmtree(path.parent)
    found = {fault.check: fault for fault in faults(indexed)}
    assert "there is none" in found["index"].detail


def test_the_doctor_names_damaged_weights(indexed: Workspace, other: FoundModel) -> None:
    (other.folder / other.card.weights).write_bytes(b"x")
    assert "weights of other" in {fault.check for fault in faults(indexed)}


def test_the_doctor_names_a_damaged_catalogue(indexed: Workspace) -> None:
    indexed.close()
    path = indexed.root / "catalogue.db"
    data = bytearray(path.read_bytes())
    data[8192:40960] = b"\x5a" * (40960 - 8192)
    path.write_bytes(data)
    assert "catalogue" in {fault.check for fault in faults(indexed)}


def test_the_doctor_names_a_file_that_is_no_catalogue(indexed: Workspace) -> None:
    indexed.close()
    (indexed.root / "catalogue.db").write_bytes(b"not a database" * 1000)
    (fault,) = faults(indexed)
    assert fault.check == "catalogue"
    assert "backup" in fault.detail


def test_the_doctor_names_damaged_vectors_and_what_mends_them(
    indexed: Workspace, tiny: FoundModel, logos: Path
) -> None:
    with indexed.catalogue.write() as session:
        damaged = update(Embedding).where(Embedding.image_id.in_([3, 5]))
        session.execute(damaged.values(vector=b"broken"))
    found = {fault.check: fault for fault in faults(indexed)}
    path = logos / "mark-0002.png"
    assert found["vectors"].detail == (
        f"picture 3 ({path}): its stored vector is damaged, and of 5 too"
    )
    assert found["vectors"].fix == f"likemark remove @3; then index {path} again"
    assert found["index"].detail.startswith(f"picture 3 ({path}): its stored vector is damaged")
    for reference in ("@3", "@5"):
        remove_marks(indexed, [reference])
    index_paths(indexed, [logos], tiny)
    assert {fault.check for fault in faults(indexed)} == {"model"}
    assert workspace_stats(indexed)["vectors"] == 24


def test_the_doctor_counts_pictures_that_are_gone(indexed: Workspace, logos: Path) -> None:
    (logos / "mark-0003.png").unlink()
    found = {fault.check: fault for fault in faults(indexed)}
    assert found["files"].detail.startswith("1 of 24 pictures")


def test_the_doctor_changes_nothing(indexed: Workspace) -> None:
    (path,) = indexed.root.glob("index/*/*.faiss")
    path.write_bytes(b"broken")
    before = catalogue_state(indexed)
    faults(indexed)
    assert path.read_bytes() == b"broken"
    assert catalogue_state(indexed) == before


def test_an_export_that_fails_half_way_leaves_the_old_file_and_no_draft(
    tiny: FoundModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded = embed_pictures(query_requests([str(tmp_path / "none.png")]), tiny)
    write_npz(embedded, tmp_path / "v.npz")
    before = (tmp_path / "v.npz").read_bytes()

    def full(*arguments: object, **arrays: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(LikemarkError, match=r"v\.npz: cannot be written: No space left"):
        write_npz(embedded, tmp_path / "v.npz")
    assert (tmp_path / "v.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["v.npz"]


def test_exporting_needs_no_report() -> None:
    code = (
        "import sys\nimport likemark.retrieval.export\n"
        "print(sorted({'jinja2', 'likemark.retrieval.report.page'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_reindexing_finds_a_picture_in_any_place_where_it_was_read(
    indexed: Workspace, tiny: FoundModel, other: FoundModel, logos: Path
) -> None:
    shutil.copy(logos / "mark-0003.png", logos / "zzz.png")
    index_paths(indexed, [logos], tiny)
    (logos / "mark-0003.png").unlink()
    report = reindex(indexed, other)
    assert (report.embedded, report.failed) == (24, 0)


def test_an_index_that_is_not_supported_is_refused_before_the_model_is_switched() -> None:
    with pytest.raises(InvalidInput, match="is not supported"):
        ReindexOptions(index="banana")


def test_another_model_keeps_the_indexs_setting_and_recall(
    indexed: Workspace, tiny: FoundModel, other: FoundModel
) -> None:
    reindex(indexed, tiny, ReindexOptions(index="SQfp16", recall=0.97))
    assert reindex(indexed, other).opened.index.factory == "SQfp16"
    folder = indexed.index_folder(other.card.fingerprint)
    assert (stored_setting(folder), stored_recall(folder)) == ("SQfp16", 0.97)


def test_a_setting_that_cannot_be_built_switches_no_model(
    indexed: Workspace, tiny: FoundModel, other: FoundModel
) -> None:
    reindex(indexed, tiny, ReindexOptions(index="SQfp16", recall=0.97))
    with pytest.raises(IndexFault, match="24 vectors are too few"):
        reindex(indexed, other, ReindexOptions(index="IVF64,Flat"))
    assert active(indexed) == "tiny"
    folder = indexed.index_folder(tiny.card.fingerprint)
    assert (stored_setting(folder), stored_recall(folder)) == ("SQfp16", 0.97)


def test_a_run_that_ends_before_the_switch_leaves_setting_and_recall_to_the_next(
    indexed: Workspace, tiny: FoundModel, other: FoundModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    reindex(indexed, tiny, ReindexOptions(index="SQfp16", recall=0.97))
    folder = indexed.index_folder(other.card.fingerprint)

    def end(session: object, model_id: int) -> None:
        assert (stored_setting(folder), stored_recall(folder)) == ("SQfp16", 0.97)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("likemark.retrieval.reindex.activate", end)
        with pytest.raises(KeyboardInterrupt):
            reindex(indexed, other)
    assert active(indexed) == "tiny"
    assert workspace_stats(indexed)["index"]["state"] == "current"
    assert reindex(indexed, other).opened.index.factory == "SQfp16"
    assert (stored_setting(folder), stored_recall(folder)) == ("SQfp16", 0.97)
    assert workspace_stats(indexed)["index"]["state"] == "current"
