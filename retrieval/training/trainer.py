"""A training from its configuration to the weights, in a folder that it can be gone on from."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from likemark.augment.recipe import Recipe
from likemark.db.errors import LikemarkError
from likemark.retrieval.cards import ModelCard
from likemark.retrieval.devices import choose_device
from likemark.retrieval.files import whole_file
from likemark.retrieval.losses.registry import Loss
from likemark.retrieval.network import Input, build_network
from likemark.retrieval.training.alike import find_alike
from likemark.retrieval.training.choices import chosen_loss, chosen_recipe
from likemark.retrieval.training.config import Training
from likemark.retrieval.training.corpus import Corpus, find_photos, read_corpus
from likemark.retrieval.training.export import kept_weights
from likemark.retrieval.training.folder import BEST, LAST, SHAPES, prepare_folder
from likemark.retrieval.training.observers import Facts, Observer, Step, Validated
from likemark.retrieval.training.optimiser import (
    follow,
    make_optimiser,
    rate_at,
    set_rate,
    set_training,
)
from likemark.retrieval.training.patches import dropped_at, let_drop, set_dropped
from likemark.retrieval.training.preview import preview
from likemark.retrieval.training.processes import (
    check_agreed,
    check_shares,
    first_alone,
    joined,
    own_device,
)
from likemark.retrieval.training.sampler import Sampler
from likemark.retrieval.training.start import starting_card, starting_network
from likemark.retrieval.training.state import State
from likemark.retrieval.training.step import Gallery, backward, sum_gradients, unit
from likemark.retrieval.training.survey import survey
from likemark.retrieval.training.validation import HeldOut, Measure
from likemark.retrieval.training.views import Share, Views


@dataclass(frozen=True, slots=True)
class Trained:
    card: ModelCard  # without the weights' hash
    folder: Path
    best: float  # validation mAP
    best_step: int


def train(config: Training, folder: Path, *, measure: Measure, observer: Observer) -> Trained:
    """Train, or go on with what a killed run left in the folder, to the same weights on a CPU.

    measure: validation mAP from queries, gallery and groups
    observer: told only in the process of rank 0
    Raises InvalidInput for settings that cannot be, or that differ from those of the run in the
    folder; NotFound for a missing corpus; ModelError for missing weights.
    """
    loss, recipe = chosen_loss(config.loss), chosen_recipe(config.augment.recipe)
    with joined(config.run.device) as share:
        check_shares(config.batch, share)
        prepare_folder(folder, config)
        run = _Run(config, folder, share, loss, recipe, measure, observer)
        run.to_the_end()
        return Trained(run.card, folder, run.state.best, run.state.best_step)


def load_best(trained: Trained) -> nn.Module:
    """The network with the best weights. Raises what `kept_weights` raises."""
    network = build_network(trained.card)
    network.load_state_dict(kept_weights(trained.folder).weights)
    return network


class _Run:
    def __init__(
        self, config: Training, folder: Path, share: Share, loss: Loss, recipe: Recipe,
        measure: Measure, observer: Observer,
    ) -> None:  # fmt: skip
        self.config, self.folder, self.share = config, folder, share
        self.measure, self.observer = measure, observer
        self._loss, self._recipe = loss, recipe
        self.device = choose_device(own_device(config.run.device))
        self.card = starting_card(config.network, name=folder.resolve().name)
        self._photos = find_photos(config.augment.photos)
        self.training, self.held_out, unreadable = self._data()
        self.sampler = self._sampler()
        self.state = self._state()
        self._prepare = Input(self.card).to(self.device.torch())
        self._unreadable = unreadable

    @property
    def leads(self) -> bool:
        return self.share.rank == 0

    def _data(self) -> tuple[Corpus, HeldOut, tuple[str, ...]]:
        data = self.config.data
        corpus = read_corpus(Path(data.corpus), data.exclude)
        told = self.observer.surveyed if self.leads else lambda done, of: None
        with first_alone(self.share):
            found = survey(corpus, kept=self.folder / SHAPES, told=told)
        held = found.corpus.held(data.validation)
        self._shapes = found.shapes[~held]
        held_out = HeldOut.of(
            found.corpus.only(held), size=self.card.input_size, distractors=data.distractors
        )
        return found.corpus.only(~held), held_out, found.errors

    def _sampler(self) -> Sampler:
        batch, seed = self.config.batch, self.config.run.seed
        first = self.training.originals()
        shapes, groups = self._shapes[first], self.training.groups[first]
        alike = find_alike(shapes, groups) if batch.alike else None
        return Sampler(self.training, batch, alike, seed=seed)

    def _state(self) -> State:
        config, device = self.config, self.device.torch()
        network = starting_network(self.card, config.network, seed=config.run.seed).to(device)
        network = network.to(memory_format=torch.channels_last)
        optimiser = make_optimiser(network, config.optimiser, freeze=config.network.freeze)
        gallery = Gallery.empty(config.batch.gallery, config.network.dimension, device)
        average = copy.deepcopy(network).eval()
        if config.network.patch_drop:
            let_drop(network)
        state = State(network, average, optimiser, gallery)
        if (self.folder / LAST).exists():
            state.load(self.folder / LAST)
        check_agreed(state.step, device, self.folder)
        return state

    def to_the_end(self) -> None:
        self._begin()
        saved = time.monotonic()
        for pixels, groups, waited in self._batches():
            began = time.monotonic() - waited
            self._step(pixels, groups, began, waited)
            done = self.state.step == self.config.run.steps
            if done or self.state.step % self.config.run.validate == 0:
                self._validate()
            if done or time.monotonic() - saved >= self.config.run.checkpoint:
                self._save()
                saved = time.monotonic()
        if self.leads:
            self.observer.ended()

    def _views(self) -> Views:
        return Views(
            self.training, self.sampler, self._recipe, self.card.input_size,
            self.config.run.seed, self.config.augment.plain, self.share, self._photos,
        )  # fmt: skip

    def _batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, float]]:
        config = self.config
        steps = range(self.state.step, config.run.steps)
        loader: Iterable[tuple[torch.Tensor, torch.Tensor]] = DataLoader(
            self._views(), batch_size=None, sampler=steps, num_workers=config.data.workers,
            prefetch_factor=config.data.ahead if config.data.workers else None,
        )  # fmt: skip
        asked = time.monotonic()
        for pixels, groups in loader:
            yield pixels, groups, time.monotonic() - asked
            asked = time.monotonic()

    def _step(
        self, pixels: torch.Tensor, groups: torch.Tensor, began: float, waited: float
    ) -> None:
        config, state, device = self.config, self.state, self.device.torch()
        share = rate_at(state.step, steps=config.run.steps, warmup=config.optimiser.warmup)
        set_rate(state.optimiser, share)
        set_training(state.network)
        if config.network.patch_drop:
            network = config.network
            set_dropped(state.network, dropped_at(
                state.step, steps=config.run.steps, share=network.patch_drop, whole=network.whole
            ))  # fmt: skip
        value = backward(
            self._embedder(state.network), self._loss, pixels.to(device), groups.to(device),
            state.gallery, chunk=config.batch.chunk, seed=config.run.seed * 1_000_003 + state.step,
        )  # fmt: skip
        sum_gradients(state.network)
        norm = float(nn.utils.clip_grad_norm_(state.network.parameters(), config.optimiser.clip))
        if not math.isfinite(norm):  # the weights are still sound: the checkpoint is not reached
            raise LikemarkError(
                f"step {state.step + 1}: the loss is {value:g} and its gradient {norm:g}; "
                "train with a lower optimiser.rate"
            )
        state.optimiser.step()
        state.optimiser.zero_grad(set_to_none=True)
        follow(state.average, state.network, step=state.step, decay=config.optimiser.average)
        state.step += 1
        if self.leads:
            pictures = len(pixels) * self.share.world
            seconds = time.monotonic() - began
            self.observer.stepped(Step(state.step, value, share, norm, pictures, seconds, waited))

    def _embedder(self, network: nn.Module) -> Any:
        def embed(pixels: torch.Tensor) -> torch.Tensor:
            with self.device.precision():
                return unit(network(self._prepare(pixels.to(self.device.torch()))))

        return embed

    def _validate(self) -> None:
        if not self.leads or not self.held_out.queries:
            return
        began = time.monotonic()
        found = self.held_out.measured(self._embedder(self.state.average), self.measure)
        best = found > self.state.best
        if best:
            self.state.best, self.state.best_step = found, self.state.step
            self._keep(self.state.average)
        seconds = time.monotonic() - began
        self.observer.validated(Validated(self.state.step, found, best, seconds))

    def _save(self) -> None:
        if self.leads:
            self.state.save(self.folder / LAST, self.config.to_dict())

    def _keep(self, network: nn.Module) -> None:
        from safetensors.torch import save

        weights = {k: v.contiguous() for k, v in network.state_dict().items()}
        facts = {"step": self.state.step, "best": self.state.best}
        with whole_file(self.folder / BEST) as stream:
            stream.write(save(weights, {"training": json.dumps(facts)}))

    def _begin(self) -> None:
        if not self.leads:
            return
        self.observer.started(self._facts())
        if self.state.step == 0 and self.config.run.validate_first:
            self._validate()

    def _facts(self) -> Facts:
        brands, ideas, singles = self.sampler.counts
        trained = (p.numel() for p in self.state.network.parameters() if p.requires_grad)
        return Facts(
            drawings=len(self.training), brands=brands, ideas=ideas, singles=singles,
            queries=self.held_out.queries, gallery=len(self.held_out.pixels),
            parameters=sum(trained), steps=self.config.run.steps, resumed=self.state.step,
            unreadable=self._unreadable, preview=lambda: preview(self._views()),
        )  # fmt: skip
