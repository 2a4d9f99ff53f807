from __future__ import annotations

import pytest
import torch

from likemark.retrieval.eight_bits import packed, unpacked


def weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    wide = torch.randn(64, 128, generator=generator) * torch.logspace(-6, 2, 64)[:, None]
    return {
        "wide.weight": wide,
        "conv.weight": torch.randn(32, 16, 3, 3, generator=generator),
        "small.weight": torch.randn(4, 4, generator=generator),
        "bias": torch.randn(5000, generator=generator),
        "nought.weight": torch.zeros(64, 64),
        "batches": torch.tensor(7),
    }


def test_large_tensors_take_a_byte_a_number_and_come_back_nearly() -> None:
    given = weights()
    held = packed(given)
    assert held["wide.weight"].dtype == held["conv.weight"].dtype == torch.int8
    assert held["small.weight"].dtype == held["bias"].dtype == torch.float16
    back = unpacked(held)
    assert back.keys() == given.keys()
    for key in ("wide.weight", "conv.weight", "nought.weight"):
        rows, found = given[key].flatten(1), back[key].flatten(1)
        # Each row by itself, however small it is: half a step of its largest weight's 127.
        assert ((rows - found).abs() <= rows.abs().amax(1, keepdim=True) / 253).all()
        assert back[key].shape == given[key].shape
    assert torch.equal(back["batches"], given["batches"])
    torch.testing.assert_close(back["bias"].float(), given["bias"], rtol=1e-3, atol=1e-3)


def test_what_is_in_no_eight_bits_stays_as_it_is() -> None:
    given = {key: value.half() for key, value in weights().items() if value.is_floating_point()}
    given["a.scale"] = torch.ones(3)
    back = unpacked(given)
    assert back.keys() == given.keys()
    assert all(torch.equal(value, back[key]) for key, value in given.items())


@pytest.mark.parametrize("scale", [None, torch.ones(63), torch.ones(1), torch.tensor(1.0)], ids=str)
def test_numbers_without_a_scale_for_each_row_are_refused(scale: torch.Tensor | None) -> None:
    held = {"wide.weight": packed(weights())["wide.weight"]}
    if scale is not None:
        held["wide.weight.scale"] = scale
    with pytest.raises(ValueError, match=r"wide\.weight has no scale for each of its rows"):
        unpacked(held)
