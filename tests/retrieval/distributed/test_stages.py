"""Who reads a file: the workers, and the driver where they cannot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.corpus import write_corpus

from likemark.db.errors import PictureError
from likemark.db.values import MarkData
from likemark.retrieval.distributed.stages import RemoteStages
from likemark.retrieval.distributed.team import Call
from likemark.retrieval.distributed.worker import Answer, Given
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pipeline import Job
from likemark.retrieval.rows import Row


class Workers:
    """reach: the files that they can read, but for one time each of those that `fail` once."""

    def __init__(self, reach: Mapping[str, bytes], fail: Iterable[str] = ()) -> None:
        self.reach = reach
        self.fail = set(fail)
        self.tried: list[str] = []  # files that they were to read
        self.sent: list[str] = []  # files that the driver has read for them

    def ask(self, call: Call, pictures: Sequence[Given], prefer: str = "") -> list[Answer]:
        return [self._answer(picture.path, picture.data) for picture in pictures]

    def _answer(self, path: str, data: bytes | None) -> Answer:
        (self.tried if data is None else self.sent).append(path)
        if data is None and path not in self.fail:
            data = self.reach.get(path)
        self.fail.discard(path)
        if data is None:
            return Answer(refusal=("unreadable", "it cannot be read: reset by peer"), worker="w")
        return Answer(hashlib.sha256(data).digest(), worker="w")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in write_corpus(tmp_path, range(200))}


def run(workers: Any, paths: Iterable[str]) -> list[Job]:
    """Hash and embed, four pictures at once; each job with its content."""
    rows = [Row(MarkData(path, path), path, from_manifest=False) for path in paths]
    with ThreadPoolExecutor(1) as threads:
        stages = RemoteStages(workers, threads, PictureLimits(), chunk=4, ahead=1)
        jobs = list(stages.hashed(rows))
        for job in jobs:
            job.needed = job.content is not None
        return [job for job, _ in stages.embedded(iter(jobs))]


def all_read(jobs: Sequence[Job], files: Mapping[str, bytes]) -> bool:
    assert not [job.result for job in jobs if isinstance(job.result, PictureError)]
    return [job.content for job in jobs] == [hashlib.sha256(d).digest() for d in files.values()]


def test_a_picture_that_a_worker_fails_to_read_once_is_the_only_one_sent(
    files: dict[str, bytes],
) -> None:
    unlucky = list(files)[10]
    workers = Workers(files, fail=[unlucky])
    assert all_read(run(workers, files), files)
    assert workers.sent == [unlucky] * 2  # to be hashed, and to be embedded


def test_workers_that_can_read_again_soon_do(files: dict[str, bytes]) -> None:
    early, late = list(files)[:100], list(files)[100:]
    workers = Workers({path: files[path] for path in late})
    assert all_read(run(workers, files), files)
    assert set(early) <= set(workers.sent)
    assert len([path for path in workers.tried if path in early]) < 20
    assert not set(late[-30:]) & set(workers.sent)


def test_what_the_driver_cannot_read_either_is_left_to_the_workers(
    files: dict[str, bytes],
) -> None:
    late = list(files)[100:]
    workers = Workers({path: files[path] for path in late})
    for path in late:
        Path(path).unlink()
    assert all_read(run(workers, files), files)


def test_a_file_that_nobody_can_read_is_refused_and_changes_nothing(
    files: dict[str, bytes],
) -> None:
    gone = list(files)[10:15]
    for path in gone:
        Path(path).unlink()
    workers = Workers({})
    jobs = run(workers, files)
    assert [job.row.path for job in jobs if isinstance(job.result, PictureError)] == gone
    assert len(workers.tried) < 30
