from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from timm.models.resnet import Bottleneck, ResNet

from likemark.benchmarks.rivals.keras_resnet import EPSILON, convert, load_keras_resnet
from likemark.benchmarks.rivals.rival import RivalUnavailable
from likemark.benchmarks.rivals.tfjs import Tensors, read_tensors

WIDTH = 4
STAGES = (2, 1, 1, 1)


def tiny_network() -> Any:
    channels = tuple(WIDTH * 2**i for i in range(4))
    block: Any = Bottleneck  # timm's annotation asks for an instance
    return ResNet(block, STAGES, num_classes=0, channels=channels).eval()


def keras_tensors() -> Tensors:
    """As Keras names and lays them out: kernels (H, W, in, out), and a bias each."""
    rng = np.random.default_rng(0)
    tensors: Tensors = {}

    def layer(conv: str, norm: str, size: int, inner: int, outer: int) -> None:
        kernel = rng.normal(0, (size * size * inner) ** -0.5, (size, size, inner, outer))
        tensors[f"{conv}/kernel"] = kernel.astype(np.float32)
        tensors[f"{conv}/bias"] = rng.normal(0, 0.3, outer).astype(np.float32)
        for name in ("beta", "moving_mean"):
            tensors[f"{norm}/{name}"] = rng.normal(0, 0.3, outer).astype(np.float32)
        for name in ("gamma", "moving_variance"):
            tensors[f"{norm}/{name}"] = rng.uniform(0.002, 1, outer).astype(np.float32)

    layer("conv1", "bn_conv1", 7, 3, 64)
    inner = 64
    for stage, blocks in enumerate(STAGES):
        narrow = WIDTH * 2**stage
        for block in range(blocks):
            place = f"{stage + 2}{'abcdef'[block]}_branch"
            layer(f"res{place}2a", f"bn{place}2a", 1, inner, narrow)
            layer(f"res{place}2b", f"bn{place}2b", 3, narrow, narrow)
            layer(f"res{place}2c", f"bn{place}2c", 1, narrow, 4 * narrow)
            if block == 0:
                layer(f"res{place}1", f"bn{place}1", 1, inner, 4 * narrow)
            inner = 4 * narrow
    return tensors


def as_keras_computes(tensors: Tensors, bgr: torch.Tensor) -> torch.Tensor:
    """The published network, layer by layer."""
    w = {key: torch.from_numpy(value) for key, value in tensors.items()}

    def conv(x: torch.Tensor, name: str, norm: str, stride: int = 1, pad: int = 0) -> torch.Tensor:
        kernel = w[f"{name}/kernel"].permute(3, 2, 0, 1)
        x = F.conv2d(x, kernel, w[f"{name}/bias"], stride, pad)
        mean, variance = w[f"{norm}/moving_mean"], w[f"{norm}/moving_variance"]
        gain = w[f"{norm}/gamma"] / torch.sqrt(variance + EPSILON)
        return (x - mean.view(-1, 1, 1)) * gain.view(-1, 1, 1) + w[f"{norm}/beta"].view(-1, 1, 1)

    x = F.pad(F.relu(conv(bgr, "conv1", "bn_conv1", 2, 3)), (1, 1, 1, 1))
    x = F.max_pool2d(x, 3, 2)
    for stage, blocks in enumerate(STAGES):
        for block in range(blocks):
            place = f"{stage + 2}{'abcdef'[block]}_branch"
            stride = 2 if stage and not block else 1
            y = F.relu(conv(x, f"res{place}2a", f"bn{place}2a", stride))
            y = F.relu(conv(y, f"res{place}2b", f"bn{place}2b", 1, 1))
            y = conv(y, f"res{place}2c", f"bn{place}2c")
            short = x if block else conv(x, f"res{place}1", f"bn{place}1", stride)
            x = F.relu(y + short)
    return x.mean((2, 3))


def write_package(path: Path, tensors: Tensors, folder: str = "ResNet50", **changes: Any) -> Path:
    """As `npm pack` does: the model's JSON after its shards, whose borders fall anywhere."""
    data = b"".join(value.astype("<f4").tobytes() for value in tensors.values())
    cut = len(data) // 3 + 1
    shards = {f"group1-shard{i}of3.bin": data[i * cut - cut : i * cut] for i in (1, 2, 3)}
    entries = [
        {"name": name, "shape": list(value.shape), "dtype": "float32", **changes}
        for name, value in tensors.items()
    ]
    model = {"weightsManifest": [{"paths": list(shards), "weights": entries}]}
    files = {**dict(reversed(shards.items())), "model.json": json.dumps(model).encode()}
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def small_tensors() -> Tensors:
    return {
        "a/kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 1, 4),
        "a/scalar": np.array(7, np.float32),
        "b/bias": np.array([-1, 0.5], np.float32),
    }


def test_the_network_computes_what_keras_computes():
    tensors, network = keras_tensors(), tiny_network()
    convert(network, tensors)
    bgr = torch.from_numpy(np.random.default_rng(1).normal(0, 1, (2, 3, 64, 64))).float()
    with torch.inference_mode():
        ours, theirs = network(bgr.flip(1)), as_keras_computes(tensors, bgr)
    assert ours.shape == theirs.shape == (2, 4 * WIDTH * 8)
    assert theirs.std() > 0.01
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def test_a_missing_tensor_is_named():
    tensors = keras_tensors()
    del tensors["res4a_branch2b/bias"]
    with pytest.raises(RivalUnavailable, match=r"not Keras's ResNet-50: res4a_branch2b"):
        convert(tiny_network(), tensors)


def test_a_tensor_of_another_shape_is_refused():
    tensors = keras_tensors()
    tensors["conv1/kernel"] = tensors["conv1/kernel"][:5]
    with pytest.raises(RivalUnavailable, match="not Keras's ResNet-50: conv1"):
        convert(tiny_network(), tensors)


def test_tensors_come_back_with_their_names_and_shapes(tmp_path: Path):
    written = small_tensors()
    read = read_tensors(write_package(tmp_path / "p.tgz", written), "ResNet50")
    assert read.keys() == written.keys()
    for name, value in written.items():
        assert read[name].shape == value.shape
        assert np.array_equal(read[name], value)


@pytest.mark.parametrize("change", [{"dtype": "int32"}, {"quantization": {"dtype": "uint8"}}])
def test_other_kinds_of_numbers_are_refused(tmp_path: Path, change: dict[str, Any]):
    path = write_package(tmp_path / "p.tgz", small_tensors(), **change)
    with pytest.raises(RivalUnavailable, match="only plain float32"):
        read_tensors(path, "ResNet50")


@pytest.mark.parametrize("shape", [[1], [2, 100]])
def test_a_list_that_does_not_fit_its_bytes_is_refused(tmp_path: Path, shape: list[int]):
    path = write_package(tmp_path / "p.tgz", small_tensors(), shape=shape)
    with pytest.raises(RivalUnavailable, match="no layers model in ResNet50/"):
        read_tensors(path, "ResNet50")


def test_a_package_without_the_model_is_refused(tmp_path: Path):
    path = write_package(tmp_path / "p.tgz", small_tensors(), folder="Other")
    with pytest.raises(RivalUnavailable, match=r"no layers model in ResNet50/: KeyError"):
        read_tensors(path, "ResNet50")


def test_a_broken_archive_is_refused_in_one_line(tmp_path: Path):
    whole = write_package(tmp_path / "p.tgz", small_tensors()).read_bytes()
    for name, content in (("cut.tgz", whole[:-60]), ("text.tgz", b"no archive"), ("no.tgz", b"")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(RivalUnavailable, match=name) as caught:
            read_tensors(path, "ResNet50")
        assert "\n" not in str(caught.value)


def test_another_network_in_the_package_is_no_encoder(tmp_path: Path):
    path = write_package(tmp_path / "p.tgz", keras_tensors())
    with pytest.raises(RivalUnavailable, match="not Keras's ResNet-50"):
        load_keras_resnet(path, device="cpu")
