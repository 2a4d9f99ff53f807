"""A whitened last layer: no correlations, the same neighbours as whitening afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.training import pixels, trained

from likemark.benchmarks.protocol.search_time import whitened
from likemark.db.errors import InvalidInput
from likemark.retrieval.embedder import Embedder
from likemark.retrieval.models import FoundModel
from likemark.retrieval.network import Input, MarkNetwork, build_network
from likemark.retrieval.pictures.normalise import prepared
from likemark.retrieval.training.config import Data
from likemark.retrieval.training.corpus import read_corpus
from likemark.retrieval.training.export import export_model, kept_weights
from likemark.retrieval.training.trainer import Trained
from likemark.retrieval.training.views import readable
from likemark.retrieval.training.whitening import drawings_of, embedded, whiten

from .conftest import Settings


@pytest.fixture(scope="module")
def run(quick: Settings, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    config = quick(run={"steps": 2, "validate": 2})
    return trained(config, tmp_path_factory.mktemp("whitening") / "mine")[0]


@pytest.fixture
def network(run: Trained) -> MarkNetwork:
    built = build_network(run.card)
    assert isinstance(built, MarkNetwork)
    built.load_state_dict(kept_weights(run.folder).weights)
    return built.eval()


def given(network: MarkNetwork, run: Trained, seed: int = 0) -> torch.Tensor:
    with torch.inference_mode():
        rows: torch.Tensor = network(Input(run.card)(pixels(60, seed=seed)))
    return rows.clone()


def test_the_rows_that_it_learned_from_come_out_without_correlations(
    network: MarkNetwork, run: Trained
) -> None:
    whiten(network, given(network, run))
    after = given(network, run)
    assert after.mean(0).abs().max() < 1e-3
    assert torch.allclose(torch.cov(after.T), torch.eye(16), atol=1e-2)


def test_other_rows_come_out_as_if_they_had_been_whitened_afterwards(
    network: MarkNetwork, run: Trained
) -> None:
    learned, others = given(network, run).numpy(), given(network, run, seed=1).numpy()
    expected = whitened(others, learned, 16)
    whiten(network, torch.from_numpy(learned))
    found = torch.nn.functional.normalize(given(network, run, seed=1), dim=1).numpy()
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=2e-3)


def test_too_few_rows_are_refused(network: MarkNetwork) -> None:
    with pytest.raises(ValueError, match="16 rows cannot tell the variances of 16 dimensions"):
        whiten(network, torch.randn(16, 16))


def test_broken_drawings_are_left_out(
    network: MarkNetwork, run: Trained, brands: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    paths = [brands / "brand0" / "0.png", tmp_path / "broken.png", brands / "brand1" / "0.png"]
    heard: list[tuple[int, int]] = []
    rows = embedded(network, run.card, paths, workers=0, told=lambda *count: heard.append(count))
    assert rows.shape == (2, 16)
    assert heard == [(3, 3)]


def test_nothing_is_learned_from_what_is_held_out(brands: Path) -> None:
    data = Data(str(brands), exclude=("brand2",), validation=0.4)
    corpus = read_corpus(brands)
    held = {corpus.paths[n].parent.name for n in np.flatnonzero(corpus.held(0.4))}
    assert "brand2" not in held
    names = {path.parent.name for path in drawings_of(data, 1000)}
    assert names == {path.parent.name for path in corpus.paths} - held - {"brand2"}
    assert len(drawings_of(data, 5)) == 5
    assert drawings_of(data, 5) == drawings_of(data, 5)


def test_an_export_can_be_whitened_and_says_so(run: Trained, brands: Path, tmp_path: Path) -> None:
    drawings = drawings_of(Data(str(brands), validation=0.4), 100)
    model = export_model(str(run.folder), tmp_path, whiten=100)
    assert model.card.about["whitened"] == len(drawings)
    assert f"whitened on {len(drawings)} of its drawings" in model.card.provenance
    squares = np.stack([prepared(readable(path), 64) for path in drawings])
    rows = Embedder.load(model, device="cpu").embed(squares)
    plain = export_model(str(run.folder), tmp_path, name="plain")
    before = Embedder.load(plain, device="cpu").embed(squares)
    assert abs(rows.mean(0)).max() < 0.2 < abs(before.mean(0)).max()


def test_too_small_a_corpus_cannot_whiten(run: Trained, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="corpus has too few drawings: 5 rows"):
        export_model(str(run.folder), tmp_path, whiten=5)


def test_a_model_cannot_be_whitened(tiny: FoundModel, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="only a training can be whitened"):
        export_model(str(tiny.folder / "tiny.json"), tmp_path, whiten=9)
