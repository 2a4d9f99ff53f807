"""Tables, JSON and bars, whatever stdout and stderr are."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys

import pytest

from likemark.cli.output import print_json, table

# Brackets and colons: rich would read markup and an emoji in them.
LONG = "likemark: " + "a folder/" * 30 + "[bold]:smile:.png: missing: no such file"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def encoded(monkeypatch: pytest.MonkeyPatch, encoding: str) -> io.BytesIO:
    """The bytes that arrive on stdout."""
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding=encoding))
    return raw


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_utf8_whatever_the_encoding_of_stdout(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    document = {"é": "Ω \N{GRINNING FACE} \\ \n"}
    with monkeypatch.context() as patch:
        raw = encoded(patch, encoding)
        print_json(document)
        printed = raw.getvalue()
    assert json.loads(printed.decode("utf-8")) == document


def test_json_holds_no_half_of_a_surrogate_pair(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"path": "a\udce9.png"})
    assert json.loads(capsys.readouterr().out) == {"path": "a?.png"}


def test_a_table_cuts_no_path_in_a_pipe() -> None:
    path = "/folder" * 300 + "/logo.png"
    assert path in table(("path",), [(path,)])


def test_a_table_fits_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", Terminal())
        lines = table(("id", "owner"), [(1, "x" * 4000), (2, "漢" * 4000)]).splitlines()
    assert lines == ["id  owner", "1   " + "x" * 15 + "…", "2   " + "漢" * 7 + "…"]


def test_a_note_beside_a_bar_stays_one_line_as_it_was() -> None:
    code = (
        "import sys\nfrom likemark.cli.output import progress_bar\n"
        "with progress_bar('embedding', 4) as bar:\n    bar(2)\n    bar.note(sys.argv[1])\n"
    )
    here, there = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-c", code, LONG], stderr=there, check=True,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        )  # fmt: skip
        printed = os.read(here, 100_000).decode()
    finally:
        os.close(here)
        os.close(there)
    assert LONG + "\r\n" in printed
    assert "embedding" in printed
