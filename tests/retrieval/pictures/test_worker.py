"""The decoding process speaks frames, keeps its channel clean and ends with its input."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from likemark.db.errors import PictureError
from likemark.retrieval.pictures.child import WORKER
from likemark.retrieval.pictures.frames import read_frame, write_frame
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Crop, Picture, Request
from likemark.retrieval.pictures.wire import (
    answer_frame,
    read_answer,
    read_request,
    read_settings,
    request_header,
    settings_header,
)

COMMAND = [sys.executable, "-P", "-m", WORKER]


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """A started worker, with its settings read and its first frame taken."""
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        write_frame(process.stdin, settings_header(32, PictureLimits()))
        assert read_frame(process.stdout) == ({}, b"")
        yield process
        process.kill()


def ask(worker: subprocess.Popen[bytes], request: Request) -> Picture | PictureError:
    assert worker.stdin is not None
    assert worker.stdout is not None
    write_frame(worker.stdin, request_header(request), request.data or b"")
    frame = read_frame(worker.stdout)
    assert frame is not None
    return read_answer(request.name, *frame)


@given(header=st.dictionaries(st.text(), st.integers() | st.text()), body=st.binary())
def test_a_frame_comes_back_as_it_was_sent(header: dict[str, object], body: bytes) -> None:
    stream = io.BytesIO()
    write_frame(stream, header, body)
    write_frame(stream, {"next": 1})
    stream.seek(0)
    assert read_frame(stream) == (header, body)
    assert read_frame(stream) == ({"next": 1}, b"")
    assert read_frame(stream) is None


def test_a_stream_that_ends_within_a_frame_has_ended() -> None:
    stream = io.BytesIO()
    write_frame(stream, {"a": 1}, b"body")
    whole = stream.getvalue()
    for count in range(len(whole)):
        assert read_frame(io.BytesIO(whole[:count])) is None


@pytest.mark.parametrize(
    "request_",
    [
        Request("a.png"),
        Request("caf\udce9.png", b""),
        Request("x\ny", b"\0\xff", Crop(-1, 2, 3, 4)),
    ],
)
def test_a_request_survives_the_wire(request_: Request) -> None:
    header = json.loads(json.dumps(request_header(request_)))
    assert read_request(header, bytearray(request_.data or b"")) == request_


def test_settings_survive_the_wire() -> None:
    limits = replace(PictureLimits(), max_megapixels=3.5, check_extension=False)
    assert read_settings(json.loads(json.dumps(settings_header(224, limits)))) == (224, limits)


def test_answers_survive_the_wire(
    see: Callable[..., Picture], encode: Callable[..., bytes]
) -> None:
    picture = see(encode(Image.new("RGB", (9, 5), "red"), "PNG"))
    header, body = answer_frame(picture)
    found = read_answer("x", json.loads(json.dumps(header)), bytearray(body))
    assert isinstance(found, Picture)
    assert (found.pixels == picture.pixels).all()
    assert (found.artwork, found.format) == (picture.artwork, "PNG")
    header, body = answer_frame(PictureError("other", "damaged", "why"))
    refusal = read_answer("x", header, bytearray(body))
    assert str(refusal) == "x: damaged: why"


def test_a_worker_answers_and_ends_with_its_input(
    worker: subprocess.Popen[bytes], encode: Callable[..., bytes], mark: Image.Image
) -> None:
    found = ask(worker, Request("a", encode(mark, "PNG")))
    assert isinstance(found, Picture)
    assert found.pixels.shape == (32, 32, 3)
    assert found.pixels.dtype == np.uint8
    assert isinstance(ask(worker, Request("b", b"")), PictureError)
    assert worker.stdin is not None
    worker.stdin.close()
    assert worker.wait(5) == 0


def test_a_worker_ends_when_its_input_ends_early() -> None:
    for data in (b"", b"\0\0"):
        done = subprocess.run(COMMAND, input=data, capture_output=True, timeout=20, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_an_interrupt_at_the_terminal_is_left_to_the_parent(
    worker: subprocess.Popen[bytes], encode: Callable[..., bytes], mark: Image.Image
) -> None:
    worker.send_signal(signal.SIGINT)
    time.sleep(0.05)
    assert isinstance(ask(worker, Request("a", encode(mark, "PNG"))), Picture)


def test_stray_prints_do_not_reach_the_answers(encode: Callable[..., bytes]) -> None:
    script = (
        "import os\n"
        "from likemark.retrieval.pictures import worker\n"
        "real = worker.decode\n"
        "def loud(*args, **options):\n"
        "    print('stray', flush=True)\n"
        "    os.write(1, b'stray from C')\n"
        "    return real(*args, **options)\n"
        "worker.decode = loud\n"
        "worker.main()\n"
    )
    stream = io.BytesIO()
    write_frame(stream, settings_header(8, PictureLimits()))
    data = encode(Image.new("RGB", (9, 5), "red"), "PNG")
    write_frame(stream, request_header(Request("a", data)), data)
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, input=stream.getvalue(), capture_output=True, timeout=20, check=True
    )
    answers = io.BytesIO(done.stdout)
    assert read_frame(answers) == ({}, b"")
    frame = read_frame(answers)
    assert frame is not None
    assert isinstance(read_answer("a", *frame), Picture)
    assert b"stray from C" in done.stderr


def test_a_worker_imports_only_what_it_needs() -> None:
    script = f"import sys, {WORKER}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, check=True, text=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"torch", "timm", "faiss", "cv2", "sqlalchemy", "typer", "rich", "pickle5"}
    assert "numpy" in loaded


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_worker_is_confined(worker: subprocess.Popen[bytes]) -> None:
    with open(f"/proc/{worker.pid}/limits") as file:
        lines = {line[:26].strip(): line[26:].split() for line in file}
    assert lines["Max core file size"][0] == "0"
    assert lines["Max address space"][0] == str(4096 * 2**20)
