"""The embedder: unit rows, the same to the bit however pictures are batched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from support.models import tiny_model

from likemark.db.errors import InvalidInput
from likemark.retrieval.convert import add_model
from likemark.retrieval.devices import Device, choose_device
from likemark.retrieval.embedder import MAX_GROUP, Embedder, network_of
from likemark.retrieval.models import FoundModel, find_model
from likemark.retrieval.network import Input

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def embedder(tiny: FoundModel) -> Embedder:
    return Embedder.load(tiny, device="cpu")


def pictures(count: int, size: int = 160) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def test_rows_are_float32_of_unit_length(embedder: Embedder) -> None:
    rows = embedder.embed(pictures(5))
    assert (rows.shape, rows.dtype) == ((5, embedder.dimension), np.float32)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def test_no_pictures_give_no_rows(embedder: Embedder) -> None:
    assert embedder.embed(pictures(0)).shape == (0, embedder.dimension)


def test_the_vector_is_timms_own_under_the_cards_normalisation(tiny: FoundModel) -> None:
    import timm

    network = timm.create_model("test_resnet", num_classes=0).eval()
    network.load_state_dict(load_file(tiny.folder / tiny.card.weights))
    images = torch.from_numpy(pictures(3)).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (tiny.card.mean, tiny.card.std))
    with torch.inference_mode():
        wanted = torch.nn.functional.normalize(network((images - mean) / std)).numpy()
    embedder = Embedder(tiny.card, network_of(tiny), Device("cpu", bf16=False))
    assert embedder.embed(pictures(3)) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit"])
def test_weights_kept_in_half_the_bits_give_the_rows_that_converting_them_gives(
    tmp_path: Path, backbone: str
) -> None:
    model = tiny_model(tmp_path, backbone=backbone)
    halves = Embedder(model.card, network_of(model), Device("cpu", bf16=True))
    network, images = network_of(model).eval(), pictures(3, model.card.input_size)
    assert any(p.dtype == torch.bfloat16 for p in halves._network.parameters())
    with torch.inference_mode(), halves.device.precision():
        vectors = network.to(memory_format=torch.channels_last)(
            Input(model.card)(torch.from_numpy(images))
        )
    wanted = torch.nn.functional.normalize(vectors.float(), dim=1).numpy()
    assert np.array_equal(halves.embed(images), wanted)


def test_a_picture_alone_last_or_among_others_has_the_same_vector_to_the_bit(
    embedder: Embedder,
) -> None:
    images = pictures(37)
    together = [row for _, row in embedder.stream(range(37), lambda n: images[n])]
    for number in (0, 15, 16, 36):
        ((_, alone),) = embedder.stream([number], lambda n: images[n])
        assert np.array_equal(np.asarray(alone), np.asarray(together[number]))


def test_the_default_models_vectors_do_not_depend_on_their_batch_either() -> None:
    embedder = Embedder.load(find_model(), device="cpu")
    images = pictures(20, embedder.size)
    together = [row for _, row in embedder.stream(range(20), lambda n: images[n])]
    ((_, alone),) = embedder.stream([19], lambda n: images[n])
    assert np.array_equal(np.asarray(alone), np.asarray(together[19]))


def test_items_without_a_picture_pass_through_in_order(embedder: Embedder) -> None:
    images = pictures(40)
    items = list(range(100))
    streamed = list(embedder.stream(items, lambda n: images[n // 3] if n % 3 == 0 else None))
    assert [item for item, _ in streamed] == items
    assert all((row is not None) == (n % 3 == 0) for n, row in streamed)


def test_items_without_a_picture_do_not_pile_up_behind_an_unfilled_batch(
    embedder: Embedder,
) -> None:
    taken = 0

    def items() -> object:
        nonlocal taken
        for number in range(50 * MAX_GROUP):
            taken = number
            yield number

    stream = embedder.stream(items(), lambda n: None)  # type: ignore[arg-type,var-annotated]
    assert next(stream) == (0, None)
    assert taken <= 4 * MAX_GROUP
    stream.close()


def test_an_error_of_the_source_reaches_the_caller(embedder: Embedder) -> None:
    def items() -> object:
        yield 0
        raise KeyError("source")

    with pytest.raises(KeyError, match="source"):
        list(embedder.stream(items(), lambda n: pictures(1)[0]))  # type: ignore[arg-type,var-annotated]


def test_bfloat16_stays_close_to_float32() -> None:
    model = find_model()
    images = pictures(4, model.card.input_size)
    whole, halves = (
        Embedder(model.card, network_of(model), Device("cpu", bf16)).embed(images)
        for bf16 in (False, True)
    )
    assert (whole * halves).sum(axis=1).min() > 0.99


def test_a_grey_model_does_not_see_colour(tiny: FoundModel, tmp_path: Path) -> None:
    weights = tiny.folder / tiny.card.weights
    grey = Embedder.load(add_model("test_resnet", tmp_path, weights=weights, grey=True))
    coloured = np.zeros((1, 160, 160, 3), np.uint8)
    coloured[:, 40:120, 40:120] = (255, 0, 0)
    luminance = np.zeros_like(coloured)
    luminance[:, 40:120, 40:120] = 76  # 0.299 x 255
    assert (grey.embed(coloured) @ grey.embed(luminance).T).item() > 0.999
    colour = Embedder.load(tiny)
    assert (colour.embed(coloured) @ colour.embed(luminance).T).item() < 0.999


def test_a_device_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidInput, match=r"there are: auto, .*cpu"):
        choose_device("tpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_cpus_vectors(tiny: FoundModel) -> None:
    images = pictures(8)
    on_gpu = Embedder.load(tiny, device="cuda").embed(images)
    on_cpu = Embedder.load(tiny, device="cpu").embed(images)
    assert (on_gpu * on_cpu).sum(axis=1).min() > 0.99
