"""The task of a retrieval model: views of one group near each other, all others away from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import Dataset

from likemark.db.errors import InvalidInput
from likemark.retrieval.cards import ModelCard
from likemark.retrieval.lowrank import let_change, merged
from likemark.retrieval.network import Input, MarkNetwork, build_network
from likemark.retrieval.report.text import counted
from likemark.retrieval.training.alike import find_alike
from likemark.retrieval.training.choices import chosen_loss, chosen_recipe
from likemark.retrieval.training.config import Training
from likemark.retrieval.training.corpus import find_photos, read_corpus
from likemark.retrieval.training.export import kept_weights
from likemark.retrieval.training.folder import SHAPES
from likemark.retrieval.training.observers import Facts
from likemark.retrieval.training.optimiser import depths_of, make_optimiser, set_training
from likemark.retrieval.training.patches import dropped_at, leaves_out, let_drop, set_dropped
from likemark.retrieval.training.preview import preview
from likemark.retrieval.training.processes import check_shares, first_alone
from likemark.retrieval.training.sampler import Sampler
from likemark.retrieval.training.start import starting_card, starting_network
from likemark.retrieval.training.step import Embed, Gallery, backward, unit
from likemark.retrieval.training.survey import survey
from likemark.retrieval.training.task import Batch, Measured, Place, weights_of
from likemark.retrieval.training.validation import HeldOut
from likemark.retrieval.training.views import FINER, Views

# Advanced when the same settings draw other batches, or let a network leave out other things.
_DRAWS = 2


def load_best(config: Training, folder: Path) -> tuple[ModelCard, nn.Module]:
    """The card, without the weights' hash, and the network with a run's best weights.

    Raises what `kept_weights` raises.
    """
    card = starting_card(config.network, name=folder.resolve().name)
    network = build_network(card)
    network.load_state_dict(merged(kept_weights(folder).weights))
    return card, network


class Embedding:
    metric = "mAP"

    def __init__(self, config: Training, place: Place) -> None:
        """Raises NotFound for an unknown loss or a missing corpus, InvalidInput for settings that
        cannot be, ModelError for missing weights."""
        check_shares(config.batch, place.share)
        self._config, self._place = config, place
        self._measure, self._device = place.measure, place.device
        self._loss, recipe = chosen_loss(config.loss), chosen_recipe(config.augment.recipe)
        # Views are never coarser than the drawings that they are made of.
        recipe = replace(recipe, side=max(recipe.side, round(FINER * config.network.size)))
        card = starting_card(config.network, name=place.folder.resolve().name)
        photos = find_photos(config.augment.photos, "augment.photos")
        self._read(card.input_size)
        self._views = Views(
            self._training, self._sampler, recipe, card.input_size, config.run.seed,
            config.augment.plain, place.share, photos, config.augment.found,
        )  # fmt: skip
        device = place.device.torch()
        self.network: MarkNetwork = starting_network(card, config.network, seed=config.run.seed)
        if config.network.rank:
            depths = depths_of(self.network.backbone)
            let_change(
                self.network.backbone, config.network.rank,
                lambda name: depths[name] >= config.network.freeze,
            )  # fmt: skip
        self.network.to(device).to(memory_format=torch.channels_last)
        if config.network.patch_drop:
            let_drop(self.network)
        self._gallery = Gallery.empty(config.batch.gallery, config.network.dimension, device)
        self._input = Input(card).to(device)

    def _read(self, size: int) -> None:
        """The drawings: those to train on, how they are put into batches, those held out."""
        data, batch, place = self._config.data, self._config.batch, self._place
        corpus = read_corpus(Path(data.corpus), data.exclude)
        with first_alone(place.share):
            found = survey(corpus, kept=place.folder / SHAPES, told=place.observer.surveyed)
        held = found.corpus.held(data.validation)
        self._held_out = HeldOut.of(
            found.corpus.only(held), size=size, distractors=data.distractors
        )
        self._training, self._unreadable = found.corpus.only(~held), found.errors
        if not len(self._training):
            left_out = f"{len(found.errors)} cannot be read, {int(held.sum())} are held out"
            raise InvalidInput(f"{data.corpus}: no drawings to train on: {left_out}")
        first = self._training.originals()
        shapes, groups = found.shapes[~held][first], self._training.groups[first]
        self._alike = find_alike(shapes, groups)
        self._sampler = Sampler(self._training, batch, self._alike, seed=self._config.run.seed)

    def optimiser(self) -> torch.optim.Optimizer:
        config = self._config
        return make_optimiser(self.network, config.optimiser, freeze=config.network.freeze)

    def batches(self) -> Dataset[Batch]:
        return self._views

    def prepare(self, network: nn.Module, step: int) -> None:
        set_training(network)
        settings, steps = self._config.network, self._config.run.steps
        if settings.patch_drop:
            share = dropped_at(step, steps=steps, share=settings.patch_drop, whole=settings.whole)
            set_dropped(network, share)

    def backward(self, network: nn.Module, batch: Batch, step: int) -> float:
        pixels, groups = batch
        seed = self._config.run.seed, step, self._place.share.rank
        return backward(
            self._embedder(network), self._loss, pixels, groups, self._gallery,
            chunk=self._config.batch.chunk, seed=seed,
        )  # fmt: skip

    def _embedder(self, network: nn.Module) -> Embed:
        def embed(pixels: torch.Tensor) -> torch.Tensor:
            with self._device.precision():
                return unit(network(self._input(pixels.to(self._device.torch()))))

        return embed

    def pictures(self, batch: Batch) -> int:
        return len(batch[0])

    def measure(self, network: nn.Module) -> Measured | None:
        if self._measure is None or not self._held_out.queries:
            return None
        return Measured(self._held_out.measured(self._embedder(network), self._measure))

    def facts(self, resumed: int) -> Facts:
        brands, ideas, singles = self._sampler.counts
        queries, gallery = self._held_out.queries, len(self._held_out.pixels)
        drawings, parameters = len(self._training), weights_of(self.network)
        said = (
            f"{counted(drawings, 'drawing')} to train on: {counted(brands, 'brand')} "
            f"and {counted(ideas, 'idea')} drawn more than once, {singles:,} once",
            f"validation: {counted(queries, 'query', 'queries')} among "
            f"{counted(gallery, 'drawing')}; {counted(parameters, 'weight')} to train",
        )
        numbers = {
            "drawings": drawings, "brands": brands, "ideas": ideas, "singles": singles,
            "queries": queries, "gallery": gallery,
        }  # fmt: skip
        return Facts(
            self.metric, said, numbers, parameters, self._config.run.steps, resumed,
            unreadable=self._unreadable, preview=lambda: preview(self._views),
        )  # fmt: skip

    def state(self) -> dict[str, torch.Tensor]:
        rows, groups = self._gallery.rows, self._gallery.groups
        return {"gallery.rows": rows, "gallery.groups": groups, "draws": torch.tensor(_DRAWS)}

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        """Raises InvalidInput for a run that drew otherwise before: its weights would be others."""
        if int(state.get("draws", 1)) != _DRAWS and self._drew_otherwise():
            raise InvalidInput(
                f"{self._place.folder} holds a run of a likemark that drew batches, or what the "
                "network leaves out, otherwise; give another folder, or end it with the likemark "
                "that began it"
            )
        device = self._device.torch()
        self._gallery.rows = state["gallery.rows"].to(device)
        self._gallery.groups = state["gallery.groups"].to(device)

    def _drew_otherwise(self) -> bool:
        """Whether these settings drew otherwise before `_DRAWS` was 2.

        Where no look-alikes were asked for, a batch could show one drawing under two names.
        """
        barred = not self._config.batch.alike and any(self._alike.same)
        return barred or leaves_out(self.network)
