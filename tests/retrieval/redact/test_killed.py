"""A run that is killed leaves nothing under the final name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.processes import python

from likemark.retrieval.redact.regions import Pixels

PROGRAM = """
    import sys
    from pathlib import Path
    from likemark.retrieval.redact.regions import region_of_box
    from likemark.retrieval.redact.video import redact_video

    def progress(done, total):
        if done == 5:
            print("begun", flush=True)
            sys.stdin.readline()

    redact_video(
        Path(sys.argv[1]), Path(sys.argv[2]), lambda frame: [region_of_box(30, 20, 36, 24)],
        progress=progress,
    )
    print("done", flush=True)
"""


IN_PLACE = """
    import sys
    from pathlib import Path
    from likemark.retrieval.redact.batch import redact_files
    from likemark.retrieval.redact.jobs import list_jobs
    from likemark.retrieval.redact.regions import region_of_box

    def progress(done, total):
        if done == 5:
            print("begun", flush=True)
            sys.stdin.readline()

    jobs = list_jobs([Path(sys.argv[1])], out=None).jobs
    locating = lambda path: lambda frame: [region_of_box(30, 20, 36, 24)]
    print([outcome.regions for outcome in redact_files(jobs, locating, progress=progress)])
"""


FULL = """
    import resource, signal, sys
    from pathlib import Path
    from likemark.db.errors import LikemarkError
    from likemark.retrieval.redact.regions import region_of_box
    from likemark.retrieval.redact.video import redact_video

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    try:
        redact_video(
            Path(sys.argv[1]), Path(sys.argv[2]), lambda frame: [region_of_box(30, 20, 36, 24)]
        )
    except LikemarkError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a file's size are POSIX's")
def test_a_full_disk_is_named_and_leaves_nothing(
    shot: Callable[..., Pixels], film: Callable[..., Path], tmp_path: Path
) -> None:
    source = film("a.mkv", [shot(30, 20, noise=k + 2) for k in range(12)])
    (tmp_path / "out").mkdir()
    with python(FULL, source, tmp_path / "out" / "b.mkv") as running:
        line = running.end().strip()
    assert line.endswith("b.mkv: cannot be written: File too large")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("there", [False, True])
def test_a_killed_run_leaves_the_final_name_as_it_was(
    there: bool, shot: Callable[..., Pixels], film: Callable[..., Path], tmp_path: Path
) -> None:
    source = film("a.mp4", [shot(30, 20)] * 20, codec="mpeg4")
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / "b.mp4"
    if there:
        target.write_bytes(b"what was there before")
    with python(PROGRAM, source, target) as running:
        assert running.line() == "begun"
        running.kill()
    assert target.exists() == there
    if there:
        assert target.read_bytes() == b"what was there before"
    with python(PROGRAM, source, target) as running:
        assert running.line() == "begun"
        running.go_on()
        assert running.end().strip() == "done"
    assert target.stat().st_size > 1000


def test_a_killed_run_leaves_a_file_in_its_place_as_it_was_and_the_next_one_replaces_it(
    shot: Callable[..., Pixels], film: Callable[..., Path], tmp_path: Path
) -> None:
    source = film("a.mp4", [shot(30, 20)] * 20, codec="mpeg4")
    before = source.read_bytes()
    with python(IN_PLACE, source.parent) as running:
        assert running.line() == "begun"
        running.kill()
    assert source.read_bytes() == before
    with python(IN_PLACE, source.parent) as running:
        assert running.line() == "begun"
        running.go_on()
        assert running.end().strip() == "[1]"  # what the killed run left behind is no source
    assert source.read_bytes() != before
