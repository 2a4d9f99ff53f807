"""The README's results are those of the committed documents."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from likemark.benchmarks.pages.documents import read_documents
from likemark.benchmarks.pages.markdown import markdown
from likemark.benchmarks.pages.readme import BEGIN, END, block, current, main, replaced, rewrite
from likemark.db.errors import InvalidInput, NotFound

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "benchmarks" / "results"
Documents = dict[str, dict[str, Any]]


@pytest.mark.skipif(not list(RESULTS.glob("*.json")), reason="no results are committed")
def test_readme_and_committed_results_say_the_same():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert current(readme) == block(read_documents(RESULTS)), (
        "run: python -m likemark.benchmarks.pages.readme README.md benchmarks/results"
    )


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text(f"# Above\n\n{BEGIN}\nold\n{END}\n\nBelow\n", encoding="utf-8")
    return path


@pytest.fixture
def results(documents: Documents, tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def test_the_block_holds_every_headline_between_its_marks(documents: Documents):
    text = block(list(documents.values()))
    assert text.startswith(f"{BEGIN}\n### Retrieval: likemark-open\n")
    assert text.endswith(f"\n{END}")
    for document in documents.values():
        assert markdown(document, brief=True) in text


def test_the_block_does_not_depend_on_the_files_order(documents: Documents):
    assert block(list(documents.values())) == block(list(reversed(documents.values())))


def test_only_the_block_is_rewritten(readme: Path, results: Path, documents: Documents):
    assert rewrite(readme, results)[-1] == readme
    text = readme.read_text(encoding="utf-8")
    assert text.startswith(f"# Above\n\n{BEGIN}\n###")
    assert text.endswith(f"{END}\n\nBelow\n")
    assert "\nold\n" not in text
    assert current(text) == block(list(documents.values()))
    assert replaced(text, list(documents.values())) == text
    assert rewrite(readme, results) == []


def test_a_changed_figure_is_noticed(readme: Path, results: Path, documents: Documents):
    rewrite(readme, results)
    documents["retrieval"]["result"]["rows"][0]["standing"]["all_groups"]["mrr"] += 0.001
    assert current(readme.read_text(encoding="utf-8")) != block(list(documents.values()))


def test_the_module_is_a_command(readme: Path, results: Path):
    command = [sys.executable, "-m", "likemark.benchmarks.pages.readme", str(readme), str(results)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.endswith("README.md: written\n")
    assert "0.812 (0.792, 0.842)" in readme.read_text(encoding="utf-8")
    beside = {path.name for path in results.iterdir() if path.suffix != ".json"}
    assert beside == {"SCALE-TABLES.md", "scale-growth.svg", "scale-filters.svg"}


@pytest.mark.parametrize("text", ["none", f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}", BEGIN])
def test_a_readme_without_one_block_is_refused(text: str):
    with pytest.raises(InvalidInput, match="there must be one <!-- results:begin -->"):
        current(text)


def test_a_failure_is_one_line_and_changes_nothing(
    readme: Path, results: Path, capsys: pytest.CaptureFixture[str]
):
    before = readme.read_bytes()
    there = sorted(results.iterdir())
    (results / "metu.json").write_text("{", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main([str(readme), str(results)])
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert readme.read_bytes() == before
    assert sorted(results.iterdir()) == there


def test_a_missing_readme_is_not_found(tmp_path: Path, results: Path):
    with pytest.raises(NotFound, match="no such file"):
        rewrite(tmp_path / "none.md", results)
