"""Which model `query`, `index` and `reindex` take when they are told none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.command import Run

from likemark.retrieval.models import DEFAULT_NAME, FoundModel


@pytest.fixture
def untold(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIKEMARK_MODEL")


@pytest.fixture
def added(home: Path, tiny: FoundModel) -> None:
    """The tiny model among those of the workspace."""
    shutil.copytree(tiny.folder, home / "models")


@pytest.mark.usefixtures("added", "untold")
def test_the_catalogues_model_is_taken(likemark: Run, register: Path) -> None:
    likemark("index", register, "--model", "tiny")
    picture = register.parent / "marks" / "mark-0003.png"
    answer = likemark("query", picture, "-k", 1, "--json").json
    assert answer["model"]["name"] == "tiny"
    assert answer["queries"][0]["hits"][0]["marks"][0]["title"] == "MARK 3"
    assert likemark("index", register, "--json").json["embedded"] == 0
    assert likemark("reindex", "--json").json["model"] == "tiny"


@pytest.mark.usefixtures("untold")
def test_an_empty_catalogue_takes_the_shipped_model(likemark: Run, register: Path) -> None:
    assert likemark("index", register.parent / "marks" / "mark-0003.png").code == 0
    assert likemark("stats", "--json").json["model"] == DEFAULT_NAME


@pytest.mark.parametrize("command", ["query", "index", "reindex"])
def test_a_model_that_was_given_by_its_card_is_asked_for_again(
    likemark: Run, register: Path, tiny: FoundModel, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    likemark("index", register)
    monkeypatch.delenv("LIKEMARK_MODEL")
    pictures = register.parent / "marks"
    outcome = likemark(command, *([] if command == "reindex" else [pictures]))
    assert (outcome.code, outcome.out) == (1, "")
    (line,) = outcome.err.splitlines()
    assert tiny.card.fingerprint[:8] in line
    assert "--model PATH-OF-ITS-CARD" in line
    assert line.endswith("likemark reindex --model default")


def test_the_environment_names_the_model_to_reindex_with(likemark: Run, register: Path) -> None:
    likemark("index", register)
    assert likemark("reindex", "--json").json["model"] == "tiny"


def test_a_model_that_is_not_there_makes_no_workspace(
    likemark: Run, register: Path, home: Path
) -> None:
    assert likemark("index", register, "--model", "none").code == 1
    assert not home.exists()


@pytest.mark.parametrize("command", ["query", "index", "reindex"])
def test_the_help_says_which_model_is_taken(likemark: Run, command: str) -> None:
    text = " ".join(likemark(command, "--help").out.split())
    assert "[default: the catalogue's, else the shipped one]" in text
