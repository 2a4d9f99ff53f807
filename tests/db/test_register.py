"""A row of register data becomes a mark; what cannot be understood stays with it, and is named."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.marks import stored

from likemark.db.catalogue import Catalogue
from likemark.db.ingest import Applied, Entry, apply_batch, collection_id
from likemark.db.register import KNOWN_COLUMNS, TEXT_COLUMNS, read_row
from likemark.db.values import MarkData
from likemark.db.vectors import ensure_model

# Everything that JSON can say, and more: NUL, halves of surrogate pairs, NaN.
ANY_TEXT = st.text(st.characters(), max_size=20)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
ROWS = st.dictionaries(st.sampled_from(KNOWN_COLUMNS) | ANY_TEXT, ANY_JSON, max_size=6)


def read(row: dict[str, Any]) -> tuple[MarkData, list[str]]:
    return read_row(row, key="id:1", source="/in/m.csv")


def write(catalogue: Catalogue, *marks: MarkData) -> Applied:
    with catalogue.write() as session:
        model = ensure_model(session, fingerprint="f" * 64, name="m", dimension=2)
        entries = [Entry(mark) for mark in marks]
        return apply_batch(session, collection_id(session, "default"), model.id, entries)


def test_every_column_finds_its_field() -> None:
    row = {
        "id": "1", "image": "a.png", "office": "EM", "application_number": "018", "text": "FOX",
        "registration_number": "R1", "kind": "figurative", "status": "Registered",
        "filing_date": "2024-05-31", "registration_date": "20240601", "expiry_date": "2034-05-31",
        "owner": "Fox & Söhne", "goods": "Furs; hats", "nice": "42, 9", "vienna": "3.7.17|26.1.1",
        "colour": "red",
    }  # fmt: skip
    mark, warnings = read(row)
    assert warnings == []
    assert mark == MarkData(
        key="id:1", source="/in/m.csv", office="EM", application_number="018",
        registration_number="R1", text="FOX", kind="figurative", status="Registered",
        filing_date=dt.date(2024, 5, 31), registration_date=dt.date(2024, 6, 1),
        expiry_date=dt.date(2034, 5, 31), owner="Fox & Söhne", goods="Furs; hats", nice=(9, 42),
        vienna=("03.07.17", "26.01.01"), extra={"colour": "red"},
    )  # fmt: skip


def test_json_values_are_as_good_as_text() -> None:
    mark, warnings = read(
        {"application_number": 18, "nice": [9, "IC 42"], "vienna": ["030717"], "text": "  "}
    )
    assert warnings == []
    assert (mark.application_number, mark.nice, mark.vienna) == ("18", (9, 42), ("03.07.17",))
    assert mark.text is None


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("filing_date", "31.05.2024", "filing_date: '31.05.2024' is not a date (YYYY-MM-DD)"),
        ("nice", "9;99", "nice: '99' is not a Nice class (1 to 45)"),
        ("vienna", "03.07", "vienna: '03.07' is not a Vienna code (CC.DD.SS)"),
        ("owner", ["A", "B"], "owner: is a list or an object where text belongs"),
        ("status", "x" * 501, "status: is longer than 500 letters"),
    ],
)
def test_what_cannot_be_read_is_kept_and_named(column: str, value: Any, problem: str) -> None:
    mark, warnings = read({column: value})
    assert warnings == [f"{problem}; kept as it stands"]
    assert mark.extra == {column: value}
    assert getattr(mark, column) in (None, (), (9,))


def test_a_bad_code_does_not_cost_the_good_ones() -> None:
    mark, warnings = read({"nice": "9, 0, 42, 46"})
    assert mark.nice == (9, 42)
    assert len(warnings) == 2


def test_a_warning_stays_one_line_of_bearable_length() -> None:
    _, (warning,) = read({"filing_date": "so\nlong " * 100_000})
    assert warning.isprintable()
    assert len(warning) < 400


def test_a_backslash_that_only_looks_like_an_escape_is_kept() -> None:
    mark, _ = read({"note": "C:\\u0000\\new", "C:\\u0000": 1})
    assert mark.extra == {"note": "C:\\u0000\\new", "C:\\u0000": 1}


def test_numbers_that_no_database_knows_stay_as_words() -> None:
    mark, _ = read({"a": math.nan, "b": [math.inf, -math.inf], "c": {"d": 1.5}})
    assert mark.extra == {"a": "NaN", "b": ["Infinity", "-Infinity"], "c": {"d": 1.5}}


def test_a_key_too_long_for_an_index_is_told_by_its_hash() -> None:
    keys = [read_row({}, key="id:" + "é" * n, source="s")[0].key for n in (900, 1000, 1001)]
    assert keys[0] == "id:" + "é" * 900
    assert all(key.startswith("sha256:") for key in keys[1:])
    assert keys[1] != keys[2]


@given(row=ROWS, key=ANY_TEXT)
def test_any_row_can_be_stored_and_is_found_unchanged(
    row: dict[str, Any], key: str, catalogue: Catalogue
) -> None:
    mark, _ = read_row(row, key=f"id:{key}", source="/in/m.jsonl")
    applied = write(catalogue, mark)
    found = stored(catalogue, applied.mark_ids[0])
    assert {name: getattr(found, name) for name in TEXT_COLUMNS} == {
        name: getattr(mark, name) for name in TEXT_COLUMNS
    }
    assert (found.key, found.nice, found.vienna) == (mark.key, mark.nice, mark.vienna)
    assert found.extra == mark.extra
    assert json.loads(json.dumps(mark.extra, allow_nan=False)) == mark.extra
    # Nothing differs from what is there, so nothing is written again.
    assert write(catalogue, mark) == Applied(0, 0, (), applied.mark_ids)


def test_the_longest_of_everything_fits_the_database(catalogue: Catalogue) -> None:
    # Text that cannot be compressed: PostgreSQL compresses before it measures.
    text = "".join(chr(0x4E00 + i * 7919 % 20_000) for i in range(200_000))
    mark, _ = read_row(dict.fromkeys([*TEXT_COLUMNS, "other"], text), key=text, source=text)
    cut, _ = read_row(dict.fromkeys(TEXT_COLUMNS, text[:500]), key=text[:600], source=text)
    applied = write(catalogue, mark, cut)
    assert stored(catalogue, applied.mark_ids[0]).goods == text
    assert stored(catalogue, applied.mark_ids[1]).status == text[:500]
