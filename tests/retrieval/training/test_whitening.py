"""A whitened last layer: what differs within groups is made small, what differs between is kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from support.training import pixels, trained, write_brands

from likemark.benchmarks.protocol.validation import validation_map
from likemark.db.errors import InvalidInput, ModelDamaged
from likemark.retrieval.embedder import Embedder
from likemark.retrieval.models import FoundModel
from likemark.retrieval.network import Input, MarkNetwork, build_network
from likemark.retrieval.pictures.normalise import prepared
from likemark.retrieval.training.anew import Anew
from likemark.retrieval.training.config import Data, Network
from likemark.retrieval.training.corpus import read_corpus
from likemark.retrieval.training.export import export_model
from likemark.retrieval.training.start import starting_card
from likemark.retrieval.training.trainer import Trained
from likemark.retrieval.training.views import readable
from likemark.retrieval.training.whitening import Sample, _within, drawings_of, pooled, whiten

from .conftest import Settings

CHANNELS, DIMENSION = 64, 16


@pytest.fixture
def network() -> MarkNetwork:
    torch.manual_seed(0)
    wanted = Network("test_vit", size=64, pooling="avg", dimension=DIMENSION)
    built = build_network(starting_card(wanted, name="mine"))
    assert isinstance(built, MarkNetwork)
    return built.eval()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_brands(tmp_path_factory.mktemp("whitening") / "brands", brands=130)


@pytest.fixture(scope="module")
def run(quick: Settings, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    config = quick(
        data={"corpus": str(corpus)}, network={"pooling": "avg"}, run={"steps": 2, "validate": 2}
    )
    return trained(config, tmp_path_factory.mktemp("whitening") / "mine")[0]


def noisy(groups: int, each: int, *, seed: int) -> tuple[torch.Tensor, NDArray[np.int64]]:
    """Groups that differ a little in 16 channels, and within them much in all the others."""
    rng = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(groups), each)
    rows = np.zeros((len(numbers), CHANNELS))
    rows[:, :16] = rng.normal(size=(groups, 16))[numbers] + 0.3 * rng.normal(size=(len(rows), 16))
    rows[:, 16:] = 5 * rng.normal(size=(len(rows), CHANNELS - 16))
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(CHANNELS, CHANNELS)))
    return torch.tensor(rows @ turn + 3, dtype=torch.float32), numbers


def found_by(rows: torch.Tensor, groups: NDArray[np.int64]) -> float:
    unit = torch.nn.functional.normalize(rows, dim=1).detach().numpy()
    return validation_map(unit, unit, groups)


def test_groups_are_found_that_were_not_learned_from(network: MarkNetwork) -> None:
    rows, groups = noisy(60, 4, seed=2)
    before = found_by(rows, groups), found_by(network.projection(rows), groups)
    whiten(network, *noisy(300, 3, seed=1))
    assert max(before) < 0.15
    assert found_by(network.projection(rows), groups) > 0.9


def test_within_groups_no_direction_varies_more_than_another(network: MarkNetwork) -> None:
    rows, groups = noisy(2000, 2, seed=3)
    whiten(network, rows, groups)
    after = network.projection(rows).detach().double()
    away = after - after.reshape(-1, 2, DIMENSION).mean(1).repeat_interleave(2, 0)
    within = 2 * away.T @ away / len(away)
    assert within.diagonal().max() < 1.1
    assert within.diagonal().min() > 0.5  # the ridge's part is missing
    assert (within - within.diagonal().diag()).abs().max() < 0.1
    assert after.mean(0).abs().max() < 1e-3
    between = torch.cov(after.T).diagonal()
    assert (between[1:] <= between[:-1] + 1e-6).all()  # the widest first


def test_the_spread_within_groups_is_their_mean_covariance(network: MarkNetwork) -> None:
    rng = np.random.default_rng(4)
    groups = rng.permutation(np.repeat(np.arange(90), rng.integers(1, 6, 90)))
    rows = torch.tensor(rng.normal(size=(len(groups), CHANNELS)))
    rows[groups == 7] = 3.0  # one drawing over and over: a copy tells nothing
    covariances, comparisons = [], 0
    for group in set(groups.tolist()) - {7}:
        own = rows[groups == group].numpy()
        if len(own) > 1:
            covariances.append(np.cov(own.T))
            comparisons += len(own) - 1
    found, count = _within(rows, torch.from_numpy(groups), least=1e-4)
    np.testing.assert_allclose(found.numpy(), np.mean(covariances, axis=0), atol=1e-12)
    assert count == comparisons


@pytest.mark.parametrize(
    ("groups", "dimension", "said"),
    [(np.arange(300), 16, "0 comparisons within groups cannot tell 64 channels"),
     (np.repeat(np.arange(40), 2), 16, "40 comparisons within groups cannot tell 64 channels"),
     (np.repeat(np.arange(100), 3), 128, "64 channels cannot give 128 dimensions")],
)  # fmt: skip
def test_too_little_to_learn_from_is_refused(
    groups: NDArray[np.int64], dimension: int, said: str
) -> None:
    wanted = Network("test_vit", size=64, pooling="avg", dimension=dimension)
    network = build_network(starting_card(wanted, name="mine"))
    assert isinstance(network, MarkNetwork)
    before = network.projection.weight.clone()
    with pytest.raises(ValueError, match=said):
        whiten(network, torch.randn(len(groups), CHANNELS), groups)
    assert torch.equal(network.projection.weight, before)


def test_drawings_that_are_all_alike_are_refused(network: MarkNetwork) -> None:
    with pytest.raises(ValueError, match="0 comparisons"):
        whiten(network, torch.ones(300, CHANNELS), np.repeat(np.arange(100), 3))


def test_what_the_projection_is_given_leaves_broken_drawings_out(
    network: MarkNetwork, brands: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    whole = [brands / "brand0" / "0.png", brands / "brand1" / "0.png"]
    paths = (whole[0], tmp_path / "broken.png", whole[1])
    card = starting_card(Network("test_vit", size=64, pooling="avg", dimension=16), name="mine")
    heard: list[tuple[int, int]] = []
    rows, groups = pooled(
        network, card, Sample(paths, np.array([5, 6, 7])), device="cpu", workers=0,
        told=lambda *count: heard.append(count),
    )  # fmt: skip
    assert (rows.shape, groups.tolist()) == ((2, CHANNELS), [5, 7])
    assert heard == [(3, 3)]
    images = Input(card)(pixels(2))
    assert torch.equal(network.projection(network.pooled(images)), network(images))


def test_nothing_is_learned_from_what_is_held_out(corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(corpus, tmp_path / "brands")
    (tmp_path / "brands" / "lonely").mkdir()
    shutil.copy(corpus / "brand0" / "0.png", tmp_path / "brands" / "lonely")
    data = Data(str(tmp_path / "brands"), exclude=("brand2",), validation=0.4)
    every = read_corpus(tmp_path / "brands")
    held = {every.paths[n].parent.name for n in np.flatnonzero(every.held(0.4))}
    assert "brand2" not in held
    sample = drawings_of(data, 1000)
    names = [path.parent.name for path in sample.paths]
    assert set(names) == {path.parent.name for path in every.paths} - held - {"brand2"}
    assert names[-1] == "lonely"  # after what tells more
    few = drawings_of(data, 5)
    assert few.paths == sample.paths[:5]
    assert np.bincount(drawings_of(data, 9).groups).max() == 3  # groups stay together
    assert len(set(drawings_of(data, 9).groups.tolist())) == 3


def test_an_export_can_be_whitened_and_says_so(run: Trained, corpus: Path, tmp_path: Path) -> None:
    sample = drawings_of(Data(str(corpus), validation=0.4), 1000)
    model = export_model(str(run.folder), tmp_path, anew=Anew(1000))
    assert model.card.about["whitened"] == len(sample.paths)
    assert f", then whitened on {len(sample.paths)} of its drawings" in model.card.provenance
    plain = export_model(str(run.folder), tmp_path, name="plain")
    squares = np.stack([prepared(readable(path), 64) for path in sample.paths])
    after, before = (Embedder.load(m, device="cpu").embed(squares) for m in (model, plain))
    assert validation_map(after, after, sample.groups) > 1.2 * validation_map(
        before, before, sample.groups
    )


def test_a_model_of_smaller_pictures_shares_the_file_of_another(
    run: Trained, corpus: Path, tmp_path: Path
) -> None:
    whole = export_model(str(run.folder), tmp_path / "whole", name="whole")
    card = str(whole.folder / "whole.json")
    out = tmp_path / "out"
    small = export_model(str(run.folder), out, name="small", size=48, anew=Anew(500), over=card)
    assert set(load_file(out / "small.safetensors")) == {"projection.weight", "projection.bias"}
    assert (out / "whole.safetensors").read_bytes() == (
        whole.folder / "whole.safetensors"
    ).read_bytes()
    alone = export_model(str(run.folder), out, name="alone", size=48, anew=Anew(500))
    squares = np.stack([prepared(readable(corpus / "brand0" / "0.png"), 48)])
    rows, same = (Embedder.load(m, device="cpu").embed(squares) for m in (small, alone))
    assert np.array_equal(rows, same)
    again = export_model(str(out / "small.json"), tmp_path / "again")
    assert (again.card.bases, again.card.sha256) == ((), alone.card.sha256)
    (out / "whole.safetensors").write_bytes(b"x")
    with pytest.raises(ModelDamaged, match=r"whole\.safetensors is not the file of its card"):
        Embedder.load(small)


def test_a_model_lies_over_no_other_network(run: Trained, tiny: FoundModel, tmp_path: Path) -> None:
    card = str(tiny.folder / "tiny.json")
    with pytest.raises(InvalidInput, match="tiny: has no file that mine could lie over"):
        export_model(str(run.folder), tmp_path, over=card)
    with pytest.raises(InvalidInput, match="size 4: give 16 to 1024 px"):
        export_model(str(run.folder), tmp_path, size=4)
    assert not list(tmp_path.iterdir())


def test_too_small_a_corpus_cannot_whiten(run: Trained, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"mine cannot be whitened: \d+ comparisons"):
        export_model(str(run.folder), tmp_path, anew=Anew(9))


def test_a_model_learns_its_last_layer_from_a_corpus(
    run: Trained, corpus: Path, tmp_path: Path
) -> None:
    whole = export_model(str(run.folder), tmp_path / "whole", name="whole")
    card = str(whole.folder / "whole.json")
    with pytest.raises(InvalidInput, match="whole is no training's folder: name the corpus"):
        export_model(card, tmp_path, anew=Anew(9))
    here = Anew(1000, corpus)
    again = export_model(card, tmp_path / "again", anew=here)
    own = export_model(str(run.folder), tmp_path / "own", anew=Anew(1000))
    squares = np.stack([prepared(readable(corpus / f"brand{n}" / "0.png"), 64) for n in range(6)])
    rows, same = (Embedder.load(m, device="cpu").embed(squares) for m in (again, own))
    # From float16 weights, and from float32; a direction may point either way.
    np.testing.assert_allclose(rows @ rows.T, same @ same.T, atol=0.05)
    assert " of the drawings of 'brands'" in again.card.provenance


def test_a_last_layer_can_be_given_other_channels(
    run: Trained, corpus: Path, tmp_path: Path
) -> None:
    model = export_model(str(run.folder), tmp_path, anew=Anew(1000, pooling="token+max"))
    assert model.card.pooling == "linear:token+max"
    stored = load_file(tmp_path / "mine.safetensors")
    assert stored["projection.weight"].shape == (DIMENSION, 2 * CHANNELS)
    over = export_model(
        str(run.folder), tmp_path / "over", name="more", over=str(tmp_path / "mine.json"),
        anew=Anew(1000, pooling="max"),
    )  # fmt: skip
    assert {name.split(".")[0] for name in load_file(over.folder / "more.safetensors")} == {
        "norm", "projection"
    }  # fmt: skip


def test_a_model_of_timms_pooling_gets_a_last_layer(
    tiny: FoundModel, corpus: Path, tmp_path: Path
) -> None:
    card = str(tiny.folder / "tiny.json")
    with pytest.raises(InvalidInput, match="tiny has no last layer: say what it is to be given"):
        export_model(card, tmp_path, anew=Anew(1000, corpus))
    model = export_model(card, tmp_path, anew=Anew(1000, corpus, "avg"))
    assert model.card.pooling == "linear:avg"
    source = load_file(tiny.folder / "tiny.safetensors")
    stored = load_file(tmp_path / "tiny.safetensors")
    assert all(torch.equal(stored[f"backbone.{name}"], source[name]) for name in source)


def test_what_cannot_be_learned_from_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'median' must be some of"):
        Anew(9, pooling="median")
    with pytest.raises(InvalidInput, match="drawings 0: give 1 or more"):
        Anew(0)
