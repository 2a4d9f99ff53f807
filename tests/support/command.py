"""The `likemark` command as the tests run it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from likemark.cli.main import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as one JSON document; anything beside it is an error."""
        return json.loads(self.out)


Run = Callable[..., Outcome]


def run_here(
    words: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Outcome:
    """The real command in this process, its name the first of the words."""
    monkeypatch.setattr("sys.argv", list(words))
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main()
    printed = capsys.readouterr()
    return Outcome(int(end.value.code or 0), printed.out, printed.err)
