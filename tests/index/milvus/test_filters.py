"""Filters as Milvus's expressions: nothing that a mark's owner is called can break out of them."""

from __future__ import annotations

import pytest

from likemark.index.milvus.filters import Register, RegisterFilter, both, fields_of, fold


def test_nothing_asked_for_is_no_expression() -> None:
    assert RegisterFilter().expression() == ""
    assert both("", "") == ""


def test_every_given_field_is_asked_for() -> None:
    wanted = RegisterFilter(
        collections=(1, 2), office=("EM",), status=("Registered", "FILED"), owner="Acme",
        nice=(9, 25), vienna=("03.07.", "26.01.01"), filed_from=5, filed_to=9,
    )  # fmt: skip
    assert wanted.expression() == (
        '(collection_id in [1,2]) and (office in ["em"]) and (status in ["registered","filed"])'
        ' and (owner like "%acme%") and (array_contains_any(nice, [9,25]))'
        ' and (array_contains_any(vienna, ["03.07.","26.01.01"]))'
        " and (filed >= 5) and (filed > 0 and filed <= 9)"
    )


def test_a_code_is_found_by_its_beginnings() -> None:
    stored = fields_of(Register(1, vienna=("03.07.17", "03.07.16")))
    assert stored["vienna"] == ["03.", "03.07.", "03.07.16", "03.07.17"]


def test_unknown_fields_are_empty_and_days_are_numbers() -> None:
    stored = fields_of(Register(3, filed=737_000))
    assert stored == {
        "collection_id": 3, "office": "", "status": "", "owner": "", "nice": [], "vienna": [],
        "filed": 737_000,
    }  # fmt: skip
    assert fields_of(Register(3))["filed"] == 0


@pytest.mark.parametrize("odd", ['" or 1 == 1 or "', "back\\slash", "line\nbreak", "nul\0", "'"])
def test_odd_characters_stay_inside_their_quotes(odd: str) -> None:
    expression = RegisterFilter(status=(odd,), owner=odd).expression()
    assert expression.count('"') == 4
    assert expression.isprintable()
    assert "\\" not in expression


def test_folding_is_coarser_than_any_database() -> None:
    assert fold("STRASSE", 99) == fold("straße", 99)
    assert fold("İSTANBUL", 99) == fold("istanbul", 99)
    assert fold(None, 9) == ""
    assert len(fold("ß" * 300, 256)) == 256


def test_a_percent_sign_of_an_owner_is_no_pattern() -> None:
    assert 'like "%100_%"' in RegisterFilter(owner="100%").expression()
