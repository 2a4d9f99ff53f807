from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import timm
from support.corpus import draw_mark

from likemark.benchmarks.rivals import keras_resnet, sscd
from likemark.benchmarks.rivals.frozen import FROZEN, RESNET50
from likemark.benchmarks.rivals.hashes import phash
from likemark.benchmarks.rivals.pool import worked
from likemark.benchmarks.rivals.registry import rivals
from likemark.benchmarks.rivals.rival import Rival, RivalUnavailable
from likemark.benchmarks.rivals.scorer import Scorer
from likemark.db.errors import InvalidInput, LikemarkError, NotFound
from likemark.retrieval.devices import cores

NAMES = (
    "likemark-vit-s14-small",
    "likemark-vit-s14-photos",
    "pHash (64 bit)",
    "dHash (64 bit)",
    "HOG (64 px)",
    "ORB + RANSAC",
    "imagededup CNN",
    "EfficientNet-Lite0, ImageNet",
    "EfficientNet-Lite2, ImageNet",
    "TinyViT-5M, ImageNet-22k",
    "DINOv2 ViT-S/14, 224 px",
    "DINOv2 ViT-S/14, 126 px",
    "CLIP ViT-B/16",
    "SigLIP ViT-B/16",
    "ResNet-50, ImageNet",
    "SSCD ResNet-50",
)


def unreachable(url: str) -> str:
    return "no network"


@pytest.fixture
def no_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has fetched nothing yet."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def test_every_rival_stands_in_the_list_once_by_name():
    assert tuple(rival.name for rival in rivals(None, unreachable=unreachable)) == NAMES


def test_what_a_rival_loads_has_its_name_and_kind():
    for rival in rivals(None, unreachable=unreachable)[:5]:
        loaded = rival.load()
        assert loaded.name == rival.name
        assert len(loaded.fingerprint) == 64
        assert isinstance(loaded, Scorer) == (rival.kind == "scores")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning")
def test_without_network_and_files_each_is_there_with_its_reason(no_caches: None, tmp_path: Path):
    reasons = {}
    for rival in rivals(tmp_path, unreachable=unreachable):
        if rival.name not in NAMES[:6]:
            with pytest.raises(RivalUnavailable) as caught:
                rival.load()
            reasons[rival.name] = str(caught.value)
    assert tuple(reasons) == NAMES[6:]
    assert all(reason and "\n" not in reason for reason in reasons.values())
    assert "imagededup" in reasons["imagededup CNN"] or "cache" in reasons["imagededup CNN"]
    assert reasons["CLIP ViT-B/16"].startswith("no network, and no folder holds vit_base_patch16")
    assert sscd.FILE in reasons["SSCD ResNet-50"]


def test_the_keras_weights_stand_in_for_timms_where_the_folder_has_them(tmp_path: Path):
    def resnet(folder: Path | None) -> Rival:
        return next(r for r in rivals(folder, unreachable=unreachable) if r.name == RESNET50.name)

    assert RESNET50.tag in resnet(tmp_path).about
    (tmp_path / keras_resnet.FILE).write_bytes(b"no package")
    assert resnet(tmp_path).about == keras_resnet.ABOUT
    with pytest.raises(RivalUnavailable, match=keras_resnet.FILE):
        resnet(tmp_path).load()


def test_a_weights_folder_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(NotFound, match="no such folder"):
        rivals(tmp_path / "nowhere")


@pytest.mark.parametrize("frozen", [*FROZEN, RESNET50], ids=lambda frozen: frozen.name)
def test_timm_knows_every_tag_and_the_size_fits(frozen):
    config = timm.get_pretrained_cfg(frozen.backbone or frozen.tag)
    assert config is not None
    assert config.hf_hub_id == f"timm/{frozen.tag}"
    assert frozen.size is None or frozen.size % 14 == 0
    shown = frozen.size or config.input_size[-1]
    assert f"{shown} px" in frozen.about


@pytest.mark.parametrize(
    ("name", "kind", "about"),
    [
        ("x", "vector", "a"),
        ("", "vectors", "a"),
        ("x", "scores", "two\nlines"),
        ("x", "scores", ""),
    ],
)
def test_a_rival_is_checked(name: str, kind: str, about: str):
    with pytest.raises(InvalidInput, match="rival"):
        Rival(name, kind, about, phash)  # type: ignore[arg-type]


def test_unavailable_is_an_error_of_likemark_that_fails():
    assert issubclass(RivalUnavailable, LikemarkError)
    assert RivalUnavailable("x").exit_code == 1


def test_work_comes_back_in_order_however_long_each_takes():
    def slow_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number * number

    assert list(worked(slow_first, range(50))) == [n * n for n in range(50)]


def test_work_reads_only_a_little_ahead():
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10_000):
            taken.append(number)
            yield number

    results = worked(str, items())
    assert [next(results) for _ in range(3)] == ["0", "1", "2"]
    results.close()
    assert len(taken) <= 8 * cores() + 4


def test_an_error_of_the_work_reaches_the_caller():
    def fails(number: int) -> float:
        return 1 / (number - 2)

    results = worked(fails, range(5))
    with pytest.raises(ZeroDivisionError):
        list(results)


def test_encoders_take_a_stream_of_pictures():
    stream = (np.asarray(draw_mark(number)) for number in range(5))
    assert sum(1 for _ in phash().encode(stream)) == 5
