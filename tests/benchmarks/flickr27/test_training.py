from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from likemark.benchmarks.flickr27.linear import HeadRecipe, Scale, train_head
from likemark.benchmarks.flickr27.training import Curve, Examples, answer, fit, seeded
from likemark.db.errors import InvalidInput

D = 6


def blobs(count: int, seed: int, spread: float = 0.4) -> Examples:
    """Unit rows round three axes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    rows = np.eye(3, D)[labels] + spread * rng.standard_normal((count, D))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Examples(rows.astype(np.float32), labels)


def head(**settings: int | float):
    recipe = HeadRecipe(**{"epochs": 12, **settings})  # type: ignore[arg-type]
    return train_head(blobs(90, 0), blobs(60, 1), 3, recipe=recipe)


def test_a_head_learns_and_its_curve_ends_where_it_answers():
    trained = head()
    validation = blobs(60, 1)
    curve = trained.curve
    assert len(curve.train_loss) == len(curve.validation_accuracy) == 12
    assert curve.train_loss[-1] < curve.train_loss[0] < np.log(3)
    right = trained.answer(validation.inputs).brands == validation.labels
    assert curve.validation_accuracy[-1] == right.mean() > 0.9


def test_a_head_settles_where_logistic_regression_does():
    training, validation = blobs(90, 0, 0.8), blobs(600, 1, 0.8)
    recipe = HeadRecipe(epochs=300, batch=90, rate=0.02, decay=0.0)
    trained = train_head(training, validation, 3, recipe=recipe)
    model = LogisticRegression(C=1e6, max_iter=5000)
    model.fit(trained.scale.apply(training.inputs), training.labels)
    chances = model.predict_log_proba(trained.scale.apply(validation.inputs))
    answers = trained.answer(validation.inputs)
    assert (answers.brands == chances.argmax(axis=1)).mean() > 0.99
    np.testing.assert_allclose(answers.confidences, chances.max(axis=1), atol=0.05)


def test_the_same_seed_trains_the_same_head_and_another_one_another():
    same = [head().curve, head().curve]
    assert same[0] == same[1]
    other = train_head(blobs(90, 0), blobs(60, 1), 3, seed=1, recipe=HeadRecipe(epochs=12))
    assert other.curve != same[0]


def test_validation_examples_are_measured_but_not_learnt_from():
    plain = head()
    wrong = Examples(blobs(60, 1).inputs, np.zeros(60, np.int64))
    other = train_head(blobs(90, 0), wrong, 3, recipe=HeadRecipe(epochs=12))
    assert other.curve.train_loss == plain.curve.train_loss
    assert other.curve.validation_loss != plain.curve.validation_loss


def test_a_brand_without_examples_is_never_the_answer():
    trained = train_head(blobs(90, 0), blobs(60, 1), 5)
    assert set(trained.answer(blobs(60, 2).inputs).brands.tolist()) == {0, 1, 2}


def test_a_scale_centres_rows_and_keeps_their_proportions():
    rows = blobs(90, 0).inputs
    scaled = Scale.of(rows).apply(rows)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    assert scaled.std(axis=0).mean() == pytest.approx(1, abs=1e-4)
    before, after = (
        np.linalg.norm(r[0] - r[1]) / np.linalg.norm(r[2] - r[3]) for r in (rows, scaled)
    )
    assert after == pytest.approx(before, rel=1e-4)


def test_rows_that_are_all_alike_are_not_divided_by_nothing():
    rows = np.ones((4, D), np.float32)
    assert np.array_equal(Scale.of(rows).apply(rows), np.zeros((4, D)))


def test_the_curve_is_of_cross_entropy_and_accuracy():
    network = torch.nn.Linear(D, 3)
    examples, other = blobs(30, 0), blobs(12, 1)
    still = torch.optim.SGD(network.parameters(), lr=0.0)
    curve = fit(network, still, examples, other, epochs=2, batch=7, seed=0)
    logits = network(torch.from_numpy(other.inputs))
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(other.labels))
    assert curve.validation_loss == pytest.approx([loss.item()] * 2, rel=1e-5)
    right = logits.argmax(1).numpy() == other.labels
    assert curve.validation_accuracy == (right.mean(),) * 2


def test_every_example_is_seen_once_an_epoch_in_a_new_order():
    seen: list[float] = []

    class Spy(torch.nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            if self.training:
                seen.extend(input[:, 0].tolist())
            return super().forward(input)

    examples = Examples(np.arange(10, dtype=np.float32)[:, None], np.zeros(10, np.int64))
    network = Spy(1, 2)
    still = torch.optim.SGD(network.parameters(), lr=0.0)
    fit(network, still, examples, examples, epochs=2, batch=4, seed=0)
    first, second = seen[:10], seen[10:]
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_dropout_is_off_in_what_is_measured_and_answered():
    network = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(D, 3))
    network.train()
    inputs = blobs(30, 0).inputs
    first, second = answer(network, inputs), answer(network, inputs)
    assert np.array_equal(first.confidences, second.confidences)


def test_the_confidence_is_a_log_probability_that_does_not_saturate():
    network = torch.nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[1.0], [-1.0]]))
    answers = answer(network, np.array([[0.0], [12.0], [15.0]], np.float32))
    assert answers.confidences[0] == pytest.approx(np.log(0.5))
    assert answers.confidences[1] < answers.confidences[2] < 0


def test_seeding_leaves_torchs_state_as_it_was():
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    with seeded(5):
        first = torch.rand(3)
        assert torch.get_num_threads() == 1
    with seeded(5):
        assert torch.equal(torch.rand(3), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_examples_and_curves_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInput, match="2 inputs with 3 labels"):
        Examples(np.zeros((2, D), np.float32), np.zeros(3, np.int64))
    with pytest.raises(InvalidInput, match="0 inputs with 0 labels"):
        Examples(np.zeros((0, D), np.float32), np.zeros(0, np.int64))
    with pytest.raises(InvalidInput, match="four figures for each"):
        Curve((1.0,), (1.0,), (1.0,), ())


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch": 0}, {"rate": 0.0}, {"decay": -1.0}])
def test_a_recipe_that_cannot_train_is_refused(wrong: dict[str, float]):
    with pytest.raises(InvalidInput, match="above 0, decay 0 or more"):
        HeadRecipe(**wrong)  # type: ignore[arg-type]
