"""Vectors have generations, by which an index catches up; models are never mixed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy.orm import Session
from support.marks import DIMENSION, FINGERPRINT, digest, entry, model, put, vector

from likemark.db.browse import count, count_unembedded, unembedded
from likemark.db.catalogue import Catalogue
from likemark.db.errors import ModelMismatch
from likemark.db.vectors import (
    IN_LIMIT,
    ModelRow,
    activate,
    active_model,
    add_model,
    add_vectors,
    count_vectors,
    drop_other_models,
    embedded_contents,
    ensure_model,
    forget_vectors,
    known_token,
    model_by_fingerprint,
    parts,
    removed_since,
    vectors_since,
)

OTHER = "cd" * 32


def fill(catalogue: Catalogue, *names: str) -> list[int]:
    """The new images' ids."""
    put(catalogue, *(entry(f"id:{name}", name) for name in names))
    with catalogue.write() as session:
        held = everything(session, model(session))
    return sorted(held)[-len(names) :]


def everything(session: Session, row: ModelRow, since: int = 0) -> dict[int, NDArray[np.float32]]:
    return {
        int(image_id): vector
        for part in vectors_since(session, row, since, batch=3)
        for image_id, vector in zip(part.ids, part.rows, strict=True)
    }


def test_vectors_come_back_as_they_were_given(catalogue: Catalogue) -> None:
    names = [f"p{n}" for n in range(10)]
    ids = fill(catalogue, *names)
    with catalogue.read() as session:
        row = active_model(session)
        assert row is not None
        found = everything(session, row)
        assert list(found) == ids
        np.testing.assert_array_equal(list(found.values()), [vector(name) for name in names])


def test_streaming_keeps_the_order_and_the_batch_size(catalogue: Catalogue) -> None:
    fill(catalogue, *(f"p{n}" for n in range(10)))
    with catalogue.read() as session:
        row = active_model(session)
        assert row is not None
        sizes = [len(part.ids) for part in vectors_since(session, row, batch=4)]
        ids = np.concatenate([part.ids for part in vectors_since(session, row, batch=4)])
    assert sizes == [4, 4, 2]
    assert (np.diff(ids) > 0).all()


def test_every_change_is_a_generation_with_a_token_of_its_own(catalogue: Catalogue) -> None:
    rows = []
    with catalogue.write() as session:
        rows.append(model(session))
    (first, second) = fill(catalogue, "a", "b")
    with catalogue.write() as session:
        rows.append(model(session))
        forget_vectors(session, [first])
        rows.append(model(session))
        forget_vectors(session, [])
        add_vectors(session, rows[0].id, {})
        rows.append(model(session))
        assert [known_token(session, rows[0].id, n) for n in range(4)] == [
            *(row.token for row in rows[:3]), None
        ]  # fmt: skip
        assert count_vectors(session, rows[0].id) == 1
        assert list(everything(session, rows[-1])) == [second]
    assert [row.generation for row in rows] == [0, 1, 2, 2]
    assert len({row.token for row in rows}) == 3
    assert all(len(row.token) == 32 for row in rows)


def test_an_index_learns_what_came_and_went_since_its_generation(catalogue: Catalogue) -> None:
    first = fill(catalogue, "a", "b")  # generation 1
    with catalogue.write() as session:
        forget_vectors(session, first[:1])  # 2
    later = fill(catalogue, "c")  # 3
    with catalogue.write() as session:
        row = model(session)
        assert [list(everything(session, row, n)) for n in range(4)] == [
            [first[1], *later], later, later, []
        ]  # fmt: skip
        gone = [removed_since(session, row.id, n).tolist() for n in range(4)]
    assert gone == [first[:1], first[:1], [], []]


def test_a_vector_that_went_and_came_again_is_both(catalogue: Catalogue) -> None:
    (image,) = fill(catalogue, "a")
    with catalogue.write() as session:
        row = model(session)
        forget_vectors(session, [image])
        add_vectors(session, row.id, {image: vector("other")})
        assert removed_since(session, row.id, 1).tolist() == [image]
        np.testing.assert_array_equal(everything(session, row, 1)[image], vector("other"))


def test_a_rolled_back_change_is_no_generation(catalogue: Catalogue) -> None:
    fill(catalogue, "a")

    def fail() -> None:
        with catalogue.write() as session:
            forget_vectors(session, [1])
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    with catalogue.write() as session:
        row = model(session)
        assert (row.generation, count_vectors(session, row.id)) == (1, 1)
        assert removed_since(session, row.id, 0).tolist() == []


def test_the_first_model_becomes_the_active_one(catalogue: Catalogue) -> None:
    with catalogue.write() as session:
        assert active_model(session) is None
        row = model(session)
        assert active_model(session) == row
        assert model(session) == row
        assert model_by_fingerprint(session, OTHER) is None


def test_another_model_is_refused_with_the_command_that_re_embeds(catalogue: Catalogue) -> None:
    with catalogue.write() as session:
        model(session, name="old-net")
    put(catalogue, entry("id:1", "fox"))
    with pytest.raises(ModelMismatch) as caught, catalogue.write() as session:
        model(session, fingerprint=OTHER, name="new-net")
    assert str(caught.value) == (
        "the catalogue is embedded with old-net (abababab), not with new-net (cdcdcdcd); "
        "run: likemark reindex --model new-net"
    )
    with catalogue.read() as session:
        assert model_by_fingerprint(session, OTHER) is None


def test_the_same_name_with_other_weights_is_another_model(catalogue: Catalogue) -> None:
    put(catalogue, entry("id:1", "fox"))
    with catalogue.write() as session:
        with pytest.raises(ModelMismatch, match="tiny"):
            ensure_model(session, fingerprint=OTHER, name="tiny", dimension=DIMENSION)


def test_a_new_model_grows_beside_the_old_one_until_it_takes_over(catalogue: Catalogue) -> None:
    ids = fill(catalogue, "a", "b", "c")
    with catalogue.write() as session:
        new = add_model(session, fingerprint=OTHER, name="new", dimension=2)
        assert add_model(session, fingerprint=OTHER, name="new", dimension=2) == new
        assert count_unembedded(session, new.id) == 3
        add_vectors(session, new.id, {ids[0]: np.array([1, 0], np.float32)})
        left = unembedded(session, new.id, after=0, limit=10)
        assert [(u.image_id, u.content, u.paths) for u in left] == [
            (ids[1], digest("b"), ("/in/b.png",)), (ids[2], digest("c"), ("/in/c.png",))
        ]  # fmt: skip
        assert [u.image_id for u in unembedded(session, new.id, after=ids[1], limit=1)] == ids[2:]
        assert [u.image_id for u in unembedded(session, new.id, after=0, limit=1)] == ids[1:2]
        active = active_model(session)
        assert active is not None
        assert active.fingerprint == FINGERPRINT
    with catalogue.write() as session:
        activate(session, new.id)
        drop_other_models(session, new.id)
    with catalogue.read() as session:
        assert model_by_fingerprint(session, FINGERPRINT) is None
        counts = count(session)
    assert (counts.vectors, counts.model, counts.dimension) == (1, "new", 2)


def test_forgetting_takes_the_vectors_of_every_model(catalogue: Catalogue) -> None:
    ids = fill(catalogue, "a", "b")
    with catalogue.write() as session:
        new = add_model(session, fingerprint=OTHER, name="new", dimension=2)
        add_vectors(session, new.id, {i: np.array([1, 0], np.float32) for i in ids})
        forget_vectors(session, ids[:1])
        for row in (model(session), new):
            assert count_vectors(session, row.id) == 1
            assert removed_since(session, row.id, 0).tolist() == ids[:1]


def test_contents_with_a_vector_are_told_from_those_without(catalogue: Catalogue) -> None:
    ids = fill(catalogue, "a", "b")
    with catalogue.write() as session:
        forget_vectors(session, ids[:1])
        row = model(session)
        asked = [digest(name) for name in "abc"]
        assert embedded_contents(session, row.id, asked) == {digest("b")}
        assert embedded_contents(session, row.id, []) == set()
        assert embedded_contents(session, row.id + 1, asked) == set()


def test_more_values_than_one_statement_takes_are_asked_in_parts(catalogue: Catalogue) -> None:
    fill(catalogue, "a")
    assert [len(part) for part in parts(range(IN_LIMIT * 2 + 1))] == [IN_LIMIT, IN_LIMIT, 1]
    with catalogue.read() as session:
        row = active_model(session)
        assert row is not None
        some = [n.to_bytes(32) for n in range(70_000)]
        assert embedded_contents(session, row.id, [*some, digest("a")]) == {digest("a")}


def test_two_writers_at_once_make_one_row_of_a_new_model(catalogue: Catalogue) -> None:
    with ThreadPoolExecutor(1) as pool:
        with catalogue.write() as session:
            first = add_model(session, fingerprint=OTHER, name="one", dimension=DIMENSION)
            later = pool.submit(_added, catalogue)
            with pytest.raises(TimeoutError):
                later.result(timeout=0.5)  # it waits for the first to end
        assert later.result(timeout=30) == first


def _added(catalogue: Catalogue) -> ModelRow:
    with catalogue.write() as session:
        return add_model(session, fingerprint=OTHER, name="two", dimension=DIMENSION)
