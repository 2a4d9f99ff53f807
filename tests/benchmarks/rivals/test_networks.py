from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from support.corpus import draw_mark
from timm.layers.pos_embed import resample_abs_pos_embed

from likemark.benchmarks.model_encoder import ModelEncoder
from likemark.benchmarks.rivals.dedup import state_hash
from likemark.benchmarks.rivals.foreign import foreign_encoder
from likemark.benchmarks.rivals.frozen import Frozen, load_frozen
from likemark.benchmarks.rivals.hub import weights_file, why_not_from_hub, why_unreachable
from likemark.benchmarks.rivals.rival import RivalUnavailable
from likemark.benchmarks.rivals.sscd import FILE, load_sscd
from likemark.db.errors import InvalidInput
from likemark.retrieval.pictures.normalise import prepared

TAG = "test_vit.r160_in1k"
NOWHERE = "http://127.0.0.1:9/"  # the port of a service that nobody runs


def unreachable(url: str) -> str:
    return "no network"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with timm's smallest transformer, its classifier included."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    save_file(timm.create_model("test_vit").state_dict(), folder / f"{TAG}.safetensors")
    return folder


@pytest.fixture(scope="module")
def small(weights: Path) -> ModelEncoder:
    return load(Frozen("Tiny, 96 px", TAG, "a test", size=96), weights)


def load(frozen: Frozen, weights: Path | None) -> ModelEncoder:
    return load_frozen(frozen, weights, device="cpu", unreachable=unreachable)


def scripted(folder: Path, network: torch.nn.Module) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.jit.save(torch.jit.script(network), folder / FILE)


def colour_means() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_a_frozen_network_comes_from_the_users_folder(weights: Path):
    encoder = load(Frozen("Tiny", TAG, "a test"), weights)
    pictures = [np.asarray(draw_mark(number)) for number in range(3)]
    rows = np.stack(list(encoder.encode(pictures)))
    assert (encoder.name, encoder.dimension, encoder.embedder.size) == ("Tiny", 64, 160)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert encoder.embedder.card.colour == "rgb"


def test_at_another_size_the_position_embedding_is_resampled_as_timm_does(small: ModelEncoder):
    picture = np.asarray(draw_mark(4))
    row = next(small.encode([picture]))

    source: Any = timm.create_model("test_vit", num_classes=0)
    plain: Any = timm.create_model("test_vit", num_classes=0, img_size=96).eval()
    torch.manual_seed(0)
    state = timm.create_model("test_vit").state_dict()
    state = {key: value for key, value in state.items() if key in source.state_dict()}
    state["pos_embed"] = resample_abs_pos_embed(
        state["pos_embed"], [6, 6], num_prefix_tokens=source.num_prefix_tokens
    )
    plain.load_state_dict(state)
    pixels = torch.from_numpy(prepared(picture, 96)).permute(2, 0, 1)[None] / 255
    config = plain.pretrained_cfg
    mean, std = (torch.tensor(config[key]).view(3, 1, 1) for key in ("mean", "std"))
    with torch.inference_mode():
        expected = plain((pixels - mean) / std)[0].numpy()
    assert cosine(row, expected) > 0.995


def test_size_and_weights_are_in_the_fingerprint_and_the_name_is_not(
    small: ModelEncoder, weights: Path, tmp_path: Path
):
    torch.manual_seed(1)
    save_file(timm.create_model("test_vit").state_dict(), tmp_path / f"{TAG}.safetensors")
    other_weights = load(Frozen("a", TAG, "a test", size=96), tmp_path)
    (weights / "mine.v1.safetensors").symlink_to(weights / f"{TAG}.safetensors")
    renamed = load(Frozen("b", "mine.v1", "a test", size=96, backbone=TAG), weights)
    other_size = load(Frozen("a", TAG, "a test", size=80), weights)
    assert small.fingerprint == renamed.fingerprint
    assert len({e.fingerprint for e in (small, other_weights, other_size)}) == 3


def test_half_precision_is_preferred_in_the_folder(tmp_path: Path):
    assert weights_file(None, TAG) is None
    assert weights_file(tmp_path, TAG) is None
    full, half = (tmp_path / f"{TAG}{part}.safetensors" for part in ("", ".fp16"))
    full.touch()
    assert weights_file(tmp_path, TAG) == full
    half.touch()
    assert weights_file(tmp_path, TAG) == half


def test_without_file_and_network_the_reason_names_both(tmp_path: Path):
    with pytest.raises(RivalUnavailable, match=rf"^no network, and no folder holds {TAG}"):
        load(Frozen("Tiny", TAG, "a test"), tmp_path)


def test_damaged_weights_make_it_unavailable(tmp_path: Path):
    (tmp_path / f"{TAG}.safetensors").write_bytes(b"no tensors")
    with pytest.raises(RivalUnavailable, match=r"test_vit.*safetensors"):
        load(Frozen("Tiny", TAG, "a test"), tmp_path)


def test_a_size_is_at_least_a_pixel():
    with pytest.raises(InvalidInput, match="size 0"):
        Frozen("Tiny", TAG, "a test", size=0)


def test_a_host_that_does_not_answer_is_asked_once():
    before = why_unreachable.cache_info().hits
    assert why_unreachable(NOWHERE) == "no network: its weights cannot be fetched"
    assert why_unreachable(NOWHERE) == "no network: its weights cannot be fetched"
    assert why_unreachable.cache_info().hits == before + 1


def test_a_wish_to_stay_offline_is_honoured():
    code = f"from likemark.benchmarks.rivals.hub import *; print(why_unreachable({NOWHERE!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "offline, as HF_HUB_OFFLINE asks\n"


def test_the_hub_is_asked_about_what_is_not_in_its_cache():
    asked: list[str] = []

    def answer(url: str) -> str | None:
        asked.append(url)
        return None

    assert why_not_from_hub("test_vit3.r160_in1k", answer) is None
    assert why_not_from_hub("test_vit3.r160_in1k", unreachable) == "no network"
    assert len(asked) == 1
    assert asked[0].startswith("http")


def test_sscd_runs_from_a_torchscript_file(tmp_path: Path):
    scripted(tmp_path, colour_means())
    encoder = load_sscd(tmp_path, device="cpu")
    assert (encoder.name, encoder.dimension, encoder.embedder.size) == ("SSCD ResNet-50", 3, 288)
    red = np.full((40, 40, 3), (250, 10, 10), np.uint8)
    row = next(encoder.encode([red]))
    expected = (np.array([250, 10, 10]) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert cosine(row, expected) > 0.999


def test_sscd_is_unavailable_without_its_file_or_with_another(tmp_path: Path):
    for folder in (None, tmp_path):
        with pytest.raises(RivalUnavailable, match=f"no folder holds {FILE}"):
            load_sscd(folder, device="cpu")
    (tmp_path / FILE).write_bytes(b"no network")
    with pytest.raises(RivalUnavailable, match="not a TorchScript file"):
        load_sscd(tmp_path, device="cpu")
    scripted(tmp_path, torch.nn.AdaptiveAvgPool2d(1))
    with pytest.raises(RivalUnavailable, match=r"gives \(1, 3, 1, 1\) for one picture"):
        load_sscd(tmp_path, device="cpu")


def test_a_network_that_does_not_run_is_unavailable():
    wrong = torch.nn.Linear(5, 5)
    with pytest.raises(RivalUnavailable, match="Odd: does not run: "):
        foreign_encoder("Odd", wrong, size=32, sha256="0" * 64, licence="MIT", device="cpu")


def test_a_state_hash_tells_values_and_names():
    torch.manual_seed(0)
    first, second = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    assert state_hash(first) != state_hash(second)
    second.load_state_dict(first.state_dict())
    assert state_hash(first) == state_hash(second)
    assert state_hash(torch.nn.Sequential(first)) != state_hash(first)
