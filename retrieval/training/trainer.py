"""A training from its configuration to the weights, in a folder that it can be gone on from."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import nn
from torch.utils.data import DataLoader

from likemark.db.errors import LikemarkError
from likemark.retrieval.devices import choose_device
from likemark.retrieval.files import whole_file
from likemark.retrieval.training.fetching import Fetched, Fetching
from likemark.retrieval.training.folder import BEST, LAST, keep_settings, prepare_folder
from likemark.retrieval.training.observers import Observer, Quiet, Step, Validated
from likemark.retrieval.training.optimiser import follow, rate_at, set_rate
from likemark.retrieval.training.processes import check_agreed, joined, own_device
from likemark.retrieval.training.state import State
from likemark.retrieval.training.step import sum_gradients
from likemark.retrieval.training.task import Place, Settings
from likemark.retrieval.training.tasks import made_task, written
from likemark.retrieval.training.validation import Measure


@dataclass(frozen=True, slots=True)
class Trained:
    folder: Path
    metric: str  # of the validation
    best: float  # in that metric; -1: never validated
    best_step: int


def train(
    config: Settings, folder: Path, *, measure: Measure | None = None, observer: Observer
) -> Trained:
    """Train, or go on with what a killed run left in the folder, to the same weights on a CPU.

    measure: validation mAP from queries, gallery and groups, of a retrieval model; None: it is not
        validated
    observer: told only in the process of rank 0
    Raises InvalidInput for settings that cannot be, or that differ from those of the run in the
    folder; NotFound for a missing corpus; ModelError for missing weights; LikemarkError for a
    batch that cannot be made, or a loss that is no number.
    """
    with joined(config.run.device) as share:
        prepare_folder(folder, config)
        device = choose_device(own_device(config.run.device))
        heard = Quiet() if share.rank else observer
        run = _Run(config, Place(folder, share, device, heard, measure))
        keep_settings(folder, config)
        run.to_the_end()
        return Trained(folder, run.task.metric, run.state.best, run.state.best_step)


class _Run:
    def __init__(self, config: Settings, place: Place) -> None:
        self.config, self.place, self.observer = config, place, place.observer
        self.device = place.device.torch()
        self.task = made_task(config, place)
        self.state = State.of(self.task)
        if (place.folder / LAST).exists():
            self.state.load(place.folder / LAST)
        check_agreed(self.state.step, self.device, place.folder)
        self._told: set[str] = set()  # lines about lost pictures

    @property
    def leads(self) -> bool:
        return self.place.share.rank == 0

    def to_the_end(self) -> None:
        self._begin()
        saved = time.monotonic()
        for fetched, waited in self._batches():
            began = time.monotonic() - waited
            self._step(fetched, began, waited)
            done = self.state.step == self.config.run.steps
            if done or self.state.step % self.config.run.validate == 0:
                self._validate()
            if done or time.monotonic() - saved >= self.config.run.checkpoint:
                self._save()
                saved = time.monotonic()
        self.observer.ended()

    def _begin(self) -> None:
        if not self.leads:
            return
        self.observer.started(self.task.facts(self.state.step))
        if self.state.step == 0 and self.config.run.validate_first:
            self._validate()

    def _batches(self) -> Iterator[tuple[Fetched, float]]:
        """Each batch, and the seconds that it was waited for."""
        data = self.config.data
        steps = range(self.state.step, self.config.run.steps)
        loader: Iterable[Fetched] = DataLoader(
            Fetching(self.task.batches()), batch_size=None, sampler=steps, num_workers=data.workers,
            prefetch_factor=data.ahead if data.workers else None,
        )  # fmt: skip
        asked = time.monotonic()
        for fetched in loader:
            if fetched.error:
                raise LikemarkError(fetched.error)
            yield fetched, time.monotonic() - asked
            asked = time.monotonic()

    def _step(self, fetched: Fetched, began: float, waited: float) -> None:
        config, state, network = self.config, self.state, self.task.network
        share = rate_at(state.step, steps=config.run.steps, warmup=config.optimiser.warmup)
        set_rate(state.optimiser, share)
        self.task.prepare(network, state.step)
        moved = tuple(part.to(self.device) for part in fetched.batch)
        value = self.task.backward(network, moved, state.step)
        sum_gradients(network)
        norm = float(nn.utils.clip_grad_norm_(network.parameters(), config.optimiser.clip))
        if not math.isfinite(norm):  # the weights are still sound: the checkpoint is not reached
            raise LikemarkError(
                f"step {state.step + 1}: the loss is {value:g} and its gradient {norm:g}; "
                "train with a lower optimiser.rate"
            )
        state.optimiser.step()
        state.optimiser.zero_grad(set_to_none=True)
        follow(state.average, network, step=state.step, decay=config.optimiser.average)
        state.step += 1
        pictures = self.task.pictures(fetched.batch) * self.place.share.world
        seconds = time.monotonic() - began
        lost = self._new(fetched.lost)
        self.observer.stepped(Step(state.step, value, share, norm, pictures, seconds, waited, lost))

    def _new(self, lines: tuple[str, ...]) -> tuple[str, ...]:
        """Those that were not told before."""
        new = tuple(line for line in dict.fromkeys(lines) if line not in self._told)
        self._told.update(new)
        return new

    def _validate(self) -> None:
        if not self.leads:
            return
        began = time.monotonic()
        # Some backbones (timm's TinyViT) keep what they derive from their weights until then.
        self.state.average.train().eval()
        found = self.task.measure(self.state.average)
        if found is None:
            return
        best = found.value > self.state.best
        if best:
            self.state.best, self.state.best_step = found.value, self.state.step
            self._keep(self.state.average)
        seconds = time.monotonic() - began
        self.observer.validated(Validated(self.state.step, found.value, best, seconds, found.more))

    def _save(self) -> None:
        if self.leads:
            self.state.save(self.place.folder / LAST, written(self.config))

    def _keep(self, network: nn.Module) -> None:
        from safetensors.torch import save

        weights = {k: v.contiguous() for k, v in network.state_dict().items()}
        facts = {"step": self.state.step, "best": self.state.best}
        with whole_file(self.place.folder / BEST) as stream:
            stream.write(save(weights, {"training": json.dumps(facts)}))
