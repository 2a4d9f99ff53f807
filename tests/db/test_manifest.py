"""Manifests are read row by row, as spreadsheets and offices write them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likemark.db.errors import ManifestError
from likemark.db.manifest import MAX_NESTING, ManifestRow, read_manifest

HEADER = "id,image,text,owner"
LINE = "7,fox.png,FOX,Fox Ltd"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return tmp_path / "marks.csv"


def rows(path: Path, content: str | bytes) -> list[ManifestRow]:
    """The rows of a manifest in which every row can be used."""
    found = everything(path, content)
    good = [row for row in found if isinstance(row, ManifestRow)]
    assert len(good) == len(found), found
    return good


def everything(path: Path, content: str | bytes) -> list[ManifestRow | ManifestError]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_manifest(path))


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_spreadsheets_write_one_table_in_many_ways(
    manifest: Path, bom: bytes, delimiter: str, end: str
) -> None:
    text = end.join([HEADER, LINE, LINE.replace("7", "8")]).replace(",", delimiter)
    first, second = rows(manifest, bom + text.encode())
    assert (first.mark.key, second.mark.key) == ("id:7", "id:8")
    assert (first.mark.text, first.mark.owner) == ("FOX", "Fox Ltd")
    assert first.image == manifest.parent / "fox.png"
    assert (first.line, second.line) == (2, 3)
    assert first.mark.source == str(manifest)


def test_a_quoted_field_may_hold_delimiters_quotes_and_line_ends(manifest: Path) -> None:
    goods = 'Furs, "real" ones;\nhats\r\nand more'
    text = f'id,goods\n1,"{goods.replace(chr(34), chr(34) * 2)}"\n2,x\n'
    first, second = rows(manifest, text)
    assert first.mark.goods == goods
    assert second.line == 5


def test_unknown_columns_are_kept_and_empty_fields_are_not_there(manifest: Path) -> None:
    (row,) = rows(manifest, "id, colour ,shape,text\n1,red,,\n")
    assert row.mark.extra == {"colour": "red"}
    assert row.mark.text is None


def test_a_short_row_lacks_its_last_fields(manifest: Path) -> None:
    (row,) = rows(manifest, "id,text,owner\n1,FOX\n")
    assert (row.mark.text, row.mark.owner) == ("FOX", None)


@pytest.mark.parametrize("text", ["id,image,\n1,a.png,\n", ",id,image\n0,1,a.png\n"])
def test_a_column_without_a_name_is_passed_over(manifest: Path, text: str) -> None:
    (row,) = rows(manifest, text)
    assert row.mark.key == "id:1"
    assert row.mark.extra == {}


def test_a_row_with_more_fields_than_columns_is_refused_alone(manifest: Path) -> None:
    good, bad, last = everything(manifest, "id,text\n1,a\n2,b,c\n3,d\n")
    assert str(bad) == f"{manifest}:3: has more fields than the first line has columns"
    assert isinstance(good, ManifestRow)
    assert isinstance(last, ManifestRow)
    assert last.mark.key == "id:3"


def test_warnings_come_with_their_row(manifest: Path) -> None:
    (row,) = rows(manifest, "id,nice\n1,99\n")
    assert row.warnings == ("nice: '99' is not a Nice class (1 to 45); kept as it stands",)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ({"id": "7", "office": "EM", "application_number": "018"}, "id:7"),
        ({"id": 0, "image": "a.png"}, "id:0"),
        ({"office": "EM", "application_number": "018", "image": "a.png"}, "number:EM:018"),
        ({"registration_number": "R1", "text": "x"}, "number::R1"),
        ({"image": "a.png", "text": "x"}, "file:{folder}/a.png"),
        ({"office": "EM", "text": "x"}, "text:EM:x"),
        ({"id": "  ", "text": "x"}, "text::x"),
    ],
)
def test_a_mark_is_known_by_the_best_it_has(tmp_path: Path, line: dict[str, str], key: str) -> None:
    (row,) = rows(tmp_path / "m.jsonl", json.dumps(line))
    assert row.mark.key == key.format(folder=tmp_path)


@pytest.mark.parametrize("line", [{}, {"office": "EM"}, {"image": "", "id": None}, {"id": []}])
def test_a_row_without_anything_to_know_it_by_is_refused(
    tmp_path: Path, line: dict[str, str]
) -> None:
    path = tmp_path / "m.jsonl"
    (error,) = everything(path, json.dumps(line))
    assert str(error) == f"{path}:1: needs an image, id, application_number or text"


def test_rows_that_share_an_id_are_pictures_of_one_mark(manifest: Path) -> None:
    found = rows(manifest, "id,image\n1,a.png\n1,b.png\n")
    assert {row.mark.key for row in found} == {"id:1"}
    assert [row.image and row.image.name for row in found] == ["a.png", "b.png"]


def test_pictures_lie_relative_to_the_manifest_or_anywhere(manifest: Path) -> None:
    found = rows(manifest, "image\nsub/a.png\n/srv/b.png\n ünï.png \n")
    folder = manifest.parent
    assert [row.image for row in found] == [
        folder / "sub/a.png", Path("/srv/b.png"), folder / "ünï.png"
    ]  # fmt: skip


def test_jsonl_lines_are_rows_and_blank_ones_are_not(tmp_path: Path) -> None:
    text = '\ufeff{"id": 1, "nice": [9, 42]}\r\n\n   \n{"id": 2, "more": {"a": [1]}}\n'
    first, second = rows(tmp_path / "m.ndjson", text)
    assert (first.line, second.line) == (1, 4)
    assert first.mark.nice == (9, 42)
    assert second.mark.extra == {"more": {"a": [1]}}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "not JSON: Expecting property name"),
        ("nothing", "not JSON: Expecting value"),
        ('{"id": 1} {"id": 2}', "not JSON: Extra data"),
        ("[1, 2]", "a line must hold one JSON object"),
        ("7", "a line must hold one JSON object"),
        ('{"id": ' + "9" * 5000 + "}", "not JSON: Exceeds the limit"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_line_that_is_no_object_is_refused_alone(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "m.jsonl"
    bad, good = everything(path, f'{line}\n{{"id": 1}}\n')
    assert str(bad).startswith(f"{path}:1: {problem}")
    assert isinstance(good, ManifestRow)


@pytest.mark.parametrize("ends", [("[", "]"), ('{"a":', "}")])
def test_nesting_is_bounded_where_every_database_can_hold_it(
    tmp_path: Path, ends: tuple[str, str]
) -> None:
    def line(levels: int) -> str:
        inner = ends[0] * levels + "1" + ends[1] * levels
        return f'{{"id": 1, "x": {inner}}}\n'

    path = tmp_path / "m.jsonl"
    good, *bad = everything(path, "".join(map(line, [MAX_NESTING - 1, MAX_NESTING, 300, 500])))
    assert isinstance(good, ManifestRow)
    assert {str(error).split(": ", 1)[1] for error in bad} == {"nested deeper than 100 levels"}


@pytest.mark.parametrize("name", ["a\0b.png", "\ud800.png", "é" * 1000 + ".png"])
def test_a_picture_that_no_file_can_be_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "m.jsonl"
    (error,) = everything(path, json.dumps({"id": 1, "image": name}))
    assert str(error) == f"{path}:1: image: no file can have this name"


def test_nul_bytes_vanish_from_text(manifest: Path) -> None:
    (row,) = rows(manifest, "id,text,own\0er\n1,F\0OX,z\0\n")
    assert row.mark.text == "FOX"
    assert row.mark.extra == {"owner": "z"}


def test_a_field_may_be_as_long_as_goods_are(manifest: Path) -> None:
    (row,) = rows(manifest, "id,goods\n1," + "x" * 5_000_000)
    assert row.mark.goods == "x" * 5_000_000


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"id,text\n1,a\n2,caf\xe9\n", "not UTF-8 (invalid continuation byte at byte"),
        ("id,text\n1,a\n".encode("utf-16"), "not UTF-8 (invalid start byte at byte 0)"),
        (b"", "the first line must name the columns"),
        (b"1,a.png\n2,b.png\n", "the first line must name the columns"),
        (b'image,"id\n1,a\n', "marks.csv:1: unexpected end of data; is a quote left open?"),
    ],
)
def test_a_file_that_is_no_manifest_is_refused(
    manifest: Path, content: bytes, problem: str
) -> None:
    with pytest.raises(ManifestError) as caught:
        everything(manifest, content)
    assert str(caught.value).startswith(str(manifest))
    assert problem in str(caught.value)


def test_a_field_beyond_all_measure_costs_its_row_alone(manifest: Path) -> None:
    huge = b"id,text\n1," + b"x" * (2**24 + 1) + b"\n2,b\n"
    error, row = everything(manifest, huge)
    assert isinstance(error, ManifestError)
    assert "field larger than field limit" in str(error)
    assert isinstance(row, ManifestRow)
    assert row.mark.text == "b"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"none\.csv: No such file or directory"):
        list(read_manifest(tmp_path / "none.csv"))


def test_rows_before_the_damage_are_given(manifest: Path) -> None:
    lines = b"".join(b"%d,mark %d\n" % (n, n) for n in range(2000))
    manifest.write_bytes(b"id,text\n" + lines + b"\xff\n")
    reading = read_manifest(manifest)
    first = next(reading)
    assert isinstance(first, ManifestRow)
    with pytest.raises(ManifestError, match="not UTF-8"):
        list(reading)


FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=6), st.sampled_from(",;\t"))
def test_what_a_csv_writer_wrote_is_read_back(
    manifest: Path, fields: list[tuple[str, str]], delimiter: str
) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerow(["id", "note", "goods"])
    writer.writerows([number, *pair] for number, pair in enumerate(fields))
    found = rows(manifest, stream.getvalue())
    assert [row.mark.key for row in found] == [f"id:{n}" for n in range(len(fields))]
    assert [row.mark.extra.get("note", "") for row in found] == [note for note, _ in fields]
    assert [row.mark.goods or "" for row in found] == [goods.strip() for _, goods in fields]


@given(st.binary(max_size=300))
def test_no_bytes_at_all_do_more_than_be_refused(manifest: Path, content: bytes) -> None:
    for path in (manifest, manifest.with_suffix(".jsonl")):
        try:
            found = everything(path, b"id,text\n" + content)
        except ManifestError as error:
            found = [error]
        assert all(isinstance(row, ManifestRow | ManifestError) for row in found)
        assert all("\n" not in str(row) for row in found if isinstance(row, ManifestError))


@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["id", "image", "nice", "vienna", "x"]), inner, max_size=4),
    max_leaves=10,
))  # fmt: skip
def test_any_json_is_a_row_or_refused(tmp_path: Path, value: object) -> None:
    (found,) = everything(tmp_path / "m.jsonl", json.dumps(value))
    assert isinstance(found, ManifestRow | ManifestError)


def test_an_open_quote_is_told_by_the_line_that_it_reaches(manifest: Path) -> None:
    good, error = everything(manifest, b'id,text\n1,a\n2,"b\n3,c\n')
    assert isinstance(good, ManifestRow)
    assert isinstance(error, ManifestError)
    assert str(error).startswith(f"{manifest}:4: ")


def test_excels_own_first_line_tells_the_delimiter(manifest: Path) -> None:
    manifest.write_text("sep=;\nid;text\n1;a,b\n2;c\n3;d;e\n")
    first, second, wrong = read_manifest(manifest)
    assert isinstance(first, ManifestRow)
    assert isinstance(second, ManifestRow)
    assert (first.mark.text, first.line, second.line) == ("a,b", 3, 4)
    assert str(wrong).startswith(f"{manifest}:5: has more fields")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_another_encoding_is_told_what_to_save_as(manifest: Path, encoding: str) -> None:
    manifest.write_bytes("id,text\n1,M\u00fcller\n".encode(encoding))
    with pytest.raises(ManifestError, match="save it as CSV UTF-8"):
        list(read_manifest(manifest))
