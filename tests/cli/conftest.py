from __future__ import annotations

from pathlib import Path

import pytest
from support.command import Outcome, Run, run_here
from support.corpus import write_corpus, write_manifest
from support.models import tiny_model

from likemark.retrieval.models import FoundModel


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> FoundModel:
    return tiny_model(tmp_path_factory.mktemp("models"))


@pytest.fixture
def home(tmp_path: Path, tiny: FoundModel, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace that the commands use, and a model that is quick."""
    monkeypatch.setenv("LIKEMARK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LIKEMARK_MODEL", str(tiny.folder / "tiny.json"))
    monkeypatch.delenv("LIKEMARK_DATABASE", raising=False)
    return tmp_path / "home"


@pytest.fixture
def likemark(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs the real command in this process."""

    def run(*arguments: str | Path) -> Outcome:
        return run_here(["likemark", *map(str, arguments)], monkeypatch, capsys)

    return run


@pytest.fixture
def register(tmp_path: Path) -> Path:
    """A manifest of eight marks with register data."""
    write_corpus(tmp_path / "marks", range(8))
    rows = [
        {
            "id": f"m{n}", "image": f"marks/mark-{n:04d}.png", "text": f"MARK {n}",
            "office": "EM" if n % 2 else "US", "application_number": f"90{n}",
            "nice": "9;42" if n < 4 else "25", "vienna": "03.07.17" if n < 2 else "26.01.01",
            "status": "Registered", "owner": f"Owner {n}", "filing_date": f"202{n}-01-01",
            "colour": "red",
        }
        for n in range(8)
    ]  # fmt: skip
    return write_manifest(tmp_path / "register.csv", rows)
