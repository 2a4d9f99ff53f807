from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from likemark.benchmarks.pages.documents import (
    TITLES,
    Document,
    in_order,
    machine,
    numbered,
    provenance,
    read_documents,
)
from likemark.db.errors import InvalidInput, NotFound

Documents = dict[str, dict[str, Any]]


def test_numbers_as_keys_become_what_json_makes_of_them(
    raw_retrieval: Callable[..., dict[str, Any]],
):
    raw = raw_retrieval()
    assert 100 in raw["result"]["rows"][0]["standing"]["all_groups"]["map_at"]
    document = Document.of(raw)
    assert document.result["rows"][0]["standing"]["all_groups"]["map_at"]["100"] == pytest.approx(
        0.802
    )
    assert document == Document.of(json.loads(json.dumps(raw)))


def test_order_is_fixed_and_stable(documents: Documents):
    again = {**documents["retrieval"], "date": "2026-12-01"}
    given = [documents["speed"], again, *reversed(documents.values())]
    ordered = in_order(given)
    assert [one.benchmark for one in ordered] == [
        "retrieval", "retrieval", "metu", "flickr27", "locate", "scenes",
        "redaction", "invariance", "search", "experiments", "speed", "speed", "scale",
    ]  # fmt: skip
    assert [one.date for one in ordered[:2]] == ["2026-12-01", "2026-11-21"]
    assert {one.benchmark for one in ordered} == set(TITLES)


def test_documents_of_one_benchmark_have_names_of_their_own(documents: Documents):
    given = in_order([documents["metu"], documents["retrieval"], documents["retrieval"]])
    assert [name for name, _ in numbered(given)] == ["retrieval", "retrieval-2", "metu"]


def test_provenance_names_data_model_machine_and_day(documents: Documents):
    assert provenance(Document.of(documents["retrieval"])) == (
        "Data likemark-open 3f1c3f1c3f1c; model likemark-small ab12ab12ab12; "
        "AMD EPYC 9B14, 2 cores, 23.5 GiB, network on cpu in bfloat16; 2026-11-21"
    )


def test_provenance_leaves_out_what_is_not_known(documents: Documents):
    given = {**documents["speed"], "data": {}, "model": {"name": "small", "fingerprint": None}}
    assert provenance(Document.of(given)).startswith("Model small; AMD EPYC")
    bare = {**documents["speed"]["machine"], "memory_gib": None, "bf16": False}
    assert machine(bare) == "AMD EPYC 9B14, 2 cores, network on cpu in float32"


def test_an_unknown_benchmark_is_refused(documents: Documents):
    with pytest.raises(InvalidInput, match="no benchmark 'chess': choose from retrieval, metu"):
        Document.of({**documents["speed"], "benchmark": "chess"})


def test_an_envelope_with_a_gap_is_refused(documents: Documents):
    given = {key: value for key, value in documents["metu"].items() if key not in ("date", "data")}
    with pytest.raises(InvalidInput, match=r"metu\.json: no date, data: is it"):
        Document.of(given, name="metu.json")


def test_a_folder_is_read_by_name(documents: Documents, tmp_path: Path):
    for number, document in enumerate(documents.values()):
        (tmp_path / f"{9 - number}.json").write_text(json.dumps(document), encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not a result", encoding="utf-8")
    (tmp_path / "speed.json").write_text('{"measures": []}', encoding="utf-8")  # `bench speed`'s
    assert read_documents(tmp_path) == list(reversed(documents.values()))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[1]", "holds a list"),
        ('{"benchmark": "metu", "date": 1}', "no command"),
    ],
)
def test_a_file_that_is_no_document_is_named(tmp_path: Path, text: str, message: str):
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=rf"a\.json: {message}"):
        read_documents(tmp_path)


def test_a_missing_folder_is_not_found(tmp_path: Path):
    with pytest.raises(NotFound, match="likemark bench run all"):
        read_documents(tmp_path / "none")
