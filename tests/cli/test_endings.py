"""How a command ends when stdout, the keyboard or its arguments fail it."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.command import Run
from support.corpus import draw_mark
from support.processes import python

COMMAND = [sys.executable, "-c", "from likemark.cli.main import main; main()"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
@pytest.mark.parametrize("arguments", [["models"], ["models", "--json"], ["--version"]])
def test_a_full_disk_is_one_line_and_exit_code_1(home: Path, arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "likemark: standard output: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_help_on_a_full_disk_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    # Typer prints it; what is never buffered is lost, and with it the way to tell.
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.stderr == "likemark: standard output: No space left on device\n"


def test_without_any_stdout_a_command_still_runs(home: Path) -> None:
    done = subprocess.run(
        f'"{sys.executable}" -c "{COMMAND[-1]}" models >&-',
        shell=True, stderr=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""


def test_ctrl_c_is_one_line_and_exit_code_130(
    likemark: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed() -> Iterator[bytes]:
        raise KeyboardInterrupt
        yield b""

    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=pressed()))
    outcome = likemark("query", "-")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "likemark: stopped\n")


@pytest.mark.parametrize("command", ["show", "remove"])
def test_a_mark_that_is_not_there_is_exit_code_3(
    likemark: Run, register: Path, command: str
) -> None:
    likemark("index", register)
    outcome = likemark(command, "nosuch")
    assert (outcome.code, outcome.out) == (3, "")
    (line,) = outcome.err.splitlines()
    assert "nosuch" in line


@pytest.mark.parametrize(
    "arguments",
    [["list", "--collection", "nosuch"], ["show", "m1", "--collection", "nosuch"]],
    ids=" ".join,
)
def test_a_collection_that_is_not_there_is_exit_code_1(
    likemark: Run, register: Path, arguments: list[str]
) -> None:
    likemark("index", register)
    assert likemark(*arguments).code == 1


def test_a_query_whose_name_is_not_utf8_is_answered(
    likemark: Run, register: Path, tmp_path: Path
) -> None:
    likemark("index", register)
    draw_mark(3).save(tmp_path / "q\udce9.png")
    outcome = likemark("query", tmp_path / "q\udce9.png", tmp_path / "none\udce9.png", "--json")
    assert outcome.code == 0
    good, bad = outcome.json["queries"]
    assert good["query"] == str(tmp_path / "q?.png")
    assert bad["error"]["reason"] == "missing"
    page = tmp_path / "r.html"
    assert likemark("query", tmp_path / "q\udce9.png", "--report", page).code == 0
    assert page.read_bytes().decode("utf-8").count("MARK 3")


@pytest.mark.parametrize(
    "arguments",
    [["list", "--owner", "\udce9"], ["list", "--status", "\udce9"], ["list", "-c", "\udce9"],
     ["show", "\udce9"], ["remove", "1", "\udce9"], ["index", ".", "-c", "\udce9"]],
    ids=ascii,
)  # fmt: skip
def test_an_argument_for_the_catalogue_that_is_not_utf8_is_refused(
    likemark: Run, home: Path, arguments: list[str]
) -> None:
    outcome = likemark(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.endswith("is not UTF-8")


def test_what_stdout_cannot_encode_is_escaped(
    likemark: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_mark(1).save(tmp_path / "Ω.png")
    likemark("index", tmp_path / "Ω.png")
    raw = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii"))
        code = likemark("list").code
        printed = raw.getvalue()
    assert code == 0
    assert rb"\u03a9" in printed


def test_a_closed_standard_input_or_error_is_no_fault_where_it_is_not_needed(
    home: Path, tmp_path: Path
) -> None:
    draw_mark(1).save(tmp_path / "a.png")
    for command, closed, code in (
        (["query", "a.png"], "<&-", 1),  # nothing is indexed yet
        (["index", "a.png"], "2>&-", 0),
        (["query", "-"], "<&-", 2),
    ):
        shell = f'exec "$@" {closed}'
        done = subprocess.run(
            ["sh", "-c", shell, "sh", *COMMAND, *command], cwd=tmp_path, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == code, done
        assert "Traceback" not in done.stderr
    assert done.stderr == "likemark: -: standard input is closed\n"


def test_a_manifest_that_may_not_be_read_is_one_line(home: Path, tmp_path: Path) -> None:
    (tmp_path / "m.csv").mkdir()
    (tmp_path / "b.csv").symlink_to(tmp_path / "b.csv")
    done = subprocess.run(
        [*COMMAND, "index", "m.csv", "b.csv"], cwd=tmp_path, check=False, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["stats", "--workspace", "n" * 300], ["models", "--workspace", "n" * 300],
     ["export", "n" * 300, "--out", "models"], ["index", "n" * 300 + ".png"],
     ["redact", "n" * 300 + ".mp4", "--regions", "{}", "--out", "out"],
     ["redact", "a.png", "--query", "n" * 300 + ".png", "--out", "out"],
     ["list", "--database", "sqlite:///" + "n" * 300]],
    ids=lambda arguments: arguments[0] + arguments[1][:9],
)  # fmt: skip
def test_a_name_that_is_too_long_is_one_line(likemark: Run, arguments: list[str]) -> None:
    outcome = likemark(*arguments)
    assert outcome.code in (1, 2)
    assert len(outcome.err.splitlines()) <= 2
    assert outcome.err.startswith("likemark: ")


HELD = """
import signal, sys, time
from pathlib import Path
from likemark.cli import main
from likemark.retrieval.files import whole_file

@main.app.command()
def hold(path: Path) -> None:
    with whole_file(path) as stream:
        stream.write(b"half of it")
        print("begun", flush=True)
        # In short steps: a signal just before a sleep begins is answered when that sleep ends.
        for _ in range(600):
            time.sleep(0.1)

# What runs in the background of a script begins with interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["likemark", "hold", sys.argv[1]]
main.main()
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_end_leaves_no_draft(tmp_path: Path, sent: signal.Signals) -> None:
    with python(HELD, tmp_path / "a.txt") as process:
        assert process.line() == "begun"
        assert len(list(tmp_path.iterdir())) == 1
        process.running.send_signal(sent)
        _, errors = process.running.communicate(timeout=60)
    assert (process.running.returncode, errors) == (130, "likemark: stopped\n")
    assert list(tmp_path.iterdir()) == []


def test_signals_are_afterwards_as_they_were(likemark: Run) -> None:
    before = signal.getsignal(signal.SIGTERM)
    likemark("models")
    assert signal.getsignal(signal.SIGTERM) is before
