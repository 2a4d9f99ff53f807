"""The pool answers in order and survives whatever happens to its processes."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from likemark.db.errors import InvalidInput, LikemarkError, PictureError
from likemark.retrieval.pictures import child as child_module
from likemark.retrieval.pictures.decode import decode
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Crop, Picture, Request
from likemark.retrieval.pictures.pool import DecoderPool

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def png(encode: Callable[..., bytes], mark: Image.Image) -> bytes:
    return encode(mark, "PNG")


@pytest.fixture
def hang(svg: Callable[..., bytes]) -> bytes:
    """A drawing whose filters keep the renderer busy for minutes."""
    steps = '<feTurbulence baseFrequency="0.05" numOctaves="5000"/>' * 20
    body = f'<filter id="f">{steps}</filter><rect width="99" height="49" filter="url(#f)"/>'
    return svg(body)


def children(parent: int) -> list[int]:
    """A process's decoding children: tests beside these keep servers and other processes."""
    tasks = Path(f"/proc/{parent}/task").iterdir()
    found = [int(one) for task in tasks for one in bytes_of(task / "children").split()]
    return [one for one in found if b"pictures.worker" in bytes_of(Path(f"/proc/{one}/cmdline"))]


def bytes_of(path: Path) -> bytes:
    """Nothing for a thread or process that has ended meanwhile."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def no_child_is_left() -> bool:
    return not children(os.getpid())


def test_results_are_those_of_decoding_here(png: bytes, hang: bytes) -> None:
    requests = [Request("a", png), Request("b", png, Crop(10, 5, 60, 60)), Request("c", b"no")]
    with DecoderPool(size=48, workers=2) as pool:
        first, second, third = pool.map(requests)
    assert isinstance(first, Picture)
    assert isinstance(second, Picture)
    for request, found in zip(requests, (first, second), strict=False):
        expected = decode(request, size=48, limits=PictureLimits())
        assert (found.pixels == expected.pixels).all()
        for field in ("content", "artwork", "width", "height", "format"):
            assert getattr(found, field) == getattr(expected, field)
        assert found.pixels.flags.writeable
    assert isinstance(third, PictureError)
    assert (third.name, third.reason) == ("c", "not_a_picture")


def test_order_is_kept_and_refusals_are_values(png: bytes, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode("caf\xe9 \n ".encode() + b"\xff.png")
    path.write_bytes(png)
    requests = [
        Request(str(path)) if i % 3 == 0 else Request(f"{i}.png", png if i % 3 == 1 else b"")
        for i in range(60)
    ]
    with DecoderPool(size=16, workers=2) as pool:
        results = list(pool.map(requests))
        assert list(pool.map([])) == []
    assert len(results) == 60
    for i, result in enumerate(results):
        if i % 3 == 2:
            assert isinstance(result, PictureError)
            assert (result.name, result.reason) == (f"{i}.png", "empty")
        else:
            assert isinstance(result, Picture)


def test_input_is_taken_lazily(png: bytes) -> None:
    taken: list[int] = []

    def endless() -> Iterator[Request]:
        while True:
            taken.append(1)
            yield Request("a", png)

    with DecoderPool(size=16, workers=1) as pool:
        results = pool.map(endless())
        assert not taken
        for _ in range(5):
            assert isinstance(next(results), Picture)
        assert len(taken) <= 5 + 8


def test_no_process_is_started_before_it_is_needed() -> None:
    pool = DecoderPool(size=16, workers=64)
    assert no_child_is_left()
    pool.close()
    pool.close()


@pytest.mark.parametrize(("size", "workers"), [(0, 1), (8, 0), (-4, None)])
def test_settings_of_nonsense_are_refused(size: int, workers: int | None) -> None:
    with pytest.raises(InvalidInput, match=r"1 (px )?or more"):
        DecoderPool(size=size, workers=workers)


def test_a_picture_that_takes_too_long_is_a_timeout_and_the_run_goes_on(
    png: bytes, hang: bytes
) -> None:
    limits = PictureLimits(seconds=1.0)
    requests = [Request("a", png), Request("slow", hang), *[Request("b", png)] * 4]
    with DecoderPool(size=16, limits=limits, workers=1) as pool:
        results = list(pool.map(requests))
    assert isinstance(results[1], PictureError)
    assert results[1].reason == "timeout"
    assert "over 1 seconds" in results[1].detail
    assert sum(isinstance(result, Picture) for result in results) == 5
    assert no_child_is_left()


@posix
@linux
@pytest.mark.parametrize("blow", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_a_worker_killed_midway_costs_one_picture(blow: str, png: bytes, hang: bytes) -> None:
    with DecoderPool(size=16, workers=1) as pool:
        results = pool.map([Request("slow", hang), Request("a", png), Request("b", png)])
        killer = threading.Timer(
            0.7, lambda: os.kill(children(os.getpid())[0], getattr(signal, blow))
        )
        killer.start()
        crash, *others = results
        killer.join()
    assert isinstance(crash, PictureError)
    assert (crash.name, crash.reason) == ("slow", "crash")
    assert blow in crash.detail
    assert all(isinstance(result, Picture) for result in others)
    assert no_child_is_left()


@posix
@linux
def test_a_worker_killed_while_idle_costs_no_picture(png: bytes) -> None:
    with DecoderPool(size=16, workers=1) as pool:
        list(pool.map([Request("a", png)]))
        os.kill(children(os.getpid())[0], signal.SIGKILL)
        time.sleep(0.2)
        assert all(isinstance(result, Picture) for result in pool.map([Request("a", png)] * 3))


@linux
def test_a_picture_that_needs_too_much_memory_is_refused(encode: Callable[..., bytes]) -> None:
    large = encode(Image.new("L", (20_000, 20_000)), "PNG", compress_level=1)
    limits = PictureLimits(max_megapixels=1000, memory_mib=512)
    with DecoderPool(size=16, limits=limits, workers=1) as pool:
        (error,) = pool.map([Request("large", large)])
    assert isinstance(error, PictureError)
    assert error.reason in ("memory", "crash")


def test_the_limits_reach_the_workers(png: bytes) -> None:
    limits = PictureLimits(max_megapixels=0.001, check_extension=False)
    with DecoderPool(size=16, limits=limits, workers=1) as pool:
        (error,) = pool.map([Request("a.gif", png)])
    assert isinstance(error, PictureError)
    assert error.reason == "too_many_pixels"


@pytest.mark.filterwarnings("error")
def test_an_abandoned_iterator_leaves_nothing_behind(png: bytes, hang: bytes) -> None:
    with DecoderPool(size=16, workers=2) as pool:
        results = pool.map([Request("a", png), *[Request("slow", hang)] * 20])
        next(results)
        del results
    gc.collect()
    assert no_child_is_left()
    assert not [one for one in threading.enumerate() if one.name.startswith("decode")]


def test_a_fault_in_the_consumer_shuts_down(png: bytes) -> None:
    def consume() -> None:
        with DecoderPool(size=16, workers=2) as pool:
            for _ in pool.map(Request("a", png) for _ in range(1000)):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()
    assert no_child_is_left()


def test_a_fault_in_the_source_of_requests_is_passed_on(png: bytes) -> None:
    def broken() -> Iterator[Request]:
        yield Request("a", png)
        raise ZeroDivisionError

    with DecoderPool(size=16, workers=1) as pool, pytest.raises(ZeroDivisionError):
        list(pool.map(broken()))


def test_a_pool_may_be_used_by_several_threads(png: bytes) -> None:
    with DecoderPool(size=16, workers=2) as pool:
        counts: list[int] = []
        threads = [
            threading.Thread(
                target=lambda: counts.append(len(list(pool.map([Request("a", png)] * 30))))
            )
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert counts == [30, 30, 30]


def test_workers_that_cannot_start_are_an_error_of_their_own(
    png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "WORKER", "likemark.no_such_module")
    with (
        DecoderPool(size=16, workers=1) as pool,
        pytest.raises(LikemarkError, match="does not start"),
    ):
        list(pool.map([Request("a", png)]))
    assert no_child_is_left()


@posix
@linux
def test_no_worker_outlives_a_killed_parent(tmp_path: Path, png: bytes) -> None:
    (tmp_path / "a.png").write_bytes(png)
    script = (
        "import sys, time\n"
        "from likemark.retrieval.pictures.pool import DecoderPool\n"
        "from likemark.retrieval.pictures.picture import Request\n"
        "pool = DecoderPool(size=16, workers=1)\n"
        "list(pool.map([Request(sys.argv[1])]))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "a.png")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        (worker,) = children(parent.pid)
        parent.kill()
    ended = time.monotonic() + 30
    while Path(f"/proc/{worker}").exists() and time.monotonic() < ended:
        if "Z" in Path(f"/proc/{worker}/stat").read_text().split(")")[1].split()[0]:
            return
        time.sleep(0.02)
    assert not Path(f"/proc/{worker}").exists()
