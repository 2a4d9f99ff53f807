"""Every change of what a mark shows or says is noted, in the transaction that makes it."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import select
from support.marks import FINGERPRINT, entry, file_entry, model, put

from likemark.db.catalogue import Catalogue
from likemark.db.changes import RevisionRow, changed_links, newest_revision, revision_token
from likemark.db.links import all_links, links_of
from likemark.db.removal import prune, remove_marks
from likemark.db.schema import Mark, MarkImage
from likemark.db.vectors import add_model, add_vectors, model_by_fingerprint


class Reader:
    """An index of register data, as far as the catalogue is concerned."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.seen = (0, RevisionRow(0, ""))
        self.new()

    def new(self) -> list[str]:
        """Paths of the links that changed since the last time; "-" for one that is gone."""
        with self.catalogue.read() as session:
            row = model_by_fingerprint(session, FINGERPRINT)
            if row is None:
                return []
            generation, revision = self.seen
            ids = changed_links(session, row, generation=generation, revision=revision.number)
            there = {link.id for link in links_of(session, row, ids).links}
            query = select(MarkImage.id, MarkImage.path).where(MarkImage.id.in_(ids))
            paths = {found.id: found.path for found in session.execute(query)}
            self.seen = (row.generation, newest_revision(session))
            assert revision_token(session, self.seen[1].number) == self.seen[1].token
            return sorted(paths[i] if i in there else "-" for i in ids)


@pytest.fixture
def reader(catalogue: Catalogue) -> Reader:
    put(catalogue, entry("id:1", "a", office="EM"), entry("id:2", "b"), file_entry("/in/c.png"))
    return Reader(catalogue)


def mark_id(catalogue: Catalogue, key: str) -> int:
    with catalogue.read() as session:
        return session.scalars(select(Mark.id).where(Mark.key == key)).one()


def test_nothing_new_is_nothing_noted(catalogue: Catalogue, reader: Reader) -> None:
    before = reader.seen
    put(catalogue, entry("id:1", "a", office="EM"))
    assert (reader.new(), reader.seen) == ([], before)


def test_a_link_with_a_new_vector_and_new_data_is_told_of_once(
    catalogue: Catalogue, reader: Reader
) -> None:
    put(catalogue, entry("id:1", "a", office="US"))
    with catalogue.read() as session:
        row = model_by_fingerprint(session, FINGERPRINT)
        assert row is not None
        assert list(changed_links(session, row, generation=0, revision=0)) == [1, 2, 3]
        assert list(changed_links(session, row, generation=row.generation, revision=0)) == [1]


def test_register_data_alone(catalogue: Catalogue, reader: Reader) -> None:
    put(catalogue, entry("id:1", "a", office="US"))
    assert reader.new() == ["/in/a.png"]
    put(catalogue, entry("id:1", "a", office="US", nice=(9,)))
    assert reader.new() == ["/in/a.png"]
    put(catalogue, entry("id:1", "a", office="US", nice=(9,), vienna=("03.07.17",)))
    assert reader.new() == ["/in/a.png"]
    assert reader.new() == []


def test_a_new_link_to_a_picture_that_is_there_already(
    catalogue: Catalogue, reader: Reader
) -> None:
    put(catalogue, entry("id:3", "a", path="/in/copy.png"))
    assert reader.new() == ["/in/copy.png"]


def test_a_new_picture_is_told_of_by_its_vector_alone(catalogue: Catalogue, reader: Reader) -> None:
    before = reader.seen[1]
    put(catalogue, entry("id:3", "new"))
    assert reader.new() == ["/in/new.png"]
    assert reader.seen[1] == before


def test_a_link_that_shows_another_picture(catalogue: Catalogue, reader: Reader) -> None:
    put(catalogue, entry("id:2", "a", path="/in/b.png"))
    assert reader.new() == ["/in/b.png"]


def test_marks_and_links_that_go(catalogue: Catalogue, reader: Reader) -> None:
    with catalogue.write() as session:
        remove_marks(session, [mark_id(catalogue, "id:1")])
    assert reader.new() == ["-"]
    with catalogue.write() as session:
        links = session.scalars(select(MarkImage.id).where(MarkImage.path == "/in/b.png")).all()
        prune(session, links, [])
    assert reader.new() == ["-"]
    put(catalogue, entry("id:9", "/in/c.png", path="/in/c.png"))  # in place of the picture alone
    assert reader.new() == ["-", "/in/c.png"]


def test_what_is_rolled_back_is_not_noted(catalogue: Catalogue, reader: Reader) -> None:
    def broken() -> None:
        with catalogue.write() as session:
            remove_marks(session, [mark_id(catalogue, "id:1")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert reader.new() == []


def test_links_carry_what_is_filtered_by(catalogue: Catalogue, reader: Reader) -> None:
    put(catalogue, entry("id:1", "a", owner="Acme", nice=(25, 9), vienna=("03.07.17", "01.01.01")))
    with catalogue.read() as session:
        row = model_by_fingerprint(session, FINGERPRINT)
        assert row is not None
        parts = list(all_links(session, row, batch=2))
    assert [len(part.links) for part in parts] == [2, 1]
    assert all(part.rows.shape == (len(part.links), row.dimension) for part in parts)
    (link,) = [one for part in parts for one in part.links if one.owner == "Acme"]
    assert (link.nice, link.vienna) == ((9, 25), ("01.01.01", "03.07.17"))


def test_links_are_of_one_model_only(catalogue: Catalogue, reader: Reader) -> None:
    with catalogue.write() as session:
        model(session)
        other = add_model(session, fingerprint="cd" * 32, name="other", dimension=2)
        add_vectors(session, other.id, {1: np.array([0, 1], np.float32)})
    with catalogue.read() as session:
        row = model_by_fingerprint(session, "cd" * 32)
        assert row is not None
        (part,) = all_links(session, row)
    assert ([link.image_id for link in part.links], part.rows.tolist()) == ([1], [[0.0, 1.0]])
