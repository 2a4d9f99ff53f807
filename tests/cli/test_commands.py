"""What the commands print, their exit codes, and one line for every error."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import Run
from support.corpus import draw_mark

from likemark.retrieval.models import DEFAULT_NAME
from likemark.retrieval.workspace import Workspace

COMMANDS = [
    ["index"], ["query"], ["embed"], ["list"], ["show"], ["remove"], ["stats"], ["reindex"],
    ["doctor"], ["demo"], ["models"], ["models", "add"], ["bench"], ["bench", "speed"],
    ["augment"], ["train"], ["export"], ["bench", "experiments"],
    ["redact"], ["locate"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(likemark: Run, command: list[str]) -> None:
    outcome = likemark(*command, "--help")
    assert outcome.code == 0
    example = outcome.out.split("Example: ")[1]
    assert example.startswith(f"likemark {' '.join(command)}")


def test_every_command_is_in_the_list_above(likemark: Run) -> None:
    listed = [line.split()[0] for line in likemark("--help").out.split("Commands:")[1].splitlines()
              if line.startswith("  ") and line[2:3].isalpha()]  # fmt: skip
    assert {name for name in listed if name != "Example:"} - {"report.html"} == {
        command[0] for command in COMMANDS
    }


def test_the_version_is_printed(likemark: Run) -> None:
    assert likemark("--version").out.startswith("likemark 0.")


def test_no_command_prints_the_help(likemark: Run) -> None:
    outcome = likemark()
    assert (outcome.code, "Commands:" in outcome.out) == (0, True)


def test_help_imports_neither_torch_nor_numpy_nor_the_catalogue() -> None:
    code = (
        "import sys\nfrom likemark.cli.main import app\n"
        "app(['query', '--help'], standalone_mode=False)\n"
        "heavy = {'torch', 'numpy', 'sqlalchemy', 'faiss', 'timm', 'PIL', 'rich'}\n"
        "print(sorted(heavy & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [["nope"], ["query"], ["query", "x.png", "-k", "many"], ["index", "x", "--no-such-option"],
     ["query", "x.png", "--nice", "46"], ["query", "x.png", "--vienna", "birds"],
     ["query", "x.png", "--crop", "1,2,3"], ["query", "x.png", "--filed-after", "soon"],
     ["query", "x.png", "--min-score", "7"], ["list", "--limit", "0"],
     ["index", ".", "--collection", ""], ["list", "--after", "9" * 23], ["list", "--after", "-1"],
     ["list", "--limit", "9" * 23], ["query", "-", "-"], ["query", "x.png", "--nice", ""],
     ["list", "--nice", ","], ["query", "x.png", "--vienna", " "], ["list", "--vienna", ";"],
     ["embed", "x.png", "--out", "v.txt"],
     ["embed", "x.png", "--out", "v.npz", "--device", "cpu:7"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_is_one_line_and_exit_code_2(likemark: Run, arguments: list[str]) -> None:
    outcome = likemark(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith("likemark: ")


@pytest.mark.parametrize(
    "arguments",
    [["query", "x.png"], ["show", "1"], ["remove", "1"], ["index", "no-such-folder"],
     ["query", "x.png", "--model", "none"], ["models", "add", "test_vit", "--weights", "none"],
     ["stats", "--database", "nonsense://x"], ["stats", "--workspace", "/dev/null/x"],
     ["query", "x.png", "--report", "no-such-folder/r.html"],
     ["embed", "no-such-folder", "--out", "no-such-folder/v.npz"]],
    ids=" ".join,
)  # fmt: skip
def test_failure_is_one_line_and_exit_code_1(likemark: Run, arguments: list[str]) -> None:
    outcome = likemark(*arguments)
    assert (outcome.code, outcome.out) == (1, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith("likemark: ")


@pytest.mark.parametrize("command", [["stats"], ["list"], ["query", "x.png"], ["reindex"]])
def test_a_command_that_reads_makes_no_workspace(
    likemark: Run, home: Path, command: list[str]
) -> None:
    outcome = likemark(*command)
    assert outcome.code == 1
    assert "nothing is indexed yet; run: likemark index" in outcome.err
    assert not home.exists()


def test_the_doctor_of_an_empty_place_is_content_and_makes_nothing(
    likemark: Run, home: Path
) -> None:
    assert likemark("doctor").code == 0
    assert not home.exists()


def test_indexing_says_what_was_done(likemark: Run, register: Path) -> None:
    outcome = likemark("index", register, "-c", "eu")
    assert outcome.code == 0
    assert outcome.out == (
        "eu: 8 rows, 8 marks added, 0 updated, 0 removed, 8 pictures embedded, 0 refused, "
        "8 vectors in the index\n"
    )
    assert outcome.err == ""


def test_refused_pictures_go_to_stderr_a_line_each(likemark: Run, register: Path) -> None:
    (register.parent / "marks" / "bad.png").write_bytes(b"no picture")
    outcome = likemark("index", register.parent / "marks")
    assert outcome.code == 0
    assert "1 refused (1 not_a_picture)" in outcome.out
    (line,) = outcome.err.splitlines()
    assert "bad.png: not_a_picture: " in line


def test_a_query_prints_a_ranked_table(likemark: Run, register: Path) -> None:
    likemark("index", register)
    outcome = likemark("query", register.parent / "marks" / "mark-0005.png", "-k", 3)
    head, first, *rest = outcome.out.splitlines()
    assert head.split() == [
        "rank", "score", "mark", "office", "number", "owner", "nice", "status", "picture",
    ]  # fmt: skip
    assert first.split()[:4] == ["1", "1.000", "MARK", "5"]
    assert len(rest) == 2


def test_filters_reach_the_index(likemark: Run, register: Path) -> None:
    likemark("index", register)
    picture = register.parent / "marks" / "mark-0005.png"

    def found(*filters: str) -> set[str]:
        document = likemark("query", picture, "--json", *filters).json
        return {hit["marks"][0]["title"] for hit in document["queries"][0]["hits"]}

    assert found("--nice", "25") == {f"MARK {n}" for n in range(4, 8)}
    assert found("--vienna", "03.07.*") == {"MARK 0", "MARK 1"}
    assert found("--vienna", "3.7,26.*", "--office", "em") == {f"MARK {n}" for n in (1, 3, 5, 7)}
    assert found("--owner", "owner 6") == {"MARK 6"}
    assert found("--filed-after", "2026-01-01") == {"MARK 6", "MARK 7"}
    assert found("--filed-before", "20210101") == {"MARK 0", "MARK 1"}
    assert found("--status", "registered", "--collection", "default", "--nice", "9") == {
        f"MARK {n}" for n in range(4)
    }


def test_nothing_found_is_exit_code_3(likemark: Run, register: Path, tmp_path: Path) -> None:
    likemark("index", register)
    draw_mark(500).save(tmp_path / "other.png")
    outcome = likemark("query", tmp_path / "other.png", "--min-score", "0.99999")
    assert (outcome.code, outcome.out) == (3, "nothing found\n")
    assert likemark("list", "--nice", "45").code == 3


def test_a_query_prints_each_marks_own_picture(likemark: Run, tmp_path: Path) -> None:
    """The same drawing in two files, of which one is a mark of its own without register data."""
    for name, level in (("first.png", 9), ("second.png", 1)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        draw_mark(3).save(tmp_path / name, compress_level=level)
    (tmp_path / "m.csv").write_text("image,text,status\nsecond.png,TWO,Registered\n")
    likemark("index", tmp_path / "first.png")
    likemark("index", tmp_path / "m.csv")
    outcome = likemark("query", tmp_path / "first.png")
    (row,) = outcome.out.splitlines()[1:]
    assert "TWO (+1)" in row
    assert row.split()[-1].endswith("second.png")


def test_a_report_without_paths_tells_no_folder(likemark: Run, tmp_path: Path) -> None:
    for number, name in enumerate(("one.png", "two.png")):
        draw_mark(number).save(tmp_path / name)
    likemark("index", tmp_path)
    page = tmp_path / "report.html"
    arguments = ("query", tmp_path / "one.png", tmp_path / "none.png", "--report", page)
    likemark(*arguments)
    assert str(tmp_path) in page.read_text()
    likemark(*arguments, "--no-paths")
    assert str(tmp_path) not in page.read_text()
    assert "two.png" in page.read_text()


def test_a_query_that_cannot_be_read_is_exit_code_1(likemark: Run, register: Path) -> None:
    likemark("index", register)
    outcome = likemark("query", register)
    assert outcome.code == 1
    assert "not_a_picture" in outcome.err


def test_standard_input_is_read_for_a_dash(
    likemark: Run, register: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    likemark("index", register)
    data = (register.parent / "marks" / "mark-0002.png").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert "MARK 2" in likemark("query", "-", "-k", 1).out


def test_an_output_that_cannot_be_written_is_refused_before_the_pictures_are_read(
    likemark: Run, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    outcome = likemark("embed", tmp_path / "empty", "--out", tmp_path / "no" / "v.npz")
    assert "there is no folder" in outcome.err


def test_a_report_is_written_beside_the_answer(
    likemark: Run, register: Path, tmp_path: Path
) -> None:
    likemark("index", register)
    report = tmp_path / "r.html"
    outcome = likemark("query", register.parent / "marks", "-k", 2, "--report", report)
    assert outcome.code == 0
    page = report.read_text()
    assert page.count("data:image/") >= 8
    assert "MARK 7" in page
    assert "<script" not in page


def test_show_prints_what_is_known_and_no_more(likemark: Run, register: Path) -> None:
    likemark("index", register)
    out = likemark("show", "m2").out
    assert "Owner 2" in out
    assert "colour: red" in out
    assert "registration_number" not in out
    assert "None" not in out


def test_control_characters_from_outside_do_not_reach_the_terminal(
    likemark: Run, tmp_path: Path
) -> None:
    draw_mark(1).save(tmp_path / "a.png")
    (tmp_path / "m.jsonl").write_text('{"id": "x", "image": "a.png", "text": "A\\u001b[31mB"}\n')
    likemark("index", tmp_path / "m.jsonl")
    assert "\x1b" not in likemark("list").out
    assert "\x1b" not in likemark("query", tmp_path / "a.png").out


def test_another_model_is_refused_with_the_command_that_re_embeds(
    likemark: Run, register: Path
) -> None:
    likemark("index", register)
    outcome = likemark("query", register.parent / "marks", "--model", "default")
    assert outcome.code == 1
    assert f"likemark reindex --model {DEFAULT_NAME}" in outcome.err


def test_a_damaged_index_mends_itself(likemark: Run, register: Path, home: Path) -> None:
    likemark("index", register)
    (path,) = home.glob("index/*/*.faiss")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    picture = register.parent / "marks" / "mark-0002.png"
    assert likemark("query", picture, "-k", 1).out.count("MARK 2") == 1
    shutil.rmtree(home / "index")
    assert likemark("query", picture, "-k", 1).out.count("MARK 2") == 1


def test_a_reader_that_closes_the_pipe_causes_no_trace(register: Path, home: Path) -> None:
    command = f'"{sys.executable}" -c "from likemark.cli.main import main; main()" --help | head -1'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_the_shell_completes_commands_and_options() -> None:
    def completed(typed: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", "from likemark.cli.main import main; main()"],
            env={"_LIKEMARK_COMPLETE": "complete_bash", "COMP_WORDS": typed,
                 "COMP_CWORD": str(typed.count(" "))},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    assert completed("likemark qu").split() == ["query"]
    assert "--min-score" in completed("likemark query --min").split()


def test_counts_are_told_in_words_that_fit(likemark: Run, tmp_path: Path) -> None:
    for number in range(3):
        draw_mark(number).save(tmp_path / f"{number}.png")
    likemark("index", tmp_path)
    assert likemark("remove", "1").out == "1 mark removed\n"
    assert likemark("remove", "2", "3").out == "2 marks removed\n"
    Workspace.open(tmp_path / "fresh").close()
    assert "0 vectors\n" in likemark("stats", "--workspace", tmp_path / "fresh").out
