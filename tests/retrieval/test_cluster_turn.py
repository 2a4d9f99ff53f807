"""One process at a time brings a cluster up to date, on either database."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.postgres import Server

from likemark.db.catalogue import Catalogue
from likemark.db.errors import CatalogueError
from likemark.db.lock import writer_lock
from likemark.retrieval.cluster_turn import cluster_turn


def test_only_one_has_its_turn_and_the_next_comes_after_it(where: str) -> None:
    with Catalogue.open(where) as one, Catalogue.open(where) as other:
        with cluster_turn(one, wait=0) as first:
            assert first
            with cluster_turn(other, wait=0.2) as second:
                assert not second
        with cluster_turn(other, wait=0) as third:
            assert third


def test_a_writer_of_the_catalogue_does_not_stand_in_its_own_way(catalogue: Catalogue) -> None:
    with writer_lock(catalogue), cluster_turn(catalogue, wait=0) as ours:
        assert ours


def test_a_turn_whose_connection_is_ended_is_known_to_be_lost(
    postgres: Server, postgres_template: str
) -> None:
    with postgres.database(postgres_template) as url, Catalogue.open(url) as catalogue:
        with cluster_turn(catalogue, wait=0) as turn:
            assert turn
            turn.keep()
            postgres.disconnect(str(catalogue.engine.url.database))
            with pytest.raises(CatalogueError, match="right to write to the cluster is lost"):
                turn.keep()
        with cluster_turn(catalogue, wait=5) as turn:
            assert turn


def test_it_is_never_ours_where_nothing_can_be_written(sqlite_where: str, tmp_path: Path) -> None:
    (tmp_path / "catalogue.db.cluster.lock").mkdir()  # in the way
    with Catalogue.open(sqlite_where) as catalogue, cluster_turn(catalogue, wait=0) as ours:
        assert not ours
