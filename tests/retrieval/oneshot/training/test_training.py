from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.oneshot import weights_with_and_without_a_kill
from support.training import Heard

from likemark.db.errors import InvalidInput, ModelDamaged, NotFound
from likemark.retrieval.cards import file_sha256
from likemark.retrieval.devices import choose_device
from likemark.retrieval.oneshot.card import FACTS, OneShotCard
from likemark.retrieval.oneshot.training.config import OneShotTraining
from likemark.retrieval.oneshot.training.sampling import ANY, Questions, size_of_scenes
from likemark.retrieval.oneshot.training.task import OneShotTask
from likemark.retrieval.pictures.normalise import prepared
from likemark.retrieval.training.task import Place, Share
from likemark.retrieval.training.tasks import settings_of, written
from likemark.retrieval.training.trainer import train


def test_wrong_questions_are_at_least_as_many_as_right_ones(task: OneShotTask) -> None:
    for step in range(3):
        _, _, asks, targets = task.batches()[step]
        for scene in set(asks[:, 0].tolist()):
            asked = [n for n in range(len(asks)) if int(asks[n, 0]) == scene]
            marks = [n for n in asked if int(asks[n, 1]) != ANY]
            right = sum(bool((targets[n] > 0).any()) for n in marks)
            assert len(asked) == 1 + task.config.batch.right + task.config.batch.wrong
            assert right <= task.config.batch.right + 1  # a look-alike may be the scene's decoy


def test_a_batch_is_a_function_of_the_seed_and_the_step(task: OneShotTask) -> None:
    first, again = task.batches()[5], task.batches()[5]
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    other = task.batches()[6]
    assert not torch.equal(first[0][0].float().mean(), other[0][0].float().mean())


def test_two_processes_make_halves_of_one_batch(task: OneShotTask) -> None:
    batch = replace(task.config.batch, pairs=4)
    size = task.features.size, task.features.step
    whole = Questions(task.material, batch, 0, *size)[0]
    halves = [Questions(task.material, batch, 0, *size, Share(rank, 2))[0] for rank in (0, 1)]
    for rank, half in enumerate(halves):
        pairs = [(2 * n, 2 * n + 1) for n in (rank, rank + 2)]
        assert torch.equal(half[0], whole[0][[scene for pair in pairs for scene in pair]])


def test_a_process_with_one_pair_of_scenes_has_no_wrong_queries_and_is_refused(
    quick: OneShotTraining, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=r"batch\.pairs is 2, for 2 processes"):
        OneShotTask(quick, Place(tmp_path, Share(0, 2), choose_device("cpu"), Heard(), None))


def test_shares_that_differ_are_refused(quick: OneShotTraining, tmp_path: Path) -> None:
    uneven = replace(quick, batch=replace(quick.batch, pairs=5))
    with pytest.raises(InvalidInput, match=r"batch\.pairs is 5, for 2 processes: each needs as"):
        OneShotTask(uneven, Place(tmp_path, Share(0, 2), choose_device("cpu"), Heard(), None))


def test_what_is_asked_for_is_where_the_target_says(task: OneShotTask) -> None:
    scenes, queries, asks, targets = task.batches()[0]
    assert targets.shape[1:] == (scenes.shape[1] // 4, scenes.shape[2] // 4)
    assert queries.shape[1:] == (task.features.size, task.features.size, 3)
    for scene in range(len(scenes)):
        own = targets[asks[:, 0] == scene]
        anything = own[0]  # asked first: for any mark
        assert bool((own.amax(0) <= anything).all())


def test_scenes_are_of_as_many_sizes_as_they_are_told_to_be(task: OneShotTask) -> None:
    def areas(spread: float) -> list[float]:
        batch = replace(task.config.batch, size=224, spread=spread)
        rngs = (np.random.default_rng([0, step]) for step in range(40))
        sizes = [size_of_scenes(rng, batch, task.sides[1]) for rng in rngs]
        assert all(side % task.sides[1] == 0 for size in sizes for side in size)
        return [tall * wide / 224**2 for tall, wide in sizes]

    assert max(areas(1.0)) / min(areas(1.0)) < 1.3  # rounded to whole patches
    assert 2 < max(areas(2.0)) / min(areas(2.0)) < 17


def test_a_look_alike_is_asked_for_as_the_twin_scene_shows_it(task: OneShotTask) -> None:
    def crops(decoy: float) -> int:
        """Of the first wrong questions of 16 scenes, how many are no drawing."""
        batch = replace(task.config.batch, empty=0.0, decoy=decoy, size=392, marks=1)
        size = task.sides[0]
        marks = [task.material.mark(n).pixels for n in range(len(task.material.corpus))]
        drawn = {prepared(pixels, size).tobytes() for pixels in marks}
        found = 0
        for step in range(4):
            _, queries, asks, _ = Questions(task.material, batch, 0, *task.sides)[step]
            wrong = asks[1 + batch.right :: 1 + batch.right + batch.wrong, 1].tolist()
            found += sum(queries[n].numpy().tobytes() not in drawn for n in wrong)
        return found

    assert crops(0.0) == 0
    assert crops(1.0) >= 4


def test_a_training_goes_on_from_a_model(
    task: OneShotTask, quick: OneShotTraining, tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    save_file(task.network.state_dict(), tmp_path / "own.safetensors")
    known = quick.network
    OneShotCard(
        name="own", model="tiny-vit", backbone=task.features.fingerprint(), layers=known.layers,
        width=known.width, depth=known.depth, heads=known.heads, fine=known.fine,
        query=(0.0, 0.0), anything=(0.0,) * (len(FACTS) + 1), threshold=0.5, licence="CC0-1.0",
        provenance="drawn", weights="own.safetensors",
        sha256=file_sha256(tmp_path / "own.safetensors"),
    ).write(tmp_path / "own.json")  # fmt: skip
    place = Place(tmp_path, Share(), choose_device("cpu"), Heard(), None)
    going_on = replace(known, weights=str(tmp_path / "own.json"))
    later = replace(quick, network=going_on, run=replace(quick.run, seed=1))
    found = OneShotTask(later, place).network.state_dict()
    assert all(torch.equal(value, found[key]) for key, value in task.network.state_dict().items())
    with pytest.raises(ModelDamaged, match=r"own\.safetensors does not fit"):
        OneShotTask(replace(later, network=replace(going_on, width=32)), place)


def test_marks_and_photos_are_split_never_pairs(task: OneShotTask) -> None:
    assert not set(task.material.corpus.names) & set(task.held_out.corpus.names)
    assert not set(task.material.photos) & set(task.held_out.photos)
    assert task.held_out.photos


def test_a_killed_training_goes_on_to_the_same_weights(
    quick: OneShotTraining, tmp_path: Path
) -> None:
    eager = replace(quick, run=replace(quick.run, checkpoint=0.0))
    one, two = weights_with_and_without_a_kill(eager, tmp_path)
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_the_backbone_stays_as_it_is(task: OneShotTask) -> None:
    before = task.features.fingerprint()
    task.prepare(task.network, 0)
    task.backward(task.network, task.batches()[0], 0)
    assert all(p.grad is None for p in task.features.parameters())
    assert not task.features.backbone.training
    assert task.features.fingerprint() == before


def test_swapping_queries_changes_the_answers_of_a_network_that_looks(task: OneShotTask) -> None:
    scenes, queries, asks, targets = task.batches()[0]
    task.network.eval()  # in training the queries of a batch are levelled together
    with torch.inference_mode():
        asked = task.answers(task.network, (scenes, queries, asks, targets))
        swapped = task.answers(task.network, (scenes, queries.flip(0), asks, targets))
    marks = asks[:, 1] != ANY
    torch.testing.assert_close(asked[~marks], swapped[~marks], rtol=0.02, atol=0.02)
    assert (asked[marks] - swapped[marks]).abs().mean() > 1e-4


def test_training_drives_the_loss_of_one_batch_down(task: OneShotTask) -> None:
    optimiser = task.optimiser()
    batch = task.batches()[0]
    for group in optimiser.param_groups:
        group["lr"] = 5e-3
    losses = []
    for step in range(40):
        task.prepare(task.network, step)
        losses.append(task.backward(task.network, batch, step))
        optimiser.step()
        optimiser.zero_grad()
    assert np.mean(losses[-5:]) < 0.7 * losses[0]


def test_settings_are_read_back_as_they_were_written(quick: OneShotTraining) -> None:
    assert settings_of(written(quick)) == quick
    with pytest.raises(InvalidInput, match=r"batch\.wrong must be batch\.right or more"):
        replace(quick.batch, wrong=0)


def test_one_photo_is_too_few(quick: OneShotTraining, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    one = next(Path(quick.data.photos).iterdir())
    (tmp_path / "photos" / one.name).write_bytes(one.read_bytes())
    few = replace(quick, data=replace(quick.data, photos=str(tmp_path / "photos")))
    with pytest.raises(NotFound, match="1 photos are too few"):
        train(few, tmp_path / "run", observer=Heard())
