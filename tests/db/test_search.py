"""Each filter keeps exactly the marks it names, on every database."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from support.marks import digest, entry, put

from likemark.db.browse import list_marks
from likemark.db.catalogue import Catalogue
from likemark.db.errors import NotFound
from likemark.db.search import ShownImage, allowed_images, marks_by_id, shown_marks
from likemark.db.values import Filters

DAY = dt.date(2024, 5, 31)


def allowed(catalogue: Catalogue, **filters: Any) -> list[int] | None:
    with catalogue.read() as session:
        ids = allowed_images(session, Filters(**filters))
    return None if ids is None else ids.tolist()


def matches(catalogue: Catalogue, **filters: Any) -> str:
    """The keys of the marks within the filters, one letter each."""
    with catalogue.read() as session:
        rows = list_marks(session, Filters(**filters), limit=1000)
    images = sorted({image.image_id for row in rows for image in row.images})
    assert allowed(catalogue, **filters) == (images if Filters(**filters).active else None)
    return "".join(row.key for row in rows)


def fill(catalogue: Catalogue, **marks: dict[str, Any]) -> None:
    put(catalogue, *(entry(key, f"picture {key}", **fields) for key, fields in marks.items()))


def test_no_filter_allows_everything(catalogue: Catalogue) -> None:
    fill(catalogue, a={})
    assert allowed(catalogue) is None
    assert matches(catalogue) == "a"


def test_a_filter_that_nothing_meets_allows_nothing(catalogue: Catalogue) -> None:
    fill(catalogue, a={})
    with catalogue.read() as session:
        found = allowed_images(session, Filters(nice=(9,)))
    assert found is not None
    assert (found.shape, found.dtype) == ((0,), np.int64)


def test_nice_classes_are_any_of_those_given(catalogue: Catalogue) -> None:
    fill(catalogue, a={"nice": (9,)}, b={"nice": (9, 42)}, c={"nice": (4,)}, d={})
    assert matches(catalogue, nice=(9,)) == "ab"
    assert matches(catalogue, nice=(42, 4)) == "bc"


def test_vienna_codes_match_whole_or_from_their_beginning(catalogue: Catalogue) -> None:
    fill(
        catalogue, a={"vienna": ("03.07.17",)}, b={"vienna": ("03.07.01", "26.01.01")},
        c={"vienna": ("03.01.07",)}, d={"vienna": ("30.07.17",)}, e={},
    )  # fmt: skip
    assert matches(catalogue, vienna=("3.7.17",)) == "a"
    assert matches(catalogue, vienna=("3.7.*",)) == "ab"
    assert matches(catalogue, vienna=("03",)) == "abc"
    assert matches(catalogue, vienna=("3.1", "26.*")) == "bc"
    assert matches(catalogue, vienna=("0.*",)) == ""


def test_office_and_status_match_in_any_case_but_whole(catalogue: Catalogue) -> None:
    fill(
        catalogue, a={"office": "EM", "status": "Registered"},
        b={"office": "US", "status": "registered"}, c={"office": "EMX", "status": "ÉTEINTE"},
    )  # fmt: skip
    assert matches(catalogue, office=("em",)) == "a"
    assert matches(catalogue, office=("Em", "uS")) == "ab"
    assert matches(catalogue, status=("REGISTERED",)) == "ab"
    assert matches(catalogue, status=("éteinte",)) == "c"
    assert matches(catalogue, status=("Regist%",)) == ""


@pytest.mark.parametrize(
    ("owner", "part"),
    [
        ("Müller & Söhne GmbH", "MÜLLER"), ("MÜLLER", "müller"), ("ΩΜΕΓΑ", "ωμεγα"),
        ("ЗАВОД «ЗАРЯ»", "заря"), ("Łódź", "łÓDŹ"), ("ÅNGSTRÖM", "ngströ"), ("Fox", "FOX"),
        ("50% Off", "50%"), ("a_b", "A_B"), ("back\\slash", "K\\S"), ("/slash/", "/"),
    ],
)  # fmt: skip
def test_an_owner_is_found_by_a_part_of_the_name_in_any_case(
    catalogue: Catalogue, owner: str, part: str
) -> None:
    fill(catalogue, a={"owner": owner}, b={"owner": "Nobody"}, c={})
    assert matches(catalogue, owner=part) == "a"


@pytest.mark.parametrize(("owner", "part"), [("ΑΣΤΡΟ", "ας"), ("Straße", "STRASSE")])
def test_sqlite_also_knows_letters_with_more_than_two_forms(
    sqlite_where: str, owner: str, part: str
) -> None:
    with Catalogue.open(sqlite_where) as catalogue:
        fill(catalogue, a={"owner": owner}, b={"owner": "Nobody"})
        assert matches(catalogue, owner=part) == "a"


@pytest.mark.parametrize("part", ["5_% Off", "%", "_", "F%x", "\\"])
def test_wildcards_in_an_owner_are_plain_letters(catalogue: Catalogue, part: str) -> None:
    fill(catalogue, a={"owner": "Fox"}, b={"owner": "50 Off"})
    assert matches(catalogue, owner=part) == ""


def test_filing_days_include_both_ends(catalogue: Catalogue) -> None:
    days = [DAY + dt.timedelta(days=n) for n in (-1, 0, 1)]
    fill(catalogue, **{key: {"filing_date": day} for key, day in zip("abc", days, strict=True)})
    fill(catalogue, d={})
    assert matches(catalogue, filed_after=DAY) == "bc"
    assert matches(catalogue, filed_before=DAY) == "ab"
    assert matches(catalogue, filed_after=DAY, filed_before=DAY) == "b"


def test_collections_are_named_exactly(catalogue: Catalogue) -> None:
    put(catalogue, entry("a", "p"), collection="Ünï %")
    put(catalogue, entry("b", "p"), entry("c", "q"), collection="second")
    assert matches(catalogue, collections=("Ünï %",)) == "a"
    assert matches(catalogue, collections=("second", "Ünï %")) == "abc"
    with pytest.raises(NotFound, match="no collection 'ünï %'; there are: second, Ünï %"):
        matches(catalogue, collections=("second", "ünï %"))


def test_a_collection_asked_for_before_there_is_any_is_named(catalogue: Catalogue) -> None:
    with pytest.raises(NotFound, match="there are: none yet"):
        allowed(catalogue, collections=("x",))


def test_all_filters_hold_at_once_and_of_one_mark(catalogue: Catalogue) -> None:
    full = {
        "nice": (9,), "vienna": ("03.07.17",), "office": "EM", "status": "Registered",
        "owner": "Fox", "filing_date": DAY,
    }  # fmt: skip
    fill(catalogue, a=full, **{
        key: {**full, field: other} for key, field, other in [
            ("b", "nice", (10,)), ("c", "vienna", ()), ("d", "office", "US"),
            ("e", "status", None), ("f", "owner", "Owl"), ("g", "filing_date", None),
        ]
    })  # fmt: skip
    put(catalogue, entry("h", "picture a"))  # the same picture without any data
    wanted: dict[str, Any] = {
        "nice": (9,), "vienna": ("3.*",), "office": ("em",), "status": ("registered",),
        "owner": "fo", "filed_after": DAY, "filed_before": DAY, "collections": ("default",),
    }  # fmt: skip
    assert matches(catalogue, **wanted) == "a"
    for name, others in [("nice", "ab"), ("owner", "af"), ("filed_after", "a")]:
        assert matches(catalogue, **{k: v for k, v in wanted.items() if k != name}) == others


def test_a_picture_brings_the_marks_within_the_filters(catalogue: Catalogue) -> None:
    put(
        catalogue, entry("a", "p", nice=(9,)), entry("a", "q", nice=(9,)), entry("b", "p"),
        entry("c", "r"),
    )  # fmt: skip
    with catalogue.read() as session:
        p, q, r = [row.image_id for row in marks_by_id(session, [1, 3])[0].images] + [
            marks_by_id(session, [3])[0].images[0].image_id
        ]
        everyone = shown_marks(session, [p, q, r, 10**9], Filters())
        filtered = shown_marks(session, [p, r], Filters(nice=(9,)))
    assert ids_of(everyone) == {p: [1, 2], q: [1], r: [3]}
    assert ids_of(filtered) == {p: [1], r: []}
    assert everyone[q].artwork == digest("artwork of q")


def test_marks_of_which_a_register_says_something_come_first(catalogue: Catalogue) -> None:
    put(
        catalogue, entry("a", "p"), entry("b", "p", text=""), entry("c", "p", owner="Fox"),
        entry("d", "p", path="/in/copy.png"), entry("d", "p"), entry("e", "p", office="EM"),
    )  # fmt: skip
    with catalogue.read() as session:
        (shown,) = shown_marks(session, [1], Filters()).values()
    assert shown.marks == ((False, 3), (False, 5), (True, 1), (True, 2), (True, 4))


def ids_of(found: dict[int, ShownImage]) -> dict[int, list[int]]:
    return {image_id: [number for _, number in shown.marks] for image_id, shown in found.items()}


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"text": "FOX", "application_number": "1"}, "FOX"),
        ({"application_number": "018", "registration_number": "R1"}, "018"),
        ({"registration_number": "R1"}, "R1"),
        ({"source": "/in/red.fox.png"}, "red.fox"),
    ],
)
def test_a_mark_is_shown_by_the_best_name_it_has(
    catalogue: Catalogue, fields: dict[str, str], title: str
) -> None:
    applied = put(catalogue, entry("k", **fields))
    with catalogue.read() as session:
        assert marks_by_id(session, applied.mark_ids)[0].title == title
