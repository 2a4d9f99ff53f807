"""Files on disk: whole, or not at all, or one clear line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from likemark.db.errors import InvalidInput, LikemarkError, NotFound
from likemark.retrieval.files import check_named
from likemark.retrieval.pictures.picture import Crop, Request
from likemark.retrieval.report.write import report_thumbnails, write_report, write_whole
from likemark.retrieval.results import QueryResult

Build = Callable[..., Any]


def test_report_is_one_file_with_its_pictures(sample: Any, parse: Build, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    write_report(out, sample.results[:1], sample.search, requests=sample.requests, version="0.1.0")
    page = parse(out.read_text(encoding="utf-8"))
    assert len(page.all("img")) == 7
    assert not page.all("p", "missing")
    assert os.listdir(tmp_path) == ["report.html"]


def test_loaded_thumbnails_are_used_as_they_are(
    sample: Any, sample_thumbnails: Any, parse: Build, tmp_path: Path
) -> None:
    out = tmp_path / "report.html"
    write_report(out, sample.results, sample.search, thumbnails=sample_thumbnails, version="0.1.0")
    source = parse(out.read_text(encoding="utf-8")).all("img")[0].attributes["src"]
    assert source == sample_thumbnails.query_uri(sample.results[0].query)


def test_query_is_shown_as_it_was_searched(sample: Any, search: Build) -> None:
    name = sample.requests[0].name
    results = [QueryResult(name, ())]
    cropped = search(crop=Crop(0, 0, 90, 90))
    part = report_thumbnails(results, cropped, requests=[Request(name)], size=32)
    whole = report_thumbnails(results, search(), requests=[Request(name)], size=32)
    assert part.query_uri(name) not in (None, whole.query_uri(name))


def test_query_without_a_request_is_read_by_its_name(sample: Any, search: Build) -> None:
    name = sample.requests[0].name
    assert report_thumbnails([QueryResult(name, ())], search(), size=32).query_uri(name)


def test_missing_folder_is_one_line_before_any_work(sample: Any, tmp_path: Path) -> None:
    out = tmp_path / "no" / "report.html"
    with pytest.raises(NotFound, match=r"there is no folder .*; make it first") as caught:
        write_report(out, sample.results, sample.search, version="0.1.0")
    assert "\n" not in str(caught.value)
    assert not os.listdir(tmp_path)


def test_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is no plain file"):
        write_whole(tmp_path, b"")


def test_folder_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *rest: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # file modes do not stop root
    with pytest.raises(LikemarkError, match=r"report\.html: cannot be written: Permission denied"):
        write_whole(tmp_path / "report.html", b"new")


def test_failed_write_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "report.html"
    write_whole(out, b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LikemarkError, match="No space left on device"):
        write_whole(out, b"new")
    assert out.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    real, link = tmp_path / "real.html", tmp_path / "link.html"
    real.write_bytes(b"old")
    link.symlink_to(real)
    write_whole(link, b"new")
    assert not link.is_symlink()
    assert (link.read_bytes(), real.read_bytes()) == (b"new", b"old")


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 250 + ".html")
    write_whole(path, b"new")
    assert os.listdir(tmp_path) == [path.name]


def test_a_name_is_tried_before_any_work_and_nothing_is_left(tmp_path: Path) -> None:
    check_named(tmp_path / "a.html", ".html")
    with pytest.raises(LikemarkError, match="cannot be written: File name too long"):
        check_named(tmp_path / ("n" * 300 + ".html"), ".html")
    assert os.listdir(tmp_path) == []


def test_name_that_is_too_long_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(LikemarkError, match="cannot be written"):
        write_whole(tmp_path / ("n" * 300), b"")
