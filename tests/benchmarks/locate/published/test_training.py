"""The published network trained by the same loop as likemark's own, on the same scenes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from support.oneshot import write_photos
from support.training import Heard, write_brands

from likemark.benchmarks.locate.published import kind
from likemark.benchmarks.locate.published.config import PublishedNetwork, PublishedTraining
from likemark.benchmarks.locate.published.network import SCENE, load_published
from likemark.benchmarks.locate.published.task import PublishedTask, for_marks
from likemark.benchmarks.locate.rivals.published import PublishedLocator
from likemark.db.errors import InvalidInput
from likemark.retrieval.devices import choose_device
from likemark.retrieval.oneshot.training.sampling import ANY
from likemark.retrieval.training.export import kept_weights
from likemark.retrieval.training.folder import BEST
from likemark.retrieval.training.task import Place, Share
from likemark.retrieval.training.tasks import KINDS, read_training, settings_of, written
from likemark.retrieval.training.trainer import train

TOML = Path(kind.__file__).parents[2] / "training" / "published.toml"


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    kind.register()
    yield
    KINDS.pop(kind.NAME)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> PublishedTraining:
    folder = tmp_path_factory.mktemp("published")
    corpus = write_brands(folder / "brands", brands=14, drawings=2)
    return PublishedTraining.of({
        "data": {"corpus": str(corpus), "photos": str(write_photos(folder / "photos")),
                 "validation": 0.3, "held_out": 1, "workers": 0},
        "batch": {"pairs": 2, "right": 1, "wrong": 2, "size": 112},
        "network": {"width": 2},
        "optimiser": {"rate": 1e-3, "decay": 0.0, "warmup": 1, "average": 0.5},
        "run": {"steps": 2, "validate": 2, "validate_first": False, "device": "cpu"},
    })  # fmt: skip


@pytest.fixture
def task(quick: PublishedTraining, tmp_path: Path) -> PublishedTask:
    return PublishedTask(quick, Place(tmp_path, Share(), choose_device("cpu"), Heard(), None))


def test_every_question_for_a_mark_is_answered_at_the_squashed_scenes_px(
    task: PublishedTask,
) -> None:
    batch = task.batches()[0]
    asks, targets = for_marks(batch)
    assert ANY not in asks[:, 1].tolist()
    assert len(asks) == len(targets) == len(batch[0]) * 3
    assert task.answers(task.network, (*batch[:2], asks)).shape == (len(asks), SCENE, SCENE)


def test_marks_and_photos_are_split_as_for_the_own_network(task: PublishedTask) -> None:
    assert not set(task.material.corpus.names) & set(task.held_out.corpus.names)
    assert not set(task.material.photos) & set(task.held_out.photos)


def test_a_step_moves_every_weight(task: PublishedTask) -> None:
    task.prepare(task.network, 0)
    task.backward(task.network, task.batches()[0], 0)
    still = [name for name, p in task.network.named_parameters() if p.grad is None]
    assert not still


def test_the_trainer_trains_measures_and_keeps_it_and_the_rival_reads_it(
    quick: PublishedTraining, tmp_path: Path
) -> None:
    heard = Heard()
    result = train(quick, tmp_path / "run", observer=heard)
    assert (result.metric, result.best_step) == ("mask IoU", 2)
    assert [step.pictures for step in heard.steps] == [4, 4]
    assert set(heard.validated_[0].more) == {
        "no false mask", "swap AUROC", "false masks at recall 0.7"
    }  # fmt: skip
    kept = load_published(kept_weights(tmp_path / "run").weights)
    assert kept.width == quick.network.width
    locator = PublishedLocator.load(tmp_path / "run" / BEST, device="cpu")
    assert all(torch.equal(a, b) for a, b in zip(
        locator.network.state_dict().values(), kept.state_dict().values(), strict=True
    ))  # fmt: skip


def test_settings_are_read_back_as_they_were_written(quick: PublishedTraining) -> None:
    assert settings_of(written(quick)) == quick
    with pytest.raises(InvalidInput, match=r"network\.width must be even"):
        PublishedNetwork(width=3)


def test_the_recipe_beside_the_own_networks_leaves_out_the_same_marks() -> None:
    recipe = read_training(TOML)
    assert isinstance(recipe, PublishedTraining)
    own = read_training(TOML.with_name("oneshot.toml"))
    theirs, ours = recipe.to_dict(), own.to_dict()
    assert theirs["data"] == ours["data"]
    assert recipe.batch.wrong == 2 * recipe.batch.right


def test_two_processes_with_one_pair_each_are_refused(
    quick: PublishedTraining, tmp_path: Path
) -> None:
    place = Place(tmp_path, Share(0, 2), choose_device("cpu"), Heard(), None)
    with pytest.raises(InvalidInput, match=r"batch\.pairs is 2"):
        PublishedTask(quick, place)
