"""The --json form of every reading command: exactly one document on stdout, of this shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from support.command import Run

from likemark.retrieval.models import list_models

MARK = {
    "id", "collection", "title", "office", "application_number", "registration_number", "text",
    "kind", "status", "filing_date", "registration_date", "expiry_date", "owner", "nice", "vienna",
    "goods", "extra", "source", "images",
}  # fmt: skip


def test_index(likemark: Run, register: Path) -> None:
    (register.parent / "marks" / "bad.png").write_bytes(b"")
    assert likemark("index", register, "--json").json == {
        "rows": 8,
        "added": 8,
        "updated": 0,
        "removed": 0,
        "embedded": 8,
        "rejected": {},
        "unusable_rows": 0,
        "index": {"vectors": 8, "factory": "Flat", "action": "rebuilt"},
    }
    again = likemark("index", register.parent / "marks", "--json").json
    assert (again["rows"], again["embedded"], again["rejected"]) == (9, 0, {"empty": 1})


def test_query(likemark: Run, register: Path) -> None:
    likemark("index", register)
    picture = register.parent / "marks" / "mark-0003.png"
    document = likemark("query", picture, register, "-k", 2, "--json").json
    assert document.keys() == {
        "model", "index", "k", "min_score", "blocks", "turned", "parts", "queries",
    }  # fmt: skip
    assert document["model"].keys() == {"name", "fingerprint"}
    assert document["index"] == {"factory": "Flat", "vectors": 8}
    assert (document["k"], document["min_score"]) == (2, None)
    good, bad = document["queries"]
    assert good.keys() == bad.keys() == {"query", "error", "hits"}
    assert [hit["rank"] for hit in good["hits"]] == [1, 2]
    assert good["hits"][0].keys() == {
        "rank", "score", "image_id", "path", "block", "marks", "unlisted_marks", "turn", "part",
    }  # fmt: skip
    assert good["hits"][0]["path"] == str(picture)
    assert good["hits"][0]["marks"][0].keys() == MARK
    assert good["error"] is None
    assert bad["hits"] == []
    assert bad["error"]["reason"] == "not_a_picture"


def test_query_says_by_which_block_a_hit_was_found(
    likemark: Run, register: Path, tmp_path: Path
) -> None:
    likemark("index", register)
    sheet = Image.new("RGB", (410, 160), "white")
    for place, number in ((20, 3), (270, 5)):
        with Image.open(register.parent / "marks" / f"mark-000{number}.png") as mark:
            sheet.paste(mark, (place, 20))
    sheet.save(tmp_path / "sheet.png")
    document = likemark("query", tmp_path / "sheet.png", "--json").json
    boxes = [hit["block"] for hit in document["queries"][0]["hits"] if hit["block"]]
    assert boxes
    assert all(len(box) == 4 for box in boxes)
    shown = likemark("query", tmp_path / "sheet.png").out
    assert all(",".join(map(str, box)) in shown for box in boxes)
    plain = likemark("query", tmp_path / "sheet.png", "--no-blocks", "--json").json
    assert {hit["block"] for hit in plain["queries"][0]["hits"]} == {None}
    assert not plain["parts"]
    assert likemark("query", tmp_path / "sheet.png", "--parts", "--json").json["parts"]


def test_embed(likemark: Run, register: Path, tmp_path: Path) -> None:
    out = tmp_path / "v.npz"
    missing = tmp_path / "none.png"
    document = likemark("embed", register.parent / "marks", missing, "--out", out, "--json").json
    assert document == {
        "out": str(out),
        "embedded": 8,
        "dimension": 96,
        "model": "tiny",
        "rejected": [{"path": str(missing), "reason": "missing"}],
    }
    with np.load(out) as arrays:
        assert set(arrays) == {"paths", "vectors", "model"}


def test_list_and_show(likemark: Run, register: Path) -> None:
    likemark("index", register)
    document = likemark("list", "--json", "--limit", 3, "--after", 2).json
    assert [mark["id"] for mark in document["marks"]] == [3, 4, 5]
    assert document["marks"][0].keys() == MARK
    mark = likemark("show", "m1", "--json").json
    assert mark.keys() == MARK
    assert (mark["office"], mark["nice"], mark["vienna"]) == ("EM", [9, 42], ["03.07.17"])
    assert (mark["filing_date"], mark["extra"]) == ("2021-01-01", {"colour": "red"})
    (image,) = mark["images"]
    assert image.keys() == {"id", "path", "width", "height"}
    assert (image["width"], image["height"]) == (120, 120)


def test_list_rejected(likemark: Run, register: Path) -> None:
    bad = register.parent / "marks" / "bad.png"
    bad.write_bytes(b"")
    likemark("index", register.parent / "marks")
    (row,) = likemark("list", "--rejected", "--json").json["rejected"]
    assert row.keys() == {"path", "reason", "detail"}
    assert (row["path"], row["reason"]) == (str(bad), "empty")


def test_remove(likemark: Run, register: Path) -> None:
    likemark("index", register)
    assert likemark("remove", "m3", "906", "--json").json == {"removed": [4, 7]}


def test_stats(likemark: Run, register: Path, home: Path) -> None:
    likemark("index", register, "--collection", "eu")
    document = likemark("stats", "--json").json
    assert document["collections"] == [{"name": "eu", "marks": 8, "pictures": 8, "rejected": 0}]
    assert (document["marks"], document["pictures"], document["vectors"]) == (8, 8, 8)
    assert (document["workspace"], document["dimension"]) == (str(home), 96)
    assert document["index"].keys() == {
        "vectors", "factory", "setting", "exact", "bytes", "device", "generation", "state",
        "added", "removed", "recall_promised", "recall_at_10", "recall_kept", "probes",
    }  # fmt: skip


def test_reindex(likemark: Run, register: Path, tiny: object) -> None:
    likemark("index", register)
    card = tiny.folder / "tiny.json"  # type: ignore[attr-defined]
    document = likemark("reindex", "--model", card, "--index", "SQfp16", "--json").json
    assert document == {
        "model": "tiny",
        "embedded": 0,
        "failed": 0,
        "index": {"vectors": 8, "factory": "SQfp16"},
    }


def test_doctor(likemark: Run, register: Path) -> None:
    likemark("index", register)
    document = likemark("doctor", "--json").json
    assert document.keys() == {"healthy", "findings"}
    assert all(f.keys() == {"check", "ok", "detail", "fix"} for f in document["findings"])
    assert document["healthy"] is all(finding["ok"] for finding in document["findings"])


def test_models(likemark: Run) -> None:
    models = likemark("models", "--json").json["models"]
    (model,) = [model for model in models if model["default"]]
    assert {"name", "backbone", "input_size", "mean", "std", "pooling", "dimension", "licence",
            "provenance", "sha256", "fingerprint", "folder"} <= model.keys()  # fmt: skip


def test_models_add(likemark: Run, tiny: object, home: Path) -> None:
    weights = tiny.folder / "tiny.safetensors"  # type: ignore[attr-defined]
    added = likemark(
        "models", "add", "test_resnet", "--weights", weights, "--name", "mine", "--json"
    ).json
    assert (added["name"], added["folder"]) == ("mine", str(home / "models"))
    listed = likemark("models", "--json").json["models"]
    assert [model["name"] for model in listed] == [*(m.card.name for m in list_models()), "mine"]
