from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from likemark.benchmarks.pages.markdown import code, escape, markdown
from likemark.benchmarks.pages.tables import Column, Row, Table, digits, rank
from likemark.benchmarks.protocol.run import RetrievalRow
from likemark.db.errors import InvalidInput

Documents = dict[str, dict[str, Any]]


def rows_of(text: str) -> list[list[str]]:
    """The cells of every line of every table, headings among them."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (0.000412, "0.000412"), (0.0182, "0.0182"), (0.1045, "0.104"), (1.0, "1.00"),
        (97.14, "97.1"), (1234.4, "1,234"), (-0.5, "-0.500"), (1e-12, "0.000000000"), (None, "–"),  # noqa: RUF001
    ],
)  # fmt: skip
def test_three_digits_count_from_the_first_that_is_not_zero(value: float | None, text: str):
    assert digits(value) == text


def test_a_rank_between_two_has_a_half():
    assert [rank(7.0), rank(7.5), rank(16611.0)] == ["7", "7.5", "16,611"]


def test_retrieval_has_a_row_for_each_system(documents: Documents):
    text = markdown(documents["retrieval"], brief=True)
    heading, model, *rivals = rows_of(text)
    assert heading == [
        "system", "mAP (95 %)", "mAP, unseen (95 %)", "mAP@100", "R@1 (95 %)", "R@10", "MRR",
        "NAR", "median rank", "pictures/s",
    ]  # fmt: skip
    assert model == [
        "**likemark-small**", "0.812 (0.792, 0.842)", "0.822 (0.792, 0.842)", "0.802",
        "0.832 (0.792, 0.842)", "0.862", "0.842", "0.000416", "2.5", "56.4",
    ]  # fmt: skip
    assert len(rivals) == 7
    assert rivals[2][0] == "orb + ratio test"
    assert rivals[2][-1] == "–"  # noqa: RUF001


def test_an_unavailable_rival_is_the_last_row_with_its_reason(documents: Documents):
    last = rows_of(markdown(documents["retrieval"], brief=True))[-1]
    assert last[0].startswith(r"sscd (not measured: DISC21 weights \| not on this disk")
    assert set(last[1:]) == {"–"}  # noqa: RUF001


def test_the_caption_states_the_protocol(documents: Documents):
    caption = markdown(documents["retrieval"]).split("\n\n")[1]
    assert "\n" not in caption
    for part in (
        "300 queries of 120 groups", "among 40,000 distractors", "AP over the full ranking",
        "divided by all relevant", "ties against us", "self excluded", "likemark-open 3f1c3f1c3f1c",
        "likemark-small ab12ab12ab12", "AMD EPYC 9B14", "`likemark bench run retrieval`",
    ):  # fmt: skip
        assert part in caption


def test_the_second_table_and_the_definitions_are_left_out_of_the_headline(documents: Documents):
    whole = markdown(documents["retrieval"])
    assert "#### Groups of three drawings or more" in whole
    assert "- NAR: normalised average rank" in whole
    assert len(rows_of(whole)) == 9 + 8  # one heading each; the second without the unavailable one
    headline = markdown(documents["retrieval"], brief=True)
    assert "####" not in headline
    assert "- NAR" not in headline


def test_metu_has_both_ways_of_counting_and_every_cut(documents: Documents):
    heading, official, excluded = rows_of(markdown(documents["metu"]))
    assert heading[1:6] == ["mAP", "mAP@50", "mAP@100", "mAP@200", "mAP@400"]
    assert official == [
        "**official**", "0.352", "0.300", "0.310", "0.320", "0.330", "0.0182", "16,611", "212",
        "0.970", "0.990",
    ]  # fmt: skip
    assert (excluded[0], excluded[1], excluded[8]) == ("self excluded", "0.288", "240.5")


def test_flickr27_has_a_row_for_each_way_to_answer(documents: Documents):
    text = markdown(documents["flickr27"])
    rows = rows_of(text)
    assert len(rows) == 1 + 5
    assert rows[2] == [
        "likemark-small", "whole photos", "linear head", "270", "0.881 (0.822, 0.933)", "0.951",
        "0.741", "0.044",
    ]  # fmt: skip
    assert rows[5][2] == "the network itself"
    assert "270 training photos (1,234 boxes) of 27 brands, official subset 2" in text


def test_invariance_marks_the_worst_and_ends_with_the_mean(documents: Documents):
    rows = rows_of(markdown(documents["invariance"]))
    assert rows[1] == [
        "rotation_15",
        "turned by 15 degrees either way",
        *["0.950", "0.990"] * 3,
        "200",
    ]
    assert rows[2][0] == "**inversion** (the worst)"
    assert rows[5][2:] == [*["–"] * 6, "0"]  # noqa: RUF001
    assert rows[6] == [
        "mean",
        "of 4 transformations, each counting the same",
        *["0.766", "0.852"] * 3,
        "760",
    ]
    # The second table: what some of the marks are asked by parts too.
    assert rows[7][2:] == ["turned R@1", "turned R@10", "parts R@1", "parts R@10", "pictures"]
    assert [len(row) for row in rows[7:]] == [7] * 7
    brief = rows_of(markdown(documents["invariance"], brief=True))
    both = ["**inversion** (the worst)", "mean"]
    assert [row[0] for row in brief[1:]] == [*both, "transformation", *both]


def test_speed_says_met_or_missed_and_marks_what_missed(documents: Documents):
    rows = {row[0]: row[1:] for row in rows_of(markdown(documents["speed"]))}
    assert rows["**likemark --help, best**"] == ["0.400", "s", "at most 0.3", "no"]
    assert rows["10,000 Flat: memory / raw vectors"][2:] == ["at most 1.1", "yes"]
    assert rows["pipeline"] == ["30.0", "pictures/s", "–", "–"]  # noqa: RUF001
    brief = {row[0] for row in rows_of(markdown(documents["speed"], brief=True))}
    assert "10,000 Flat: p95" in brief
    assert "decode, core time" not in brief


def test_names_cannot_break_a_table(raw_retrieval: Callable[..., dict[str, Any]]):
    hostile = RetrievalRow("a|b\n<b>*", "vectors", None, None, None, None, "[x](y) `z`\n| no")
    text = markdown(raw_retrieval(extra=[hostile]), brief=True)
    last = rows_of(text)[-1]
    assert last[0] == r"a\|b \<b\>\* (not measured: \[x\](y) \`z\` \| no)"
    assert len(last) == 10


def test_underscores_within_words_stay_as_they_are():
    assert escape("rotation_15 _a_ x") == r"rotation_15 \_a\_ x"


def test_a_command_with_backticks_stays_one_command():
    assert code("likemark bench run all") == "`likemark bench run all`"
    assert code("a `b` c") == "`` a `b` c ``"


def test_every_table_is_well_formed(documents: Documents):
    for document in documents.values():
        for part in markdown(document).split("\n\n"):
            if part.startswith("|"):
                assert len({len(row) for row in rows_of(part)}) == 1


def test_a_document_of_another_version_says_what_it_lacks(documents: Documents):
    del documents["retrieval"]["result"]["rows"][0]["standing"]["all_groups"]["nar"]
    with pytest.raises(InvalidInput, match=r"retrieval document has no 'nar'; run again: likemark"):
        markdown(documents["retrieval"])


def test_a_row_of_another_width_is_refused():
    with pytest.raises(InvalidInput, match="odd: 1 cells, 2 columns"):
        Table("odd", (Column("a"), Column("b")), (Row(("1",)),))


def test_without_groups_of_three_there_is_no_table_of_them(documents: Documents):
    documents["retrieval"]["result"]["groups_of_many"] = 0
    assert "Groups of three" not in markdown(documents["retrieval"])
