from __future__ import annotations

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from likemark.retrieval.oneshot.training.judged import Judged
from likemark.retrieval.oneshot.training.loss import PEAK, dice, mask_loss, peak
from likemark.retrieval.oneshot.training.sampling import ANY


def asked() -> tuple[torch.Tensor, torch.Tensor]:
    """Logits that say yes to every question, and the truth: yes to the first of two."""
    target = torch.zeros(2, 16, 16)
    target[0, 4:10, 4:10] = 1
    return target[:1].repeat(2, 1, 1) * 12 - 6, target


def test_a_network_that_ignores_its_query_pays_for_every_wrong_one() -> None:
    logits, target = asked()
    right = mask_loss(torch.stack([logits[0], torch.full((16, 16), -6.0)]), target)
    ignoring = mask_loss(logits, target)
    assert float(right) < 0.1
    assert float(ignoring) > 20 * float(right)


def test_a_small_false_place_costs_more_than_its_share_of_the_px() -> None:
    target = torch.zeros(1, 64, 64)
    quiet = torch.full((1, 64, 64), -6.0)
    false = quiet.clone()
    false[0, :4, :3] = 6.0
    pixels = binary_cross_entropy_with_logits(false, target)
    assert float(mask_loss(false, target)) > 50 * float(pixels)
    assert float(mask_loss(quiet, target)) < 0.01


def test_places_at_the_edge_of_a_mark_are_no_false_ones() -> None:
    target = torch.zeros(1, 64, 64)
    target[0, 24:40, 24:40] = 1
    found = target * 12 - 6
    edge, far = found.clone(), found.clone()
    edge[0, 24:40, 40] = 6.0
    far[0, 24:40, 50] = 6.0
    assert float(mask_loss(edge, target)) < 0.2
    assert float(mask_loss(far, target)) > 10 * float(mask_loss(edge, target))


def test_the_gradient_is_that_of_the_loss() -> None:
    generator = torch.Generator().manual_seed(0)
    target = (torch.rand(3, 6, 6, generator=generator) > 0.7).double()
    target[2] = 0
    logits = torch.randn(3, 6, 6, generator=generator, dtype=torch.double, requires_grad=True)
    # In float64 the loss is float32 inside: its steps must be larger than that rounds.
    assert torch.autograd.gradcheck(
        lambda x: mask_loss(x, target), (logits,), eps=1e-2, atol=2e-2, rtol=5e-2
    )


def test_a_batch_without_a_right_question_has_a_finite_loss() -> None:
    logits = torch.randn(4, 8, 8)
    assert torch.isfinite(mask_loss(logits, torch.zeros(4, 8, 8)))


def test_the_peak_is_the_mean_of_the_surest_places() -> None:
    flat = torch.arange(100.0).repeat(2, 1)
    assert peak(flat).tolist() == pytest.approx([100 - (PEAK + 1) / 2] * 2)
    few = torch.zeros(2, 100, dtype=torch.bool)
    few[:, 97:] = True
    masked = flat.masked_fill(~few, -1e4)
    assert peak(masked, few).tolist() == pytest.approx([98.0, 98.0])


def test_dice_is_nought_for_the_mask_itself() -> None:
    wanted = torch.zeros(1, 100)
    wanted[0, 30:60] = 1
    assert float(dice(wanted * 60 - 30, wanted)) == pytest.approx(0, abs=1e-4)
    assert float(dice(30 - wanted * 60, wanted)) > 0.95


def test_answers_are_judged_by_scene_and_query() -> None:
    target = torch.zeros(4, 8, 8, dtype=torch.uint8)
    target[0, 2:6, 2:6] = 255
    target[3, 2:6, 2:6] = 255
    logits = torch.full((4, 8, 8), -3.0)
    logits[0, 2:6, 2:6] = 3  # right, and whole
    logits[1, 0, :6] = 1  # wrong, a false mask
    logits[3, 2:6, 2:4] = 3  # any mark: half of it
    judged = Judged()
    judged.add(logits, torch.tensor([[0, 0], [0, 1], [0, 2], [0, ANY]]), target)
    value, more = judged.measured()
    assert value == 1.0
    assert more["no false mask"] == 0.5
    assert more["swap AUROC"] == 1.0
    assert more["any mark IoU"] == 0.5
    assert more["false masks at recall 0.7"] == 0.0


def test_a_network_that_answers_all_queries_alike_has_a_swap_auroc_of_one_half() -> None:
    logits = torch.zeros(3, 4, 4)
    target = torch.zeros(3, 4, 4, dtype=torch.uint8)
    target[0] = 255
    judged = Judged()
    judged.add(logits, torch.tensor([[0, 0], [0, 1], [0, 2]]), target)
    assert judged.measured()[1]["swap AUROC"] == 0.5
