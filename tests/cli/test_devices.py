"""What `--device` accepts on machines with and without GPUs."""

from __future__ import annotations

import pytest

from likemark.db.errors import InvalidInput
from likemark.retrieval.devices import device_name

GPUS = {"cuda": 2, "mps": 0, "cpu": 1}
MAC = {"cuda": 0, "mps": 1, "cpu": 1}
BARE = {"cuda": 0, "mps": 0, "cpu": 1}


def test_auto_is_the_best_device_there_is() -> None:
    assert [device_name("auto", there) for there in (GPUS, MAC, BARE)] == ["cuda:0", "mps", "cpu"]


def test_a_gpu_may_be_named_by_its_number() -> None:
    assert device_name("cuda", GPUS) == "cuda:0"
    assert device_name("cuda:1", GPUS) == "cuda:1"


@pytest.mark.parametrize("setting", ["cuda:2", "cuda:-1", "cuda:x", "cuda:", "cpu:0", "mps", ""])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(setting: str) -> None:
    with pytest.raises(InvalidInput, match=r"there are: auto, cuda:0, cuda:1, cpu$"):
        device_name(setting, GPUS)


@pytest.mark.parametrize("setting", ["cpu:7", "mps:0", "cuda"])
def test_only_gpus_have_numbers(setting: str) -> None:
    with pytest.raises(InvalidInput, match=r"there are: auto, mps, cpu$"):
        device_name(setting, MAC)
