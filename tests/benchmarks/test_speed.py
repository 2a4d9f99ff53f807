from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from likemark.benchmarks.speed import (
    AT_LEAST,
    AT_MOST,
    Measure,
    SpeedOptions,
    SpeedReport,
    report_json,
    write_json,
)
from likemark.benchmarks.speed_indexing import Cost, Repetition, summary
from likemark.benchmarks.speed_machine import Machine
from likemark.benchmarks.speed_search import SearchSpeed
from likemark.benchmarks.speed_startup import Seconds, StartUp, likemark_command
from likemark.db.errors import InvalidInput, LikemarkError
from likemark.retrieval.devices import cores

# The document's shape is documented here.
DOCUMENT = {
    "command", "date", "machine", "model", "options", "indexing", "search", "start_up", "measures",
}  # fmt: skip
MACHINE = {
    "cpu", "cores", "memory_gib", "system", "python", "packages", "device", "bf16", "load",
}  # fmt: skip
INDEXING = {
    "pictures", "window", "decode", "network", "pipeline", "allowed", "allowed_by_rates",
    "efficiency", "of_the_rest", "useful", "idle", "others", "repetitions",
}  # fmt: skip
REPETITION = {"decode", "network", "pipeline", "idle", "others"}
COST = {"rate", "core_seconds"}
SEARCH = {
    "vectors", "dimension", "index", "exact", "queries", "build_seconds", "p50_ms", "p95_ms",
    "recall_at_10", "raw_bytes", "stored_bytes", "resident_bytes", "memory_ratio",
}  # fmt: skip
START_UP = {"python", "help", "query", "marks"}
MEASURE = {"name", "value", "unit", "target", "bound", "met"}


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*likemark_command(), "bench", "speed", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8")


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """One small real run: what it printed, and the file it wrote."""
    out = tmp_path_factory.mktemp("speed") / "speed.json"
    done = bench("--quick", "--json", "--device", "cpu", "--out", str(out))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), out  # json.loads takes one document and nothing after it


def test_json_is_one_document_of_the_documented_shape(quick: tuple[dict[str, Any], Path]):
    document, out = quick
    assert set(document) == DOCUMENT
    assert set(document["machine"]) == MACHINE
    assert set(document["indexing"]) == INDEXING
    assert set(document["start_up"]) == START_UP
    assert [set(one) for one in document["indexing"]["repetitions"]] == [REPETITION]
    assert [set(one) for one in document["search"]] == [SEARCH, SEARCH]
    assert all(set(one) == MEASURE for one in document["measures"])
    assert json.loads(out.read_text(encoding="utf-8")) == document


def test_a_real_run_has_indexing_figures_that_agree(quick: tuple[dict[str, Any], Path]):
    indexing = quick[0]["indexing"]
    for name in ("decode", "network", "pipeline"):
        assert set(indexing[name]) == COST
        assert all(value > 0 for value in indexing[name].values())
    work = indexing["decode"]["core_seconds"] + indexing["network"]["core_seconds"]
    assert indexing["allowed"] == pytest.approx(cores() / work)
    assert indexing["efficiency"] == pytest.approx(
        indexing["pipeline"]["rate"] / indexing["allowed"]
    )
    assert (indexing["window"], indexing["pictures"]) == ("whole run", 32)


def test_a_real_run_has_search_and_start_up_figures_that_agree(
    quick: tuple[dict[str, Any], Path],
):
    document, _ = quick
    assert [one["vectors"] for one in document["search"]] == document["options"]["vectors"]
    for one in document["search"]:
        assert one["recall_at_10"] == 1.0
        assert 0 < one["p50_ms"] <= one["p95_ms"]
        held = one["resident_bytes"] or one["stored_bytes"]
        assert one["memory_ratio"] == held / one["raw_bytes"]
    for name in ("python", "help", "query"):
        seconds = document["start_up"][name]
        assert 0 < seconds["best"] <= seconds["median"] <= max(seconds["runs"])


def report(
    *, pictures: int = 640, rate: float = 30.0, memory: float = 1.01, seconds: float = 0.1
) -> SpeedReport:
    cost = Cost(100.0, 0.02 * cores())
    repetition = Repetition(cost, cost, Cost(rate, 0.06), 0.1, 0.0)
    search = SearchSpeed(
        vectors=1000, dimension=320, index="Flat", exact=True, queries=5, build_seconds=1.0,
        p50_ms=1.0, p95_ms=2.0, recall_at_10=1.0, raw_bytes=1280.0, stored_bytes=1288.0,
        resident_bytes=1280 * memory, memory_ratio=memory,
    )  # fmt: skip
    loose = replace(search, index="IVF16,SQfp16", exact=False, memory_ratio=5.0)
    machine = Machine("cpu", 2, 8.0, "Linux", "3.11", {"torch": "2"}, "cpu", bf16=False, load=0.0)
    runs = Seconds.of([seconds])
    return SpeedReport(
        command="likemark bench speed",
        date="2026-11-21T00:00:00+00:00",
        machine=machine,
        model="tiny",
        options=SpeedOptions(pictures=pictures),
        indexing=summary([repetition], on_cpu=True, pictures=pictures),
        search=(search, loose),
        start_up=StartUp(runs, runs, runs, marks=1),
    )


def judged(one: SpeedReport) -> dict[str, bool | None]:
    return {m.name: m.met for m in one.measures() if m.target is not None}


EFFICIENCY = "pipeline / allowed by core time"
REST = "the same, of what other programs left"
MEMORY = "1,000 Flat: memory / raw vectors"
HELP = "likemark --help, best"


def test_targets_are_met_or_missed():
    # 0.02 core-seconds twice for each core allow 25 pictures/s.
    assert judged(report()) == {EFFICIENCY: True, REST: True, MEMORY: True, HELP: True}
    missed = report(rate=22.0, memory=1.2, seconds=0.4)
    assert judged(missed) == {EFFICIENCY: False, REST: False, MEMORY: False, HELP: False}


def test_a_target_that_is_just_reached_is_met():
    assert Measure("a", 0.9, "", 0.9, AT_LEAST).met
    assert Measure("a", 0.3, "s", 0.3, AT_MOST).met
    assert Measure("a", 0.3, "s").met is None


def test_a_run_too_short_for_a_steady_rate_is_not_judged_by_it():
    assert EFFICIENCY not in judged(report(pictures=32))


def test_the_document_lists_every_measure_with_its_verdict():
    document = report_json(report(rate=1.0))
    found = {one["name"]: one for one in document["measures"]}
    assert found[EFFICIENCY]["met"] is False
    assert (found[EFFICIENCY]["target"], found[EFFICIENCY]["bound"]) == (0.9, "at least")
    assert found["decode"]["met"] is None
    assert found["decode"]["value"] == document["indexing"]["decode"]["rate"]


def test_the_table_says_met_or_missed():
    from likemark.cli.bench import _text

    lines = _text(report(rate=1.0)).splitlines()
    assert lines[0] == "likemark bench speed"
    assert "2 cores, 8 GiB" in lines[1]
    rows = {line[:40].strip(): line.split() for line in lines}
    found = {name: words for name, words in rows.items() if name.startswith((EFFICIENCY, HELP))}
    assert [words[-4:] for words in found.values()] == [
        ["at", "least", "0.9", "no"],
        ["at", "most", "0.3", "yes"],
    ]


def test_the_command_repeats_the_run():
    options = replace(SpeedOptions.quick(), vectors=(500, 900), device="cpu")
    assert options.command == (
        "likemark bench speed --quick --pictures 32 --repetitions 1 --vectors 500,900 --device cpu"
    )
    assert SpeedOptions().command.startswith("likemark bench speed --pictures 640 ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--vectors", "many"), "--vectors 'many': give whole numbers"),
        (("--vectors", "5"), "vectors = (5,): give sizes of 100 or more"),
        (("--pictures", "0"), "pictures = 0: give 1 or more"),
        (("--out", "no/such/folder/a.json"), "there is no such folder"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: tuple[str, ...], message: str):
    done = bench(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_options_refuse_what_cannot_be_measured():
    with pytest.raises(InvalidInput, match="repetitions = 0"):
        SpeedOptions(repetitions=0)
    with pytest.raises(InvalidInput, match="vectors"):
        SpeedOptions(vectors=())


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path):
    with pytest.raises(LikemarkError, match="cannot be written"):
        write_json(tmp_path, report())
