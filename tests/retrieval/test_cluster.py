"""The cluster's index is the catalogue, whatever happens to either; filters mean what SQL means."""

from __future__ import annotations

import datetime as dt
import random
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select
from support.corpus import write_corpus
from support.indexed import fill, names, remove
from support.marks import DIMENSION, FINGERPRINT, entry, put, vector
from support.milvus import MilvusServer, names_on
from support.models import tiny_model

from likemark.db.errors import IndexLost, IndexStale
from likemark.db.ingest import Entry
from likemark.db.removal import remove_marks
from likemark.db.schema import Mark
from likemark.db.search import allowed_images
from likemark.db.values import Filters
from likemark.db.vectors import active_model, vectors_since
from likemark.index.faiss_index import FaissIndex
from likemark.index.milvus.collections import Collections
from likemark.index.milvus.index import MilvusIndex
from likemark.index.milvus.schema import ClusterStamp
from likemark.index.protocol import Stamp
from likemark.retrieval.cluster import cluster_state
from likemark.retrieval.cluster_filters import filtered
from likemark.retrieval.cluster_setting import cluster_setting
from likemark.retrieval.cluster_turn import cluster_turn
from likemark.retrieval.engine import QueryOptions, row_search, search_pictures
from likemark.retrieval.indexing import IndexingOptions, index_paths
from likemark.retrieval.models import FoundModel
from likemark.retrieval.pictures.picture import Request
from likemark.retrieval.reindex import reindex
from likemark.retrieval.stats import workspace_stats
from likemark.retrieval.sync import Opened, open_index
from likemark.retrieval.workspace import Workspace


def opened(
    workspace: Workspace, url: str | None = None, *, save: bool | None = None, rebuild: bool = False
) -> tuple[MilvusIndex, Opened]:
    """What `open_index` gives, held against the catalogue id by id and score by score."""
    found = open_index(workspace, setting=url, save=save, rebuild=rebuild)
    assert found is not None
    index = found.index
    assert isinstance(index, MilvusIndex)
    with workspace.catalogue.read() as session:
        row = active_model(session)
        assert row is not None
        parts = list(vectors_since(session, row))
    wanted = [int(image_id) for part in parts for image_id in part.ids]
    assert index.ids().tolist() == wanted
    for image_id, vector_ in zip(wanted, (r for part in parts for r in part.rows), strict=True):
        hit = index.search(vector_[None], 1, allowed=np.array([image_id]))
        np.testing.assert_allclose(hit.scores[0, 0], vector_ @ vector_, rtol=1e-6)
    return index, found


def allowed(workspace: Workspace, index: MilvusIndex, **filters: object) -> set[int]:
    """The pictures that the cluster finds within the filters."""
    with workspace.catalogue.read() as session:
        within, ids = filtered(workspace, session, index, Filters(**filters))  # type: ignore[arg-type]
    assert ids is None
    hits = within.search(np.eye(1, DIMENSION, dtype=np.float32), 500).ids[0]
    return set(hits[hits >= 0].tolist())


def test_the_first_writer_fills_it_and_readers_find_it(workspace: Workspace, url: str) -> None:
    fill(workspace, *names(12))
    with pytest.raises(IndexLost, match="run: likemark reindex"):
        open_index(workspace, setting=url)
    assert opened(workspace, url, save=True)[1].action == "rebuilt"
    assert opened(workspace)[1].action == "current"
    assert cluster_setting(workspace, None) == url


def test_added_changed_and_removed_pictures_are_caught_up_with(
    workspace: Workspace, url: str
) -> None:
    fill(workspace, *names(8))
    opened(workspace, url, save=True)
    fill(workspace, "new 1", "new 2")
    remove(workspace, "p3", "new 1")
    put(workspace.catalogue, entry("file:/in/p5.png", "changed", path="/in/p5.png"))
    assert opened(workspace)[1].action == "caught up"
    assert opened(workspace)[1].action == "current"
    remove(workspace, *(f"p{n}" for n in (0, 1, 2, 4, 6, 7)), "new 2")
    index, _ = opened(workspace)
    assert index.stats().count == 1


def test_a_change_of_register_data_alone_reaches_the_cluster(
    workspace: Workspace, url: str
) -> None:
    put(workspace.catalogue, entry("id:1", "p", status="Filed", nice=(9,)), entry("id:2", "q"))
    index, _ = opened(workspace, url, save=True)
    assert len(allowed(workspace, index, status=("filed",))) == 1
    put(workspace.catalogue, entry("id:1", "p", status="Registered", nice=(9, 25)))
    index, found = opened(workspace)
    assert found.action == "caught up"
    assert not allowed(workspace, index, status=("filed",))
    assert len(allowed(workspace, index, status=("REGISTERED",), nice=(25,))) == 1
    assert opened(workspace)[1].action == "current"


def test_one_mark_alone_must_satisfy_all_filters(workspace: Workspace, url: str) -> None:
    put(
        workspace.catalogue,
        entry("id:1", "shared", office="EM", nice=(9,)),
        entry("id:2", "shared", office="US", nice=(25,)),
    )
    index, _ = opened(workspace, url, save=True)
    assert index.stats().count == 2
    assert len(index.ids()) == 1
    assert len(allowed(workspace, index, office=("EM",), nice=(9,))) == 1
    assert not allowed(workspace, index, office=("EM",), nice=(25,))
    with workspace.catalogue.write() as session:
        remove_marks(session, [session.scalars(select(Mark.id).where(Mark.key == "id:1")).one()])
    index, _ = opened(workspace)
    assert not allowed(workspace, index, office=("EM",))
    assert len(allowed(workspace, index, office=("US",))) == 1


OFFICES = (None, "EM", "em", "US", "Österreich", "ÖSTERREICH")
STATUSES = (None, "Registered", "REGISTERED", "Filed", 'the "odd" \\ one', "Straße")
OWNERS = (None, "ACME Corp.", "Acme_100% GmbH", "MÜLLER & Söhne", 'O\'Neill \\ "Sons"', "acme")
VIENNA = ("03.07.17", "03.07.16", "03.01.01", "26.01.01", "26.11.12")
DAYS = [dt.date(2020, 1, 1) + dt.timedelta(days=30 * n) for n in range(12)]


def random_entry(rng: random.Random, number: int) -> Entry:
    return entry(
        f"id:{number}", f"picture {rng.randrange(50)}",
        office=rng.choice(OFFICES), status=rng.choice(STATUSES), owner=rng.choice(OWNERS),
        nice=tuple(sorted(rng.sample(range(1, 6), rng.randrange(4)))),
        vienna=tuple(sorted(rng.sample(VIENNA, rng.randrange(3)))),
        filing_date=rng.choice([None, *DAYS]),
    )  # fmt: skip


def random_filters(rng: random.Random) -> Filters:
    some: dict[str, object] = {
        "collections": rng.choice([("one",), ("two",), ("one", "two")]),
        "nice": tuple(rng.sample(range(1, 7), 2)),
        "vienna": rng.choice([("03.07.*",), ("3.7",), ("26.11.12", "03.01.01"), ("26",)]),
        "status": rng.choice([("registered",), ('THE "ODD" \\ ONE', "filed"), ("STRASSE",)]),
        "office": rng.choice([("em",), ("us", "österreich"), ("xx",)]),
        "owner": rng.choice(["ACME", "müller", "100%", "_1", "'neill \\ \"s", "o", "SÖHNE"]),
        "filed_after": rng.choice(DAYS[:6]),
        "filed_before": rng.choice(DAYS[6:]),
    }
    return Filters(**dict(rng.sample(sorted(some.items()), rng.randrange(1, 4))))  # type: ignore[arg-type]


def test_filters_are_those_of_the_catalogue(workspace: Workspace, url: str) -> None:
    rng = random.Random(0)
    for collection, start in (("one", 0), ("two", 100)):
        many = [random_entry(rng, start + number) for number in range(70)]
        put(workspace.catalogue, *many, collection=collection)
    index, _ = opened(workspace, url, save=True)
    kinds = 0
    for _ in range(80):
        filters = random_filters(rng)
        with workspace.catalogue.read() as session:
            wanted = allowed_images(session, filters)
            within, _ids = filtered(workspace, session, index, filters)
        assert wanted is not None
        hits = within.search(np.eye(1, DIMENSION, dtype=np.float32), 60).ids[0]
        assert sorted(hits[hits >= 0].tolist()) == wanted.tolist(), filters
        kinds += 0 < len(wanted) < 50
    assert kinds > 40  # most of them let something through and keep something out


def test_what_it_finds_is_what_an_exact_search_on_one_machine_finds(
    workspace: Workspace, url: str
) -> None:
    fill(workspace, *names(60))
    put(workspace.catalogue, *(entry(f"id:{n}", f"p{n}") for n in range(0, 60, 3)))  # shown twice
    index, _ = opened(workspace, url, save=True)
    queries = np.stack([vector(f"asked {number}") for number in range(9)])
    found = index.search(queries, 20)
    here = FaissIndex.create("Flat", dimension=DIMENSION)
    with workspace.catalogue.read() as session:
        row = active_model(session)
        assert row is not None
        for part in vectors_since(session, row):
            here.add(part.ids, part.rows)
    wanted = here.search(queries, 20)
    assert np.array_equal(found.ids, wanted.ids)
    np.testing.assert_allclose(found.scores, wanted.scores, rtol=1e-5, atol=1e-6)


def test_a_lost_cluster_is_restored_from_the_catalogue(
    workspace: Workspace, url: str, milvus: MilvusServer
) -> None:
    fill(workspace, *names(6))
    index, _ = opened(workspace, url, save=True)
    milvus.client().call(lambda m, s: m.drop_collection(index.name, timeout=s))
    with pytest.raises(IndexLost, match=r"no collection of this catalogue"):
        index.search(np.stack([vector("p1")]), 1)
    with pytest.raises(IndexLost, match=r"no collection of this catalogue.*run: likemark reindex"):
        open_index(workspace)
    assert opened(workspace, rebuild=True)[1].action == "rebuilt"
    assert opened(workspace)[1].action == "current"


def test_a_model_of_another_dimension_is_told_and_mended(
    workspace: Workspace, url: str, milvus: MilvusServer
) -> None:
    fill(workspace, *names(3))
    collections = Collections(milvus.client("index=FLAT"), workspace.catalogue.identity)
    found = collections.create(FINGERPRINT, DIMENSION + 8)
    stamp = Stamp(workspace.catalogue.identity, FINGERPRINT, 1, "token")
    MilvusIndex(collections, found).store(ClusterStamp(stamp, 0, "token"))
    with pytest.raises(IndexStale, match=r"vectors of 16 numbers, the model's have 8; run: likema"):
        open_index(workspace, setting=url, save=True)
    assert opened(workspace, url, rebuild=True)[1].action == "rebuilt"
    assert opened(workspace)[1].action == "current"
    assert names_on(milvus.client()).count(found.name) == 0


def test_a_catalogue_restored_from_a_backup_is_noticed(workspace: Workspace, url: str) -> None:
    put(workspace.catalogue, entry("id:1", "p", office="EM"))
    backup = workspace.root.parent / "backup.db"
    with sqlite3.connect(workspace.catalogue.shown) as source, sqlite3.connect(backup) as target:
        source.backup(target)
    source.close()
    target.close()
    put(workspace.catalogue, entry("id:1", "p", office="US"))
    opened(workspace, url, save=True)
    shutil.rmtree(workspace.root / "index")
    with Workspace.open(workspace.root, database=f"sqlite:///{backup}") as restored:
        for office in ("CH", "AT"):  # the revision's number is behind, then the same
            with pytest.raises(IndexStale, match=r"another history .* run: likemark reindex"):
                open_index(restored, setting=url)
            put(restored.catalogue, entry("id:1", "p", office=office))


def test_who_comes_while_another_process_catches_up_searches_it_as_it_is(
    workspace: Workspace, url: str
) -> None:
    fill(workspace, *names(3))
    opened(workspace, url, save=True)
    fill(workspace, "new")
    with cluster_turn(workspace.catalogue, wait=0) as ours:
        assert ours
        found = open_index(workspace)
        assert found is not None
        assert (found.action, found.saved, found.index.stats().count) == ("behind", False, 3)
    assert opened(workspace)[1].action == "caught up"


def test_the_url_is_remembered_without_its_password_and_forgotten_for_a_file(
    workspace: Workspace, milvus: MilvusServer
) -> None:
    fill(workspace, "p")
    secret = f"milvus://somebody:hidden@127.0.0.1:{milvus.port}?consistency=bounded"
    opened(workspace, secret, save=True)
    kept = (workspace.root / "index" / "cluster.json").read_text()
    assert "hidden" not in kept
    assert cluster_setting(workspace, None) == secret.replace(":hidden", "")
    open_index(workspace, setting="Flat", save=True)
    assert cluster_setting(workspace, None) is None


def test_doctor_holds_the_cluster_against_the_catalogue(workspace: Workspace, url: str) -> None:
    fill(workspace, *names(4))
    index, found = opened(workspace, url, save=True)

    def state() -> tuple[str, bool]:
        with workspace.catalogue.read() as session:
            return cluster_state(session, found.model, url)

    detail, ok = state()
    assert ok, detail
    assert detail.startswith("4 pictures")
    index.drop("link_id", [2])
    assert state() == (f"{index.name} holds other pictures than the catalogue", False)


def test_pictures_are_indexed_searched_and_embedded_anew_on_a_cluster(
    workspace: Workspace, url: str, milvus: MilvusServer, tiny: FoundModel, tmp_path: Path
) -> None:
    write_corpus(tmp_path / "logos", range(6))
    options = IndexingOptions(index=url, collection="eu")
    index_paths(workspace, [tmp_path / "logos"], tiny, options=options)
    picture = tmp_path / "logos" / "mark-0003.png"
    within = QueryOptions(k=2, filters=Filters(collections=("eu",)))
    _, answers = search_pictures(workspace, [Request(str(picture))], tiny, within)
    (answer,) = answers
    assert answer.hits[0].path == str(picture)
    assert len(answer.hits) == 2
    before = row_search(workspace, tiny, within)
    row = np.eye(1, tiny.card.dimension, dtype=np.float32)
    assert before(row)[0]
    other = tiny_model(tmp_path / "models", name="other", seed=1)
    reindex(workspace, other)
    with pytest.raises(IndexLost, match="another model's vectors"):
        before(row)
    _, answers = search_pictures(workspace, [Request(str(picture))], other, within)
    assert next(answers).hits[0].path == str(picture)
    alias = f"likemark_{workspace.catalogue.identity[:8]}"
    left = [name for name in names_on(milvus.client()) if name.startswith(alias)]
    assert left == [f"{alias}_{other.card.fingerprint[:8]}_2"]
    assert workspace_stats(workspace)["index"]["vectors"] == 6
